//! What an operator sets for the gateway's checks.

use countersign_model::PublishedService;

/// Settings of the gateway's checks: the part of section `[gateway]` that is no listener's.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Services that are published whatever the store says.
    pub services: Vec<PublishedService>,
    /// Memory for tokens that were verified, in mebibytes.
    pub token_cache_mebibytes: u64,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            services: Vec::new(),
            token_cache_mebibytes: 64,
        }
    }
}
