//! Messages by HTTP, signed after Standard Webhooks (<https://www.standardwebhooks.com>).

use std::time::Duration;

use countersign_authority::{Notice, Outgoing, Undelivered, WebhookSecret};
use countersign_client::http::Addresses;
use countersign_client::{Error, Http, HttpOptions, Origin, Unreachable};
use serde_json::{Value, json};

use super::page;
use super::settings::WebhookSettings;

/// Where messages go, and what they are signed with.
pub(super) struct Hook {
    http: Http,
    path: String,
    secret: WebhookSecret,
    reaches: Addresses,
}

impl Hook {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// A sentence that names the key to mend.
    pub(super) fn new(
        settings: &WebhookSettings,
        secret: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let name = &settings.name;
        let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        if !(1..=40).contains(&name.len()) || !name.bytes().all(is_name) {
            return Err(
                "`webhooks`: a name has up to 40 lower-case letters, digits, `-` and `_`"
                    .to_owned(),
            );
        }
        let of_this = |error: String| format!("webhook `{name}`: {error}");
        let secret = settings.secret(secret).map_err(of_this)?;
        let secret = WebhookSecret::parse(&secret).map_err(|error| of_this(error.to_string()))?;
        let parts = settings.url.parts();
        let (origin, path) = parts.ok_or_else(|| {
            of_this(
                "`url`: write a URL such as `https://example.com/hook`, without user".to_owned(),
            )
        })?;
        let origin = Origin::parse(&origin).map_err(|error| of_this(format!("`url`: {error}")))?;
        let reaches = match settings.allow_private {
            true => Addresses::Any,
            false => Addresses::Public,
        };
        let mut options = HttpOptions::default();
        options.addresses = reaches;
        options.ca_file.clone_from(&settings.ca_file);
        options.connect_timeout = Duration::from_secs(5);
        options.timeout = Duration::from_secs(15);
        let http = Http::new(origin, &options).map_err(|error| {
            of_this(match error {
                Error::PrivateAddress => {
                    format!("`url`: {error}; `allow_private = true` allows it")
                }
                other => format!("`ca_file`: {other}"),
            })
        })?;
        Ok(Self {
            http,
            path,
            secret,
            reaches,
        })
    }

    /// Sends a message; whatever the other side answers is not repeated.
    pub(super) async fn send(&self, outgoing: &Outgoing, issuer: &str) -> Result<(), Undelivered> {
        let body = payload(outgoing, issuer).to_string();
        let sent_at = outgoing.now.as_seconds().to_string();
        let signature = self.secret.sign(&outgoing.id, outgoing.now, &body);
        let headers = [
            ("webhook-id", outgoing.id.as_str()),
            ("webhook-timestamp", &sent_at),
            ("webhook-signature", &signature),
        ];
        match self.http.post_json(&self.path, &headers, body).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) if answer.status == GONE => Err(Undelivered::Never(
                "the webhook answered 410: it wants no messages any more".to_owned(),
            )),
            Ok(answer) => Err(Undelivered::Later(format!(
                "the webhook answered {}",
                answer.status
            ))),
            Err(error) => Err(Undelivered::Later(self.words(&error))),
        }
    }

    fn words(&self, error: &Error) -> String {
        let is_name = matches!(
            error,
            Error::Unreachable {
                why: Unreachable::Name,
                ..
            }
        );
        match self.reaches {
            Addresses::Public if is_name => format!(
                "{error}, or has only private addresses, which `allow_private = true` allows"
            ),
            _ => error.to_string(),
        }
    }
}

fn payload(outgoing: &Outgoing, issuer: &str) -> Value {
    let notices = outgoing.notices.iter();
    let notices: Vec<_> = notices
        .map(|notice| told(notice, outgoing, issuer))
        .collect();
    json!({
        "type": "notices.due",
        "timestamp": outgoing.made_at.to_string(),
        "data": {
            "organization": {"id": outgoing.org_id.to_string(), "name": outgoing.org_name},
            "notices": notices,
        },
    })
}

fn told(notice: &Notice, outgoing: &Outgoing, issuer: &str) -> Value {
    let credential = notice.credential.as_ref().map(|about| {
        json!({
            "id": about.id.to_string(), "client_id": about.client_id.to_string(),
            "name": about.name, "project_id": about.project_id.to_string(),
            "url": page(issuer, outgoing, about),
        })
    });
    json!({
        "kind": notice.kind.as_str(), "subject_id": notice.subject, "name": notice.name,
        "ends_at": notice.ends_at.to_string(), "days_before": notice.days_before,
        "credential": credential,
    })
}

/// RFC 9110 section 15.5.11.
const GONE: u16 = 410;
