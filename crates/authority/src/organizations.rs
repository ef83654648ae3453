//! Organizations and their product profiles.

use countersign_model::project::check_label;
use countersign_model::{
    Membership, Organization, ProductProfile, Quarantine, ReplayPolicy, Role, SecretsInQuery,
    State, UseCase,
};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Page, Write};
use countersign_wire::{NumericOrgId, OrgId, PersonId, ProfileId, ServiceCode};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::error::ManageError;
use crate::sessions::Session;

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
#[derive(Clone, Debug, Default)]
pub struct OrganizationChange {
    /// Shown to people.
    pub name: Option<String>,
    /// How often an assertion may be used.
    pub replay: Option<ReplayPolicy>,
    /// Whether secrets may travel in URLs.
    pub secrets_in_query: Option<SecretsInQuery>,
    /// How long its JWT halves are in quarantine; `Some(None)` is as the installation says.
    pub quarantine: Option<Option<Quarantine>>,
    /// Switches it, and everything in it, on or off.
    pub enabled: Option<bool>,
    /// The revision that the change was made from; whoever has none takes what is there.
    pub revision: Option<i64>,
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
        actor.check_role(UseCase::CreateOrganization)?;
        let organization = self.prepare_organization(new)?;
        store::retry(|| async {
            let mut write = self.store.write().await?;
            self.insert_organization(&mut write, &organization, actor)
                .await?;
            if let Some(person) = actor.person() {
                let founder = founder(&organization, person);
                store::members::insert(&mut write, &founder).await?;
            }
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok(organization)
    }

    /// An organization as it will be made.
    pub(crate) fn prepare_organization(
        &self,
        new: NewOrganization,
    ) -> Result<Organization, ManageError> {
        check_label(&new.name)?;
        Ok(Organization {
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
            quarantine: None,
            created_at: self.clock.now(),
            revision: 0,
        })
    }

    pub(crate) async fn insert_organization(
        &self,
        write: &mut Write,
        organization: &Organization,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let (id, detail) = (&organization.id, json!({"name": organization.name}));
        let at = organization.created_at;
        let event = actor.event(at, Some(id), "organization.created", id.as_str(), &detail);
        store::organizations::insert(write, organization).await?;
        Ok(store::audit::append(write, &event).await?)
    }

    /// The organizations that the actor may know of, by id: all, for whoever runs the
    /// installation, else the member's own.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_organizations(
        &self,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<Organization>, ManageError> {
        let mut read = self.store.read().await?;
        if actor.may(UseCase::RunInstallation) {
            return Ok(store::organizations::list(&mut read, page).await?);
        }
        let Some(own) = actor.organization() else {
            return Ok(Vec::new());
        };
        actor.check_role(UseCase::ReadOrganization)?;
        let is_before = page
            .after
            .as_deref()
            .is_none_or(|after| own.as_str() > after);
        let found = match is_before {
            true => store::organizations::find(&mut read, own).await?,
            false => None,
        };
        Ok(found.into_iter().collect())
    }

    /// The organizations where the person of a session is a member, by id; memberships that were
    /// switched off are left out.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn organizations_of(
        &self,
        session: &Session,
    ) -> Result<Vec<Organization>, ManageError> {
        let mut read = self.store.read().await?;
        let mut all = store::organizations::of_person(&mut read, &session.person().id).await?;
        all.retain(|one| session.memberships().iter().any(|m| m.org_id == one.id));
        Ok(all)
    }

    /// The organization of that id.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn find_organization(
        &self,
        id: &OrgId,
        actor: &Actor,
    ) -> Result<Organization, ManageError> {
        actor.check(UseCase::ReadOrganization, id, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        let found = store::organizations::find(&mut read, id).await?;
        found.ok_or(ManageError::NoOrganization)
    }

    /// The organization of that numeric id.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`], also for one that the actor may not know of.
    pub async fn find_organization_by_number(
        &self,
        number: &NumericOrgId,
        actor: &Actor,
    ) -> Result<Organization, ManageError> {
        let mut read = self.store.read().await?;
        let found = store::organizations::find_by_number(&mut read, number).await?;
        let org = found.ok_or(ManageError::NoOrganization)?;
        actor.check(
            UseCase::ReadOrganization,
            &org.id,
            ManageError::NoOrganization,
        )?;
        Ok(org)
    }

    /// Changes an organization. Acts at once here, on other nodes within a second.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`]; [`ManageError::Stale`] unless `change.revision` is the
    /// stored one, where it is given. Only the operator switches an organization on or off.
    pub async fn change_organization(
        &self,
        id: &OrgId,
        change: OrganizationChange,
        actor: &Actor,
    ) -> Result<Organization, ManageError> {
        actor.check(UseCase::ChangeOrganization, id, ManageError::NoOrganization)?;
        if change.enabled.is_some() {
            actor.check_role(UseCase::RunInstallation)?;
        }
        if let Some(name) = &change.name {
            check_label(name)?;
        }
        let now = self.clock.now();
        let topic = Topic::Organization(id.clone());
        let changed = store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = store::organizations::find(&mut write, id).await?;
            let mut org = found.ok_or(ManageError::NoOrganization)?;
            check_revision(change.revision, org.revision)?;
            let before = described(&org);
            org.name = change.name.clone().unwrap_or(org.name);
            org.replay = change.replay.unwrap_or(org.replay);
            org.secrets_in_query = change.secrets_in_query.unwrap_or(org.secrets_in_query);
            org.quarantine = change.quarantine.unwrap_or(org.quarantine);
            org.state = switched(org.state, change.enabled, now);
            store::organizations::save(&mut write, &org).await?;
            org.revision += 1;
            let detail = json!({"before": before, "after": described(&org)});
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
        actor.check(UseCase::ChangeProfiles, org, ManageError::NoOrganization)?;
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
        actor: &Actor,
    ) -> Result<Vec<ProductProfile>, ManageError> {
        actor.check(UseCase::ReadProfiles, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        Ok(store::profiles::list(&mut read, org).await?)
    }
}

/// Whoever makes an organization administers it.
fn founder(organization: &Organization, person: &PersonId) -> Membership {
    Membership {
        person_id: person.clone(),
        org_id: organization.id.clone(),
        role: Role::SystemAdministrator,
        profiles: Vec::new(),
        state: State::Enabled,
        created_at: organization.created_at,
        revision: 0,
    }
}

fn described(org: &Organization) -> serde_json::Value {
    json!({
        "name": org.name, "replay": org.replay.as_str(),
        "secrets_in_query": org.secrets_in_query.as_str(), "enabled": org.state.is_enabled(),
        "quarantine_days": org.quarantine.map(Quarantine::days),
    })
}

/// Whether a change was made from what is stored.
pub(crate) fn check_revision(expected: Option<i64>, stored: i64) -> Result<(), ManageError> {
    match expected {
        Some(expected) if expected != stored => Err(ManageError::Stale),
        _ => Ok(()),
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
