//! Services that the gateway publishes: where they are found, who may call them, what is upstream.
//!
//! One shape for the configuration file, the store and the command line. Sources:
//! `spec/ims-protocol.md` 8.1 and 8.2, `spec/security.md` section 10.

use std::ops::Deref;
use std::path::PathBuf;

use countersign_wire::{ClientId, Prefix, PublishedName, Scope, ServiceCode};
use serde::{Deserialize, Serialize};

use crate::product::{Catalogue, Service};

mod error;
mod header;
mod operation;
mod upstream;

pub use error::PublishedError;
pub use header::{Holds, RequiredHeader};
pub use operation::{Operation, PathPattern, PatternError};
pub use upstream::{Upstream, UpstreamError};

/// A service as an operator describes it. [`checked`](Self::checked) makes it usable.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedService {
    /// In logs, metrics and on the command line.
    pub name: PublishedName,
    /// The service of the catalogue that callers must be subscribed to.
    pub service: ServiceCode,
    /// Host names it is found under; any, where there is none.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// What its paths begin with. The longest prefix of a path wins.
    #[serde(default = "Prefix::root")]
    pub prefix: Prefix,
    /// Whether the upstream sees paths without the prefix.
    #[serde(default)]
    pub strip_prefix: bool,

    /// Origins that serve it.
    pub upstreams: Vec<Upstream>,
    /// Certificates in PEM that `https` upstreams are trusted by, instead of those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_ca_file: Option<PathBuf>,
    /// Whether upstreams are spoken to in HTTP/2.
    #[serde(default)]
    pub http2_upstream: bool,
    /// For a connection to an upstream, in milliseconds.
    #[serde(default = "default_connect_timeout")]
    pub connect_timeout_ms: u64,
    /// From the end of a request to the head of its answer, in milliseconds.
    #[serde(default = "default_response_timeout")]
    pub response_timeout_ms: u64,
    /// Between two pieces of a body, in milliseconds.
    #[serde(default = "default_idle_timeout")]
    pub idle_timeout_ms: u64,
    /// Calls that one upstream has at once; more are refused. 0 is no limit.
    #[serde(default = "default_max_concurrent_requests")]
    pub max_concurrent_requests: u32,
    /// How often an idempotent request without a body is tried again, at another upstream if there
    /// is one.
    #[serde(default = "default_retries")]
    pub retries: u32,
    /// So many failures in a row keep an upstream out; 0 is never.
    #[serde(default = "default_eject_after")]
    pub eject_after_failures: u32,
    /// For how long, in seconds.
    #[serde(default = "default_eject_seconds")]
    pub eject_seconds: u64,

    /// Headers that a call must have besides `Authorization` and `x-api-key`; those of the
    /// catalogue, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required_headers: Option<Vec<RequiredHeader>>,
    /// Through which console the credential of a token may have come to be.
    #[serde(default = "default_accepts")]
    pub accepts: Vec<Console>,
    /// Clients that may call; all that are subscribed, where there is none.
    #[serde(default)]
    pub clients: Vec<ClientId>,
    /// Whether a subscription must hold a product profile.
    #[serde(default = "yes")]
    pub profile_required: bool,
    /// Scopes that every operation asks for which `operations` does not name.
    #[serde(default)]
    pub scopes: Vec<Scope>,
    /// What single operations ask for instead. The first that fits wins.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// How many calls are let through.
    #[serde(default)]
    pub limits: Limits,
    /// Longest body of a request, in bytes; 0 is no limit.
    #[serde(default)]
    pub max_body_bytes: u64,

    /// Whether the upstream gets the caller's token. It could call others with it.
    #[serde(default)]
    pub forward_token: bool,
    /// Whether the parameter `api_key` of the query counts where `x-api-key` is absent.
    #[serde(default)]
    pub api_key_in_query: bool,
    /// Whether the parameter `user_token` of the query counts where `Authorization` is absent.
    #[serde(default)]
    pub token_in_query: bool,
    /// In which words a call is refused.
    #[serde(default)]
    pub errors: ErrorStyle,
    /// Whether `OPTIONS` passes without any check, as browsers that ask beforehand need it.
    #[serde(default = "yes")]
    pub allow_options: bool,
}

/// Consoles that credentials come from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Console {
    /// Projects, and what products make for themselves.
    DeveloperConsole,
    /// Technical accounts of one AEM environment.
    AemDeveloperConsole,
}

/// Calls per minute and node; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Of one client.
    pub per_client_per_minute: u32,
    /// Of all clients of one organization together.
    pub per_organization_per_minute: u32,
}

/// In which words a call is refused (`spec/decisions.md` 6).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorStyle {
    /// As the original, whose SDKs branch on `error_code`.
    #[default]
    Adobe,
    /// As OAuth clients expect (RFC 6750 section 3).
    Rfc6750,
}

/// A service that can be published. Only [`PublishedService::checked`] makes one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CheckedService {
    definition: PublishedService,
    required_headers: Vec<RequiredHeader>,
}

impl PublishedService {
    /// As it is stored and shown.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it was stored, or as an operator writes it.
    ///
    /// # Errors
    /// Says which key is wrong, and where.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// As an operator writes it: an entry of the configuration file.
    ///
    /// # Errors
    /// Says which key is wrong, and where.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Checks what types cannot, and takes from the catalogue what was left out.
    ///
    /// # Errors
    /// [`PublishedError`] names the key and what to write instead.
    pub fn checked(self, catalogue: &Catalogue) -> Result<CheckedService, PublishedError> {
        let service = catalogue
            .find(&self.service)
            .ok_or_else(|| PublishedError::NoService(self.service.clone()))?;
        self.check_place()?;
        self.check_scopes(service)?;
        if self.accepts.is_empty() {
            return Err(PublishedError::AcceptsNobody);
        }
        let required_headers = match &self.required_headers {
            Some(headers) => headers.clone(),
            None => RequiredHeader::of_catalogue(&service.headers),
        };
        header::check(&required_headers)?;
        Ok(CheckedService {
            definition: self,
            required_headers,
        })
    }

    fn check_place(&self) -> Result<(), PublishedError> {
        if let Some(host) = self.hosts.iter().find(|host| !is_host(host)) {
            return Err(PublishedError::Host(host.clone()));
        }
        if self.upstreams.is_empty() {
            return Err(PublishedError::NoUpstream);
        }
        let timeouts = [
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("response_timeout_ms", self.response_timeout_ms),
            ("idle_timeout_ms", self.idle_timeout_ms),
        ];
        match timeouts.into_iter().find(|(_, timeout)| *timeout == 0) {
            Some((key, _)) => Err(PublishedError::NoTime(key)),
            None if self.retries > MOST_RETRIES => Err(PublishedError::Retries),
            None => Ok(()),
        }
    }

    /// A scope that the catalogue does not grant would refuse everybody.
    fn check_scopes(&self, service: &Service) -> Result<(), PublishedError> {
        let of_operations = self
            .operations
            .iter()
            .flat_map(|operation| &operation.scopes);
        let mut asked = self.scopes.iter().chain(of_operations);
        match asked.find(|scope| !service.scopes.contains(scope)) {
            Some(scope) => Err(PublishedError::Scope(scope.clone(), service.code.clone())),
            None => Ok(()),
        }
    }
}

impl CheckedService {
    /// The description, as it was written.
    #[must_use]
    pub fn definition(&self) -> &PublishedService {
        &self.definition
    }

    /// Headers that a call must have besides `Authorization` and `x-api-key`.
    #[must_use]
    pub fn required_headers(&self) -> &[RequiredHeader] {
        &self.required_headers
    }

    /// Scopes that a call asks for. `path` is the one that the upstream sees.
    #[must_use]
    pub fn scopes_for(&self, method: &str, path: &str) -> &[Scope] {
        let named = self
            .operations
            .iter()
            .find(|operation| operation.fits(method, path));
        named.map_or(&self.scopes, |operation| &operation.scopes)
    }
}

impl Deref for CheckedService {
    type Target = PublishedService;

    fn deref(&self) -> &PublishedService {
        &self.definition
    }
}

/// Letters in lower case, without a port: what a request names is brought into the same form.
fn is_host(text: &str) -> bool {
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !text.is_empty() && text.len() <= 253 && text.bytes().all(fits),
    }
}

fn default_connect_timeout() -> u64 {
    2_000
}

fn default_response_timeout() -> u64 {
    30_000
}

fn default_idle_timeout() -> u64 {
    60_000
}

fn default_max_concurrent_requests() -> u32 {
    4_096
}

fn default_retries() -> u32 {
    1
}

fn default_eject_after() -> u32 {
    5
}

fn default_eject_seconds() -> u64 {
    10
}

fn default_accepts() -> Vec<Console> {
    vec![Console::DeveloperConsole]
}

fn yes() -> bool {
    true
}

/// More would hold a caller longer than it waits, and load upstreams that fail already.
const MOST_RETRIES: u32 = 5;

#[cfg(test)]
mod tests;
