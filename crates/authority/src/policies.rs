//! Deprecation policies in memory, and the use cases that change them.

use std::collections::HashMap;

use countersign_model::deprecation::Preset;
use countersign_model::{DeprecationPolicy, UseCase};
use countersign_store::changes::Topic;
use countersign_store::{self as store};
use countersign_wire::OrgId;

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
        actor.check_role(UseCase::ChangePolicy)?;
        let policy = policy.checked()?;
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            if let Some(org) = org {
                store::organizations::find(&mut write, org)
                    .await?
                    .ok_or(ManageError::NoOrganization)?;
            }
            store::policies::put(&mut write, org, &policy).await?;
            let subject = org.map_or("installation", OrgId::as_str);
            let detail = serde_json::json!({
                "deprecated_on": policy.deprecated_on, "no_new_on": policy.no_new_on,
                "end_of_life_on": policy.end_of_life_on, "final_on": policy.final_on,
            });
            let event = actor.event(now, org, "policy.set", subject, &detail);
            store::audit::append(&mut write, &event).await?;
            store::changes::append(&mut write, &Topic::Policies, self.clock.now()).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        self.apply(&Topic::Policies).await;
        Ok(())
    }

    /// Takes an organization's own policy away: that of the installation holds again.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn remove_policy(&self, org: &OrgId, actor: &Actor) -> Result<(), ManageError> {
        actor.check_role(UseCase::ChangePolicy)?;
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::policies::remove(&mut write, org).await?;
            let event = actor.event(
                now,
                Some(org),
                "policy.removed",
                org.as_str(),
                &serde_json::json!({}),
            );
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
