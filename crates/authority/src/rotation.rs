//! Signing keys move on by themselves: published, active, retired, removed, each step at its time
//! and each in one transaction. What is due follows from what is stored (`model/rotation.rs`), so
//! a crash at any point is continued by whoever looks next.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countersign_model::rotation::{Due, Schedule, Step};
use countersign_model::{KeyState, SigningAlgorithm, SigningKeyRecord};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Write};
use countersign_wire::{KeyId, Timestamp};
use serde_json::json;
use tracing::{error, info};

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::keys::{Made, activate, last_sequence, make_key_aside, record};
use crate::lease::{Lease, WorkError};

/// What is known of the rotation in memory.
#[derive(Default)]
pub(crate) struct Outlook {
    /// Which keys sign, and since when.
    pub(crate) active: Vec<(SigningAlgorithm, Timestamp)>,
    plan: Vec<Due>,
}

impl Outlook {
    pub(crate) fn new(keys: &[SigningKeyRecord], schedule: &Schedule) -> Self {
        let active = keys.iter().filter_map(|key| match key.state {
            KeyState::Active { since } => Some((key.algorithm, since)),
            _ => None,
        });
        Self {
            active: active.collect(),
            plan: schedule.plan(keys),
        }
    }
}

/// Whether somebody was told that the rotation is overdue: once is enough.
#[derive(Default)]
pub(crate) struct Alarm(AtomicBool);

/// More steps than one round can have: every key of every algorithm moves once.
const MOST_STEPS: usize = 32;

impl Authority {
    /// When keys move on.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        let days = u64::from(self.config.rotate_keys_days);
        Schedule {
            every: (days > 0).then(|| Duration::from_secs(days * 86_400)),
            token_life: self.config.token_life(),
            key_set_life: self.config.key_set_life(),
        }
    }

    /// The step of the rotation that should long have been taken, if there is one. Answers from
    /// memory.
    #[must_use]
    pub fn overdue_rotation(&self) -> Option<Due> {
        let now = self.clock.now();
        let outlook = self.outlook.load();
        outlook.plan.iter().find(|due| due.is_overdue(now)).cloned()
    }

    /// Tells the log when the rotation becomes overdue, and when it is not any more.
    pub(crate) fn watch_rotation(&self) {
        let overdue = self.overdue_rotation();
        let told = self.alarm.0.swap(overdue.is_some(), Ordering::Relaxed);
        match (overdue, told) {
            (Some(due), false) => error!(
                "the rotation of signing keys is overdue since {}: no node does the background work, or it fails",
                due.at
            ),
            (None, true) => info!("the rotation of signing keys is on time again"),
            _ => {}
        }
    }

    /// Takes every step that is due.
    pub(crate) async fn rotate_on_schedule(
        &self,
        lease: Lease,
        now: Timestamp,
    ) -> Result<(), WorkError> {
        for _ in 0..MOST_STEPS {
            let mut read = self.store.read().await?;
            let keys = store::signing_keys::list(&mut read).await?;
            drop(read);
            let plan = self.schedule().plan(&keys);
            let Some(due) = plan.into_iter().find(|due| due.at <= now) else {
                break;
            };
            self.take_step(&due.step, lease).await?;
        }
        Ok(())
    }

    async fn take_step(&self, step: &Step, lease: Lease) -> Result<(), WorkError> {
        let made = match step {
            Step::Publish(algorithm) => Some(make_key_aside(*algorithm).await?),
            Step::Activate(_) | Step::Remove(_) => None,
        };
        let taken = store::retry(|| async {
            let mut write = self.store.write().await?;
            lease.hold(&mut write).await?;
            // Read here: making the key took its time, and its age counts from its publication.
            let now = self.clock.now();
            let taken = self.step_in(&mut write, step, made.as_ref(), now).await?;
            write.commit().await?;
            Ok::<_, WorkError>(taken)
        })
        .await?;
        if let Some(key) = taken {
            self.apply(&Topic::SigningKeys).await;
            info!(key.id = %key, "signing key `{key}` was {}", done(step));
        }
        Ok(())
    }

    /// Takes a step inside of a transaction, if it is still due; gives the key that moved.
    async fn step_in(
        &self,
        write: &mut Write,
        step: &Step,
        made: Option<&Made>,
        now: Timestamp,
    ) -> Result<Option<KeyId>, ManageError> {
        let keys = store::signing_keys::list(write).await?;
        let plan = self.schedule().plan(&keys);
        if !plan.iter().any(|due| due.step == *step && due.at <= now) {
            return Ok(None);
        }
        let moved = match (step, made) {
            (Step::Publish(_), Some(made)) => {
                let place = (&self.config, &self.master_key);
                let next = record(made, last_sequence(&keys) + 1, KeyState::Next, place, now)?;
                store::signing_keys::insert(write, &next).await?;
                next.id
            }
            (Step::Publish(_), None) => return Ok(None),
            (Step::Activate(id), _) => {
                let key = find(&keys, id)?;
                let of_algorithm = |other: &&SigningKeyRecord| other.algorithm == key.algorithm;
                let together: Vec<_> = keys.iter().filter(of_algorithm).cloned().collect();
                activate(write, &together, self.config.key_set_life(), now).await?;
                id.clone()
            }
            (Step::Remove(id), _) => {
                let key = find(&keys, id)?;
                let mut removed = key.clone();
                removed.remove(self.config.token_life(), now)?;
                store::signing_keys::save(write, &key.state, &removed).await?;
                id.clone()
            }
        };
        let action = format!("signing_key.{}", done(step));
        let actor = Actor::schedule();
        record_change(write, &actor, &action, &moved, &json!({}), now).await?;
        Ok(Some(moved))
    }
}

fn done(step: &Step) -> &'static str {
    match step {
        Step::Publish(_) => "published",
        Step::Activate(_) => "activated",
        Step::Remove(_) => "removed",
    }
}

pub(crate) fn find<'k>(
    keys: &'k [SigningKeyRecord],
    id: &KeyId,
) -> Result<&'k SigningKeyRecord, ManageError> {
    keys.iter()
        .find(|key| key.id == *id)
        .ok_or(ManageError::NoSigningKey)
}

/// Writes down what happened to a key, for people and for other nodes.
pub(crate) async fn record_change(
    write: &mut Write,
    actor: &Actor,
    action: &str,
    key: &KeyId,
    detail: &serde_json::Value,
    now: Timestamp,
) -> Result<(), ManageError> {
    let event = actor.event(now, None, action, key.as_str(), detail);
    store::audit::append(write, &event).await?;
    store::changes::append(write, &Topic::SigningKeys, now).await?;
    Ok(())
}
