//! Evidence of use: who calls with a credential, in a small and bounded sketch.

use std::time::Duration;

use countersign_wire::{Caller, SecretId, Timestamp};

/// Most callers that one half of a credential remembers one by one. More than this is a credential
/// that is shared too widely for names to help; counts and dates stay right for all of them.
pub const MOST_CALLERS: usize = 64;

/// A caller, and by what it got its tokens: who still uses the secret that is to go?
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Trace {
    /// Who calls.
    pub caller: Caller,
    /// The secret it showed, if it showed one.
    pub secret: Option<SecretId>,
    /// What its tokens were minted by, as the tokens say it: `certificate:..`.
    pub minted_by: Box<str>,
}

/// What is known of one caller, or of all that were folded together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Whom; `None` is all others: those who were seen least recently when there were too many.
    pub trace: Option<Trace>,
    /// The first time.
    pub first_at: Timestamp,
    /// The last time.
    pub last_at: Timestamp,
    /// How often.
    pub uses: u64,
    /// In which hours, days and weeks up to `last_at`.
    pub rhythm: Rhythm,
}

impl Seen {
    /// Seen once.
    #[must_use]
    pub fn once(trace: Trace, at: Timestamp) -> Self {
        Self {
            trace: Some(trace),
            ..Self::of_others(at)
        }
    }

    /// Seen once, with no room to say who.
    #[must_use]
    pub fn of_others(at: Timestamp) -> Self {
        Self {
            trace: None,
            first_at: at,
            last_at: at,
            uses: 1,
            rhythm: Rhythm::ONCE,
        }
    }

    fn add(&mut self, other: &Self) {
        self.rhythm = self
            .rhythm
            .joined(self.last_at, other.rhythm, other.last_at);
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
        self.uses = self.uses.saturating_add(other.uses);
    }
}

/// The hours, days and weeks in which somebody called, counted back from the last call: bit 0 is
/// the unit of the last call, bit `n` the unit `n` before it. 63 of each, which shows whoever
/// calls every hour, day, week, month or quarter for what he is.
///
/// Bits and not a list of gaps: a monthly job that asks a thousand times in its one hour fills any
/// list and still sets one bit; and what several nodes saw of one caller is joined by shift and or,
/// in any order, also twice.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rhythm {
    /// Hours.
    pub hours: u64,
    /// Days of 24 hours since 1970.
    pub days: u64,
    /// Weeks of 7 such days.
    pub weeks: u64,
}

impl Rhythm {
    const ONCE: Self = Self {
        hours: 1,
        days: 1,
        weeks: 1,
    };

    /// Both, each counted from its own last call; counted from the later one.
    fn joined(self, at: Timestamp, other: Self, other_at: Timestamp) -> Self {
        let last = at.max(other_at);
        let join = |unit, mine, others| {
            let shift =
                |bits, from| shifted(bits, index(last, unit).saturating_sub(index(from, unit)));
            shift(mine, at) | shift(others, other_at)
        };
        Self {
            hours: join(HOUR, self.hours, other.hours),
            days: join(DAY, self.days, other.days),
            weeks: join(WEEK, self.weeks, other.weeks),
        }
    }
}

fn index(at: Timestamp, unit: Duration) -> i64 {
    let unit = i64::try_from(unit.as_secs()).unwrap_or(i64::MAX);
    at.as_seconds().div_euclid(unit)
}

/// 63 bits: a BIGINT holds them.
fn shifted(bits: u64, by: i64) -> u64 {
    let shifted = u32::try_from(by).ok().and_then(|by| bits.checked_shl(by));
    shifted.unwrap_or(0) & (u64::MAX >> 1)
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// The callers of one half of a credential: at most [`MOST_CALLERS`], and all others as one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sketch {
    seen: Vec<Seen>,
}

impl Sketch {
    /// As it was stored.
    #[must_use]
    pub fn of(seen: &[Seen]) -> Self {
        let mut sketch = Self::default();
        for seen in seen {
            sketch.add(seen);
        }
        sketch
    }

    /// Everybody, in no order that means anything.
    #[must_use]
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }

    /// How much there is to keep.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether nobody was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Notes a call. Makes nothing new for a caller that is known.
    pub fn note(
        &mut self,
        caller: &Caller,
        secret: Option<&SecretId>,
        minted_by: &str,
        now: Timestamp,
    ) {
        let is_it = |trace: &Trace| {
            trace.caller == *caller
                && trace.secret.as_ref() == secret
                && *trace.minted_by == *minted_by
        };
        let known = self
            .seen
            .iter_mut()
            .find(|seen| seen.trace.as_ref().is_some_and(is_it));
        let trace = || Trace {
            caller: caller.clone(),
            secret: secret.cloned(),
            minted_by: minted_by.into(),
        };
        match known {
            Some(known) => known.add(&Seen::of_others(now)),
            None => self.add(&Seen::once(trace(), now)),
        }
    }

    /// Adds what somebody else saw; whoever was seen least recently joins the others when there
    /// are too many.
    pub fn add(&mut self, seen: &Seen) {
        match self.seen.iter_mut().find(|known| known.trace == seen.trace) {
            Some(known) => known.add(seen),
            None => self.seen.push(seen.clone()),
        }
        if self.seen.iter().filter(|seen| seen.trace.is_some()).count() > MOST_CALLERS {
            self.fold();
        }
    }

    fn fold(&mut self) {
        let callers = self.seen.iter().enumerate();
        let oldest = callers
            .filter(|(_, seen)| seen.trace.is_some())
            .min_by_key(|(_, seen)| (seen.last_at, &seen.trace));
        if let Some((at, _)) = oldest {
            let folded = Seen {
                trace: None,
                ..self.seen.swap_remove(at)
            };
            self.add(&folded);
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_wire::Consumer;
    use proptest::prelude::*;

    use super::*;

    fn caller(n: u32) -> Caller {
        Caller {
            consumer: Consumer::of(n.to_string().as_bytes()),
            ..Caller::default()
        }
    }

    fn noted(calls: &[(u32, u64)]) -> Sketch {
        let mut sketch = Sketch::default();
        for (n, seconds) in calls {
            let at = Timestamp::default().plus(Duration::from_secs(*seconds));
            sketch.note(&caller(*n), None, "secret:x", at);
        }
        sketch
    }

    fn sorted(sketch: &Sketch) -> Vec<Seen> {
        let mut seen = sketch.seen().to_vec();
        seen.sort_by(|a, b| a.trace.cmp(&b.trace));
        seen
    }

    #[test]
    fn a_burst_once_a_month_looks_monthly() {
        let month = 30 * 86_400;
        let calls = [0, 1, 2, month, month + 1, 2 * month].map(|at| (1, at));

        let sketch = noted(&calls);
        let seen = &sketch.seen()[0];

        assert_eq!((seen.uses, seen.rhythm.hours), (6, 1));
        assert_eq!(seen.rhythm.days, 1 | 1 << 30 | 1 << 60);
    }

    #[test]
    fn the_caller_seen_least_recently_joins_the_others() {
        let most = u32::try_from(MOST_CALLERS).expect("small");
        let calls: Vec<_> = (0..most + 2).map(|n| (n, u64::from(n))).collect();

        let sketch = noted(&calls);

        assert_eq!(sketch.len(), MOST_CALLERS + 1);
        let others = sketch.seen().iter().find(|seen| seen.trace.is_none());
        let others = others.expect("folded");
        assert_eq!(others.uses, 2);
        assert_eq!(others.last_at, Timestamp::from_seconds(1));
    }

    proptest! {
        /// Nodes see parts, in whatever order: joined they are what one node would have seen.
        #[test]
        fn parts_join_to_the_whole(
            mut calls in prop::collection::vec((0_u32..5, 0_u64..40_000_000, any::<bool>()), 0..60),
        ) {
            let whole = noted(&calls.iter().map(|(n, at, _)| (*n, *at)).collect::<Vec<_>>());
            calls.sort_by_key(|(_, at, here)| (*here, *at));
            let part = |wanted| noted(&calls.iter().filter(|(.., here)| *here == wanted).map(|(n, at, _)| (*n, *at)).collect::<Vec<_>>());
            let mut joined = part(true);
            for seen in part(false).seen() {
                joined.add(seen);
            }
            prop_assert_eq!(sorted(&joined), sorted(&whole));
        }

        #[test]
        fn a_sketch_is_bounded_and_loses_no_use(
            calls in prop::collection::vec((any::<u32>(), 0_u64..1000), 0..300),
        ) {
            let sketch = noted(&calls);
            prop_assert!(sketch.len() <= MOST_CALLERS + 1);
            prop_assert_eq!(sketch.seen().iter().map(|seen| seen.uses).sum::<u64>(), calls.len() as u64);
            prop_assert_eq!(sorted(&Sketch::of(sketch.seen())), sorted(&sketch));
        }

        #[test]
        fn no_time_is_too_far_away(a in any::<i64>(), b in any::<i64>()) {
            let mut sketch = Sketch::default();
            for at in [a, b] {
                sketch.note(&caller(1), None, "x", Timestamp::from_millis(at));
            }
            prop_assert!(i64::try_from(sketch.seen()[0].rhythm.hours).is_ok());
        }
    }
}
