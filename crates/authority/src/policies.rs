//! Deprecation policies in memory, and the use cases that change them.

use std::collections::HashMap;

use countersign_model::deprecation::Preset;
use countersign_model::{DeprecationPolicy, UseCase};
use countersign_store::changes::Topic;
use countersign_store::{self as store};
use countersign_wire::{OrgId, Timestamp};
use serde_json::{Value, json};

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;

/// The policy of the installation and those of organizations that have their own.
#[derive(Debug, Default)]
pub struct Policies {
    installation: Option<DeprecationPolicy>,
    organizations: HashMap<OrgId, DeprecationPolicy>,
}

impl Policies {
    pub(crate) fn new(rows: Vec<(Option<OrgId>, DeprecationPolicy)>) -> Self {
        let mut policies = Self::default();
        for (org, policy) in rows {
            match org {
                None => policies.installation = Some(policy),
                Some(org) => _ = policies.organizations.insert(org, policy),
            }
        }
        policies
    }

    /// The policy that holds for an organization.
    #[must_use]
    pub fn of(&self, org: &OrgId) -> DeprecationPolicy {
        self.organizations
            .get(org)
            .copied()
            .unwrap_or_else(|| self.installation())
    }

    /// The policy of the installation; `open` until an operator sets another.
    #[must_use]
    pub fn installation(&self) -> DeprecationPolicy {
        self.installation.unwrap_or_else(|| Preset::Open.policy())
    }

    /// Organizations with a policy of their own.
    pub fn organizations(&self) -> impl Iterator<Item = (&OrgId, &DeprecationPolicy)> {
        self.organizations.iter()
    }
}

/// New dates: a preset, if any, then single ones. `None` leaves a date as it is, `Some(None)` is a
/// date that never comes.
#[derive(Clone, Copy, Debug, Default)]
pub struct PolicyChange {
    /// Ready-made dates, instead of those that are there.
    pub preset: Option<Preset>,
    /// When JWT credentials begin to carry a warning.
    pub deprecated_on: Option<Option<Timestamp>>,
    /// When no JWT credential can be made any more.
    pub no_new_on: Option<Option<Timestamp>>,
    /// When no certificate can be added any more.
    pub end_of_life_on: Option<Option<Timestamp>>,
    /// When no assertion is exchanged any more.
    pub final_on: Option<Option<Timestamp>>,
}

impl PolicyChange {
    pub(crate) fn over(self, before: DeprecationPolicy) -> DeprecationPolicy {
        let base = self.preset.map_or(before, Preset::policy);
        DeprecationPolicy {
            deprecated_on: self.deprecated_on.unwrap_or(base.deprecated_on),
            no_new_on: self.no_new_on.unwrap_or(base.no_new_on),
            end_of_life_on: self.end_of_life_on.unwrap_or(base.end_of_life_on),
            final_on: self.final_on.unwrap_or(base.final_on),
        }
    }
}

impl Authority {
    /// The policies that hold now, as stored.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] for a member: see [`show_policy`](Self::show_policy).
    pub async fn show_policies(&self, actor: &Actor) -> Result<Policies, ManageError> {
        actor.check_role(UseCase::ChangePolicy)?;
        let mut read = self.store.read().await?;
        Ok(Policies::new(store::policies::list(&mut read).await?))
    }

    /// The policy that holds for an organization, as stored.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn show_policy(
        &self,
        org: &OrgId,
        actor: &Actor,
    ) -> Result<DeprecationPolicy, ManageError> {
        actor.check(UseCase::ReadPolicy, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        self.policy_in(&mut read, org).await
    }

    /// Sets the policy of the installation, or of one organization.
    ///
    /// # Errors
    /// [`ManageError`] when the dates are out of order or there is no such organization.
    pub async fn set_policy(
        &self,
        org: Option<&OrgId>,
        policy: DeprecationPolicy,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        self.replace_policy(org, |_| policy, actor).await.map(drop)
    }

    /// Changes dates of the installation, or of one organization: beginning with those that hold.
    ///
    /// # Errors
    /// As [`set_policy`](Self::set_policy).
    pub async fn change_policy(
        &self,
        org: Option<&OrgId>,
        change: PolicyChange,
        actor: &Actor,
    ) -> Result<DeprecationPolicy, ManageError> {
        self.replace_policy(org, |before| change.over(before), actor)
            .await
    }

    async fn replace_policy(
        &self,
        org: Option<&OrgId>,
        change: impl Fn(DeprecationPolicy) -> DeprecationPolicy,
        actor: &Actor,
    ) -> Result<DeprecationPolicy, ManageError> {
        may_change(org, actor)?;
        let now = self.clock.now();
        let policy = store::retry(|| async {
            let mut write = self.store.write().await?;
            if let Some(org) = org {
                store::organizations::find(&mut write, org)
                    .await?
                    .ok_or(ManageError::NoOrganization)?;
            }
            let policies = Policies::new(store::policies::list(&mut write).await?);
            let before = org.map_or_else(|| policies.installation(), |org| policies.of(org));
            let policy = change(before).checked()?;
            store::policies::put(&mut write, org, &policy).await?;
            let subject = org.map_or("installation", OrgId::as_str);
            let detail = json!({"before": described(before), "after": described(policy)});
            let event = actor.event(now, org, "policy.set", subject, &detail);
            store::audit::append(&mut write, &event).await?;
            store::changes::append(&mut write, &Topic::Policies, self.clock.now()).await?;
            write.commit().await?;
            Ok::<_, ManageError>(policy)
        })
        .await?;
        self.apply(&Topic::Policies).await;
        Ok(policy)
    }

    /// Takes an organization's own policy away: that of the installation holds again.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn remove_policy(&self, org: &OrgId, actor: &Actor) -> Result<(), ManageError> {
        may_change(Some(org), actor)?;
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::organizations::find(&mut write, org)
                .await?
                .ok_or(ManageError::NoOrganization)?;
            store::policies::remove(&mut write, org).await?;
            let event = actor.event(now, Some(org), "policy.removed", org.as_str(), &json!({}));
            store::audit::append(&mut write, &event).await?;
            store::changes::append(&mut write, &Topic::Policies, self.clock.now()).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        self.apply(&Topic::Policies).await;
        Ok(())
    }
}

/// Whether there is such an organization is told only to those who may know.
pub(crate) fn may_change(org: Option<&OrgId>, actor: &Actor) -> Result<(), ManageError> {
    if let (Some(org), Some(_)) = (org, actor.organization()) {
        actor.check(UseCase::ReadPolicy, org, ManageError::NoOrganization)?;
    }
    actor.check_role(UseCase::ChangePolicy)
}

fn described(policy: DeprecationPolicy) -> Value {
    json!({
        "deprecated_on": policy.deprecated_on, "no_new_on": policy.no_new_on,
        "end_of_life_on": policy.end_of_life_on, "final_on": policy.final_on,
    })
}
