//! Asks another IMS whose tokens the gateway takes: keys, certificates, verdicts.

use std::path::PathBuf;
use std::time::Duration;

use countersign_authority::{Asked, Fetched, ForeignConfig, ForeignIms, UnknownClients, VerifyBy};
use countersign_client::http::Answer;
use countersign_client::{Http, HttpOptions, Origin};
use countersign_wire::ClientId;
use serde::{Deserialize, Serialize};

/// Section `[gateway.ims]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where it is.
    pub origin: String,
    /// What it calls itself in the claim `as` of its tokens.
    pub authorization_server: String,
    /// How its tokens are verified.
    #[serde(default)]
    pub verify_by: VerifyBy,
    /// Folder of its certificates, as a URL; `/keys/prod` at its origin, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<String>,
    /// Our own client id there: whoever asks about tokens names himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// What becomes of clients that are not known here.
    #[serde(default)]
    pub unknown_clients: UnknownClients,
    /// PEM file of authorities to trust besides those of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl Settings {
    /// What the checks need of it.
    #[must_use]
    pub fn checks(&self) -> ForeignConfig {
        ForeignConfig {
            authorization_server: self.authorization_server.clone(),
            verify_by: self.verify_by,
            unknown_clients: self.unknown_clients,
        }
    }

    /// Prepares to ask it. Connects to nobody yet.
    ///
    /// # Errors
    /// A sentence that names the key to mend.
    pub fn connect(&self) -> Result<Asker, String> {
        let folder = match &self.certificates {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("{}/keys/prod", self.origin),
        };
        let (origin, path) = origin_and_path(&folder);
        if self.verify_by == VerifyBy::Call && self.client_id.is_none() {
            return Err(
                "`client_id`: write the client id to ask with, or verify otherwise".to_owned(),
            );
        }
        Ok(Asker {
            ims: self.http("origin", &self.origin)?,
            certificates: self.http("certificates", origin)?,
            folder: path.to_owned(),
            client_id: self.client_id.clone(),
        })
    }

    fn http(&self, key: &str, origin: &str) -> Result<Http, String> {
        let origin = Origin::parse(origin).map_err(|error| format!("`{key}`: {error}"))?;
        let mut options = HttpOptions::default();
        options.ca_file.clone_from(&self.ca_file);
        options.connect_timeout = Duration::from_secs(2);
        options.timeout = Duration::from_secs(5);
        Http::new(origin, &options).map_err(|error| format!("`ca_file`: {error}"))
    }
}

/// `https://static.example.com` and `/keys/prod`.
fn origin_and_path(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + "://".len());
    let path = url.get(host..).and_then(|rest| rest.find('/'));
    path.and_then(|at| url.split_at_checked(host + at))
        .unwrap_or((url, ""))
}

/// Asks over HTTP.
#[derive(Debug)]
pub struct Asker {
    ims: Http,
    certificates: Http,
    folder: String,
    client_id: Option<ClientId>,
}

impl ForeignIms for Asker {
    fn key_set(&self) -> Asked<'_, Fetched> {
        Box::pin(async {
            let answer = self.ims.get("/ims/keys").await;
            found(&answer.map_err(|error| error.to_string())?)?
                .ok_or_else(|| "the IMS has no `/ims/keys`".to_owned())
        })
    }

    fn certificate<'a>(&'a self, file: &'a str) -> Asked<'a, Option<Fetched>> {
        Box::pin(async move {
            let path = format!("{}/{file}", self.folder);
            let answer = self.certificates.get(&path).await;
            found(&answer.map_err(|error| error.to_string())?)
        })
    }

    fn validate<'a>(&'a self, token: &'a str) -> Asked<'a, String> {
        Box::pin(async move {
            let client_id = self.client_id.as_ref().map_or("", ClientId::as_str);
            let form = [
                ("type", "access_token"),
                ("client_id", client_id),
                ("token", token),
            ];
            let answer = self.ims.post_form("/ims/validate_token/v1", &form).await;
            match answer.map_err(|error| error.to_string())? {
                answer if answer.status == 200 => Ok(answer.body.expose().to_owned()),
                answer => Err(format!("the IMS answered {} about a token", answer.status)),
            }
        })
    }
}

fn found(answer: &Answer) -> Result<Option<Fetched>, String> {
    match answer.status {
        200 => Ok(Some(Fetched {
            body: answer.body.expose().to_owned(),
            max_age: answer.max_age,
        })),
        404 | 410 => Ok(None),
        status => Err(format!(
            "the IMS answered {status} when it was asked for keys"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &str) -> Settings {
        let text =
            format!("origin = \"https://ims.example\"\nauthorization_server = \"ims-na1\"\n{more}");
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn what_cannot_be_asked_is_refused_by_its_key() {
        assert!(settings("").connect().is_ok());
        for (more, key) in [
            ("verify_by = \"call\"", "`client_id`"),
            ("certificates = \"ftp://a.example/keys\"", "`certificates`"),
            (
                "certificates = \"http://static.example/keys\"",
                "`certificates`",
            ),
            ("ca_file = \"nowhere.pem\"", "`ca_file`"),
        ] {
            let error = settings(more).connect().unwrap_err();
            assert!(error.starts_with(key), "{more}: {error}");
        }
    }

    #[test]
    fn certificates_may_be_elsewhere() {
        let table = [
            (
                "https://a.example/keys/prod",
                ("https://a.example", "/keys/prod"),
            ),
            ("https://a.example", ("https://a.example", "")),
            ("a.example/keys", ("a.example", "/keys")),
        ];
        for (url, parts) in table {
            assert_eq!(origin_and_path(url), parts);
        }
    }
}
