//! What an operator says to a running process: end, end now, take the new certificate.

use std::io;
use std::sync::Arc;

use countersign_server::listen::Certificates;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The signals that are listened to, from here on instead of ending the process.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// The signal that ended the process at once.
#[derive(Clone, Copy)]
pub(super) enum EndedBy {
    Interrupt,
    Terminate,
}

impl EndedBy {
    /// As a shell says it: 128 and the signal's number.
    pub(super) fn exit_status(self) -> i32 {
        match self {
            Self::Interrupt => 128 + 2,
            Self::Terminate => 128 + 15,
        }
    }
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Cancels `drain` at the first SIGTERM or SIGINT and returns the second;
    /// reloads the certificate at each SIGHUP.
    pub(super) async fn follow(
        mut self,
        drain: &CancellationToken,
        certificates: &[Arc<Certificates>],
    ) -> EndedBy {
        loop {
            let signal = tokio::select! {
                _ = self.terminate.recv() => EndedBy::Terminate,
                _ = self.interrupt.recv() => EndedBy::Interrupt,
                _ = self.hangup.recv() => {
                    reload(certificates).await;
                    continue;
                }
            };
            if drain.is_cancelled() {
                return signal;
            }
            tracing::info!("ending: requests in flight may finish; a second signal ends at once");
            drain.cancel();
        }
    }
}

async fn reload(certificates: &[Arc<Certificates>]) {
    if certificates.is_empty() {
        tracing::info!("nothing to reload: no listener has a TLS certificate");
    }
    for certificates in certificates {
        let certificates = Arc::clone(certificates);
        // File systems may block, and a network one for long.
        match tokio::task::spawn_blocking(move || certificates.reload()).await {
            Ok(Ok(())) => tracing::info!("TLS certificate reloaded"),
            Ok(Err(error)) => tracing::error!("old TLS certificate stays in use: {error}"),
            Err(_panic) => tracing::error!("old TLS certificate stays in use"),
        }
    }
}
