//! Waves of a migration: credentials that are migrated together, with the dates that were planned.
//!
//! The dates are a plan. Nothing happens because one of them has come: somebody takes the steps, and
//! a wave says what is late. How far it is follows from its credentials and is written down
//! nowhere.

use countersign_wire::{OrgId, Timestamp, WaveName};

/// Longest note, in characters.
pub const LONGEST_NOTE: usize = 500;

/// A named part of a migration. A credential is in one wave, or in none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wave {
    /// The organization whose credentials are in it.
    pub org_id: OrgId,
    /// Unique in the organization; it stays.
    pub name: WaveName,
    /// For whoever reads the plan.
    pub note: String,
    /// When its credentials are to get their OAuth halves.
    pub start_on: Option<Timestamp>,
    /// When their JWT halves are to be disabled.
    pub disable_on: Option<Timestamp>,
    /// Who made it, as the activity log names actors.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Counts changes; a writer must know the last one. Credentials that come and go do not change
    /// the wave.
    pub revision: i64,
}

/// A wave that cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WaveError {
    /// Disabled before it is started.
    #[error("the JWT halves are disabled on {0} or later: that is when the wave starts")]
    Order(Timestamp),
    /// Too long, or not to be read.
    #[error("a note has at most {LONGEST_NOTE} characters, none of them a control character")]
    Note,
}

/// How many credentials of a wave are in which stage of their migration.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Only the JWT half is there.
    pub not_started: u64,
    /// The OAuth half was taken back.
    pub cancelled: u64,
    /// Both halves work.
    pub started: u64,
    /// The JWT half is in quarantine.
    pub disabled: u64,
    /// Only the OAuth half is left.
    pub completed: u64,
}

/// What a wave needs next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Credentials.
    Fill,
    /// To be started.
    Start,
    /// That its JWT halves are reviewed and disabled.
    Disable,
    /// That the quarantines end.
    Finish,
    /// That somebody decides about those that were cancelled.
    Decide,
    /// Nothing.
    Nothing,
}

/// What a wave has not done by the date that was planned for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Late {
    /// Credentials that are not started.
    Start {
        /// How many.
        credentials: u64,
        /// Since when.
        since: Timestamp,
    },
    /// JWT halves that still work.
    Disable {
        /// How many.
        credentials: u64,
        /// Since when.
        since: Timestamp,
    },
}

impl Wave {
    /// It, if its dates and its note can be.
    ///
    /// # Errors
    /// [`WaveError`] says what cannot.
    pub fn checked(self) -> Result<Self, WaveError> {
        let is_readable = !self.note.chars().any(|c| c.is_control() && c != '\n');
        if !is_readable || self.note.chars().count() > LONGEST_NOTE {
            return Err(WaveError::Note);
        }
        match (self.start_on, self.disable_on) {
            (Some(start), Some(disable)) if disable < start => Err(WaveError::Order(start)),
            _ => Ok(self),
        }
    }

    /// What it has not done at `now` although the date has come; of several, the last step.
    #[must_use]
    pub fn late(&self, tally: &Tally, now: Timestamp) -> Option<Late> {
        let passed = |date: Option<Timestamp>| date.filter(|date| *date <= now);
        let (to_start, working) = (tally.to_start(), tally.to_start() + tally.started);
        match (passed(self.start_on), passed(self.disable_on)) {
            (_, Some(since)) if working > 0 => Some(Late::Disable {
                credentials: working,
                since,
            }),
            (Some(since), _) if to_start > 0 => Some(Late::Start {
                credentials: to_start,
                since,
            }),
            _ => None,
        }
    }
}

impl Tally {
    /// Counts credentials in a stage, by the word of
    /// [`Migration::as_str`](crate::Migration::as_str).
    pub fn count(&mut self, stage: &str, credentials: u64) {
        match stage {
            "not_started" => self.not_started += credentials,
            "cancelled" => self.cancelled += credentials,
            "started" => self.started += credentials,
            "disabled" => self.disabled += credentials,
            "completed" => self.completed += credentials,
            _ => {}
        }
    }

    /// All of them.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.not_started + self.cancelled + self.started + self.disabled + self.completed
    }

    /// Those without an OAuth half.
    const fn to_start(self) -> u64 {
        self.not_started + self.cancelled
    }

    /// What is to be done next: the first step that some of them have still to take.
    #[must_use]
    pub const fn next(&self) -> Next {
        match self {
            _ if self.all() == 0 => Next::Fill,
            _ if self.not_started > 0 => Next::Start,
            _ if self.started > 0 => Next::Disable,
            _ if self.disabled > 0 => Next::Finish,
            _ if self.cancelled > 0 => Next::Decide,
            _ => Next::Nothing,
        }
    }
}

impl Next {
    /// The word for it, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fill => "fill",
            Self::Start => "start",
            Self::Disable => "disable",
            Self::Finish => "finish",
            Self::Decide => "decide",
            Self::Nothing => "nothing",
        }
    }

    /// It as a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Fill => "Put credentials into it.",
            Self::Start => "Start it: nothing changes for what runs.",
            Self::Disable => "Move the programs, then disable what the review calls safe.",
            Self::Finish => "Wait until the quarantines end.",
            Self::Decide => {
                "Start again what was cancelled, one by one, or take it out of the wave."
            }
            Self::Nothing => "Nothing is left to do.",
        }
    }
}

impl Late {
    /// The word for the step that is late.
    #[must_use]
    pub const fn step(self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Disable { .. } => "disable",
        }
    }

    /// How many credentials are late, and since when.
    #[must_use]
    pub const fn extent(self) -> (u64, Timestamp) {
        match self {
            Self::Start { credentials, since } | Self::Disable { credentials, since } => {
                (credentials, since)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a date")
    }

    fn wave(start: Option<&str>, disable: Option<&str>) -> Wave {
        Wave {
            org_id: OrgId::from_random([1; 12]),
            name: WaveName::parse("first").expect("a name"),
            note: String::new(),
            start_on: start.map(at),
            disable_on: disable.map(at),
            created_by: "operator:cli".to_owned(),
            created_at: at("2026-01-01"),
            revision: 0,
        }
    }

    fn tally(stages: [u64; 5]) -> Tally {
        let [not_started, cancelled, started, disabled, completed] = stages;
        Tally {
            not_started,
            cancelled,
            started,
            disabled,
            completed,
        }
    }

    #[test]
    fn nothing_is_disabled_before_it_is_started() {
        let (first, second) = (Some("2026-03-01"), Some("2026-04-01"));
        assert!(wave(first, second).checked().is_ok());
        assert!(wave(first, first).checked().is_ok());
        assert!(wave(None, first).checked().is_ok());
        let start = at("2026-04-01");
        assert_eq!(wave(second, first).checked(), Err(WaveError::Order(start)));
        for note in ["x".repeat(501), "a\u{1b}b".to_owned()] {
            let wave = Wave {
                note,
                ..wave(None, None)
            };
            assert_eq!(wave.checked(), Err(WaveError::Note));
        }
    }

    #[test]
    fn the_next_step_is_the_first_that_somebody_has_to_take() {
        for (stages, next) in [
            ([0, 0, 0, 0, 0], Next::Fill),
            ([1, 1, 1, 1, 1], Next::Start),
            ([0, 1, 1, 1, 1], Next::Disable),
            ([0, 1, 0, 1, 1], Next::Finish),
            ([0, 1, 0, 0, 1], Next::Decide),
            ([0, 0, 0, 0, 1], Next::Nothing),
        ] {
            assert_eq!(tally(stages).next(), next, "{stages:?}");
        }
    }

    #[test]
    fn a_wave_is_late_for_what_is_not_done_when_its_date_has_come() {
        let wave = wave(Some("2026-03-01"), Some("2026-04-01"));
        let late = |stages, now| {
            let late = wave.late(&tally(stages), at(now));
            late.map(|late| (late.step(), late.extent().0))
        };
        assert_eq!(late([2, 1, 3, 0, 0], "2026-02-28"), None);
        assert_eq!(late([2, 1, 3, 0, 0], "2026-03-01"), Some(("start", 3)));
        assert_eq!(late([0, 0, 3, 0, 0], "2026-03-31"), None);
        assert_eq!(late([0, 1, 3, 0, 0], "2026-04-01"), Some(("disable", 4)));
        assert_eq!(late([0, 0, 0, 3, 1], "2026-05-01"), None);
        assert_eq!(late([0, 0, 0, 0, 0], "2026-05-01"), None);
    }

    #[test]
    fn stages_are_counted_by_their_words() {
        use crate::Migration;
        let now = at("2026-01-01");
        let mut tally = Tally::default();
        for migration in [
            Migration::NotStarted,
            Migration::Paired { since: now },
            Migration::Disabled {
                since: now,
                at: now,
                until: now,
            },
            Migration::Completed { at: now },
            Migration::Cancelled { at: now },
        ] {
            tally.count(migration.as_str(), 1);
        }
        assert_eq!(tally.all(), 5);
    }
}
