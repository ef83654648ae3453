//! The move of a JWT credential to OAuth Server-to-Server, on the same credential id, client id,
//! technical account, services and profiles. Source: `spec/ims-protocol.md` 6.5; that the JWT half
//! is disabled before it is deleted: `spec/decisions.md`, decision 4.
//!
//! Each step can be taken again: where it leads to where the credential stands already, nothing
//! changes. So whoever does not know whether a step was taken takes it.

use std::time::Duration;

use countersign_wire::Timestamp;

/// Where a credential that was created with Service Account (JWT) stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Migration {
    /// Only the JWT half exists.
    NotStarted,
    /// Both halves exist and both grants work.
    Paired {
        /// When the OAuth half was added.
        since: Timestamp,
    },
    /// Both halves exist; the JWT half is in quarantine: no assertion is exchanged, nothing of it
    /// is lost, and it can be restored.
    Disabled {
        /// When the OAuth half was added.
        since: Timestamp,
        /// When the JWT half was disabled.
        at: Timestamp,
        /// From here on it may be deleted.
        until: Timestamp,
    },
    /// Only the OAuth half is left.
    Completed {
        /// When the JWT half was deleted.
        at: Timestamp,
    },
    /// The OAuth half was added and taken back; it may be added again.
    Cancelled {
        /// When it was taken back.
        at: Timestamp,
    },
}

/// Why a step was not taken, and what to do instead.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MigrationError {
    /// The JWT half is gone.
    #[error(
        "this credential's migration is completed: it has only its OAuth half, and there is nothing left to do"
    )]
    AlreadyCompleted,
    /// No OAuth half to go on with.
    #[error("this credential has no OAuth half yet: start its migration first")]
    NotPaired,
    /// The JWT half still works.
    #[error(
        "the JWT half of this credential still works: disable it first; until its quarantine ends it can be restored"
    )]
    NotDisabled,
    /// Never had a JWT half.
    #[error("this credential was created with OAuth Server-to-Server: there is nothing to migrate")]
    NotAJwtCredential,
}

impl Migration {
    /// The word for it, for programs and people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Paired { .. } => "started",
            Self::Disabled { .. } => "disabled",
            Self::Completed { .. } => "completed",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Adds the OAuth half. Nothing changes for the running application.
    ///
    /// # Errors
    /// [`MigrationError::AlreadyCompleted`].
    pub fn start(self, now: Timestamp) -> Result<Self, MigrationError> {
        match self {
            Self::NotStarted | Self::Cancelled { .. } => Ok(Self::Paired { since: now }),
            Self::Paired { .. } | Self::Disabled { .. } => Ok(self),
            Self::Completed { .. } => Err(MigrationError::AlreadyCompleted),
        }
    }

    /// Puts the JWT half into quarantine. A quarantine that runs goes on as it is.
    ///
    /// # Errors
    /// [`MigrationError`] unless both halves exist.
    pub fn disable(self, quarantine: Duration, now: Timestamp) -> Result<Self, MigrationError> {
        match self {
            Self::Paired { since } => Ok(Self::Disabled {
                since,
                at: now,
                until: now.plus(quarantine),
            }),
            Self::Disabled { .. } => Ok(self),
            Self::Completed { .. } => Err(MigrationError::AlreadyCompleted),
            Self::NotStarted | Self::Cancelled { .. } => Err(MigrationError::NotPaired),
        }
    }

    /// Puts the JWT half into quarantine because it cannot be used any more, whether there is an
    /// OAuth half or not.
    ///
    /// # Errors
    /// [`MigrationError::AlreadyCompleted`].
    pub fn convert(self, quarantine: Duration, now: Timestamp) -> Result<Self, MigrationError> {
        self.start(now)?.disable(quarantine, now)
    }

    /// Takes the JWT half out of quarantine: both grants work again.
    ///
    /// # Errors
    /// [`MigrationError`] unless both halves exist.
    pub fn restore(self) -> Result<Self, MigrationError> {
        match self {
            Self::Disabled { since, .. } => Ok(Self::Paired { since }),
            Self::Paired { .. } => Ok(self),
            Self::Completed { .. } => Err(MigrationError::AlreadyCompleted),
            Self::NotStarted | Self::Cancelled { .. } => Err(MigrationError::NotPaired),
        }
    }

    /// Deletes the JWT half, at the end of its quarantine or before.
    ///
    /// # Errors
    /// [`MigrationError`] unless the JWT half is in quarantine.
    pub fn finish(self, now: Timestamp) -> Result<Self, MigrationError> {
        match self {
            Self::Disabled { .. } => Ok(Self::Completed { at: now }),
            Self::Completed { .. } => Ok(self),
            Self::Paired { .. } => Err(MigrationError::NotDisabled),
            Self::NotStarted | Self::Cancelled { .. } => Err(MigrationError::NotPaired),
        }
    }

    /// Takes the OAuth half back; the JWT half works as before the start, also after a quarantine.
    ///
    /// # Errors
    /// [`MigrationError`] unless both halves exist.
    pub fn cancel(self, now: Timestamp) -> Result<Self, MigrationError> {
        match self {
            Self::Paired { .. } | Self::Disabled { .. } => Ok(Self::Cancelled { at: now }),
            Self::Cancelled { .. } => Ok(self),
            Self::Completed { .. } => Err(MigrationError::AlreadyCompleted),
            Self::NotStarted => Err(MigrationError::NotPaired),
        }
    }

    /// Whether there is a JWT half, in quarantine or not.
    #[must_use]
    pub const fn has_jwt_half(self) -> bool {
        !matches!(self, Self::Completed { .. })
    }

    /// Whether the JWT half works: assertions are exchanged, and its certificates authenticate.
    #[must_use]
    pub const fn uses_jwt_half(self) -> bool {
        match self {
            Self::NotStarted | Self::Paired { .. } | Self::Cancelled { .. } => true,
            Self::Disabled { .. } | Self::Completed { .. } => false,
        }
    }

    /// Whether client credentials can be used.
    #[must_use]
    pub const fn has_oauth_half(self) -> bool {
        match self {
            Self::Paired { .. } | Self::Disabled { .. } | Self::Completed { .. } => true,
            Self::NotStarted | Self::Cancelled { .. } => false,
        }
    }

    /// Whether a quarantine is over, so that the JWT half goes without anybody asking.
    #[must_use]
    pub fn is_due(self, now: Timestamp) -> bool {
        matches!(self, Self::Disabled { until, .. } if until <= now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WEEK: Duration = Duration::from_secs(7 * 86_400);

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Start,
        Disable,
        Restore,
        Finish,
        Cancel,
        Convert,
    }

    impl Step {
        fn take(self, state: Migration, now: Timestamp) -> Result<Migration, MigrationError> {
            match self {
                Self::Start => state.start(now),
                Self::Disable => state.disable(WEEK, now),
                Self::Restore => state.restore(),
                Self::Finish => state.finish(now),
                Self::Cancel => state.cancel(now),
                Self::Convert => state.convert(WEEK, now),
            }
        }
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Start),
            Just(Step::Disable),
            Just(Step::Restore),
            Just(Step::Finish),
            Just(Step::Cancel),
            Just(Step::Convert),
        ]
    }

    fn at(second: usize) -> Timestamp {
        Timestamp::from_seconds(i64::try_from(second).expect("few"))
    }

    proptest! {
        /// Whatever people click, in whatever order: a credential always keeps a way to get
        /// tokens, a refused step changes nothing, what is completed stays completed, and only
        /// what was disabled is ever deleted.
        #[test]
        fn every_walk_ends_in_a_legal_state(steps in prop::collection::vec(step(), 0..12)) {
            let mut state = Migration::NotStarted;
            for (second, step) in steps.into_iter().enumerate() {
                let before = state;
                state = step.take(state, at(second)).unwrap_or(before);
                prop_assert!(state.uses_jwt_half() || state.has_oauth_half());
                prop_assert!(state.has_jwt_half() || !state.uses_jwt_half());
                if matches!(before, Migration::Completed { .. }) {
                    prop_assert_eq!(state, before);
                }
                if !state.has_jwt_half() && before.has_jwt_half() {
                    prop_assert!(matches!(before, Migration::Disabled { .. }), "{:?}", before);
                }
            }
        }

        /// A step that was taken can be taken again, and changes nothing then: neither the state
        /// nor the time since which it is.
        #[test]
        fn a_step_taken_twice_is_taken_once(
            steps in prop::collection::vec(step(), 0..12),
            last in step(),
        ) {
            let mut state = Migration::NotStarted;
            for (second, step) in steps.into_iter().enumerate() {
                state = step.take(state, at(second)).unwrap_or(state);
            }
            if let Ok(once) = last.take(state, at(100)) {
                prop_assert_eq!(last.take(once, at(200)), Ok(once));
            }
        }
    }

    #[test]
    fn a_restored_half_is_as_it_was() {
        let paired = Migration::Paired { since: at(5) };
        let disabled = paired.disable(WEEK, at(10)).expect("paired");
        assert_eq!(
            disabled,
            Migration::Disabled {
                since: at(5),
                at: at(10),
                until: at(10).plus(WEEK),
            }
        );
        assert_eq!(disabled.restore(), Ok(paired));
        assert!(!disabled.is_due(at(10)) && disabled.is_due(at(10).plus(WEEK)));
        assert_eq!(
            disabled.cancel(at(11)),
            Ok(Migration::Cancelled { at: at(11) })
        );
        assert_eq!(paired.finish(at(10)), Err(MigrationError::NotDisabled));
    }
}
