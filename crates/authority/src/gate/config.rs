//! What an operator sets for the gateway's checks.

use countersign_model::{Catalogue, CheckedService, PublishedError, PublishedService};
use countersign_wire::PublishedName;

use super::published::{Clash, PublishedTable, Source};

/// Settings of the gateway's checks: the part of section `[gateway]` that is no listener's.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Memory for tokens that were verified, in mebibytes.
    pub token_cache_mebibytes: u64,
    services: Vec<CheckedService>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            token_cache_mebibytes: 64,
            services: Vec::new(),
        }
    }
}

impl GatewayConfig {
    /// With services that are published whatever the store says.
    ///
    /// # Errors
    /// [`PublishError`] when one of them cannot be, or not beside the others.
    pub fn with_services(
        self,
        services: Vec<PublishedService>,
        catalogue: &Catalogue,
    ) -> Result<Self, PublishError> {
        let check = |service: PublishedService| {
            let name = service.name.clone();
            let checked = service.checked(catalogue);
            checked.map_err(|error| PublishError::Service(name, error))
        };
        let services = services
            .into_iter()
            .map(check)
            .collect::<Result<Vec<_>, _>>()?;
        let sourced = services.iter().cloned();
        let sourced = sourced.map(|service| (Source::Configuration, service));
        let (_, clashes) = PublishedTable::new(sourced, &PublishedTable::default());
        match clashes.into_iter().next() {
            Some(clash) => Err(clash.into()),
            None => Ok(Self { services, ..self }),
        }
    }

    pub(crate) fn services(&self) -> &[CheckedService] {
        &self.services
    }
}

/// Why a service cannot be published.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PublishError {
    /// It cannot work.
    #[error("published service `{0}`: {1}")]
    Service(PublishedName, PublishedError),
    /// There is another one in its place.
    #[error(transparent)]
    Clash(#[from] Clash),
}
