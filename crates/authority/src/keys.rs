//! Signing keys: made at first start, published before use, rotated, kept until their last token
//! is dead.

use std::time::Duration;

use countersign_jose::{Algorithm, Certificate, SigningKey};
use countersign_model::{KeyState, SigningKeyRecord};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Store, Write};
use countersign_wire::{KeyId, Timestamp};

use crate::actor::Actor;
use crate::error::ManageError;
use crate::keyring::{KeyDocuments, seal_name};
use crate::master_key::MasterKey;
use crate::{Authority, Config};
use std::sync::Arc;

/// What a rotation did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Rotation {
    /// Published a new key; it may sign from that time on. Rotate again then.
    Published {
        /// The new key.
        key: KeyId,
        /// From when on it may sign.
        ready_at: Timestamp,
    },
    /// The next key signs now.
    Activated {
        /// The key that signs.
        key: KeyId,
        /// The key that signed before.
        retired: Option<KeyId>,
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
    pub async fn list_keys(&self, _actor: &Actor) -> Result<Vec<SigningKeyRecord>, ManageError> {
        let mut read = self.store.read().await?;
        Ok(store::signing_keys::list(&mut read).await?)
    }

    /// Moves the keys on by one step: publishes the next key, or lets it sign once it was
    /// published long enough. Keys whose last token is dead are taken out.
    ///
    /// # Errors
    /// [`ManageError::SigningKey`] when the next key is too young; says from when on it may sign.
    pub async fn rotate_keys(&self, actor: &Actor) -> Result<Rotation, ManageError> {
        let now = self.clock.now();
        let made = make_key()?;
        let rotation = store::retry(|| async {
            let mut write = self.store.write().await?;
            let keys = store::signing_keys::list(&mut write).await?;
            self.remove_dead_keys(&mut write, &keys, now).await?;
            let rotation = match keys.iter().find(|key| key.state == KeyState::Next) {
                None => self.publish(&mut write, &keys, &made, now).await?,
                Some(next) => activate(&mut write, &keys, next, now).await?,
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
        made: &SigningKey,
        now: Timestamp,
    ) -> Result<Rotation, ManageError> {
        let record = record(
            made,
            keys,
            KeyState::Next,
            &self.config,
            &self.master_key,
            now,
        )?;
        store::signing_keys::insert(write, &record).await?;
        let ready_at = now.plus(countersign_model::signing_key::PUBLISH_AHEAD);
        Ok(Rotation::Published {
            key: record.id,
            ready_at,
        })
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

async fn activate(
    write: &mut Write,
    keys: &[SigningKeyRecord],
    next: &SigningKeyRecord,
    now: Timestamp,
) -> Result<Rotation, ManageError> {
    let mut active = next.clone();
    active.activate(now)?;
    let before = keys.iter().find(|key| key.is_active());
    if let Some(before) = before {
        let mut retired = before.clone();
        retired.retire(now)?;
        store::signing_keys::save(write, &before.state, &retired).await?;
    }
    store::signing_keys::save(write, &next.state, &active).await?;
    Ok(Rotation::Activated {
        key: active.id,
        retired: before.map(|key| key.id.clone()),
    })
}

/// Makes the first key of an installation. It signs at once: nobody has seen a token yet.
pub(crate) async fn ensure_first_key(
    store: &Store,
    config: &Config,
    master_key: &MasterKey,
    now: Timestamp,
) -> Result<(), ManageError> {
    let mut read = store.read().await?;
    if store::signing_keys::list(&mut read)
        .await?
        .iter()
        .any(SigningKeyRecord::is_active)
    {
        return Ok(());
    }
    drop(read);
    let made = make_key()?;
    store::retry(|| async {
        let mut write = store.write().await?;
        let keys = store::signing_keys::list(&mut write).await?;
        // Another node may have been faster.
        if !keys.iter().any(SigningKeyRecord::is_active) {
            let state = KeyState::Active { since: now };
            let first = record(&made, &keys, state, config, master_key, now)?;
            store::signing_keys::insert(&mut write, &first).await?;
            store::changes::append(&mut write, &Topic::SigningKeys, now).await?;
            write.commit().await?;
        }
        Ok::<_, ManageError>(())
    })
    .await
}

fn make_key() -> Result<SigningKey, ManageError> {
    Ok(SigningKey::generate(Algorithm::Rs256)?)
}

fn record(
    made: &SigningKey,
    keys: &[SigningKeyRecord],
    state: KeyState,
    config: &Config,
    master_key: &MasterKey,
    now: Timestamp,
) -> Result<SigningKeyRecord, ManageError> {
    let sequence = keys.iter().map(|key| key.sequence).max().unwrap_or(0) + 1;
    let stem = config.authorization_server.replace('-', "_");
    let id = KeyId::parse(&format!("{stem}-key-at-{sequence}"))
        .map_err(|_| ManageError::Name(countersign_model::project::NameError::Label))?;
    let until = now.plus(CERTIFICATE_LIFE);
    let certificate =
        Certificate::make_self_signed(made, id.as_str(), now.as_seconds(), until.as_seconds())?;
    Ok(SigningKeyRecord {
        sealed_private_key: master_key.seal(&seal_name(&id), &made.to_pkcs8()?)?,
        id,
        sequence,
        algorithm: made.algorithm().name().to_owned(),
        certificate: certificate.to_pem(),
        state,
        created_at: now,
    })
}
