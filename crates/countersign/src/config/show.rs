//! The configuration in force, without what is secret.

use std::path::Path;

use countersign_server::ims::Compatibility;
use countersign_server::listen::Listener;
use serde::Serialize;

use super::{Config, ConfigError, Console, Gateway, Log, MasterKeySource, SampleApi};
use crate::notices::Settings;

/// The configuration as it may be shown: complete, with the database's password masked.
#[derive(Serialize)]
pub struct Shown<'a> {
    data: &'a Path,
    master_key_file: Option<&'a Path>,
    catalogue: Option<&'a Path>,
    server: &'a Listener,
    ims: countersign_authority::Config,
    store: Store,
    console: &'a Console,
    gateway: &'a Gateway,
    sample_api: &'a SampleApi,
    notifications: &'a Settings,
    compatibility: Compatibility,
    log: &'a Log,
}

#[derive(Serialize)]
struct Store {
    url: String,
    max_connections: u32,
    statement_cache: usize,
    acquire_timeout_ms: u64,
    statement_timeout_ms: u64,
}

impl Config {
    /// Everything in force, defaults included, in the shape of the file.
    ///
    /// # Errors
    /// [`ConfigError::NoIssuer`].
    pub fn shown(&self) -> Result<Shown<'_>, ConfigError> {
        Ok(Shown {
            data: &self.data,
            master_key_file: match &self.master_key {
                MasterKeySource::Environment(_) => None,
                MasterKeySource::File(path) => Some(path),
            },
            catalogue: self.catalogue_file.as_deref(),
            server: &self.server,
            ims: self.ims_at(self.server.address)?,
            store: Store {
                url: self.store.shown_url(),
                max_connections: self.store.max_connections,
                statement_cache: self.store.statement_cache,
                acquire_timeout_ms: self.store.acquire_timeout_ms,
                statement_timeout_ms: self.store.statement_timeout_ms,
            },
            console: &self.console,
            gateway: &self.gateway,
            sample_api: &self.sample_api,
            notifications: &self.notifications,
            compatibility: self.compatibility,
            log: &self.log,
        })
    }
}
