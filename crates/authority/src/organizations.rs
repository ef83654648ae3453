//! Organizations and their product profiles.

use countersign_model::project::check_label;
use countersign_model::{Organization, ProductProfile, ReplayPolicy, SecretsInQuery, State};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Page};
use countersign_wire::{NumericOrgId, OrgId, ProfileId, ServiceCode};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::error::ManageError;

/// An organization to be made.
#[derive(Clone, Debug, Default)]
pub struct NewOrganization {
    /// Shown to people.
    pub name: String,
    /// Its id, where it has one already: an organization that moves here keeps it.
    pub id: Option<OrgId>,
    /// Its numeric id, where it has one already.
    pub numeric_id: Option<NumericOrgId>,
}

/// What to change of an organization; `None` leaves a thing as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrganizationChange {
    /// How often an assertion may be used.
    pub replay: Option<ReplayPolicy>,
    /// Whether secrets may travel in URLs.
    pub secrets_in_query: Option<SecretsInQuery>,
    /// Switches it, and everything in it, on or off.
    pub enabled: Option<bool>,
}

impl Authority {
    /// Makes an organization.
    ///
    /// # Errors
    /// [`ManageError::Taken`] for an id that exists, [`ManageError::Name`].
    pub async fn create_organization(
        &self,
        new: NewOrganization,
        actor: &Actor,
    ) -> Result<Organization, ManageError> {
        check_label(&new.name)?;
        let now = self.clock.now();
        let organization = Organization {
            id: new
                .id
                .map_or_else(|| random().map(OrgId::from_random), Ok)?,
            numeric_id: new
                .numeric_id
                .map_or_else(|| random_number(6).map(NumericOrgId::from_number), Ok)?,
            name: new.name,
            state: State::Enabled,
            replay: ReplayPolicy::default(),
            secrets_in_query: SecretsInQuery::default(),
            created_at: now,
            revision: 0,
        };
        let id = &organization.id;
        let event = actor.event(
            now,
            Some(id),
            "organization.created",
            id.as_str(),
            &json!({"name": organization.name}),
        );
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::organizations::insert(&mut write, &organization).await?;
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok(organization)
    }

    /// Organizations, by id.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_organizations(
        &self,
        page: &Page,
        _actor: &Actor,
    ) -> Result<Vec<Organization>, ManageError> {
        let mut read = self.store.read().await?;
        Ok(store::organizations::list(&mut read, page).await?)
    }

    /// Changes an organization's rules. Acts at once here, on other nodes within a second.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn change_organization(
        &self,
        id: &OrgId,
        change: OrganizationChange,
        actor: &Actor,
    ) -> Result<Organization, ManageError> {
        let now = self.clock.now();
        let topic = Topic::Organization(id.clone());
        let changed = store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = store::organizations::find(&mut write, id).await?;
            let mut org = found.ok_or(ManageError::NoOrganization)?;
            org.replay = change.replay.unwrap_or(org.replay);
            org.secrets_in_query = change.secrets_in_query.unwrap_or(org.secrets_in_query);
            org.state = switched(org.state, change.enabled, now);
            store::organizations::save(&mut write, &org).await?;
            let detail = json!({
                "replay": org.replay.as_str(), "secrets_in_query": org.secrets_in_query.as_str(),
                "enabled": org.state.is_enabled(),
            });
            let event = actor.event(now, Some(id), "organization.changed", id.as_str(), &detail);
            store::audit::append(&mut write, &event).await?;
            store::changes::append(&mut write, &topic, self.clock.now()).await?;
            write.commit().await?;
            Ok::<_, ManageError>(org)
        })
        .await?;
        self.apply(&topic).await;
        Ok(changed)
    }

    /// Makes a product profile of a service.
    ///
    /// # Errors
    /// [`ManageError::NoService`], [`ManageError::NoOrganization`].
    pub async fn create_profile(
        &self,
        org: &OrgId,
        service: &ServiceCode,
        name: String,
        actor: &Actor,
    ) -> Result<ProductProfile, ManageError> {
        check_label(&name)?;
        self.catalogue
            .find(service)
            .ok_or_else(|| ManageError::NoService(service.clone()))?;
        let now = self.clock.now();
        let id = ProfileId::from_number(random_number(9)?);
        let profile = ProductProfile {
            id,
            org_id: org.clone(),
            service: service.clone(),
            name,
            created_at: now,
        };
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::organizations::find(&mut write, org)
                .await?
                .ok_or(ManageError::NoOrganization)?;
            store::profiles::insert(&mut write, &profile).await?;
            let detail = json!({"service": service, "name": profile.name});
            let event = actor.event(
                now,
                Some(org),
                "profile.created",
                profile.id.as_str(),
                &detail,
            );
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok(profile)
    }

    /// The product profiles of an organization.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_profiles(
        &self,
        org: &OrgId,
        _actor: &Actor,
    ) -> Result<Vec<ProductProfile>, ManageError> {
        let mut read = self.store.read().await?;
        Ok(store::profiles::list(&mut read, org).await?)
    }
}

/// A random number of exactly so many decimal digits.
pub(crate) fn random_number(digits: u32) -> Result<u64, ManageError> {
    let least = 10_u64.pow(digits - 1);
    Ok(least + u64::from_be_bytes(random()?) % (9 * least))
}

/// The state after switching a thing on or off; switching off twice keeps the first time.
pub(crate) fn switched(
    state: State,
    enabled: Option<bool>,
    now: countersign_wire::Timestamp,
) -> State {
    match (state, enabled) {
        (_, Some(true)) => State::Enabled,
        (State::Enabled, Some(false)) => State::Disabled { at: now },
        (state, _) => state,
    }
}
