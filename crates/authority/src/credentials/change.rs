//! Credentials changed, switched and deleted.

use countersign_model::project::check_label;
use countersign_model::{Credential, UseCase};
use countersign_store as store;
use countersign_store::changes::Topic;
use countersign_wire::CredentialId;
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::organizations::{check_revision, switched};
use crate::revision::At;

/// What to change of a credential; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct CredentialChange {
    /// Shown to people.
    pub name: Option<String>,
    /// The team that is told.
    pub team: Option<String>,
    /// How to reach it.
    pub contact: Option<String>,
    /// Whether it works.
    pub enabled: Option<bool>,
    /// The revision that the change was made from; whoever has none takes what is there.
    pub revision: Option<i64>,
}

impl Authority {
    /// Changes what people read of a credential.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`]; [`ManageError::Stale`] unless `change.revision` is the
    /// stored one, where it is given.
    pub async fn change_credential(
        &self,
        id: &CredentialId,
        new: CredentialChange,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let texts = [&new.name, &new.team, &new.contact];
        for text in texts.into_iter().flatten() {
            check_label(text)?;
        }
        let now = self.clock.now();
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(id, UseCase::ChangeCredential, actor)
                .await?;
            check_revision(new.revision, change.after.revision)?;
            let before = described(&change.after);
            let after = &mut change.after;
            let take = |from: &Option<String>, into: &mut String| {
                from.iter().for_each(|text| into.clone_from(text));
            };
            take(&new.name, &mut after.name);
            take(&new.team, &mut after.owner.team);
            take(&new.contact, &mut after.owner.contact);
            after.state = switched(after.state, new.enabled, now);
            let detail = json!({"before": before, "after": described(after)});
            self.finish_change(change, "credential.changed", &detail, actor)
                .await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Switches a credential on or off. Off, no token is issued and none that it has holds.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`].
    pub async fn switch_credential(
        &self,
        id: &CredentialId,
        enabled: bool,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let now = self.clock.now();
        let action = if enabled {
            "credential.enabled"
        } else {
            "credential.disabled"
        };
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(id, UseCase::ChangeCredential, actor)
                .await?;
            change.after.state = switched(change.after.state, Some(enabled), now);
            self.finish_change(change, action, &json!({}), actor).await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Deletes a credential. Its tokens die with it; its technical account stays the
    /// organization's; its ids are never used again.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`].
    pub async fn delete_credential(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let (of, now) = (of.into(), self.clock.now());
        let client_id = store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = store::credentials::find(&mut write, of.id()).await?;
            let credential = found.ok_or(ManageError::NoCredential)?;
            actor.may_change(UseCase::DeleteCredential, &credential)?;
            of.check(credential.revision)?;
            store::credentials::delete(&mut write, &credential).await?;
            let detail = json!({"name": credential.name, "client_id": credential.client_id});
            self.record(
                &mut write,
                &credential,
                "credential.deleted",
                &detail,
                actor,
                now,
            )
            .await?;
            write.commit().await?;
            Ok::<_, ManageError>(credential.client_id)
        })
        .await?;
        self.apply(&Topic::Client(client_id)).await;
        Ok(())
    }
}

fn described(credential: &Credential) -> serde_json::Value {
    json!({
        "name": credential.name, "owner": credential.owner.team,
        "contact": credential.owner.contact, "enabled": credential.state.is_enabled(),
    })
}
