//! What an operator sets.

use std::time::Duration;

use countersign_model::Quarantine;
use serde::{Deserialize, Serialize};

use crate::gate::GatewayConfig;

/// No token lives longer, whatever is set. What must outlive every token is kept for this long, so
/// that a setting that was changed meanwhile revives nothing.
pub(crate) const LONGEST_TOKEN_LIFE: Duration = Duration::from_secs(30 * 86_400);

/// Settings of the authority. Every duration names its unit.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Origin of this IMS, as clients write it: scheme, host and port, no slash at the end. In
    /// tokens, assertions, discovery.
    pub issuer: String,
    /// Further origins that clients may have signed their assertions for: those built for another
    /// host name that reaches us through DNS or a proxy.
    pub aliases: Vec<String>,
    /// Claim `as` of our tokens, and the stem of the names of signing keys.
    pub authorization_server: String,
    /// Last part of a token's `id`.
    pub region: String,
    /// Life of an access token, in seconds.
    pub token_life_seconds: u64,
    /// Longest time ahead that an assertion may expire, in seconds; 0 is no limit.
    pub longest_assertion_seconds: u64,
    /// Most live secrets of one credential.
    pub max_secrets: usize,
    /// Tokens per minute and client, in bursts of as many; 0 is no limit.
    pub tokens_per_minute: u32,
    /// How long a token may wait for its signature before further requests of its client are refused,
    /// in milliseconds; 0 is no limit.
    pub longest_wait_milliseconds: u64,
    /// Failed authentications per minute, source and client before both are made to wait.
    pub failures_per_minute: u32,
    /// Memory for the clients that were seen last, in mebibytes.
    pub directory_mebibytes: u64,
    /// How long known clients are served while the database is away, in seconds.
    pub serve_without_database_seconds: u64,
    /// How often changes of other nodes are looked for, in milliseconds; at most 500.
    pub poll_milliseconds: u64,
    /// How long a signing key signs before the next one takes its place, in days; 0 is until
    /// somebody asks.
    pub rotate_keys_days: u32,
    /// How long others may keep the key set, in seconds; also how long a signing key is published
    /// before it signs.
    pub key_set_life_seconds: u64,
    /// How long refusals can be explained, in days.
    pub keep_refusals_days: u32,
    /// How long a disabled JWT half can be restored before it is deleted, in days, in organizations
    /// that do not say so themselves.
    pub quarantine_days: u32,
    /// Names the product's host in `x5u` only if an operator wants it so: strict JOSE libraries
    /// refuse a bare file name.
    pub x5u: X5u,
    /// What the gateway checks calls by; has a section of its own.
    #[serde(skip)]
    pub gateway: GatewayConfig,
}

/// Whether IMS tokens carry `x5u` (`spec/ims-protocol.md` 4.1).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum X5u {
    /// As the original: the bare name of the certificate's file.
    #[default]
    FileName,
    /// Left out.
    Omit,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            issuer: "http://127.0.0.1:8080".to_owned(),
            aliases: Vec::new(),
            authorization_server: "ims-na1".to_owned(),
            region: "ue1".to_owned(),
            token_life_seconds: 86_400,
            longest_assertion_seconds: 90_000,
            max_secrets: countersign_model::secret::MAX_SECRETS,
            tokens_per_minute: 60,
            longest_wait_milliseconds: 500,
            failures_per_minute: 30,
            directory_mebibytes: 64,
            serve_without_database_seconds: 3600,
            poll_milliseconds: 250,
            rotate_keys_days: 30,
            key_set_life_seconds: 300,
            keep_refusals_days: 7,
            quarantine_days: Quarantine::default().days(),
            x5u: X5u::FileName,
            gateway: GatewayConfig::default(),
        }
    }
}

/// A setting that cannot work, and what to write instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`ims.{key}` is not usable: {reason}")]
pub struct ConfigError {
    key: &'static str,
    reason: String,
}

impl Config {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn checked(self) -> Result<Self, ConfigError> {
        let error = |key, reason: &str| {
            Err(ConfigError {
                key,
                reason: reason.to_owned(),
            })
        };
        check_origin("issuer", &self.issuer)?;
        for alias in &self.aliases {
            check_origin("aliases", alias)?;
        }
        if self.authorization_server.is_empty() || !self.authorization_server.bytes().all(is_host) {
            return error(
                "authorization_server",
                "use letters, digits and `-`, as in `ims-na1`",
            );
        }
        if self.region.is_empty() || !self.region.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return error("region", "use letters and digits, as in `ue1`");
        }
        if !(60..=LONGEST_TOKEN_LIFE.as_secs()).contains(&self.token_life_seconds) {
            return error(
                "token_life_seconds",
                "write a number from 60 to 2592000 (30 days)",
            );
        }
        if !(1..=100).contains(&self.max_secrets) {
            return error("max_secrets", "write a number from 1 to 100");
        }
        if !(10..=500).contains(&self.poll_milliseconds) {
            return error(
                "poll_milliseconds",
                "write a number from 10 to 500: changes must act everywhere within a second",
            );
        }
        if Quarantine::of_days(self.quarantine_days).is_none() {
            return error("quarantine_days", "write a number from 1 to 365");
        }
        if !(1..=86_400).contains(&self.key_set_life_seconds) {
            return error(
                "key_set_life_seconds",
                "write a number from 1 to 86400 (one day)",
            );
        }
        Ok(self)
    }

    /// All origins that clients may sign assertions for.
    pub(crate) fn origins(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.issuer)
            .chain(&self.aliases)
            .map(String::as_str)
    }

    /// Life of an access token.
    #[must_use]
    pub fn token_life(&self) -> Duration {
        Duration::from_secs(self.token_life_seconds)
    }

    pub(crate) fn longest_wait(&self) -> Duration {
        Duration::from_millis(self.longest_wait_milliseconds)
    }

    /// How long others may keep the key set: `max-age` of its answers. They trust a key that was
    /// taken out for as long.
    #[must_use]
    pub fn key_set_life(&self) -> Duration {
        Duration::from_secs(self.key_set_life_seconds)
    }
}

fn check_origin(key: &'static str, origin: &str) -> Result<(), ConfigError> {
    let rest = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    let host = rest
        .filter(|rest| !rest.is_empty() && rest.bytes().all(|b| is_host(b) || b":[]".contains(&b)));
    match host {
        Some(_) => Ok(()),
        None => Err(ConfigError {
            key,
            reason: "write an origin such as `https://ims.example.com`, without a path or a slash at the end".to_owned(),
        }),
    }
}

fn is_host(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-' || b == b'.'
}
