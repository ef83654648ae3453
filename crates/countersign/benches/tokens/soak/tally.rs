//! What the threads of a soak have seen.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::load::Seen;

/// Counted by all threads.
pub struct Tally {
    window: Mutex<(Instant, Vec<Duration>)>,
    pub errors: AtomicU64,
    /// Secrets, switches, revocations, credentials.
    pub changes: AtomicU64,
    /// Of signing keys: steps that were taken.
    pub rotations: AtomicU64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            window: Mutex::new((Instant::now(), Vec::new())),
            errors: AtomicU64::default(),
            changes: AtomicU64::default(),
            rotations: AtomicU64::default(),
        }
    }
}

impl Tally {
    pub fn answered(&self, latency: Duration) {
        if let Ok(mut window) = self.window.lock() {
            window.1.push(latency);
        }
    }

    /// Counts what must not be, and tells it, as long as it is news.
    pub fn failed(&self, what: &str, error: &anyhow::Error) {
        const TOLD: u64 = 20;
        if self.errors.fetch_add(1, Ordering::Relaxed) < TOLD {
            eprintln!("{what}: {error:#}");
        }
    }

    /// What was answered since the last time.
    pub fn take_window(&self) -> Seen {
        let now = Instant::now();
        let (began, latencies) = match self.window.lock() {
            Ok(mut window) => std::mem::replace(&mut *window, (now, Vec::new())),
            Err(_) => (now, Vec::new()),
        };
        Seen::new(latencies, now - began)
    }
}
