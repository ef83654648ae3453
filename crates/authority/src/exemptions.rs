//! Exemptions from the last dates of the deprecation policy, for one credential and for a time.

use countersign_model::exemption::ExemptionError;
use countersign_model::{Credential, Exemption, UseCase};
use countersign_store as store;
use countersign_wire::{CredentialId, Timestamp};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::revision::At;

impl Authority {
    /// Lets a credential go on with its JWT half until `until`, whatever the policy's last dates
    /// are; instead of an exemption that it has. At once here, within a second on other nodes.
    ///
    /// # Errors
    /// [`ManageError::Exemption`], [`ManageError::NoCredential`].
    pub async fn exempt_credential(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        until: Timestamp,
        reason: &str,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let of = of.into();
        let exemption = Exemption {
            until,
            reason: reason.trim().to_owned(),
            approved_by: actor.name().to_owned(),
            approved_at: self.clock.now(),
        };
        let detail = json!({"until": exemption.until, "reason": exemption.reason});
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(of, UseCase::ExemptCredential, actor)
                .await?;
            let after = &mut change.after;
            if !after.grants.has_jwt_half() || !after.origin.is_under_policy() {
                return Err(ExemptionError::NothingToExempt.into());
            }
            after.exemption = Some(exemption.clone().checked()?);
            self.finish_change(change, "credential.exempted", &detail, actor)
                .await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Takes an exemption back: the policy's dates hold again, also those that have passed.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`].
    pub async fn end_exemption(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let of = of.into();
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(of, UseCase::ExemptCredential, actor)
                .await?;
            change.after.exemption = None;
            self.finish_change(change, "credential.exemption_ended", &json!({}), actor)
                .await
        })
        .await?;
        Ok(self.changed(changed).await)
    }
}
