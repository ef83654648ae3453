//! Services and product profiles.

use countersign_authority::{Obstacle, OfferedService};
use countersign_model::{ProductProfile, Service};
use serde::Serialize;
use utoipa::ToSchema;

use super::time;

/// A service of the catalogue.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct ServiceView {
    code: String,
    name: String,
    scopes: Vec<String>,
    metascopes: Vec<String>,
    /// Whether only System Administrators may add it to a credential.
    administrators_only: bool,
}

impl From<&Service> for ServiceView {
    fn from(service: &Service) -> Self {
        Self {
            code: service.code.to_string(),
            name: service.name.clone(),
            scopes: service.scopes.iter().map(ToString::to_string).collect(),
            metascopes: service.metascopes.iter().map(ToString::to_string).collect(),
            administrators_only: service.administrators_only,
        }
    }
}

/// A product profile.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct ProfileView {
    id: String,
    service: String,
    name: String,
    created_at: String,
}

impl From<&ProductProfile> for ProfileView {
    fn from(profile: &ProductProfile) -> Self {
        Self {
            id: profile.id.to_string(),
            service: profile.service.to_string(),
            name: profile.name.clone(),
            created_at: time(profile.created_at),
        }
    }
}

/// A service of the catalogue, and what is in the way of adding it.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct OfferedView {
    #[serde(flatten)]
    service: ServiceView,
    /// The organization's product profiles of it.
    profiles: Vec<ProfileView>,
    /// Why the caller cannot add it: `developer_role`, `administrator_role`, `product_profiles`;
    /// empty, if he can.
    obstacles: Vec<&'static str>,
}

impl From<&OfferedService<'_>> for OfferedView {
    fn from(offered: &OfferedService<'_>) -> Self {
        let word = |obstacle: &Obstacle| match obstacle {
            Obstacle::DeveloperRole => "developer_role",
            Obstacle::AdministratorRole => "administrator_role",
            Obstacle::ProductProfiles => "product_profiles",
        };
        Self {
            service: offered.service.into(),
            profiles: offered.profiles.iter().map(ProfileView::from).collect(),
            obstacles: offered.obstacles.iter().map(word).collect(),
        }
    }
}
