//! Section `[notifications]`.

use std::fmt;
use std::path::{Path, PathBuf};

use countersign_authority::Webhook;
use countersign_wire::OrgId;
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use super::mail::SmtpSettings;

/// Whom the server tells what ends. Nobody, until something is configured.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Sender of mails, as in `Countersign <ims@example.com>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The mail server that takes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<SmtpSettings>,
    /// Programs that are told by HTTP.
    pub webhooks: Vec<WebhookSettings>,
}

/// A program that is told by HTTP.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Names it in lists and logs: up to 40 lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// Where to.
    pub url: WebhookUrl,
    /// File with the secret that messages are signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// Of which organizations it is told; of all, if there are none.
    #[serde(default)]
    pub organizations: Vec<OrgId>,
    /// Whether it may be on this machine or in a private network.
    #[serde(default)]
    pub allow_private: bool,
    /// PEM file of authorities to trust besides those of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl WebhookSettings {
    /// What the authority needs to know of it.
    #[must_use]
    pub fn channel(&self) -> Webhook {
        Webhook {
            name: self.name.clone(),
            organizations: self.organizations.clone(),
        }
    }

    /// Its secret, from its file or from the variable that is named after it.
    pub(super) fn secret(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Zeroizing<String>, String> {
        let name = self.name.to_ascii_uppercase().replace('-', "_");
        let name = format!("COUNTERSIGN_WEBHOOK_SECRET_{name}");
        match (&self.secret_file, variable(&name)) {
            (Some(file), _) => read_secret("secret_file", file),
            (None, Some(text)) => Ok(Zeroizing::new(text)),
            (None, None) => Err(format!(
                "there is no secret to sign with: name a file as `secret_file`, or set `{name}`"
            )),
        }
    }
}

/// A secret from a file, without the line's end.
pub(super) fn read_secret(key: &str, file: &Path) -> Result<Zeroizing<String>, String> {
    let text = std::fs::read_to_string(file).map(Zeroizing::new);
    let text = text.map_err(|error| {
        format!(
            "`{key}`: cannot read `{}`: {}",
            file.display(),
            error.kind()
        )
    })?;
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

/// A URL whose path may be a secret, as with chat services: only its origin is shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// Takes text as it is; what is wrong with it is found when it is used.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Origin, and path with query.
    pub(super) fn parts(&self) -> Option<(String, String)> {
        let url = url::Url::parse(&self.0).ok()?;
        let is_plain = url.fragment().is_none() && url.username().is_empty();
        if !is_plain || url.password().is_some() || !url.has_host() {
            return None;
        }
        let query = url.query().map(|query| format!("?{query}"));
        let path = format!("{}{}", url.path(), query.unwrap_or_default());
        Some((url.origin().ascii_serialization(), path))
    }

    fn shown(&self) -> String {
        match self.parts() {
            Some((origin, path)) if path == "/" => origin,
            Some((origin, _)) => format!("{origin}/…"),
            None => "…".to_owned(),
        }
    }
}

impl Serialize for WebhookUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}
