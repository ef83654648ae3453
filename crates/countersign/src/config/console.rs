//! Section `[console]`.

use std::collections::BTreeMap;

use countersign_authority::ProviderConfig;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::oidc::{Asker, Settings};

/// Settings of the console.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// OpenID providers that people may sign in at, by the name that addresses have. Default: none.
    pub oidc: BTreeMap<String, Settings>,
}

impl Console {
    /// The providers, and who asks them.
    pub(super) fn providers(&self) -> Result<Vec<(ProviderConfig, Asker)>, ConfigError> {
        let mut all: Vec<(ProviderConfig, Asker)> = Vec::new();
        for (id, settings) in &self.oidc {
            let error = |why| ConfigError::Provider {
                id: id.clone(),
                why,
            };
            let one = settings.connect(id).map_err(error)?;
            // People are known by issuer and subject: two clients there would be two subjects.
            if all.iter().any(|(other, _)| other.issuer == one.0.issuer) {
                return Err(error("its `issuer` is that of another one".to_owned()));
            }
            all.push(one);
        }
        Ok(all)
    }
}
