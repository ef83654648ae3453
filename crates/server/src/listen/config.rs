//! What an operator can say about a listener.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use tokio::net::TcpListener;

use super::Bound;
use super::Certificates;
use super::TlsError;
use super::TlsFiles;
use crate::kit::client_ip::TrustedProxies;
use crate::kit::limit::RequestLimits;

/// One address to serve on.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listener {
    /// Where to listen. Port 0 takes a free one. Default `127.0.0.1:8080`.
    pub address: SocketAddr,
    /// Certificate and key; without them the listener speaks plain HTTP. Default none.
    pub tls: Option<TlsFiles>,
    /// Allows plain HTTP where other machines can reach it: secrets and tokens then cross the
    /// network readable, unless something in front ends TLS. Default false. Source: HTP-07.
    pub danger_plain_http_on_public_address: bool,
    /// Proxies whose `X-Forwarded-For` is believed; they are also free of the limit per source.
    /// Networks like `10.0.0.0/8`. Default none.
    pub trusted_proxies: TrustedProxies,
    /// Open connections in all; further ones wait in the system's queue. Default 8192. The limit
    /// on open files must be higher.
    pub max_connections: usize,
    /// Open connections per IPv4 address or IPv6 /64 network; further ones are closed at once.
    /// Default 512.
    pub max_connections_per_source: usize,
    /// From accept, through the TLS handshake, to the first complete head of a request.
    /// Default 10.
    pub first_request_timeout_seconds: u64,
    /// From the first byte of a later head to its last. HTTP/1 only. Default 10.
    pub header_timeout_seconds: u64,
    /// Between requests. Default 75.
    pub idle_timeout_seconds: u64,
    /// Requests at once on one HTTP/2 connection. Default 100.
    pub h2_max_concurrent_streams: u32,
    /// Streams reset by the peer and not yet forgotten, before the connection is ended as a
    /// flood (CVE-2023-44487). Default 20.
    pub h2_max_pending_resets: usize,
    /// Streams that we had to reset because of the peer's errors, before the connection is ended
    /// (RUSTSEC-2024-0003). Default 128.
    pub h2_max_error_resets: usize,
    /// From the signal to stop, with readiness off, to the end of accepting: the time a load
    /// balancer needs to notice. Default 0.
    pub drain_delay_seconds: u64,
    /// From the end of accepting to the end of what is still in flight. Default 30.
    pub drain_timeout_seconds: u64,
    /// Limits of each request.
    pub requests: RequestLimits,
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls: None,
            danger_plain_http_on_public_address: false,
            trusted_proxies: TrustedProxies::default(),
            max_connections: 8192,
            max_connections_per_source: 512,
            first_request_timeout_seconds: 10,
            header_timeout_seconds: 10,
            idle_timeout_seconds: 75,
            h2_max_concurrent_streams: 100,
            h2_max_pending_resets: 20,
            h2_max_error_resets: 128,
            drain_delay_seconds: 0,
            drain_timeout_seconds: 30,
            requests: RequestLimits::default(),
        }
    }
}

impl Listener {
    /// Checks what can be checked without opening a port, then opens it. Nobody is answered
    /// before [`Bound::serve`].
    ///
    /// # Errors
    /// [`BindError`] says what to change.
    pub async fn bind(self) -> Result<Bound, BindError> {
        let certificates = self.check()?;
        let address = self.address;
        let socket = TcpListener::bind(address)
            .await
            .map_err(|error| BindError::Address { address, error })?;
        Bound::new(self, socket, certificates)
    }

    /// Everything [`Self::bind`] checks before it opens the port (REL-46).
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub fn check(&self) -> Result<Option<Arc<Certificates>>, BindError> {
        let allowed = self.danger_plain_http_on_public_address || self.address.ip().is_loopback();
        match &self.tls {
            Some(files) => Ok(Some(Arc::new(Certificates::load(files.clone())?))),
            None if allowed => Ok(None),
            None => Err(BindError::PlainPublic(self.address)),
        }
    }

    pub(super) fn drain_delay(&self) -> Duration {
        Duration::from_secs(self.drain_delay_seconds)
    }

    pub(super) fn drain_timeout(&self) -> Duration {
        Duration::from_secs(self.drain_timeout_seconds)
    }
}

/// Why a listener was not opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// HTTP-07.
    #[error(
        "plain HTTP on {0} would let the network read secrets and tokens: set `tls.certificate` \
         and `tls.key`, or listen on a loopback address behind a proxy that ends TLS, or, if the \
         network between is trusted, set `danger_plain_http_on_public_address = true`"
    )]
    PlainPublic(SocketAddr),
    /// Certificate or key.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The system refused the address.
    #[error("cannot listen on {address}: {error}; is the port taken, or reserved to root?")]
    Address {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        error: io::Error,
    },
    /// The system does not tell the address.
    #[error("cannot read the address of the open port: {0}")]
    Unnamed(#[source] io::Error),
}
