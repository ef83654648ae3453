//! Section `[sample_api]`.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// Settings of the sample API, which only `serve --sample-api` starts.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SampleApi {
    /// Where it answers the gateway. Port 0 takes a free one. Default `127.0.0.1:0`.
    pub address: SocketAddr,
}

impl Default for SampleApi {
    fn default() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { address }
    }
}

impl SampleApi {
    /// It believes whoever calls: nobody but this machine may.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match self.address.ip().is_loopback() {
            true => Ok(()),
            false => Err(ConfigError::SampleApi(self.address)),
        }
    }
}
