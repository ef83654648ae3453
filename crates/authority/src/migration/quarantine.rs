//! How long a disabled JWT half is kept, and its end: by whichever node does the background work.

use std::time::Duration;

use countersign_model::credential::Moved;
use countersign_model::{Credential, Quarantine, UseCase};
use countersign_store::{self as store};
use countersign_wire::{CredentialId, Timestamp};
use serde_json::json;
use tracing::{info, warn};

use crate::Authority;
use crate::actor::Actor;
use crate::credentials::Change;
use crate::error::ManageError;
use crate::lease::{Lease, WorkError};

const BATCH: u32 = 100;
const MOST_BATCHES: u32 = 100;

impl Authority {
    /// How long the JWT halves of a credential's organization are in quarantine.
    pub(super) async fn quarantine_in(&self, change: &mut Change) -> Result<Duration, ManageError> {
        let Change { write, after, .. } = change;
        let org = store::organizations::find(write, &after.org_id).await?;
        let own = org.and_then(|org| org.quarantine);
        Ok(own.unwrap_or_else(|| self.config.quarantine()).length())
    }

    /// Deletes every JWT half whose quarantine is over, and its certificates: one transaction each,
    /// so that a node that dies leaves the rest to the next one.
    pub(crate) async fn end_quarantines(
        &self,
        lease: Lease,
        now: Timestamp,
    ) -> Result<(), WorkError> {
        for _ in 0..MOST_BATCHES {
            let mut read = self.store.read().await?;
            let due = store::credentials::overdue(&mut read, now, BATCH).await?;
            drop(read);
            let mut ended = 0;
            for id in &due {
                ended += self.end_one(id, lease, now).await?;
            }
            if ended == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Gives how many ended: one that cannot must not keep the others waiting.
    async fn end_one(
        &self,
        id: &CredentialId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<usize, WorkError> {
        match self.end_quarantine(id, lease, now).await {
            Ok(Some(credential)) => {
                info!(credential.id = %id, "the quarantine of the JWT half of credential `{id}` is over: it was deleted");
                self.changed(credential).await;
                Ok(1)
            }
            Ok(None) => Ok(0),
            Err(WorkError::LeaseLost) => Err(WorkError::LeaseLost),
            Err(error) => {
                warn!(credential.id = %id, "the JWT half of credential `{id}` could not be deleted, the next round tries again: {error}");
                Ok(0)
            }
        }
    }

    async fn end_quarantine(
        &self,
        id: &CredentialId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<Credential>, WorkError> {
        let actor = Actor::schedule();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            lease.hold(&mut write).await?;
            let mut change = Change::load(write, id.into(), UseCase::Migrate, &actor).await?;
            // It may have been restored since it was found.
            if !change.after.migration().is_ok_and(|one| one.is_due(now)) {
                return Ok(None);
            }
            let finish = |migration: countersign_model::Migration| migration.finish(now);
            let moved = change.after.migrate(finish).map_err(ManageError::from)?;
            if moved == Moved::Not {
                return Ok(None);
            }
            let detail = json!({"quarantine": "over"});
            let ended = self.finish_change(change, "migration.completed", &detail, &actor);
            Ok::<_, WorkError>(Some(ended.await?))
        })
        .await
    }
}

impl crate::Config {
    /// How long JWT halves are in quarantine in organizations that do not say so themselves.
    #[must_use]
    pub fn quarantine(&self) -> Quarantine {
        Quarantine::of_days(self.quarantine_days).unwrap_or_default()
    }
}
