//! Section `[gateway]`: the services that are published.

use countersign_authority::{GatewayConfig, PublishError};
use countersign_model::{Catalogue, PublishedService};
use serde::{Deserialize, Serialize};

/// Settings of the gateway.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// Memory for tokens that were verified, in mebibytes. Default 64.
    pub token_cache_mebibytes: u64,
    /// Services that are published, beside those in the database.
    pub services: Vec<PublishedService>,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            token_cache_mebibytes: GatewayConfig::default().token_cache_mebibytes,
            services: Vec::new(),
        }
    }
}

impl Gateway {
    /// What calls are checked by.
    pub(super) fn checks(&self, catalogue: &Catalogue) -> Result<GatewayConfig, PublishError> {
        let mut checks = GatewayConfig::default();
        checks.token_cache_mebibytes = self.token_cache_mebibytes;
        checks.with_services(self.services.clone(), catalogue)
    }
}
