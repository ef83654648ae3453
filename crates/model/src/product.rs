//! The service catalogue and product profiles.

use std::collections::HashMap;

use countersign_wire::{Metascope, OrgId, ProfileId, Scope, ServiceCode, Timestamp};
use serde::Deserialize;

/// A service that credentials can subscribe to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// `sdkCode` of the Console APIs.
    pub code: ServiceCode,
    /// Shown to people.
    pub name: String,
    /// Any of them in an assertion asks for this service.
    pub metascopes: Vec<Metascope>,
    /// What a credential that subscribes may ask for.
    pub scopes: Vec<Scope>,
    /// Headers that the gateway demands besides `Authorization` and `x-api-key`.
    pub headers: Vec<String>,
    /// Whether only System Administrators may add it to a credential.
    #[serde(default)]
    pub administrators_only: bool,
    /// Members of this entry that have no public witness: `code`, `metascopes`, `scopes`.
    #[serde(default)]
    pub assumed: Vec<String>,
}

/// All services of an installation: data, not code.
#[derive(Clone, Debug)]
pub struct Catalogue {
    services: Vec<Service>,
    by_code: HashMap<ServiceCode, usize>,
}

/// Why a catalogue was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Not TOML, or not of the form of the built-in one.
    #[error("the service catalogue cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Two entries with one code.
    #[error("the service catalogue has `{0}` twice: give each service its own code")]
    Doubled(ServiceCode),
    /// A service without scopes could never be used.
    #[error("service `{0}` of the catalogue has no scopes: list what a token for it may hold")]
    NoScopes(ServiceCode),
}

impl Catalogue {
    /// The text of the catalogue that is compiled in, to copy and edit.
    pub const BUILT_IN: &'static str = include_str!("../data/services.toml");

    /// Reads a catalogue in the form of [`BUILT_IN`](Self::BUILT_IN).
    ///
    /// # Errors
    /// [`CatalogueError`] says which entry to mend.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            service: Vec<Service>,
        }
        let services = toml::from_str::<File>(text)?.service;
        let mut by_code = HashMap::with_capacity(services.len());
        for (at, service) in services.iter().enumerate() {
            if service.scopes.is_empty() {
                return Err(CatalogueError::NoScopes(service.code.clone()));
            }
            if by_code.insert(service.code.clone(), at).is_some() {
                return Err(CatalogueError::Doubled(service.code.clone()));
            }
        }
        Ok(Self { services, by_code })
    }

    /// The service of that code.
    #[must_use]
    pub fn find(&self, code: &ServiceCode) -> Option<&Service> {
        self.by_code.get(code).and_then(|at| self.services.get(*at))
    }

    /// All services, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Service> {
        self.services.iter()
    }
}

/// What an organization bought of a service: a credential acts through the profiles it holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProductProfile {
    /// `licenseConfigs[].id`.
    pub id: ProfileId,
    /// Its owner.
    pub org_id: OrgId,
    /// The service it is of.
    pub service: ServiceCode,
    /// Shown to people.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalogue_is_whole() {
        let catalogue = Catalogue::parse(Catalogue::BUILT_IN).expect("valid");
        assert!(catalogue.iter().len() >= 59);
        for service in catalogue.iter() {
            assert!(!service.metascopes.is_empty(), "{}", service.code);
            assert!(
                service.headers.iter().all(|h| h.starts_with("x-")),
                "{}",
                service.code
            );
        }
    }

    #[test]
    fn a_doubled_code_is_named() {
        let text = Catalogue::BUILT_IN.replacen("DocCloudSDK", "UserMgmtSDK", 1);
        let error = Catalogue::parse(&text).expect_err("doubled");
        assert!(error.to_string().contains("UserMgmtSDK"), "{error}");
    }
}
