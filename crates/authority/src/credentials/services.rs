//! The services of a credential, and the product profiles that it uses them through.

use countersign_model::{Credential, Subscription, UseCase};
use countersign_store::{self as store, Reads};
use countersign_wire::{CredentialId, ServiceCode};
use serde_json::json;

use super::Change;
use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::revision::At;

impl Authority {
    /// Subscribes a credential to a service, or changes the profiles it uses it through.
    ///
    /// # Errors
    /// [`ManageError::NoService`], [`ManageError::NoProfile`], [`ManageError::Stale`].
    pub async fn subscribe(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        subscription: Subscription,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let of = of.into();
        let detail = json!({"service": subscription.service, "profiles": subscription.profiles});
        let changed = store::retry(|| async {
            self.check_assignments([&subscription], actor)?;
            let mut change = self
                .begin_change(of, UseCase::ChangeCredential, actor)
                .await?;
            let Change { write, after, .. } = &mut change;
            after
                .subscriptions
                .retain(|s| s.service != subscription.service);
            after.subscriptions.push(subscription.clone());
            self.check_subscriptions(write, after).await?;
            self.finish_change(change, "credential.subscribed", &detail, actor)
                .await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Makes these the services of a credential, all of them or none.
    ///
    /// # Errors
    /// [`ManageError::NoService`], [`ManageError::NoProfile`]; [`ManageError::Forbidden`] and
    /// [`ManageError::ReadOnly`] for what the actor may not add.
    pub async fn set_subscriptions(
        &self,
        id: &CredentialId,
        subscriptions: Vec<Subscription>,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let services: Vec<_> = subscriptions.iter().map(|one| &one.service).collect();
        let detail = json!({"services": services});
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(id, UseCase::ChangeCredential, actor)
                .await?;
            let Change {
                write,
                before,
                after,
            } = &mut change;
            let added = subscriptions
                .iter()
                .filter(|one| !before.subscriptions.contains(one));
            self.check_assignments(added, actor)?;
            after.subscriptions.clone_from(&subscriptions);
            self.check_subscriptions(write, after).await?;
            self.finish_change(change, "credential.subscribed", &detail, actor)
                .await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Takes a service away from a credential.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`].
    pub async fn unsubscribe(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        service: &ServiceCode,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let of = of.into();
        let detail = json!({"service": service});
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(of, UseCase::ChangeCredential, actor)
                .await?;
            let subscriptions = &mut change.after.subscriptions;
            subscriptions.retain(|s| s.service != *service);
            self.finish_change(change, "credential.unsubscribed", &detail, actor)
                .await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Whether the actor may give a credential those services and profiles.
    pub(super) fn check_assignments<'s>(
        &self,
        subscriptions: impl IntoIterator<Item = &'s Subscription>,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        for one in subscriptions {
            let service = self.catalogue.find(&one.service);
            if service.is_some_and(|service| service.administrators_only) {
                actor.check_role(UseCase::AddAdminService)?;
            }
            actor.may_assign(&one.profiles)?;
        }
        Ok(())
    }

    /// Whether the catalogue and the organization have them.
    pub(super) async fn check_subscriptions(
        &self,
        read: &mut impl Reads,
        credential: &Credential,
    ) -> Result<(), ManageError> {
        let profiles = store::profiles::list(read, &credential.org_id).await?;
        for subscription in &credential.subscriptions {
            let service = &subscription.service;
            self.catalogue
                .find(service)
                .ok_or_else(|| ManageError::NoService(service.clone()))?;
            for id in &subscription.profiles {
                if !profiles
                    .iter()
                    .any(|p| p.id == *id && p.service == *service)
                {
                    return Err(ManageError::NoProfile(id.as_str().to_owned()));
                }
            }
        }
        Ok(())
    }
}
