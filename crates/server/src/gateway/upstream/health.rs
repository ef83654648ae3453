//! Which upstreams are worth a try, learned from the calls themselves.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::Instant;

/// What the last calls to one upstream came to. Only failures of the upstream itself count: no
/// connection, a reset, an answer that is no HTTP, none in time. What it answers is its own affair.
pub(super) struct Health {
    began: Instant,
    failures: AtomicU32,
    /// Milliseconds since `began`; 0 is never.
    out_until: AtomicU64,
    eject_after: u32,
    eject_for: Duration,
}

impl Health {
    /// `eject_after` failures in a row keep an upstream out for `eject_for`; 0 is never.
    pub(super) fn new(eject_after: u32, eject_for: Duration) -> Self {
        Self {
            began: Instant::now(),
            failures: AtomicU32::new(0),
            out_until: AtomicU64::new(0),
            eject_after,
            eject_for,
        }
    }

    /// Whether it may be sent calls.
    pub(super) fn is_in(&self) -> bool {
        match self.out_until.load(Relaxed) {
            0 => true,
            until => self.now() >= until,
        }
    }

    /// It answered.
    pub(super) fn succeeded(&self) {
        // A plain read first: calls that go well must not write to what they all share.
        if self.failures.load(Relaxed) > 0 {
            self.failures.store(0, Relaxed);
            self.out_until.store(0, Relaxed);
        }
    }

    /// It failed. True if that keeps it out from now on.
    pub(super) fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
        // Once it was out, one more failure after its return is enough.
        let ejects = self.eject_after > 0 && failures >= self.eject_after && self.is_in();
        if ejects {
            let span = u64::try_from(self.eject_for.as_millis()).unwrap_or(u64::MAX);
            self.out_until
                .store(self.now().saturating_add(span).max(1), Relaxed);
        }
        ejects
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_keep_it_out_for_a_while() {
        let health = Health::new(3, Duration::from_secs(10));
        assert!(!health.failed() && !health.failed());
        health.succeeded();
        assert!(!health.failed() && !health.failed() && health.is_in());
        assert!(health.failed());
        assert!(!health.is_in());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(health.is_in());
    }

    #[tokio::test(start_paused = true)]
    async fn one_failure_after_its_return_is_enough_and_one_answer_clears_it() {
        let health = Health::new(2, Duration::from_secs(1));
        assert!(!health.failed() && health.failed());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(health.failed() && !health.is_in());
        tokio::time::advance(Duration::from_secs(1)).await;
        health.succeeded();
        assert!(!health.failed() && health.is_in());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_kept_out_where_that_is_switched_off() {
        let health = Health::new(0, Duration::from_secs(1));
        assert!((0..100).all(|_| !health.failed()) && health.is_in());
    }
}
