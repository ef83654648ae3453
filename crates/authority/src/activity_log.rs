//! The activity log, read.

use countersign_model::UseCase;
use countersign_store::audit::{Entry, Filter};
use countersign_store::{self as store, Page};
use countersign_wire::OrgId;
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;

impl Authority {
    /// Events of an organization, the newest first; the entry's id is the key of the page.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`], [`ManageError::Forbidden`].
    pub async fn list_activity(
        &self,
        org: &OrgId,
        filter: &Filter,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<Entry>, ManageError> {
        actor.check(UseCase::ReadActivity, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        Ok(store::audit::search(&mut read, org, filter, page).await?)
    }

    /// Writes down that the operator looked at an organization's things (ORG-03).
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn note_operator_read(
        &self,
        org: &OrgId,
        what: &str,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let now = self.clock.now();
        let event = actor.event(now, Some(org), "operator.read", what, &json!({}));
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::audit::append(&mut write, &event).await?;
            write.commit().await
        })
        .await?;
        Ok(())
    }
}
