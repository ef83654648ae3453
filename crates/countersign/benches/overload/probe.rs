//! Somebody who asks for one thing now and then, and sees how that goes.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::flood::Connection;

pub struct Probe {
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<Probed>>,
}

/// How it went.
#[derive(Default)]
pub struct Probed {
    /// Milliseconds, in order of time.
    latencies: Vec<f64>,
    failures: usize,
}

impl Probe {
    pub fn start(at: SocketAddr, request: Vec<u8>, pause: Duration) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut connection = Connection::open(at).await?;
            let mut probed = Probed::default();
            while stopped.try_recv().is_err() {
                let began = Instant::now();
                let (status, _) = connection.ask(&request).await?;
                probed
                    .latencies
                    .push(began.elapsed().as_secs_f64() * 1000.0);
                probed.failures += usize::from(status != 200);
                tokio::time::sleep(pause).await;
            }
            Ok(probed)
        });
        Self { stop, task }
    }

    pub async fn end(self) -> anyhow::Result<Probed> {
        // A probe that failed has ended already, and says why.
        _ = self.stop.send(());
        self.task.await?
    }
}

impl fmt::Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.latencies.clone();
        sorted.sort_by(f64::total_cmp);
        let at = (sorted.len().saturating_sub(1) as f64 * 0.99) as usize;
        let p99 = sorted.get(at).copied().unwrap_or(f64::NAN);
        let failures = match self.failures {
            0 => String::new(),
            some => format!(" ({some}!)"),
        };
        f.pad(&format!("{p99:.1}{failures}"))
    }
}
