//! Takes a signing key out at once: somebody else may have it (`spec/security.md` KEY-04).

use countersign_model::signing_key::KeyError;
use countersign_model::{KeyState, SigningKeyRecord, UseCase};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Write};
use countersign_wire::{KeyId, Timestamp};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::keys::{Made, last_sequence, make_key_aside, record};
use crate::rotation::{find, record_change};
use crate::secrets::Force;

/// A key that was taken out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RemovedKey {
    /// The key.
    pub key: KeyId,
    /// The key that signs in its place, if it signed. It signs at once, so verifiers that keep
    /// the key set refuse its tokens until they ask again.
    pub replacement: Option<KeyId>,
    /// Until when others that keep our key set as told may still trust the key.
    pub trusted_until: Timestamp,
}

impl Authority {
    /// Takes a signing key out of the key set. Without `force` only one that signed nothing that
    /// is alive; with it any, and all its tokens fail: at once here, within a second on other
    /// nodes. A key that signs is replaced in the same transaction.
    ///
    /// # Errors
    /// [`ManageError::NoSigningKey`]; [`ManageError::KeyInUse`] without `force`.
    pub async fn remove_key(
        &self,
        id: &KeyId,
        force: Force,
        actor: &Actor,
    ) -> Result<RemovedKey, ManageError> {
        actor.check_role(UseCase::ChangeKeys)?;
        let mut read = self.store.read().await?;
        let algorithm = find(&store::signing_keys::list(&mut read).await?, id)?.algorithm;
        drop(read);
        // Made before it is known to be needed: no key is made inside of a transaction.
        let made = make_key_aside(algorithm).await?;
        let replacement = store::retry(|| async {
            let mut write = self.store.write().await?;
            let now = self.clock.now();
            let keys = store::signing_keys::list(&mut write).await?;
            let key = find(&keys, id)?;
            let mut removed = key.clone();
            match force {
                Force::Yes => removed.danger_remove(now)?,
                Force::No => removed
                    .remove(self.config.token_life(), now)
                    .map_err(|error| why_not(&error, key))?,
            }
            store::signing_keys::save(&mut write, &key.state, &removed).await?;
            let replacement = match key.state {
                KeyState::Active { .. } => Some(self.replace(&mut write, &keys, &made, now).await?),
                _ => None,
            };
            let detail = json!({"forced": force == Force::Yes, "replacement": replacement});
            record_change(&mut write, actor, "signing_key.taken_out", id, &detail, now).await?;
            write.commit().await?;
            Ok::<_, ManageError>(replacement)
        })
        .await?;
        self.apply(&Topic::SigningKeys).await;
        Ok(RemovedKey {
            key: id.clone(),
            replacement,
            trusted_until: self.clock.now().plus(self.config.key_set_life()),
        })
    }

    /// Lets another key sign: the next one, which some verifiers have seen, or a new one.
    async fn replace(
        &self,
        write: &mut Write,
        keys: &[SigningKeyRecord],
        made: &Made,
        now: Timestamp,
    ) -> Result<KeyId, ManageError> {
        let is_next =
            |key: &&SigningKeyRecord| key.algorithm == made.0 && key.state == KeyState::Next;
        if let Some(next) = keys.iter().find(is_next) {
            let mut active = next.clone();
            active.danger_activate(now)?;
            store::signing_keys::save(write, &next.state, &active).await?;
            return Ok(active.id);
        }
        let (state, place) = (
            KeyState::Active { since: now },
            (&self.config, &self.master_key),
        );
        let new = record(made, last_sequence(keys) + 1, state, place, now)?;
        store::signing_keys::insert(write, &new).await?;
        Ok(new.id)
    }
}

fn why_not(error: &KeyError, key: &SigningKeyRecord) -> ManageError {
    match (error, key.state) {
        (KeyError::InUse(until), _) => ManageError::KeyInUse(Some(*until)),
        (_, KeyState::Active { .. } | KeyState::Next) => ManageError::KeyInUse(None),
        (error, _) => ManageError::SigningKey(*error),
    }
}
