//! Which step in the life of which signing key is due when.
//!
//! A pure function of what is stored, so that a crash at any point changes nothing: whoever looks
//! next finds the same step due. Source: `spec/security.md` KEY-01 to KEY-03, KEY-05.

use std::time::Duration;

use countersign_wire::{KeyId, Timestamp};

use crate::signing_key::{KeyState, SigningKeyRecord, publish_ahead};
use crate::token_kind::SigningAlgorithm;

/// What the steps depend on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Schedule {
    /// How long a key signs before another one takes its place; `None` is until somebody asks.
    pub every: Option<Duration>,
    /// Life of the tokens that the keys sign.
    pub token_life: Duration,
    /// How long others may keep the key set.
    pub key_set_life: Duration,
}

/// A step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Make the next key of an algorithm and publish it.
    Publish(SigningAlgorithm),
    /// Let a published key sign, and the one that signed before retire: one transaction.
    Activate(KeyId),
    /// Take a retired key out of the key set.
    Remove(KeyId),
}

/// A step and its time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Due {
    /// What is to be done.
    pub step: Step,
    /// From when on.
    pub at: Timestamp,
}

/// A step that is late by more than this is a fault: nobody does the background work.
pub const OVERDUE_AFTER: Duration = Duration::from_secs(3600);

impl Due {
    /// Since when somebody should have been told, if at all.
    #[must_use]
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        now >= self.at.plus(OVERDUE_AFTER)
    }
}

impl Schedule {
    /// The steps that lie ahead, the next one first. A rotation that somebody began is finished
    /// also where none is begun by itself.
    #[must_use]
    pub fn plan(&self, keys: &[SigningKeyRecord]) -> Vec<Due> {
        let mut plan: Vec<Due> = keys.iter().filter_map(|key| self.due(keys, key)).collect();
        plan.sort_by_key(|due| due.at);
        plan
    }

    fn due(&self, keys: &[SigningKeyRecord], key: &SigningKeyRecord) -> Option<Due> {
        match key.state {
            KeyState::Next => Some(Due {
                step: Step::Activate(key.id.clone()),
                at: key.ready_at(self.key_set_life),
            }),
            KeyState::Active { since } => {
                let has_next = keys
                    .iter()
                    .any(|other| other.algorithm == key.algorithm && other.state == KeyState::Next);
                self.every.filter(|_| !has_next).map(|every| Due {
                    step: Step::Publish(key.algorithm),
                    at: since.plus(every.saturating_sub(publish_ahead(self.key_set_life))),
                })
            }
            KeyState::Retired { .. } => key.free_at(self.token_life).map(|at| Due {
                step: Step::Remove(key.id.clone()),
                at,
            }),
            KeyState::Removed { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const SCHEDULE: Schedule = Schedule {
        every: Some(Duration::from_secs(30 * 86_400)),
        token_life: DAY,
        key_set_life: Duration::from_secs(300),
    };

    fn key(n: i64, algorithm: SigningAlgorithm, state: KeyState) -> SigningKeyRecord {
        SigningKeyRecord {
            id: id(n),
            sequence: n,
            algorithm,
            sealed_private_key: String::new(),
            certificate: None,
            state,
            created_at: at(0),
        }
    }

    fn id(n: i64) -> KeyId {
        KeyId::parse(&format!("k{n}")).expect("valid")
    }

    fn at(days: u32) -> Timestamp {
        Timestamp::from_seconds(0).plus(DAY * days)
    }

    #[test]
    fn the_next_key_is_published_so_that_it_signs_when_the_first_is_old() {
        let keys = [key(
            1,
            SigningAlgorithm::Rs256,
            KeyState::Active { since: at(1) },
        )];

        let plan = SCHEDULE.plan(&keys);

        assert_eq!(plan.len(), 1);
        assert_eq!(plan[0].step, Step::Publish(SigningAlgorithm::Rs256));
        assert_eq!(
            plan[0].at.plus(publish_ahead(SCHEDULE.key_set_life)),
            at(31)
        );
        assert!(!plan[0].is_overdue(at(31)));
        assert!(plan[0].is_overdue(at(32)));
    }

    #[test]
    fn what_was_begun_is_finished_without_a_schedule() {
        let keys = [
            key(
                1,
                SigningAlgorithm::Rs256,
                KeyState::Retired { since: at(2) },
            ),
            key(
                2,
                SigningAlgorithm::Rs256,
                KeyState::Active { since: at(1) },
            ),
            key(3, SigningAlgorithm::Rs256, KeyState::Next),
            key(
                4,
                SigningAlgorithm::Es256,
                KeyState::Active { since: at(1) },
            ),
        ];
        let by_hand = Schedule {
            every: None,
            ..SCHEDULE
        };

        let steps: Vec<_> = by_hand
            .plan(&keys)
            .into_iter()
            .map(|due| due.step)
            .collect();

        assert_eq!(steps, [Step::Activate(id(3)), Step::Remove(id(1))]);
        let scheduled = SCHEDULE.plan(&keys);
        let of_es256 = Step::Publish(SigningAlgorithm::Es256);
        assert!(scheduled.iter().any(|due| due.step == of_es256));
        assert_eq!(scheduled.len(), 3);
    }
}
