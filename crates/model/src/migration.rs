//! The move of a JWT credential to OAuth Server-to-Server, on the same credential id, client id,
//! technical account, services and profiles. Source: `spec/ims-protocol.md` 6.5.

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
    /// Only the OAuth half is left.
    Completed {
        /// When the JWT half was removed.
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
    /// The OAuth half exists already.
    #[error("this credential already has its OAuth half: test it, then remove the JWT half")]
    AlreadyPaired,
    /// The JWT half is gone.
    #[error(
        "this credential's migration is completed: it has only its OAuth half, and there is nothing left to do"
    )]
    AlreadyCompleted,
    /// No OAuth half to go on with.
    #[error("this credential has no OAuth half yet: add it first")]
    NotPaired,
    /// Never had a JWT half.
    #[error("this credential was created with OAuth Server-to-Server: there is nothing to migrate")]
    NotAJwtCredential,
}

impl Migration {
    /// Adds the OAuth half. Nothing changes for the running application.
    ///
    /// # Errors
    /// [`MigrationError`] when there already is one.
    pub fn start(self, now: Timestamp) -> Result<Self, MigrationError> {
        match self {
            Self::NotStarted | Self::Cancelled { .. } => Ok(Self::Paired { since: now }),
            Self::Paired { .. } => Err(MigrationError::AlreadyPaired),
            Self::Completed { .. } => Err(MigrationError::AlreadyCompleted),
        }
    }

    /// Takes the OAuth half back; the JWT half is as before.
    ///
    /// # Errors
    /// [`MigrationError`] unless both halves exist.
    pub fn cancel(self, now: Timestamp) -> Result<Self, MigrationError> {
        self.paired().map(|()| Self::Cancelled { at: now })
    }

    /// Removes the JWT half.
    ///
    /// # Errors
    /// [`MigrationError`] unless both halves exist.
    pub fn complete(self, now: Timestamp) -> Result<Self, MigrationError> {
        self.paired().map(|()| Self::Completed { at: now })
    }

    /// Whether assertions can be exchanged.
    #[must_use]
    pub fn has_jwt_half(self) -> bool {
        !matches!(self, Self::Completed { .. })
    }

    /// Whether client credentials can be used.
    #[must_use]
    pub fn has_oauth_half(self) -> bool {
        matches!(self, Self::Paired { .. } | Self::Completed { .. })
    }

    fn paired(self) -> Result<(), MigrationError> {
        match self {
            Self::Paired { .. } => Ok(()),
            Self::Completed { .. } => Err(MigrationError::AlreadyCompleted),
            Self::NotStarted | Self::Cancelled { .. } => Err(MigrationError::NotPaired),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Start,
        Cancel,
        Complete,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![Just(Step::Start), Just(Step::Cancel), Just(Step::Complete)]
    }

    proptest! {
        /// Whatever people click, in whatever order: a credential always keeps a way to get
        /// tokens, a refused step changes nothing, and what is completed stays completed.
        #[test]
        fn every_walk_ends_in_a_legal_state(steps in prop::collection::vec(step(), 0..12)) {
            let mut state = Migration::NotStarted;
            for (at, step) in steps.into_iter().enumerate() {
                let now = Timestamp::from_seconds(i64::try_from(at).expect("few"));
                let before = state;
                let taken = match step {
                    Step::Start => state.start(now),
                    Step::Cancel => state.cancel(now),
                    Step::Complete => state.complete(now),
                };
                state = taken.unwrap_or(before);
                prop_assert!(state.has_jwt_half() || state.has_oauth_half());
                if matches!(before, Migration::Completed { .. }) {
                    prop_assert_eq!(state, before);
                }
                if !before.has_oauth_half() {
                    prop_assert!(state.has_jwt_half(), "the JWT half goes only when another is there");
                }
            }
        }
    }
}
