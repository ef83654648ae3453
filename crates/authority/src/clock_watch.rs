//! Notices when the wall clock is set, by comparing it with the clock that nobody can set.
//!
//! What acts on dates once and for all, rotation and trimming, rests meanwhile: a clock that was
//! ten years ahead for a minute must not have made the keys of that time, nor have forgotten what
//! is revoked (`spec/security.md` REL-21, REL-22).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use countersign_wire::Timestamp;
use tracing::{error, info, warn};

use crate::Authority;
use crate::clock::{Clock, Reading};

/// A smaller step is what time synchronization does: told, and nothing else.
const NOTABLE: Duration = Duration::from_secs(5);
/// From here on, nodes and clients do not agree any more on what is valid.
const LARGE: Duration = Duration::from_secs(30);

/// The wall clock was set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step {
    /// By how much it is ahead of its former course, in milliseconds; behind if negative. The sum
    /// of all steps that are not trusted yet.
    pub milliseconds: i64,
    /// The uptime at which it was last set.
    at: Duration,
}

#[derive(Debug)]
struct Seen {
    last: Reading,
    step: Option<Step>,
    /// What was chosen by the date has to be read again.
    is_stale: bool,
}

/// What happened to the clock between two looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Event {
    /// It was set by so many milliseconds.
    Set(i64),
    /// It went on from its new time for so long that this counts as the right one; or it came back.
    Settled,
}

/// Compares the clocks each time it looks at them.
#[derive(Debug)]
pub(crate) struct ClockWatch(Mutex<Seen>);

impl ClockWatch {
    /// Trusts the clock as it is now.
    pub(crate) fn new(clock: &Clock) -> Self {
        Self(Mutex::new(Seen {
            last: clock.read(),
            step: None,
            is_stale: false,
        }))
    }

    /// The step that is not trusted yet.
    pub(crate) fn step(&self) -> Option<Step> {
        self.seen().step
    }

    /// Looks at the clock; a new time is trusted when it has held for `trusted_after`.
    fn look(&self, clock: &Clock, trusted_after: Duration) -> Option<Event> {
        let mut seen = self.seen();
        let before = std::mem::replace(&mut seen.last, clock.read());
        let Reading { now, uptime } = seen.last;
        let expected = before.now.plus(uptime.saturating_sub(before.uptime));
        let set = now.as_millis().saturating_sub(expected.as_millis());
        if size(set) >= NOTABLE {
            let sum = seen.step.map_or(0, |step| step.milliseconds);
            let sum = sum.saturating_add(set);
            seen.step = (size(sum) >= LARGE).then_some(Step {
                milliseconds: sum,
                at: uptime,
            });
            seen.is_stale = true;
            return Some(Event::Set(set));
        }
        let step = seen.step?;
        if uptime.saturating_sub(step.at) < trusted_after {
            return None;
        }
        seen.step = None;
        Some(Event::Settled)
    }

    /// Whether the clock was set since this was asked last.
    pub(crate) fn take_stale(&self) -> bool {
        std::mem::take(&mut self.seen().is_stale)
    }

    /// Asks again for what [`take_stale`](Self::take_stale) asked for: it could not be read.
    pub(crate) fn put_stale(&self) {
        self.seen().is_stale = true;
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authority {
    /// The last setting of the wall clock, as long as its time is not trusted.
    #[must_use]
    pub fn clock_step(&self) -> Option<Step> {
        self.clock_watch.step()
    }

    /// The time that other nodes have, as far as this one can tell: without a step forward that
    /// is not trusted. Never later than the clock says.
    pub(crate) fn unstepped_now(&self) -> Timestamp {
        let now = self.clock.now();
        let ahead = self.clock_step().map_or(0, |step| step.milliseconds);
        let ahead = Duration::from_millis(u64::try_from(ahead).unwrap_or(0));
        now.minus(ahead)
    }

    /// The time, unless it is one that should not be trusted.
    pub(crate) fn trusted_now(&self) -> Option<Timestamp> {
        let now = self.clock.now();
        // Looked at afterwards: a step that is not noticed came after `now`.
        self.watch_clock();
        self.clock_step().is_none().then_some(now)
    }

    /// Looks whether the wall clock was set, and says so.
    pub(crate) fn watch_clock(&self) {
        let trusted_after = self.config.token_life().max(A_DAY);
        match self.clock_watch.look(&self.clock, trusted_after) {
            None => {}
            Some(Event::Settled) => info!("the wall clock has kept its new time: trusting it"),
            Some(Event::Set(by)) => self.tell_step(by),
        }
    }

    fn tell_step(&self, by: i64) {
        let direction = if by < 0 { "back" } else { "forward" };
        let seconds = by.unsigned_abs() / 1000;
        metrics::counter!(CLOCK_STEPS, "direction" => direction).increment(1);
        let now = self.clock.now();
        match self.clock_step() {
            None => warn!("the wall clock was set {direction} by {seconds} s: it is {now} now"),
            Some(_) => error!(
                "the wall clock was set {direction} by {seconds} s: it is {now} now; look at the time synchronization of this machine. Rotation of keys and trimming rest until the clock comes back, or has kept its new time for a day, or the server is restarted"
            ),
        }
    }
}

/// Until then, everything that was alive before a step has ended.
const A_DAY: Duration = Duration::from_secs(86_400);

pub(crate) const CLOCK_STEPS: &str = "clock_steps_total";

/// Forward or back.
fn size(milliseconds: i64) -> Duration {
    Duration::from_millis(milliseconds.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    struct Hands {
        hands: Arc<Mutex<Reading>>,
        clock: Clock,
        watch: ClockWatch,
    }

    impl Hands {
        fn new() -> Self {
            let start = Reading {
                now: Timestamp::from_seconds(1_769_947_200),
                uptime: Duration::from_millis(7),
            };
            let hands = Arc::new(Mutex::new(start));
            let read = Arc::clone(&hands);
            let clock = Clock::new(move || *read.lock().expect("no panic"));
            let watch = ClockWatch::new(&clock);
            Self {
                hands,
                clock,
                watch,
            }
        }

        fn pass(&self, seconds: u64) {
            let passed = Duration::from_secs(seconds);
            let mut hands = self.hands.lock().expect("no panic");
            (hands.now, hands.uptime) = (hands.now.plus(passed), hands.uptime + passed);
        }

        fn set(&self, by: i64) {
            let mut hands = self.hands.lock().expect("no panic");
            hands.now = Timestamp::from_millis(hands.now.as_millis() + by);
        }

        fn look(&self) -> Option<Event> {
            self.watch.look(&self.clock, A_DAY)
        }

        fn step(&self) -> Option<i64> {
            self.watch.step().map(|step| step.milliseconds)
        }
    }

    #[test]
    fn time_that_passes_is_no_step() {
        let hands = Hands::new();
        for _ in 0..10 {
            hands.pass(86_400);
            hands.set(4_999);
            assert_eq!((hands.look(), hands.step()), (None, None));
        }
    }

    #[test]
    fn a_small_step_is_told_and_forgotten() {
        let hands = Hands::new();
        hands.set(-5_000);
        assert_eq!(hands.look(), Some(Event::Set(-5_000)));
        assert_eq!((hands.look(), hands.step()), (None, None));
    }

    #[test]
    fn a_large_step_is_trusted_after_a_day() {
        let hands = Hands::new();
        hands.pass(60);
        hands.set(3_600_000);
        assert_eq!(hands.look(), Some(Event::Set(3_600_000)));
        hands.pass(86_399);
        assert_eq!((hands.look(), hands.step()), (None, Some(3_600_000)));
        hands.pass(1);
        assert_eq!((hands.look(), hands.step()), (Some(Event::Settled), None));
    }

    #[test]
    fn a_clock_that_comes_back_is_trusted_at_once() {
        let hands = Hands::new();
        for by in [3_600_000, -3_600_000, 86_400_000, 315_360_000_000] {
            hands.set(by);
            assert_eq!(hands.look(), Some(Event::Set(by)));
            assert_eq!(hands.step(), Some(by));
            hands.pass(600);
            assert_eq!(hands.look(), None);
            hands.set(7 - by);
            assert_eq!(hands.look(), Some(Event::Set(7 - by)));
            assert_eq!(hands.step(), None, "back within milliseconds");
        }
    }
}
