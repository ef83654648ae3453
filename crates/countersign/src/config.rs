//! The configuration: defaults, file, environment and flags, merged into one and checked whole.
//!
//! A later source wins: a file, then variables such as `COUNTERSIGN__SERVER__ADDRESS`, then flags.
//! Paths are relative to the working directory. Secrets come from files or the environment only.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use countersign_authority::{ForeignConfig, MasterKey, MasterKeyError, ProviderConfig};
use countersign_model::{Catalogue, PublishedService};
use countersign_server::ims::Compatibility;
use countersign_server::kit::log::LogFormat;
use countersign_server::listen::Listener;
use countersign_store::{self as store, Store};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use url::Url;
use zeroize::Zeroizing;

use crate::foreign_ims::Asker;
use crate::notices::{self, Messenger, Ways};
use crate::oidc;
use crate::outcome::Failure;
pub use console::Console;
pub use error::ConfigError;
pub use gateway::Gateway;
use layers::Layers;
pub use sample_api::SampleApi;

mod console;
mod error;
mod gateway;
mod layers;
mod sample_api;
mod show;

/// Where the configuration is looked for, as flags that commands share.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Installation")]
pub struct Place {
    /// Configuration file [default: `countersign.toml` in the data folder, if it is there]
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// Folder of the database and the master key [default: ./countersign-data]
    #[arg(long, value_name = "FOLDER", global = true)]
    pub data: Option<PathBuf>,
}

/// What else can be said by flags.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `server.address`.
    pub listen: Option<SocketAddr>,
    /// `ims.issuer`.
    pub issuer: Option<String>,
}

/// The configuration in force: read, merged and checked.
pub struct Config {
    /// The file it was read from, if any.
    pub file: Option<PathBuf>,
    /// Folder of everything that this process writes.
    pub data: PathBuf,
    /// Settings of the listener.
    pub server: Listener,
    /// Settings of the database.
    pub store: store::Config,
    /// How closely the IMS face keeps to the original.
    pub compatibility: Compatibility,
    /// Shape of the log.
    pub log: Log,
    /// The services that credentials can subscribe to.
    pub catalogue: Catalogue,
    /// Settings of the console.
    pub console: Console,
    /// Settings of the gateway.
    pub gateway: Gateway,
    /// Settings of the sample API.
    pub sample_api: SampleApi,
    /// Whom notices go to.
    pub notifications: notices::Settings,
    ims: countersign_authority::Config,
    catalogue_file: Option<PathBuf>,
    issuer: Issuer,
    master_key: MasterKeySource,
}

/// Section `[log]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `text` or `json`. Default `text`.
    pub format: LogFormat,
    /// What is logged, as in `info,hyper=warn`. Default `info`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            filter: "info".to_owned(),
        }
    }
}

/// Everything that can be written into a file.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    data: PathBuf,
    master_key_file: Option<PathBuf>,
    catalogue: Option<PathBuf>,
    server: Listener,
    ims: countersign_authority::Config,
    store: store::Config,
    console: Console,
    gateway: Gateway,
    sample_api: SampleApi,
    notifications: notices::Settings,
    compatibility: Compatibility,
    log: Log,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from(DATA),
            master_key_file: None,
            catalogue: None,
            server: Listener::default(),
            ims: countersign_authority::Config::default(),
            store: store::Config::default(),
            console: Console::default(),
            gateway: Gateway::default(),
            sample_api: SampleApi::default(),
            notifications: notices::Settings::default(),
            compatibility: Compatibility::default(),
            log: Log::default(),
        }
    }
}

/// Whether a database belongs to a master key already.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Database {
    /// Nobody has used it: a key may be made for it.
    Empty,
    /// It was made with a key, and needs that one.
    InUse,
}

impl Database {
    /// Looks at `store`.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn of(store: &Store) -> Result<Self, store::Error> {
        let used = countersign_authority::has_master_key(store).await?;
        Ok(if used { Self::InUse } else { Self::Empty })
    }
}

/// Whether somebody chose the issuer, or it follows from the listener.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Issuer {
    Chosen,
    Follows,
}

enum MasterKeySource {
    Environment(Zeroizing<String>),
    File(PathBuf),
}

impl Config {
    /// Reads and checks the configuration; opens nothing and writes nothing.
    ///
    /// # Errors
    /// [`ConfigError`] names the key, its place and the remedy.
    pub fn load(place: &Place, overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::read(place, overrides, &std::env::vars_os().collect::<Vec<_>>())
    }

    fn read(
        place: &Place,
        overrides: &Overrides,
        environment: &[(OsString, OsString)],
    ) -> Result<Self, ConfigError> {
        let mut layers = Layers::default();
        let mut above = Layers::default();
        above.add_environment(environment)?;
        above.add_flag(
            "--data",
            "data",
            place.data.as_deref().map(|path| path.to_string_lossy()),
        );
        above.add_flag("--listen", "server.address", overrides.listen);
        above.add_flag("--issuer", "ims.issuer", overrides.issuer.as_deref());

        let file = find_file(place, above.text("data")?.as_deref());
        if let Some(path) = &file {
            layers.add_file(path, read_file("configuration file", path)?);
        }
        layers.append(above);
        let issuer = match layers.text("ims.issuer")? {
            Some(_) => Issuer::Chosen,
            None => Issuer::Follows,
        };
        let has_store_url = layers.text("store.url")?.is_some();
        let mut settings: Settings = layers.deserialize()?;
        if !has_store_url {
            settings.store.url = database_in(&settings.data)?;
        }
        Self::checked(file, settings, issuer, environment)
    }

    fn checked(
        file: Option<PathBuf>,
        settings: Settings,
        issuer: Issuer,
        environment: &[(OsString, OsString)],
    ) -> Result<Self, ConfigError> {
        EnvFilter::try_new(&settings.log.filter)?;
        let from_environment = environment.iter().find(|(name, _)| name == MASTER_KEY);
        let key_file = settings
            .master_key_file
            .unwrap_or_else(|| settings.data.join("master.key"));
        let catalogue = read_catalogue(settings.catalogue.as_deref())?;
        let mut ims = settings.ims;
        ims.gateway = settings.gateway.checks(&catalogue)?;
        settings.sample_api.check()?;
        let config = Self {
            file,
            server: settings.server,
            store: settings.store,
            compatibility: settings.compatibility,
            log: settings.log,
            catalogue,
            console: settings.console,
            gateway: settings.gateway,
            sample_api: settings.sample_api,
            notifications: settings.notifications,
            ims,
            catalogue_file: settings.catalogue,
            issuer,
            master_key: match from_environment {
                Some((_, key)) => {
                    MasterKeySource::Environment(Zeroizing::new(key.to_string_lossy().into_owned()))
                }
                None => MasterKeySource::File(key_file),
            },
            data: settings.data,
        };
        config.ims_at(config.server.address)?.checked()?;
        Ok(config)
    }

    /// Checks what only a server needs: certificates and addresses of its listeners, and what the
    /// gateway needs to reach upstreams.
    ///
    /// # Errors
    /// [`ConfigError::Server`], [`ConfigError::GatewayListener`], [`ConfigError::Upstreams`],
    /// [`ConfigError::ForeignIms`], [`ConfigError::Provider`].
    pub fn check_listeners(&self) -> Result<(), ConfigError> {
        self.server.check()?;
        let gateway = self.gateway.listener.check();
        gateway.map_err(ConfigError::GatewayListener)?;
        for service in &self.gateway.services {
            countersign_server::gateway::check(service).map_err(|error| {
                ConfigError::Upstreams {
                    service: service.name.clone(),
                    error,
                }
            })?;
        }
        self.foreign_ims()?;
        self.providers()?;
        self.notices(&self.ims.issuer)?;
        Ok(())
    }

    /// Publishes `services` beside those that are configured.
    ///
    /// # Errors
    /// [`ConfigError::Gateway`] when one of them cannot be, or not beside the others.
    pub fn publish(
        &mut self,
        services: impl IntoIterator<Item = PublishedService>,
    ) -> Result<(), ConfigError> {
        self.gateway.services.extend(services);
        self.ims.gateway = self.gateway.checks(&self.catalogue)?;
        Ok(())
    }

    /// Settings of the authority of a server that listens on `address`: without an issuer of its
    /// own, a server on a loopback address is its own issuer.
    ///
    /// # Errors
    /// [`ConfigError::NoIssuer`] on an address that other machines can reach.
    pub fn ims_at(
        &self,
        address: SocketAddr,
    ) -> Result<countersign_authority::Config, ConfigError> {
        let mut ims = self.ims.clone();
        if self.issuer == Issuer::Follows {
            if !address.ip().is_loopback() {
                return Err(ConfigError::NoIssuer(address));
            }
            ims.issuer = format!("{}://{address}", self.scheme());
        }
        Ok(ims)
    }

    /// The IMS whose tokens the gateway takes, and who asks it; nothing where it is our own.
    ///
    /// # Errors
    /// [`ConfigError::ForeignIms`] names the key.
    pub fn foreign_ims(&self) -> Result<Option<(ForeignConfig, Asker)>, ConfigError> {
        let Some(settings) = &self.gateway.ims else {
            return Ok(None);
        };
        let asker = settings.connect().map_err(ConfigError::ForeignIms)?;
        Ok(Some((settings.checks(), asker)))
    }

    /// The providers that people may sign in at, and who asks them.
    ///
    /// # Errors
    /// [`ConfigError::Provider`] names the key.
    pub fn providers(&self) -> Result<Vec<(ProviderConfig, oidc::Asker)>, ConfigError> {
        self.console.providers()
    }

    /// The ways to tell people what ends, with pages at `issuer`; nothing where nobody is told.
    ///
    /// # Errors
    /// [`ConfigError::Notifications`] names the key.
    pub fn notices(&self, issuer: &str) -> Result<Option<Ways>, ConfigError> {
        let variable = |name: &str| std::env::var(name).ok();
        Messenger::prepare(&self.notifications, issuer, variable)
            .map_err(ConfigError::Notifications)
    }

    /// What the listener speaks.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.server.tls.is_some() {
            "https"
        } else {
            "http"
        }
    }

    /// Opens the database.
    ///
    /// # Errors
    /// What is in the way, and where to look.
    pub async fn open_store(&self) -> Result<Store, Failure> {
        let opened = Store::open(&self.store).await;
        opened.map_err(|error| {
            let is_place = matches!(
                error,
                store::Error::Full(_)
                    | store::Error::ReadOnly(_)
                    | store::Error::Gone(_)
                    | store::Error::Disk(_)
                    | store::Error::Damaged(_)
            );
            let failure = Failure::from(error);
            match is_place {
                true => failure.hint(format!("the database is `{}`", self.store.shown_url())),
                false => failure,
            }
        })
    }

    /// The master key, made at first use unless it comes from the environment.
    ///
    /// # Errors
    /// [`MasterKeyError`].
    pub fn master_key(&self, database: Database) -> Result<MasterKey, MasterKeyError> {
        match (&self.master_key, database) {
            (MasterKeySource::Environment(text), _) => MasterKey::parse(text),
            (MasterKeySource::File(path), Database::Empty) => MasterKey::load_or_create(path),
            (MasterKeySource::File(path), Database::InUse) => MasterKey::load(path),
        }
    }
}

/// Without the database's password and the master key.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("data", &self.data)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

fn find_file(place: &Place, data: Option<&str>) -> Option<PathBuf> {
    let in_data_folder = || Path::new(data.unwrap_or(DATA)).join("countersign.toml");
    place
        .config
        .clone()
        .or_else(|| Some(in_data_folder()).filter(|path| path.exists()))
}

fn read_file(what: &'static str, path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|error| ConfigError::File {
        what,
        path: path.to_owned(),
        error,
    })
}

fn read_catalogue(path: Option<&Path>) -> Result<Catalogue, ConfigError> {
    let (text, path) = match path {
        Some(path) => (read_file("service catalogue", path)?, path),
        None => (
            Catalogue::BUILT_IN.to_owned(),
            Path::new("built-in catalogue"),
        ),
    };
    Catalogue::parse(&text).map_err(|error| ConfigError::Catalogue {
        path: path.to_owned(),
        error,
    })
}

/// URL of the database file in the data folder; a path may hold characters that a URL may not.
fn database_in(data: &Path) -> Result<String, ConfigError> {
    let unusable = || ConfigError::Data(data.to_owned());
    let path = std::path::absolute(data)
        .map_err(|_| unusable())?
        .join("countersign.db");
    let url = Url::from_file_path(path).map_err(|()| unusable())?;
    Ok(format!("sqlite://{}", url.path()))
}

const DATA: &str = "countersign-data";
const MASTER_KEY: &str = "COUNTERSIGN_MASTER_KEY";

#[cfg(test)]
mod tests;
