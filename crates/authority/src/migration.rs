//! The move of a JWT credential to OAuth Server-to-Server. The steps only: evidence, dates and
//! quarantine are not asked here yet.

use countersign_model::migration::MigrationError;
use countersign_model::{Credential, Migration, UseCase};
use countersign_store as store;
use countersign_wire::{CredentialId, Timestamp};
use serde_json::json;

use crate::Authority;
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
