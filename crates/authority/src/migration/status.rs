//! Where migrations stand.

use countersign_model::deprecation::Deadline;
use countersign_model::evidence::Seen;
use countersign_model::{Credential, Grants, UseCase};
use countersign_store::service_calls::Count;
use countersign_store::{self as store, Page};
use countersign_wire::{CredentialId, OrgId, ProjectId, Timestamp};

use crate::actor::Actor;
use crate::credentials::may_read_usage;
use crate::error::ManageError;
use crate::{Authority, Policies};

/// Where the migration of a credential stands.
#[derive(Clone, Debug)]
pub struct MigrationStatus {
    /// The credential, with its state.
    pub credential: Credential,
    /// When its JWT half stops working although nobody disables it.
    pub deadline: Option<Deadline>,
    /// Exchanges that were refused because the JWT half does not work any more, since it was
    /// disabled last, or because of brown-outs.
    pub attempts: Option<Count>,
}

/// The same, with who is concerned.
#[derive(Clone, Debug)]
pub struct MigrationDetail {
    /// Where it stands.
    pub status: MigrationStatus,
    /// Who tried the JWT half in vain, the last one first.
    pub attempted_by: Vec<Seen>,
    /// Until when tokens of the JWT half may live; `None` where none does.
    pub tokens_live_until: Option<Timestamp>,
}

impl Authority {
    /// Where the migration of a credential stands, as far as it is written.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`]; [`ManageError::Migration`] where there is nothing to migrate.
    pub async fn show_migration(
        &self,
        id: &CredentialId,
        actor: &Actor,
    ) -> Result<MigrationDetail, ManageError> {
        let mut read = self.store.read().await?;
        may_read_usage(&mut read, id, actor).await?;
        let found = store::credentials::find(&mut read, id).await?;
        let credential = found.ok_or(ManageError::NoCredential)?;
        credential.migration()?;
        let policy = self.policy_in(&mut read, &credential.org_id).await?;
        let mut counts =
            store::attempts::of_credentials(&mut read, std::slice::from_ref(id)).await?;
        let attempted_by = store::attempts::list(&mut read, id).await?;
        let (dates, now) = (credential.dates(&policy), self.clock.now());
        let live_until = self.tokens_live_until(&mut read, &credential, &dates, now);
        let tokens_live_until = live_until.await?;
        Ok(MigrationDetail {
            status: MigrationStatus {
                deadline: policy.deadline(&credential),
                attempts: counts.remove(id),
                credential,
            },
            attempted_by,
            tokens_live_until,
        })
    }

    /// Where the credentials of an organization that have or had a JWT half stand, by id; those of
    /// one project, if given.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn list_migrations(
        &self,
        org: &OrgId,
        project: Option<&ProjectId>,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<MigrationStatus>, ManageError> {
        actor.check(UseCase::ReadUsage, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        let policy = Policies::new(store::policies::list(&mut read).await?).of(org);
        let found = store::credentials::list_migrations(&mut read, org, project, page).await?;
        let ids: Vec<_> = found.iter().map(|one| one.id.clone()).collect();
        let mut attempts = store::attempts::of_credentials(&mut read, &ids).await?;
        let status = |credential: Credential| MigrationStatus {
            deadline: policy.deadline(&credential),
            attempts: attempts.remove(&credential.id),
            credential,
        };
        Ok(found.into_iter().map(status).collect())
    }
}

impl MigrationStatus {
    /// The word for where it stands.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self.credential.grants {
            Grants::OAuth => "none",
            Grants::Jwt(migration) => migration.as_str(),
        }
    }
}
