//! What was measured, in the figures that are promised.

use std::fmt;
use std::time::Duration;

/// Durations, sorted.
pub struct Figures(Vec<Duration>);

impl Figures {
    pub fn new(mut measured: Vec<Duration>) -> Self {
        measured.sort_unstable();
        Self(measured)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The duration that this share, in percent, did not exceed.
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0[rank.saturating_sub(1)]
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p99, max] = [50, 99, 100].map(|percent| self.percentile(percent).as_millis());
        write!(
            f,
            "{} times, p50 {p50} ms, p99 {p99} ms, max {max} ms",
            self.len()
        )
    }
}
