//! Connections to the upstreams of one service.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use countersign_model::PublishedService;
use http::Request;
use http::Response;
use http::Uri;
use http::response;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tower::Service;

use super::failure::Failure;
use super::lane;
use super::lane::Lane;
use super::pool::Target;
use super::upload::Upload;

/// How one service reaches its upstreams.
pub(super) enum Connections {
    /// HTTP/1.1: connections are kept with their upstream (`lane.rs`).
    Lanes(Connector),
    /// HTTP/2: one connection for all calls of an upstream. It follows no redirect and adds no
    /// header.
    Shared(Box<Client<Connector, Upload>>),
}

/// Connects, with TLS where the upstream wants it.
pub(super) type Connector = InTime<HttpsConnector<HttpConnector>>;

/// A connection as such.
pub(super) type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Why there can be no connections.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionsError {
    /// The file of certificates.
    #[error("`upstream_ca_file`: cannot read certificates from `{}`: {error}", .path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: String,
    },
    /// TLS as such.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Prepares connections to the upstreams of `service`; connects to nobody yet.
pub(super) fn connections(service: &PublishedService) -> Result<Connections, ConnectionsError> {
    let connect_timeout = Duration::from_millis(service.connect_timeout_ms);
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(connect_timeout));
    let https = HttpsConnectorBuilder::new()
        .with_tls_config(tls(service)?)
        .https_or_http();
    let https = match service.http2_upstream {
        true => https.enable_http2().wrap_connector(http),
        false => https.enable_http1().wrap_connector(http),
    };
    let connector = InTime {
        connector: https,
        time: connect_timeout,
    };
    Ok(match service.http2_upstream {
        true => Connections::Shared(Box::new(shared(connector, connect_timeout))),
        false => Connections::Lanes(connector),
    })
}

fn shared(connector: Connector, connect_timeout: Duration) -> Client<Connector, Upload> {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(KEEP_IDLE)
        .http2_only(true)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(connect_timeout)
        .http2_adaptive_window(true)
        .set_host(false)
        .build(connector)
}

/// An answer whose body may still be on its way.
pub(super) struct Answer {
    pub(super) head: response::Parts,
    pub(super) body: Incoming,
    /// What the body comes through, if it does not come by itself.
    pub(super) lane: Option<Box<Lane>>,
}

impl Connections {
    /// Sends a request and waits for the head of its answer; where somebody says `within` which
    /// time, no longer.
    pub(super) async fn ask(
        &self,
        target: &Target,
        request: Request<Upload>,
        within: Option<Duration>,
    ) -> Result<Answer, Failure> {
        let (answer, lane) = match self {
            Self::Lanes(connector) => {
                let due = within.map(|within| Instant::now() + within);
                let (answer, lane) = lane::ask(connector, target, request, due).await?;
                (answer, Some(lane))
            }
            Self::Shared(client) => (shared_ask(client, target, request, within).await?, None),
        };
        let (head, body) = answer.into_parts();
        Ok(Answer { head, body, lane })
    }
}

async fn shared_ask(
    client: &Client<Connector, Upload>,
    target: &Target,
    request: Request<Upload>,
    within: Option<Duration>,
) -> Result<Response<Incoming>, Failure> {
    let answer = client.request(request);
    let answer = match within {
        Some(within) => tokio::time::timeout(within, answer).await.ok(),
        None => Some(answer.await),
    };
    let answer = answer.ok_or_else(|| Failure::TooSlow(target.origin().to_owned()))?;
    answer.map_err(|error| match error.is_connect() {
        true => Failure::unreachable(target.origin(), &error),
        false => Failure::broken(target.origin(), &error),
    })
}

/// Whether the gateway could connect to the upstreams of `service`: the files that it names are
/// there and hold what they should. Connects to nobody.
///
/// # Errors
/// The key, the file and what is wrong with it.
pub fn check(service: &PublishedService) -> Result<(), ConnectionsError> {
    tls(service).map(drop)
}

fn tls(service: &PublishedService) -> Result<ClientConfig, ConnectionsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let no_https = service.upstreams.iter().all(|upstream| !upstream.is_tls());
    let builder = match &service.upstream_ca_file {
        // Reading the system's certificates takes a while, and nobody would be shown any.
        None if no_https => builder.with_root_certificates(RootCertStore::empty()),
        None => builder.with_platform_verifier()?,
        Some(path) => builder.with_root_certificates(authorities(path)?),
    };
    Ok(builder.with_no_client_auth())
}

fn authorities(path: &PathBuf) -> Result<RootCertStore, ConnectionsError> {
    let unusable = |error: String| ConnectionsError::Authorities {
        path: path.clone(),
        error,
    };
    let mut store = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        let added = store.add(certificate);
        added.map_err(|error| unusable(error.to_string()))?;
    }
    match store.is_empty() {
        true => Err(unusable("it holds no certificate".to_owned())),
        false => Ok(store),
    }
}

/// A connector whose every step together, name and TLS included, has one time limit.
#[derive(Clone)]
pub(super) struct InTime<C> {
    connector: C,
    time: Duration,
}

impl<C> Service<Uri> for InTime<C>
where
    C: Service<Uri, Future: Send + 'static>,
    C::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = C::Response;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connected = tokio::time::timeout(self.time, self.connector.call(uri));
        Box::pin(async move {
            match connected.await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_elapsed) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        })
    }
}

/// Shorter than servers keep idle connections, so that few are found closed.
pub(super) const KEEP_IDLE: Duration = Duration::from_secs(30);
/// A dead HTTP/2 connection would hold all calls of its upstream.
const PING: Duration = Duration::from_secs(10);
