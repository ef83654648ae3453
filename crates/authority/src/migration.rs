//! The move of a JWT credential to OAuth Server-to-Server: its steps, and what the callers of the
//! JWT half say about the last one. Dates and quarantine are not asked here yet.

use countersign_model::evidence::Seen;
use countersign_model::migration::MigrationError;
use countersign_model::review::{self, Evidence, Review};
use countersign_model::{Credential, Grants, Migration, UseCase};
use countersign_store as store;
use countersign_wire::{CredentialId, Timestamp};
use serde_json::json;

use crate::Authority;
use crate::activity::Grant;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::revision::At;

impl Authority {
    /// Adds the OAuth half: same client id, technical account, secrets, services and profiles.
    /// From now on both grants work.
    ///
    /// # Errors
    /// [`ManageError::Migration`].
    pub async fn start_migration(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        self.step(of, "migration.started", Migration::start, actor)
            .await
    }

    /// Takes the OAuth half back; programs that use it fail at once.
    ///
    /// # Errors
    /// [`ManageError::Migration`].
    pub async fn cancel_migration(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        self.step(of, "migration.cancelled", Migration::cancel, actor)
            .await
    }

    /// Removes the JWT half and its certificates. Tokens that were exchanged live to their end.
    ///
    /// # Errors
    /// [`ManageError::Migration`].
    pub async fn complete_migration(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        self.step(of, "migration.completed", Migration::complete, actor)
            .await
    }

    /// Whether the JWT half may be removed, by what its callers did so far, at the token endpoint
    /// and with its tokens at the gateway. What they did within the last ten seconds may be missing.
    ///
    /// # Errors
    /// [`ManageError::Migration`] when there is no JWT half.
    pub async fn review_migration(
        &self,
        id: &CredentialId,
        actor: &Actor,
    ) -> Result<Review, ManageError> {
        let callers = self.list_callers(id, actor).await?;
        let (credential, _) = self.find_credential(id.as_str(), actor).await?;
        match credential.grants {
            Grants::Jwt(Migration::Completed { .. }) => {
                return Err(MigrationError::AlreadyCompleted.into());
            }
            Grants::Jwt(_) => {}
            Grants::OAuth => return Err(MigrationError::NotAJwtCredential.into()),
        }
        let with = |grant| -> Vec<Seen> {
            let halves = callers.iter().filter(|half| half.grant == grant);
            halves.flat_map(|half| half.seen.iter().cloned()).collect()
        };
        let evidence = Evidence {
            since: credential.created_at,
            old: &with(Grant::JwtExchange),
            new: &with(Grant::ClientCredentials),
        };
        Ok(review::review(&evidence, self.clock.now()))
    }

    async fn step(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        action: &str,
        step: fn(Migration, Timestamp) -> Result<Migration, MigrationError>,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let (of, now) = (of.into(), self.clock.now());
        let changed = store::retry(|| async {
            let mut change = self.begin_change(of, UseCase::Migrate, actor).await?;
            change.after.migrate(|migration| step(migration, now))?;
            self.finish_change(change, action, &json!({}), actor).await
        })
        .await?;
        Ok(self.changed(changed).await)
    }
}
