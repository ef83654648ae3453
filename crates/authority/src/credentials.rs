//! How a credential changes: loaded, checked, saved, recorded, told to the other nodes.

use countersign_model::brownout::has_both_halves;
use countersign_model::{Credential, DeprecationPolicy, Secret, UseCase};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Reads, Write};
use countersign_wire::{CredentialId, OrgId, SecretId, Timestamp};

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::revision::At;

mod change;
mod create;
mod find;
mod services;

pub use change::CredentialChange;
pub use create::{Created, NewCredential, NewGrant};
pub(crate) use find::may_read_usage;

impl Authority {
    /// Begins to change a credential: loads it in a transaction of its own. What it shall become
    /// is written into `after`.
    pub(crate) async fn begin_change(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        case: UseCase,
        actor: &Actor,
    ) -> Result<Change, ManageError> {
        let write = self.store.write().await?;
        Change::load(write, of.into(), case, actor).await
    }

    /// Whether the actor may change a credential, before work that no transaction holds.
    pub(crate) async fn may_change_credential(
        &self,
        id: &CredentialId,
        case: UseCase,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let mut read = self.store.read().await?;
        let found = store::credentials::find(&mut read, id).await?;
        actor.may_change(case, &found.ok_or(ManageError::NoCredential)?)
    }

    /// Saves a change with an audit event and word for the other nodes, all or nothing.
    pub(crate) async fn finish_change(
        &self,
        change: Change,
        action: &str,
        detail: &serde_json::Value,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let Change {
            mut write,
            before,
            after,
        } = change;
        store::credentials::save(&mut write, &before, &after).await?;
        let now = self.clock.now();
        if has_both_halves(&before) && !has_both_halves(&after) {
            self.leave_brownouts(&mut write, &after.id, now).await?;
        }
        self.record(&mut write, &after, action, detail, actor, now)
            .await?;
        write.commit().await?;
        Ok(Credential {
            revision: after.revision + 1,
            ..after
        })
    }

    /// Makes a change that is durable act on this node.
    pub(crate) async fn changed(&self, credential: Credential) -> Credential {
        let topic = Topic::Client(credential.client_id.clone());
        self.apply(&topic).await;
        credential
    }

    /// Writes a change down, in its transaction.
    async fn record(
        &self,
        write: &mut Write,
        credential: &Credential,
        action: &str,
        detail: &serde_json::Value,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), ManageError> {
        let event = actor.event(
            now,
            Some(&credential.org_id),
            action,
            credential.id.as_str(),
            detail,
        );
        let event = event.about(credential);
        store::audit::append(write, &event).await?;
        store::projects::touch(write, &credential.project_id, actor.name(), now).await?;
        // Later than `now` by as long as the transaction waited for its turn: whoever follows the
        // log looks back for a bounded time only.
        let topic = Topic::Client(credential.client_id.clone());
        store::changes::append(write, &topic, self.clock.now()).await?;
        Ok(())
    }

    /// The policy as the transaction sees it: what is in memory may be half a second old.
    pub(crate) async fn policy_in(
        &self,
        read: &mut impl Reads,
        org: &OrgId,
    ) -> Result<DeprecationPolicy, ManageError> {
        Ok(crate::Policies::new(store::policies::list(read).await?).of(org))
    }
}

/// A credential as a transaction sees it, and what it shall become. Dropping it changes nothing.
///
/// The steps of a change stand in plain sight between [`Authority::begin_change`] and
/// [`Authority::finish_change`], inside of `store::retry`: a closure that borrows the transaction
/// would have a future that the compiler cannot show to be `Send`.
pub(crate) struct Change {
    pub(crate) write: Write,
    pub(crate) before: Credential,
    pub(crate) after: Credential,
}

impl Change {
    /// Begins in a transaction that is there.
    pub(crate) async fn load(
        mut write: Write,
        of: At<'_, CredentialId>,
        case: UseCase,
        actor: &Actor,
    ) -> Result<Self, ManageError> {
        let found = store::credentials::find(&mut write, of.id()).await?;
        let before = found.ok_or(ManageError::NoCredential)?;
        actor.may_change(case, &before)?;
        of.check(before.revision)?;
        let after = before.clone();
        Ok(Self {
            write,
            before,
            after,
        })
    }

    /// Ends without one.
    pub(crate) fn unchanged(self) -> Credential {
        self.before
    }
}

/// A secret of a credential, where it is needed by id.
pub(crate) fn position_of(secrets: &[Secret], id: &SecretId) -> Result<usize, ManageError> {
    secrets
        .iter()
        .position(|s| s.id == *id)
        .ok_or(ManageError::NoSecret)
}
