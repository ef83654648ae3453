//! Credentials found, and how they are used.

use countersign_model::{Credential, TechnicalAccount, UseCase};
use countersign_store::{self as store, Page, Reads};
use countersign_wire::{ClientId, CredentialId, OrgId, ProjectId};

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;

impl Authority {
    /// Credentials of an organization, by id; of one project, if given.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_credentials(
        &self,
        org: &OrgId,
        project: Option<&ProjectId>,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<Credential>, ManageError> {
        actor.check(UseCase::ReadCredentials, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        Ok(store::credentials::list(&mut read, org, project, page).await?)
    }

    /// Credentials of an organization by id, after as many as `skip`, and how many there are.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn number_credentials(
        &self,
        org: &OrgId,
        skip: u32,
        size: u32,
        actor: &Actor,
    ) -> Result<(Vec<Credential>, u64), ManageError> {
        actor.check(UseCase::ReadCredentials, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        let all = store::credentials::count(&mut read, org).await?;
        let before = store::credentials::key_before(&mut read, org, skip).await?;
        let found = match before {
            Some(after) => {
                let page = Page { after, limit: size };
                store::credentials::list(&mut read, org, None, &page).await?
            }
            None => Vec::new(),
        };
        Ok((found, all))
    }

    /// The credential of that id, or of that client id, and its technical account.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`].
    pub async fn find_credential(
        &self,
        id: &str,
        actor: &Actor,
    ) -> Result<(Credential, TechnicalAccount), ManageError> {
        let mut read = self.store.read().await?;
        let by_id = match CredentialId::parse(id) {
            Ok(id) => store::credentials::find(&mut read, &id).await?,
            Err(_) => None,
        };
        let found = match (by_id, ClientId::parse(id)) {
            (None, Ok(id)) => store::credentials::find_by_client_id(&mut read, &id).await?,
            (found, _) => found,
        };
        let credential = found.ok_or(ManageError::NoCredential)?;
        let org = &credential.org_id;
        actor.check(UseCase::ReadCredentials, org, ManageError::NoCredential)?;
        let account =
            store::technical_accounts::find(&mut read, &credential.technical_account_id).await?;
        Ok((credential, account.ok_or(ManageError::NoCredential)?))
    }

    /// When its secrets, certificates and grants were used, as far as it is written.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_usage(
        &self,
        id: &CredentialId,
        actor: &Actor,
    ) -> Result<Vec<store::usage::Usage>, ManageError> {
        let mut read = self.store.read().await?;
        may_read_usage(&mut read, id, actor).await?;
        Ok(store::usage::list(&mut read, id).await?)
    }
}

/// Lets the actor see how a credential is used.
pub(crate) async fn may_read_usage(
    read: &mut impl Reads,
    id: &CredentialId,
    actor: &Actor,
) -> Result<(), ManageError> {
    let found = store::credentials::find(read, id).await?;
    let credential = found.ok_or(ManageError::NoCredential)?;
    actor.check(
        UseCase::ReadUsage,
        &credential.org_id,
        ManageError::NoCredential,
    )
}
