//! The service catalogue as somebody sees it who wants to add a service to a credential.

use countersign_model::{ProductProfile, Service, UseCase};
use countersign_wire::OrgId;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;

/// A service of the catalogue, with what is in the way of adding it.
#[derive(Debug)]
pub struct OfferedService<'a> {
    /// The service.
    pub service: &'a Service,
    /// The organization's product profiles of it, by id.
    pub profiles: Vec<ProductProfile>,
    /// Why the actor cannot add it; nothing, if he can.
    pub obstacles: Vec<Obstacle>,
}

/// Why somebody cannot add a service. Source: `spec/ims-protocol.md` 6.9, `disabledReasons`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Obstacle {
    /// The role changes no credential.
    DeveloperRole,
    /// Only System Administrators add it.
    AdministratorRole,
    /// It has product profiles, and the actor is a developer of none of them.
    ProductProfiles,
}

impl Authority {
    /// All services, in the order of the catalogue.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn offered_services(
        &self,
        org: &OrgId,
        actor: &Actor,
    ) -> Result<Vec<OfferedService<'_>>, ManageError> {
        let profiles = self.list_profiles(org, actor).await?;
        let offered = self.catalogue.iter().map(|service| {
            let profiles: Vec<_> = profiles
                .iter()
                .filter(|profile| profile.service == service.code)
                .cloned()
                .collect();
            OfferedService {
                service,
                obstacles: obstacles(service, &profiles, actor),
                profiles,
            }
        });
        Ok(offered.collect())
    }
}

fn obstacles(service: &Service, profiles: &[ProductProfile], actor: &Actor) -> Vec<Obstacle> {
    if !actor.may(UseCase::ChangeCredential) {
        return vec![Obstacle::DeveloperRole];
    }
    let mut found = Vec::new();
    if service.administrators_only && !actor.may(UseCase::AddAdminService) {
        found.push(Obstacle::AdministratorRole);
    }
    let mut assignable = profiles.iter().map(|one| actor.may_assign([&one.id]));
    if !profiles.is_empty() && !assignable.any(|may| may.is_ok()) {
        found.push(Obstacle::ProductProfiles);
    }
    found
}
