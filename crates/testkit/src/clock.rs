//! A clock that stands still until the test moves it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_authority::{Clock, Reading};
use countersign_wire::Timestamp;

/// The time of one test, shared by all of its nodes.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<Mutex<Reading>>);

impl TestClock {
    /// Stands at `start`.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Reading {
            now: start,
            uptime: Duration::ZERO,
        })))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    /// Time passes.
    pub fn advance(&self, span: Duration) {
        let mut hands = self.0.lock().unwrap();
        hands.now = hands.now.plus(span);
        hands.uptime += span;
    }

    /// Moves to `at`: time passes until then, or the wall clock is turned back.
    pub fn set(&self, at: Timestamp) {
        let mut hands = self.0.lock().unwrap();
        let passed = at.since(hands.now);
        hands.uptime += passed;
        hands.now = at;
    }

    /// Turns the wall clock, forward or back, while no time passes.
    pub fn turn(&self, at: Timestamp) {
        self.0.lock().unwrap().now = at;
    }

    /// As the product takes it.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let hands = Arc::clone(&self.0);
        Clock::new(move || *hands.lock().unwrap())
    }
}
