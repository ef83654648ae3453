//! Migrations that nobody asks for: products' own projects before their date, and what is left when
//! the last date has come. A credential at a time, each in a transaction of its own that looks
//! again, so that a node that dies leaves the rest to the next one.

use std::sync::{Mutex, PoisonError};

use countersign_model::conversion::ByItself;
use countersign_model::credential::Moved;
use countersign_model::review::Verdict;
use countersign_model::{Credential, Migration, UseCase};
use countersign_store::{self as store};
use countersign_wire::{CredentialId, Timestamp};
use serde_json::json;
use tracing::{info, warn};

use super::quarantine_ends;
use crate::actor::Actor;
use crate::credentials::Change;
use crate::error::ManageError;
use crate::lease::{Lease, WorkError};
use crate::{Authority, Policies};

/// Credentials that one round looks at: the others have their turn in the next ones.
const BATCH: u32 = 100;

/// How far the rounds have come; the first one begins at the beginning.
#[derive(Default)]
pub(crate) struct Sweep(Mutex<Option<CredentialId>>);

impl Sweep {
    fn place(&self) -> Option<CredentialId> {
        let place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        place.clone()
    }

    /// The next round goes on behind `found`, or from the beginning if it was not full.
    fn advance(&self, found: &[Credential]) {
        let is_full = found.len() >= BATCH as usize;
        let last = found.last().filter(|_| is_full).map(|one| one.id.clone());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = last;
    }
}

impl Authority {
    /// Does what the dates say for the next credentials.
    pub(crate) async fn migrate_by_dates(
        &self,
        lease: Lease,
        now: Timestamp,
    ) -> Result<(), WorkError> {
        let mut read = self.store.read().await?;
        let policies = Policies::new(store::policies::list(&mut read).await?);
        if !policies.act_at(now) {
            return Ok(());
        }
        let after = self.sweep.place();
        let found = store::credentials::to_migrate(&mut read, after.as_ref(), BATCH).await?;
        drop(read);
        self.sweep.advance(&found);
        for credential in &found {
            let policy = policies.of(&credential.org_id);
            if policy.by_itself(credential, now).is_some() {
                self.move_one(&credential.id, lease, now).await?;
            }
        }
        Ok(())
    }

    /// One that cannot be moved must not keep the others waiting.
    async fn move_one(
        &self,
        id: &CredentialId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<(), WorkError> {
        match self.move_by_dates(id, lease, now).await {
            Ok(Some((credential, action))) => {
                info!(credential.id = %id, "credential `{id}`: {action}, because of the dates of the deprecation policy");
                self.changed(credential).await;
            }
            Ok(None) => {}
            Err(WorkError::LeaseLost) => return Err(WorkError::LeaseLost),
            Err(error) => {
                warn!(credential.id = %id, "credential `{id}` could not be migrated, a later round tries again: {error}");
            }
        }
        Ok(())
    }

    async fn move_by_dates(
        &self,
        id: &CredentialId,
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<(Credential, &'static str)>, WorkError> {
        let actor = Actor::schedule();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            lease.hold(&mut write).await?;
            let mut change = Change::load(write, id.into(), UseCase::Migrate, &actor).await?;
            let org = change.before.org_id.clone();
            let policy = self.policy_in(&mut change.write, &org).await?;
            let Some(step) = policy.by_itself(&change.before, now) else {
                return Ok(None);
            };
            let Some(action) = self.apply_step(&mut change, step, now).await? else {
                return Ok(None);
            };
            let because = match step {
                ByItself::Convert(because) => because.as_str(),
                ByItself::Start | ByItself::Review => "auto_generated",
            };
            let detail = json!({"because": because, "until": quarantine_ends(&change.after)});
            let changed = self.finish_change(change, action, &detail, &actor).await?;
            Ok::<_, WorkError>(Some((changed, action)))
        })
        .await
    }

    /// Gives the word for it in the activity log; nothing if nothing is to be done yet.
    async fn apply_step(
        &self,
        change: &mut Change,
        step: ByItself,
        now: Timestamp,
    ) -> Result<Option<&'static str>, ManageError> {
        if step == ByItself::Review && self.review_in(change, now).await?.verdict != Verdict::Safe {
            return Ok(None);
        }
        let length = self.quarantine_in(change).await?;
        let moved = change.after.migrate(|migration: Migration| match step {
            ByItself::Start => migration.start(now),
            ByItself::Review => migration.disable(length, now),
            ByItself::Convert(_) => migration.convert(length, now),
        })?;
        if moved == Moved::Not {
            return Ok(None);
        }
        if step != ByItself::Start {
            store::attempts::clear(&mut change.write, &change.after.id).await?;
        }
        Ok(Some(match step {
            ByItself::Start => "migration.started",
            ByItself::Review => "migration.disabled",
            ByItself::Convert(_) => "migration.converted",
        }))
    }
}

impl Policies {
    /// Whether any of them may do something by itself at `now`.
    fn act_at(&self, now: Timestamp) -> bool {
        let own = self.organizations().map(|(_, policy)| *policy);
        let mut all = own.chain([self.installation()]);
        all.any(|policy| policy.acts_from().is_some_and(|from| from <= now))
    }
}
