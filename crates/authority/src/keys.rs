//! Signing keys: RS256 made at first start, the others when first needed; published before use,
//! rotated, kept until their last token is dead.

use std::time::Duration;

use countersign_jose::{Certificate, SigningKey};
use countersign_model::signing_key::publish_ahead;
use countersign_model::{KeyState, SigningAlgorithm, SigningKeyRecord, UseCase};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Store, Write};
use countersign_wire::{KeyId, Timestamp};

use crate::actor::Actor;
use crate::error::ManageError;
use crate::keyring::{KeyDocuments, jose_algorithm, seal_name};
use crate::master_key::MasterKey;
use crate::{Authority, Config};
use std::sync::Arc;

/// What a rotation did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rotation {
    /// Published new keys, one of each algorithm in use; they may sign from that time on. Rotate
    /// again then.
    Published {
        /// The new keys.
        keys: Vec<KeyId>,
        /// From when on they may sign.
        ready_at: Timestamp,
    },
    /// The next keys sign now.
    Activated {
        /// The keys that sign.
        keys: Vec<KeyId>,
        /// The keys that signed before.
        retired: Vec<KeyId>,
    },
}

/// Certificates of signing keys are names more than promises: nobody renews them, and the key is
/// gone long before.
const CERTIFICATE_LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);

impl Authority {
    /// What is published of the keys. Answers from memory.
    #[must_use]
    pub fn key_documents(&self) -> Arc<KeyDocuments> {
        self.keyring.load().documents()
    }

    /// All keys that ever were, oldest first.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_keys(&self, actor: &Actor) -> Result<Vec<SigningKeyRecord>, ManageError> {
        actor.check_role(UseCase::ReadKeys)?;
        let mut read = self.store.read().await?;
        Ok(store::signing_keys::list(&mut read).await?)
    }

    /// Moves the keys of all algorithms on by one step: publishes the next ones, or lets them sign
    /// once they were published long enough. Keys whose last token is dead are taken out.
    ///
    /// # Errors
    /// [`ManageError::SigningKey`] when a next key is too young; says from when on it may sign.
    pub async fn rotate_keys(&self, actor: &Actor) -> Result<Rotation, ManageError> {
        actor.check_role(UseCase::ChangeKeys)?;
        // Made before it is known which are needed: no key is made inside of a transaction.
        let made = make_keys(SigningAlgorithm::ALL)?;
        let rotation = store::retry(|| async {
            let mut write = self.store.write().await?;
            // Read here: the age of a key counts from its publication.
            let now = self.clock.now();
            let keys = store::signing_keys::list(&mut write).await?;
            self.remove_dead_keys(&mut write, &keys, now).await?;
            let rotation = if keys.iter().any(|key| key.state == KeyState::Next) {
                activate(&mut write, &keys, self.config.key_set_life(), now).await?
            } else {
                self.publish(&mut write, &keys, &made, now).await?
            };
            let detail = serde_json::json!({ "rotation": format!("{rotation:?}") });
            let event = actor.event(now, None, "signing_key.rotated", "signing keys", &detail);
            store::audit::append(&mut write, &event).await?;
            store::changes::append(&mut write, &Topic::SigningKeys, now).await?;
            write.commit().await?;
            Ok::<_, ManageError>(rotation)
        })
        .await?;
        self.apply(&Topic::SigningKeys).await;
        Ok(rotation)
    }

    async fn publish(
        &self,
        write: &mut Write,
        keys: &[SigningKeyRecord],
        made: &[Made],
        now: Timestamp,
    ) -> Result<Rotation, ManageError> {
        let in_use = |made: &&Made| active(keys, made.0).is_some();
        let mut published = Vec::new();
        for (offset, made) in (1..).zip(made.iter().filter(in_use)) {
            let sequence = last_sequence(keys) + offset;
            let place = (&self.config, &self.master_key);
            let record = record(made, sequence, KeyState::Next, place, now)?;
            store::signing_keys::insert(write, &record).await?;
            published.push(record.id);
        }
        Ok(Rotation::Published {
            keys: published,
            ready_at: now.plus(publish_ahead(self.config.key_set_life())),
        })
    }

    /// Sees to it that there is a key of an algorithm. The first one signs at once, but not before
    /// every node has it: what one node signs, all must verify.
    pub(crate) async fn ensure_key(
        &self,
        algorithm: SigningAlgorithm,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        if self.keyring.load().active(algorithm).is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        let place = (&self.config, &self.master_key);
        for key in ensure_keys(&self.store, place, &[algorithm], now).await? {
            let mut write = self.store.write().await?;
            let event = actor.event(now, None, "signing_key.added", key.as_str(), &().into());
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
        }
        self.apply(&Topic::SigningKeys).await;
        let polls = Duration::from_millis(4 * self.config.poll_milliseconds);
        tokio::time::sleep(polls).await;
        Ok(())
    }

    async fn remove_dead_keys(
        &self,
        write: &mut Write,
        keys: &[SigningKeyRecord],
        now: Timestamp,
    ) -> Result<(), ManageError> {
        for key in keys {
            let mut removed = key.clone();
            if removed.remove(self.config.token_life(), now).is_ok() {
                store::signing_keys::save(write, &key.state, &removed).await?;
            }
        }
        Ok(())
    }
}

pub(crate) async fn activate(
    write: &mut Write,
    keys: &[SigningKeyRecord],
    key_set_life: Duration,
    now: Timestamp,
) -> Result<Rotation, ManageError> {
    let (mut activated, mut retired) = (Vec::new(), Vec::new());
    for next in keys.iter().filter(|key| key.state == KeyState::Next) {
        let mut after = next.clone();
        after.activate(key_set_life, now)?;
        if let Some(before) = active(keys, next.algorithm) {
            let mut over = before.clone();
            over.retire(now)?;
            store::signing_keys::save(write, &before.state, &over).await?;
            retired.push(over.id);
        }
        store::signing_keys::save(write, &next.state, &after).await?;
        activated.push(after.id);
    }
    Ok(Rotation::Activated {
        keys: activated,
        retired,
    })
}

fn active(keys: &[SigningKeyRecord], algorithm: SigningAlgorithm) -> Option<&SigningKeyRecord> {
    keys.iter()
        .find(|key| key.is_active() && key.algorithm == algorithm)
}

pub(crate) fn last_sequence(keys: &[SigningKeyRecord]) -> i64 {
    keys.iter().map(|key| key.sequence).max().unwrap_or(0)
}

/// Makes the first keys of an installation: RS256, and those that credentials want their tokens
/// signed with.
pub(crate) async fn ensure_first_keys(
    store: &Store,
    place: Place<'_>,
    now: Timestamp,
) -> Result<(), ManageError> {
    let mut read = store.read().await?;
    let mut needed = store::credentials::standard_algorithms(&mut read).await?;
    drop(read);
    needed.push(SigningAlgorithm::Rs256);
    ensure_keys(store, place, &needed, now).await.map(drop)
}

/// Makes the first key of each algorithm that has none; gives those that were made. They sign at
/// once: nobody has seen a token of that algorithm yet.
async fn ensure_keys(
    store: &Store,
    place: Place<'_>,
    needed: &[SigningAlgorithm],
    now: Timestamp,
) -> Result<Vec<KeyId>, ManageError> {
    let mut read = store.read().await?;
    let keys = store::signing_keys::list(&mut read).await?;
    drop(read);
    let missing = SigningAlgorithm::ALL
        .into_iter()
        .filter(|algorithm| needed.contains(algorithm) && active(&keys, *algorithm).is_none());
    let made = make_keys(missing)?;
    if made.is_empty() {
        return Ok(Vec::new());
    }
    store::retry(|| async {
        let mut write = store.write().await?;
        let keys = store::signing_keys::list(&mut write).await?;
        let mut added = Vec::new();
        // Another node may have been faster.
        let missing = made.iter().filter(|made| active(&keys, made.0).is_none());
        for (offset, made) in (1..).zip(missing) {
            let state = KeyState::Active { since: now };
            let first = record(made, last_sequence(&keys) + offset, state, place, now)?;
            store::signing_keys::insert(&mut write, &first).await?;
            added.push(first.id);
        }
        store::changes::append(&mut write, &Topic::SigningKeys, now).await?;
        write.commit().await?;
        Ok::<_, ManageError>(added)
    })
    .await
}

/// A new key and what it is for.
pub(crate) type Made = (SigningAlgorithm, SigningKey);

/// What every record of a key needs to know.
pub(crate) type Place<'a> = (&'a Config, &'a MasterKey);

fn make_keys(
    algorithms: impl IntoIterator<Item = SigningAlgorithm>,
) -> Result<Vec<Made>, ManageError> {
    algorithms.into_iter().map(make_key).collect()
}

fn make_key(algorithm: SigningAlgorithm) -> Result<Made, ManageError> {
    Ok((algorithm, SigningKey::generate(jose_algorithm(algorithm))?))
}

/// Makes a key where it keeps no request waiting.
pub(crate) async fn make_key_aside(algorithm: SigningAlgorithm) -> Result<Made, ManageError> {
    let made = tokio::task::spawn_blocking(move || make_key(algorithm)).await;
    made.map_err(|_| ManageError::KeyNotMade)?
}

pub(crate) fn record(
    (algorithm, made): &Made,
    sequence: i64,
    state: KeyState,
    (config, master_key): Place<'_>,
    now: Timestamp,
) -> Result<SigningKeyRecord, ManageError> {
    let stem = config.authorization_server.replace('-', "_");
    let id = KeyId::parse(&format!("{stem}-key-at-{sequence}"))
        .map_err(|_| ManageError::Name(countersign_model::project::NameError::Label))?;
    Ok(SigningKeyRecord {
        sealed_private_key: master_key.seal(&seal_name(&id), &made.to_pkcs8()?)?,
        certificate: match algorithm {
            SigningAlgorithm::Rs256 => Some(certificate(made, &id, now)?),
            SigningAlgorithm::Es256 | SigningAlgorithm::EdDsa => None,
        },
        id,
        sequence,
        algorithm: *algorithm,
        state,
        created_at: now,
    })
}

/// The certificate that IMS tokens name in `x5u`, as PEM.
fn certificate(made: &SigningKey, id: &KeyId, now: Timestamp) -> Result<String, ManageError> {
    let (from, until) = (now.as_seconds(), now.plus(CERTIFICATE_LIFE).as_seconds());
    Ok(Certificate::make_self_signed(made, id.as_str(), from, until)?.to_pem())
}
