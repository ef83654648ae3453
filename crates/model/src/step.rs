//! The steps of a migration by their names, and which of them is next for a credential that was
//! found among others and not named.

/// A step that somebody takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Add the OAuth half.
    Start,
    /// Put the JWT half into quarantine.
    Disable,
    /// Take it out of quarantine.
    Restore,
    /// Delete the JWT half in quarantine.
    Finish,
    /// Take the OAuth half back.
    Cancel,
}

/// Whether a step is for a credential that nobody named: it is one of many.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fit {
    /// It is the next one.
    Next,
    /// The credential stands there already, or further.
    Taken,
    /// It is not for it: why.
    Not(&'static str),
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Start,
        Self::Disable,
        Self::Restore,
        Self::Finish,
        Self::Cancel,
    ];

    /// The step of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Disable => "disable",
            Self::Restore => "restore",
            Self::Finish => "finish",
            Self::Cancel => "cancel",
        }
    }

    /// Whether it is for a credential in that stage, by the word of
    /// [`Migration::as_str`](crate::Migration::as_str), which was found and not named. What
    /// somebody cancelled is started again by its name only.
    #[must_use]
    pub fn fit(self, stage: &str) -> Fit {
        match (self, stage) {
            (Self::Start, "not_started")
            | (Self::Disable, "started")
            | (Self::Restore | Self::Finish, "disabled")
            | (Self::Cancel, "started" | "disabled") => Fit::Next,
            (Self::Start, "started" | "disabled" | "completed")
            | (Self::Disable, "disabled" | "completed")
            | (Self::Restore, "started")
            | (Self::Finish, "completed")
            | (Self::Cancel, "not_started" | "cancelled") => Fit::Taken,
            (Self::Start, _) => Fit::Not("it was cancelled: name it to start it again"),
            (Self::Finish, "started") => Fit::Not("its JWT half still works: disable it first"),
            (_, "completed") => Fit::Not("its migration is completed"),
            _ => Fit::Not("its migration is not started"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use countersign_wire::Timestamp;

    use super::*;
    use crate::Migration;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const WEEK: Duration = Duration::from_secs(7 * 86_400);

    fn taken(step: Step, from: Migration) -> Option<Migration> {
        match step {
            Step::Start => from.start(NOW),
            Step::Disable => from.disable(WEEK, NOW),
            Step::Restore => from.restore(),
            Step::Finish => from.finish(NOW),
            Step::Cancel => from.cancel(NOW),
        }
        .ok()
    }

    /// What is next can be taken and changes something.
    #[test]
    fn what_fits_agrees_with_the_state_machine() {
        let since = Timestamp::from_seconds(1);
        let all = [
            Migration::NotStarted,
            Migration::Paired { since },
            Migration::Disabled {
                since,
                at: since,
                until: since,
            },
            Migration::Completed { at: since },
            Migration::Cancelled { at: since },
        ];
        for step in Step::ALL {
            assert_eq!(Step::parse(step.as_str()), Some(step));
            for from in all {
                let to = taken(step, from);
                match step.fit(from.as_str()) {
                    Fit::Next => assert!(to.is_some_and(|to| to != from), "{step:?} {from:?}"),
                    Fit::Taken => assert!(to.is_none_or(|to| to == from), "{step:?} {from:?}"),
                    Fit::Not(why) => assert!(!why.is_empty()),
                }
            }
        }
    }
}
