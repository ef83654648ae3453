//! How often a soak asks: as often as keeps the cores busy for a given share of the time.
//!
//! The speed of a virtual machine drifts by a fifth within minutes. A rate that was right at the
//! beginning would be an overload later, or next to nothing. When something else takes the cores,
//! the share says nothing, and requests queue up: then it asks less often until they do not.

use std::sync::atomic::{AtomicU64, Ordering};

/// Requests per second of all connections together.
pub struct Rate(AtomicU64);

/// How much it may change at once.
const STEP: std::ops::RangeInclusive<f64> = 0.8..=1.05;

/// Milliseconds: at 80 % of the cores, half of the answers come within one.
const QUEUE: f64 = 20.0;

impl Rate {
    pub fn new(per_second: f64) -> Self {
        Self(AtomicU64::new(per_second.to_bits()))
    }

    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    /// Moves towards what would have made `busy` the share of the cores that is `wanted`; down,
    /// where half of the answers came later than `p50` milliseconds and that is a queue.
    pub fn steer(&self, busy: f64, wanted: f64, p50: f64) {
        let factor = match p50 > QUEUE {
            true => *STEP.start(),
            false => (wanted / busy).clamp(*STEP.start(), *STEP.end()),
        };
        let next = self.get() * factor;
        self.0.store(next.to_bits(), Ordering::Relaxed);
    }
}
