//! How often somebody calls, and how long a silence must last before it means that nobody will
//! call again.
//!
//! Our own rule; the original looks only whether 24 hours passed (`spec/ims-protocol.md` 6.5),
//! which calls every monthly job gone.
//!
//! **Pauses.** From the days and weeks of a [`Rhythm`] follow the pauses between days with calls.
//!
//! **Known or not.** A habit is known once the calls span three weeks, and the longest pause either
//! came three times (or pauses of at least half its length did) or fits eight times into the span.
//! Two busy weeks at the end of a quarter are no habit yet.
//!
//! **Patience.** Of a known habit: three times the longest pause, and three weeks for holidays; one
//! week for whoever called on each of the last 28 days, which holidays do not stop. Of an unknown
//! one, and at most: [`LONGEST`]. So a caller that is rarer than that is called gone when it is not,
//! and nobody who is gone blocks anything for longer.

use std::time::Duration;

use countersign_wire::Timestamp;

use crate::evidence::{Rhythm, Seen};

/// The longest silence that is waited for: a quarter, and four weeks of delay.
pub const LONGEST: Duration = days(120);

/// What somebody's calls look like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pace {
    /// On most hours of the days with calls.
    Hourly,
    /// On most days.
    Daily,
    /// About every seven days.
    Weekly,
    /// About every thirty days.
    Monthly,
    /// About every ninety days.
    Quarterly,
    /// With pauses of every length, or of another one.
    Irregular,
    /// Not seen for long enough to say.
    Unknown,
}

impl Pace {
    /// The word for it, in programs and for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::Irregular => "irregular",
            Self::Unknown => "unknown",
        }
    }
}

/// How often somebody calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Habit {
    /// In a word.
    pub pace: Pace,
    /// How many pauses were seen.
    pub pauses: usize,
    /// The longest pause that was seen; without any, what is assumed: a month.
    pub longest_pause: Duration,
    /// How long a silence must last to mean that nobody will call again.
    pub patience: Duration,
}

impl Habit {
    /// Of one caller.
    #[must_use]
    pub fn of(seen: &Seen) -> Self {
        let pauses = Pauses::of(seen.rhythm, seen.last_at);
        let span = whole_days(seen.last_at.since(seen.first_at));
        let longest = pauses.longest();
        let is_known = span >= LEAST_SPAN && pauses.are_seen_often(span);
        Self {
            pace: match is_known {
                true => pauses.pace(seen.rhythm),
                false => Pace::Unknown,
            },
            pauses: pauses.count(),
            longest_pause: days(match pauses.count() {
                0 => ASSUMED_PAUSE,
                _ => longest,
            }),
            patience: match is_known {
                true => days(3 * longest + holidays(seen.rhythm)).min(LONGEST),
                false => LONGEST,
            },
        }
    }

    /// The habit of whoever called before anybody looked: nothing is known of it.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            pace: Pace::Unknown,
            pauses: 0,
            longest_pause: days(ASSUMED_PAUSE),
            patience: LONGEST,
        }
    }

    /// A pause of this length is nothing new: the longest that was seen, if any was.
    #[must_use]
    pub const fn usual_pause(&self) -> Duration {
        match self.pauses {
            0 => Duration::ZERO,
            _ => self.longest_pause,
        }
    }

    /// How sure it is that nobody will call again after such a silence: from 0 to 1.
    ///
    /// Of `n` pauses seen and one to come, each is as likely to be the longest: with chance
    /// `1 / (n + 1)` the next one is longer than all before. That it is even as long as the silence
    /// is rarer by as much as the silence is longer, at least.
    #[must_use]
    pub fn confidence(&self, silence: Duration) -> f64 {
        if silence <= self.longest_pause {
            return 0.0;
        }
        let pauses = u32::try_from(self.pauses).unwrap_or(u32::MAX);
        let longest_of_all = 1.0 / (f64::from(pauses) + 1.0);
        1.0 - longest_of_all * self.longest_pause.as_secs_f64() / silence.as_secs_f64()
    }
}

/// Calls within less say nothing about how often there are more.
const LEAST_SPAN: u64 = 21;
/// How often the longest pause must have come to be believed.
const OFTEN: usize = 3;
/// Or how often it must fit into the span.
const FITS: u64 = 8;
/// The pause of somebody of whom none was seen.
const ASSUMED_PAUSE: u64 = 30;
/// As many days are in the bits of a rhythm, and as many weeks.
const BITS: u64 = 63;

/// For how many days holidays may stop somebody.
fn holidays(rhythm: Rhythm) -> u64 {
    const LAST_28_DAYS: u64 = (1 << 28) - 1;
    match rhythm.days & LAST_28_DAYS == LAST_28_DAYS {
        true => 7,
        false => 21,
    }
}

/// The pauses between calls, in days.
struct Pauses {
    /// Between days, which are known one by one.
    exact: Vec<u64>,
    /// Between weeks before them: off by [`ROUGH`] at most.
    rough: Vec<u64>,
}

/// Days by which the middles of two weeks are off from the days that were meant.
const ROUGH: u64 = 6;

impl Pauses {
    fn of(rhythm: Rhythm, last_at: Timestamp) -> Self {
        let days: Vec<u64> = ones(rhythm.days).collect();
        let exact = days.iter().zip(days.iter().skip(1));
        let exact = exact.map(|(later, earlier)| earlier - later).collect();
        let (mut before, mut rough) = (days.last().copied().unwrap_or(0), Vec::new());
        for week in ones(rhythm.weeks) {
            // Counted back from the last call, as the days are.
            let into_week = last_at.as_seconds().div_euclid(86_400).rem_euclid(7);
            let middle = (7 * week + into_week.unsigned_abs()).saturating_sub(3);
            if middle >= BITS && middle > before {
                rough.push(middle - before);
                before = middle;
            }
        }
        Self { exact, rough }
    }

    fn count(&self) -> usize {
        self.exact.len() + self.rough.len()
    }

    /// Of what is rough, only what is certain: a daily job has calls in each week, too.
    fn all(&self) -> impl Iterator<Item = u64> {
        let rough = self
            .rough
            .iter()
            .map(|pause| pause.saturating_sub(ROUGH).max(1));
        self.exact.iter().copied().chain(rough)
    }

    fn longest(&self) -> u64 {
        self.all().max().unwrap_or(0)
    }

    fn are_seen_often(&self, span: u64) -> bool {
        let longest = self.longest();
        let long = self.all().filter(|pause| pause * 2 >= longest);
        longest > 0 && (long.count() >= OFTEN || span >= FITS * longest)
    }

    /// By the pause in the middle, of the exact ones if there are some.
    fn pace(&self, rhythm: Rhythm) -> Pace {
        let mut sorted = match self.exact.len() {
            0..OFTEN => [&self.exact[..], &self.rough].concat(),
            _ => self.exact.clone(),
        };
        sorted.sort_unstable();
        match sorted.get(sorted.len() / 2) {
            Some(1) if rhythm.hours.count_ones() >= BUSY_HOURS => Pace::Hourly,
            Some(1..=3) => Pace::Daily,
            Some(6..=8) => Pace::Weekly,
            Some(26..=37) => Pace::Monthly,
            Some(80..=100) => Pace::Quarterly,
            _ => Pace::Irregular,
        }
    }
}

/// The places of the bits that are set, from the last one on.
fn ones(bits: u64) -> impl Iterator<Item = u64> {
    (0..BITS).filter(move |place| bits >> place & 1 == 1)
}

/// Of the last 63 hours: half of them.
const BUSY_HOURS: u32 = 32;

fn whole_days(span: Duration) -> u64 {
    span.as_secs() / 86_400
}

const fn days(number: u64) -> Duration {
    Duration::from_secs(number * 86_400)
}
