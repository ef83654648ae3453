//! When a brown-out refuses.

use std::time::Duration;

use countersign_wire::Timestamp;

use super::BrownoutError;

const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(86_400);
/// All windows together.
const MOST: Duration = Duration::from_secs(7 * 86_400);
const AHEAD: Duration = Duration::from_secs(366 * 86_400);
const MOST_TIMES: u32 = 100;

/// One window, or several at equal distances.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Windows {
    /// When the first one begins.
    pub first_at: Timestamp,
    /// How long each of them lasts.
    pub lasts: Duration,
    /// How far the beginnings are from each other.
    pub repeat: Repeat,
    /// How many there are.
    pub times: u32,
}

/// How often a window comes again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Repeat {
    /// Not at all.
    Once,
    /// An hour after the one before.
    Hourly,
    /// 24 hours after the one before.
    Daily,
    /// Seven days after the one before.
    Weekly,
}

impl Repeat {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Once, Self::Hourly, Self::Daily, Self::Weekly];

    /// The word for it, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }

    /// The one of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// From one beginning to the next. A single window has no next: a day is the longest it lasts.
    const fn distance(self) -> Duration {
        Duration::from_secs(match self {
            Self::Hourly => 3600,
            Self::Once | Self::Daily => 86_400,
            Self::Weekly => 7 * 86_400,
        })
    }
}

impl Windows {
    /// They, if they can be planned at `now`.
    ///
    /// # Errors
    /// [`BrownoutError`] says what cannot.
    pub fn checked(self, now: Timestamp) -> Result<Self, BrownoutError> {
        let fits = match self.repeat {
            Repeat::Once => self.times == 1,
            Repeat::Hourly | Repeat::Daily | Repeat::Weekly => {
                (2..=MOST_TIMES).contains(&self.times)
            }
        };
        if !fits {
            return Err(BrownoutError::Times);
        }
        if !(SHORTEST..=LONGEST).contains(&self.lasts) {
            return Err(BrownoutError::Length);
        }
        if self.lasts > self.repeat.distance() {
            return Err(BrownoutError::Overlap);
        }
        if self.lasts.saturating_mul(self.times) > MOST {
            return Err(BrownoutError::TooMuch);
        }
        if self.first_at < now {
            return Err(BrownoutError::Past(self.first_at));
        }
        match self.ends_at() > now.plus(AHEAD) {
            true => Err(BrownoutError::TooFarAhead(self.ends_at())),
            false => Ok(self),
        }
    }

    /// The end of the window that it is in.
    #[must_use]
    pub fn running_until(&self, now: Timestamp) -> Option<Timestamp> {
        let number = self.begun(now)?;
        let until = self.start(number).plus(self.lasts);
        (number < self.times && now < until).then_some(until)
    }

    /// The first beginning after `now`.
    #[must_use]
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let next = self.begun(now).map_or(0, |number| number.saturating_add(1));
        (next < self.times).then(|| self.start(next))
    }

    /// The end of the last one.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.start(self.times.saturating_sub(1)).plus(self.lasts)
    }

    /// Number of the last window that has begun, from 0, as if they went on for ever.
    fn begun(&self, now: Timestamp) -> Option<u32> {
        if now < self.first_at {
            return None;
        }
        let passed = now.since(self.first_at).as_millis();
        let number = passed / self.repeat.distance().as_millis();
        Some(u32::try_from(number).unwrap_or(u32::MAX))
    }

    fn start(&self, number: u32) -> Timestamp {
        self.first_at
            .plus(self.repeat.distance().saturating_mul(number))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn windows() -> impl Strategy<Value = Windows> {
        let repeat = prop::sample::select(Repeat::ALL.to_vec());
        (repeat, 1_u32..110, 0_u64..100_000, -1000_i64..40_000_000).prop_map(
            |(repeat, times, seconds, first)| Windows {
                first_at: at(first),
                lasts: Duration::from_secs(seconds),
                repeat,
                times,
            },
        )
    }

    proptest! {
        /// Every moment is before a window, in one, or behind all of them; and what is refused in
        /// all is no longer than what may be.
        #[test]
        fn every_moment_has_its_place(windows in windows(), second in 0_i64..80_000_000) {
            let Ok(windows) = windows.checked(at(0)) else { return Ok(()) };
            let now = at(second);
            let (running, next) = (windows.running_until(now), windows.next_after(now));
            if let Some(until) = running {
                prop_assert!(now < until && until <= now.plus(windows.lasts));
                prop_assert!(until <= windows.ends_at());
                prop_assert!(next.is_none_or(|next| until <= next));
            }
            if let Some(next) = next {
                prop_assert!(next > now && next < windows.ends_at());
                prop_assert_eq!(windows.running_until(next), Some(next.plus(windows.lasts)));
            }
            let is_behind = running.is_none() && next.is_none();
            prop_assert_eq!(is_behind, now >= windows.ends_at());
            prop_assert!(windows.lasts * windows.times <= MOST);
        }
    }

    #[test]
    fn bounds_are_told_apart() {
        let good = Windows {
            first_at: at(100),
            lasts: Duration::from_secs(600),
            repeat: Repeat::Once,
            times: 1,
        };
        let day = Duration::from_secs(86_400);
        assert_eq!(good.checked(at(100)), Ok(good));
        assert_eq!(good.checked(at(101)), Err(BrownoutError::Past(at(100))));
        let wrong = |windows: Windows| windows.checked(at(100)).expect_err("wrong");
        let lasts = |lasts| wrong(Windows { lasts, ..good });
        assert_eq!(lasts(Duration::from_secs(59)), BrownoutError::Length);
        assert_eq!(lasts(day + Duration::from_millis(1)), BrownoutError::Length);
        let repeated = |repeat, times, lasts| {
            wrong(Windows {
                repeat,
                times,
                lasts,
                ..good
            })
        };
        let hour = Duration::from_secs(3600);
        assert_eq!(repeated(Repeat::Once, 2, hour), BrownoutError::Times);
        assert_eq!(repeated(Repeat::Daily, 1, hour), BrownoutError::Times);
        assert_eq!(repeated(Repeat::Daily, 101, hour), BrownoutError::Times);
        assert_eq!(
            repeated(Repeat::Hourly, 2, hour * 2),
            BrownoutError::Overlap
        );
        assert_eq!(repeated(Repeat::Daily, 8, day), BrownoutError::TooMuch);
        let late = at(100).plus(day * 366);
        let late = wrong(Windows {
            first_at: late,
            ..good
        });
        assert!(matches!(late, BrownoutError::TooFarAhead(_)));
    }
}
