//! Client secrets: made, imported, shown once, replaced.

use argon2::PasswordHasher as _;
use countersign_model::project::check_label;
use countersign_model::secret::Strength;
use countersign_model::{Credential, Secret, SecretDigest, UseCase};
use countersign_store::changes::Topic;
use countersign_store::{self as store};
use countersign_wire::{ClientSecret, CredentialId, SecretId, Timestamp};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::credentials::{Change, position_of};
use crate::directory::Client;
use crate::error::ManageError;
use crate::kill::{LivingTokens, TokensOf};
use crate::revision::At;
use crate::revoke::revoke_in;

/// A secret that was added.
#[derive(Debug)]
pub struct AddedSecret {
    /// The secret's record.
    pub record: Secret,
    /// The secret itself: shown now and never again. `None` for one that was imported.
    pub secret: Option<ClientSecret>,
}

impl Authority {
    /// The secrets of a credential, oldest first: everything but the secrets themselves.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`], [`ManageError::Forbidden`].
    pub async fn list_secrets(
        &self,
        credential: &CredentialId,
        actor: &Actor,
    ) -> Result<Vec<Secret>, ManageError> {
        let mut read = self.store.read().await?;
        let found = store::credentials::find(&mut read, credential).await?;
        let found = found.ok_or(ManageError::NoCredential)?;
        actor.check_own(UseCase::ReadSecrets, &found)?;
        Ok(found.secrets)
    }

    /// Adds a secret beside those that are there: the first step of a replacement without outage.
    ///
    /// # Errors
    /// [`ManageError::SecretLimit`] when there are as many as there may be.
    pub async fn add_secret(
        &self,
        credential: &CredentialId,
        label: String,
        expires_at: Option<Timestamp>,
        actor: &Actor,
    ) -> Result<AddedSecret, ManageError> {
        check_label(&label)?;
        let now = self.clock.now();
        if let Some(at) = expires_at.filter(|at| *at <= now) {
            return Err(ManageError::ExpiryInThePast(at));
        }
        let (secret, record) = self.make_secret(label, expires_at, now)?;
        self.save_secret(credential, &record, "secret.added", actor)
            .await?;
        Ok(AddedSecret {
            record,
            secret: Some(secret),
        })
    }

    /// Takes over a secret that clients have already, so that they need not change. A weak one
    /// gets a slow hash until its first use, and a mark for good.
    ///
    /// # Errors
    /// As [`add_secret`](Self::add_secret).
    pub async fn import_secret(
        &self,
        credential: &CredentialId,
        label: String,
        secret: &ClientSecret,
        actor: &Actor,
    ) -> Result<AddedSecret, ManageError> {
        check_label(&label)?;
        actor.check_role(UseCase::ImportCredential)?;
        let strength = Strength::of_imported(secret.expose());
        let digest = match strength {
            Strength::Strong => self.keyed(secret),
            Strength::Weak => SecretDigest::Slow(hash_slowly(secret)?),
        };
        let record = Secret {
            id: SecretId::from_random(random()?),
            label,
            digest,
            hint: secret.hint().to_owned(),
            strength,
            created_at: self.clock.now(),
            expires_at: None,
        };
        self.save_secret(credential, &record, "secret.imported", actor)
            .await?;
        Ok(AddedSecret {
            record,
            secret: None,
        })
    }

    /// Deletes a secret. It stops working at once here, on other nodes within a second; tokens
    /// that were requested with it live on.
    ///
    /// # Errors
    /// [`ManageError::LastSecret`] for the last one that works, unless `force`d.
    pub async fn delete_secret(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        id: &SecretId,
        force: Force,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        self.remove_secret(of, id, force, LivingTokens::Keep, actor)
            .await
    }

    /// Deletes a secret that somebody else may have: every token that was requested with it ends,
    /// too.
    ///
    /// # Errors
    /// As [`delete_secret`](Self::delete_secret).
    pub async fn delete_secret_with_tokens(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        id: &SecretId,
        force: Force,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        self.remove_secret(of, id, force, LivingTokens::End, actor)
            .await
    }

    async fn remove_secret(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        id: &SecretId,
        force: Force,
        living: LivingTokens,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let (of, now) = (of.into(), self.clock.now());
        let detail = json!({"secret": id, "tokens_end": living == LivingTokens::End});
        let ended = living.revocation(&TokensOf::Secret(id.clone()), now);
        let changed = store::retry(|| async {
            let mut change = self.begin_change(of, UseCase::ChangeSecrets, actor).await?;
            let Change { write, after, .. } = &mut change;
            let at = position_of(&after.secrets, id)?;
            let removed = after.secrets.remove(at);
            let others_live = after.secrets.iter().any(|s| s.is_live(now));
            if removed.is_live(now) && !others_live && force == Force::No {
                return Err(ManageError::LastSecret);
            }
            if let Some(revocation) = &ended {
                revoke_in(write, revocation, self.clock.now()).await?;
            }
            self.finish_change(change, "secret.deleted", &detail, actor)
                .await
        })
        .await?;
        let changed = self.changed(changed).await;
        ended.map(|revocation| self.ended(revocation));
        Ok(changed)
    }

    pub(crate) fn make_secret(
        &self,
        label: String,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(ClientSecret, Secret), ManageError> {
        let secret = ClientSecret::from_random(&random()?);
        let record = Secret {
            id: SecretId::from_random(random()?),
            label,
            digest: self.keyed(&secret),
            hint: secret.hint().to_owned(),
            strength: Strength::Strong,
            created_at: now,
            expires_at,
        };
        Ok((secret, record))
    }

    async fn save_secret(
        &self,
        credential: &CredentialId,
        record: &Secret,
        action: &str,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let (most, now) = (self.config.max_secrets, self.clock.now());
        let detail = json!({"secret": record.id, "label": record.label});
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(credential, UseCase::ChangeSecrets, actor)
                .await?;
            let secrets = &mut change.after.secrets;
            if secrets.len() >= most {
                // Expired ones make room; they are kept till then to explain refusals.
                secrets.retain(|secret| secret.is_live(now));
            }
            if secrets.len() >= most {
                return Err(ManageError::SecretLimit(secrets.len()));
            }
            secrets.push(record.clone());
            self.finish_change(change, action, &detail, actor).await
        })
        .await?;
        self.changed(changed).await;
        Ok(())
    }

    /// Gives an imported secret the digest that all others have, now that it was shown to us.
    pub(crate) async fn rehash(&self, client: &Client, secret: &Secret, shown: &ClientSecret) {
        let digest = self.keyed(shown);
        let topic = Topic::Client(client.credential.client_id.clone());
        let done = store::retry(|| async {
            let mut write = self.store.write().await?;
            store::credentials::replace_digest(&mut write, &secret.id, &digest).await?;
            store::changes::append(&mut write, &topic, self.clock.now()).await?;
            write.commit().await
        })
        .await;
        match done {
            Ok(()) => self.apply(&topic).await,
            Err(error) => {
                tracing::warn!(secret.id = %secret.id, "imported secret `{}` keeps its slow hash for now: {error}", secret.id);
            }
        }
    }

    fn keyed(&self, secret: &ClientSecret) -> SecretDigest {
        SecretDigest::Keyed {
            pepper: self.master_key.id().to_owned(),
            mac: self.master_key.digest(secret),
        }
    }
}

/// Whether to go on where the product would rather not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Force {
    /// Refuse with the reason.
    No,
    /// Go on: a person confirmed it.
    Yes,
}

fn hash_slowly(secret: &ClientSecret) -> Result<String, ManageError> {
    let hash = argon2::Argon2::default().hash_password(secret.expose().as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|_| ManageError::Hash)
}
