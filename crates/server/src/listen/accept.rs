//! Accepting, within the caps, until told to stop; then draining (REL-35, REL-40).

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::BindError;
use super::Certificates;
use super::Face;
use super::Listener;
use super::aside::Aside;
use super::connection::Host;
use super::sources::Place;
use super::sources::Sources;
use crate::metrics::CONNECTIONS;
use crate::metrics::CONNECTIONS_ENDED;
use crate::metrics::InFlight;

/// A listener whose port is open, but which answers nobody yet.
pub struct Bound {
    listener: Listener,
    socket: TcpListener,
    address: SocketAddr,
    certificates: Option<Arc<Certificates>>,
}

impl Bound {
    pub(super) fn new(
        listener: Listener,
        socket: TcpListener,
        certificates: Option<Arc<Certificates>>,
    ) -> Result<Self, BindError> {
        Ok(Self {
            address: socket.local_addr().map_err(BindError::Unnamed)?,
            listener,
            socket,
            certificates,
        })
    }

    /// The address in use, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate in use, for a reload on SIGHUP; `None` on a plain listener.
    pub fn certificates(&self) -> Option<Arc<Certificates>> {
        self.certificates.clone()
    }

    /// Serves `face` until `drain` is cancelled, then ends in order: for `drain_delay_seconds`
    /// everything goes on as before (readiness says no from the cancellation on, see
    /// [`crate::health`]); then nothing more is accepted and what is in flight may finish within
    /// `drain_timeout_seconds`.
    ///
    /// Dropping the future ends everything at once, as for a second signal.
    pub async fn serve(self, face: impl Face, drain: CancellationToken) -> Drained {
        let host = Host::new(&self.listener, face, self.certificates.clone());
        let gate = Gate::new(&self.listener, host);
        let _reload = self.certificates.map(|certificates| {
            tokio_util::task::AbortOnDropHandle::new(tokio::spawn(certificates.follow()))
        });

        let last_call = async {
            drain.cancelled().await;
            tokio::time::sleep(self.listener.drain_delay()).await;
        };
        tokio::select! {
            () = last_call => {}
            never = gate.accept_all(&self.socket) => match never {},
        }
        drop(self.socket);
        gate.close(self.listener.drain_timeout()).await
    }
}

/// How serving ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Drained {
    /// Everything in flight was answered.
    Clean,
    /// So many connections were still open when the time was up, and were cut.
    Cut(usize),
}

impl Drained {
    /// How serving on two listeners ended.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Clean, ended) | (ended, Self::Clean) => ended,
            (Self::Cut(here), Self::Cut(there)) => Self::Cut(here + there),
        }
    }
}

/// Lets connections in and keeps count of them.
struct Gate<F> {
    host: Arc<Host<F>>,
    slots: Arc<Semaphore>,
    sources: Arc<Sources>,
    listener: Listener,
    connections: TaskTracker,
    /// Cancelled on drop, so that no connection outlives the gate.
    cut: CancellationToken,
}

impl<F: Face> Gate<F> {
    fn new(listener: &Listener, host: Host<F>) -> Self {
        let slots = listener.max_connections.min(Semaphore::MAX_PERMITS);
        Self {
            host: Arc::new(host),
            slots: Arc::new(Semaphore::new(slots)),
            sources: Sources::new(listener.max_connections_per_source),
            listener: listener.clone(),
            connections: TaskTracker::new(),
            cut: CancellationToken::new(),
        }
    }

    async fn accept_all(&self, socket: &TcpListener) -> std::convert::Infallible {
        loop {
            let slot = Arc::clone(&self.slots).acquire_owned().await;
            let slot = slot.expect("the semaphore is never closed");
            match socket.accept().await {
                Ok((stream, peer)) => self.admit(stream, peer, slot),
                Err(error) => recover(&error).await,
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        // All clients of a proxy come from its one address.
        let place = match self.listener.trusted_proxies.contain(peer.ip()) {
            true => None,
            false => match self.sources.admit(peer.ip()) {
                Some(place) => Some(place),
                None => return refuse(peer),
            },
        };
        self.spawn(stream, peer, slot, place);
    }

    fn spawn(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        slot: OwnedSemaphorePermit,
        place: Option<Place>,
    ) {
        let host = Arc::clone(&self.host);
        let cut = self.cut.clone();
        let counted = InFlight::new(metrics::gauge!(CONNECTIONS));
        self.connections.spawn(async move {
            let _held = (slot, place, counted);
            // Answers are small and complete: waiting for more to send only delays them.
            drop(stream.set_nodelay(true));
            let mut served = pin!(host.serve(stream, peer));
            let mut cut = Aside::new(cut.cancelled());
            poll_fn(|context| match served.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => cut.poll(context),
            })
            .await;
        });
    }

    async fn close(&self, patience: Duration) -> Drained {
        self.host.closing.cancel();
        self.connections.close();
        let drained = tokio::time::timeout(patience, self.connections.wait()).await;
        match drained {
            Ok(()) => Drained::Clean,
            Err(_elapsed) => Drained::Cut(self.connections.len()),
        }
    }
}

impl<F> Drop for Gate<F> {
    fn drop(&mut self) {
        self.cut.cancel();
    }
}

fn refuse(peer: SocketAddr) {
    tracing::debug!(source.address = %peer.ip(), "source has too many connections, one refused");
    metrics::counter!(CONNECTIONS_ENDED, "reason" => "source_cap").increment(1);
}

/// Some errors belong to the connection that was just to be accepted; the others, such as no free
/// file descriptor, pass only when something else gets closed.
async fn recover(error: &io::Error) {
    let of_the_peer = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    );
    if !of_the_peer {
        tracing::warn!(%error, "cannot accept connections, trying again");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
