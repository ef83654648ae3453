//! Asks OpenID providers that people sign in at: metadata, keys, tokens.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use countersign_authority::{Asked, Fetched, ProviderConfig, ProviderHttp, TokenRequest};
use countersign_client::http::Answer;
use countersign_client::{Http, HttpOptions, Origin};
use countersign_wire::Opaque;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

/// Section `[console.oidc.NAME]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What it is called on the button.
    pub name: String,
    /// Its issuer, exactly as it writes it itself.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// What we prove it by.
    #[serde(
        default,
        deserialize_with = "secret",
        serialize_with = "masked",
        skip_serializing_if = "Option::is_none"
    )]
    pub client_secret: Option<Opaque>,
    /// File with what we prove it by, instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Domains of which a verified mail address is demanded; any, if empty.
    #[serde(default)]
    pub mail_domains: Vec<String>,
    /// PEM file of authorities to trust besides those of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

impl Settings {
    /// What the authority needs of it, and who asks. Connects to nobody yet.
    ///
    /// # Errors
    /// A sentence that names the key to mend.
    pub fn connect(&self, id: &str) -> Result<(ProviderConfig, Asker), String> {
        let is_id = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        if !(1..=40).contains(&id.len()) || !id.bytes().all(is_id) {
            return Err(format!(
                "`{id}` names it in addresses: write 1 to 40 lower-case letters, digits, `-` and `_`"
            ));
        }
        if !(1..=60).contains(&self.name.chars().count()) || self.client_id.is_empty() {
            return Err("`name` has 1 to 60 characters, and `client_id` at least one".to_owned());
        }
        check_issuer(&self.issuer)?;
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return Err("`scopes`: `openid` must be among them".to_owned());
        }
        let config = ProviderConfig {
            id: id.to_owned(),
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.read_secret()?,
            scopes: self.scopes.clone(),
            mail_domains: self.mail_domains.clone(),
        };
        let asker = Asker::new(self.ca_file.clone());
        // A file that cannot be read is noticed now, not when somebody signs in.
        asker.reach(&self.issuer)?;
        Ok((config, asker))
    }

    fn read_secret(&self) -> Result<Opaque, String> {
        match (&self.client_secret, &self.client_secret_file) {
            (Some(secret), None) if !secret.expose().is_empty() => Ok(secret.clone()),
            (None, Some(file)) => {
                let text = fs::read_to_string(file);
                let text = text.map_err(|error| {
                    format!("`client_secret_file` cannot be read: {}", error.kind())
                })?;
                let secret = Opaque::new(text).expose().trim().to_owned();
                match secret.is_empty() {
                    false => Ok(Opaque::new(secret)),
                    true => Err("`client_secret_file` is empty".to_owned()),
                }
            }
            (Some(_), Some(_)) => {
                Err("write `client_secret` or `client_secret_file`, not both".to_owned())
            }
            _ => Err(
                "`client_secret_file`: name the file with the secret, or give it in a variable"
                    .to_owned(),
            ),
        }
    }
}

/// `https`, or this machine; without query and fragment (OpenID Connect Discovery 1.0 section 2).
fn check_issuer(issuer: &str) -> Result<(), String> {
    let url = Url::parse(issuer).ok();
    let url = url.filter(|url| url.query().is_none() && url.fragment().is_none());
    let url = url.ok_or("`issuer` is no address such as `https://id.example.com`")?;
    let origin = Origin::parse(&url.origin().ascii_serialization());
    origin
        .map(drop)
        .map_err(|error| format!("`issuer`: {error}"))
}

fn scopes() -> Vec<String> {
    ["openid", "email", "profile"].map(str::to_owned).to_vec()
}

/// A message about a secret that is no text would show it.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Opaque>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Secret {
        Text(Opaque),
        Other(IgnoredAny),
    }
    match Secret::deserialize(deserializer)? {
        Secret::Text(secret) => Ok(Some(secret)),
        Secret::Other(_) => Err(D::Error::custom("write the client secret in quotes")),
    }
}

fn masked<S: Serializer>(_: &Option<Opaque>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("***")
}

/// Asks over HTTP: a provider may have its endpoints at several origins.
#[derive(Debug)]
pub struct Asker {
    options: HttpOptions,
    known: Mutex<BTreeMap<String, Http>>,
}

impl Asker {
    fn new(ca_file: Option<PathBuf>) -> Self {
        let mut options = HttpOptions::default();
        options.ca_file = ca_file;
        options.connect_timeout = Duration::from_secs(2);
        options.timeout = Duration::from_secs(5);
        Self {
            options,
            known: Mutex::default(),
        }
    }

    /// Who asks the origin of an address, and the rest of it. TLS is demanded of other machines.
    fn reach(&self, url: &str) -> Result<(Http, String), String> {
        let url = Url::parse(url).map_err(|_| "it names no address".to_owned())?;
        let origin = url.origin().ascii_serialization();
        let path = url[url::Position::BeforePath..url::Position::AfterQuery].to_owned();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(http) = known.get(&origin) {
            return Ok((http.clone(), path));
        }
        let parsed = Origin::parse(&origin).map_err(|error| error.to_string())?;
        let http = Http::new(parsed, &self.options);
        let http = http.map_err(|error| format!("`ca_file`: {error}"))?;
        if known.len() >= MOST_ORIGINS {
            known.clear();
        }
        known.insert(origin, http.clone());
        Ok((http, path))
    }
}

impl ProviderHttp for Asker {
    fn get<'a>(&'a self, url: &'a str) -> Asked<'a, Fetched> {
        Box::pin(async move {
            let (http, path) = self.reach(url)?;
            let answer = http.get(&path).await.map_err(|error| error.to_string())?;
            match answer.status {
                200 => Ok(Fetched {
                    body: answer.body.expose().to_owned(),
                    max_age: answer.max_age,
                }),
                status => Err(format!("it answered {status} to a request for `{path}`")),
            }
        })
    }

    fn post<'a>(&'a self, request: TokenRequest<'a>) -> Asked<'a, Opaque> {
        Box::pin(async move {
            let (http, path) = self.reach(request.url)?;
            let answer = match request.basic {
                Some(client) => http.post_form_as(client, &path, request.form).await,
                None => http.post_form(&path, request.form).await,
            };
            match answer.map_err(|error| error.to_string())? {
                answer if answer.status == 200 => Ok(answer.body),
                answer => Err(refused(&answer)),
            }
        })
    }
}

/// A code of RFC 6749 section 5.2 is worth knowing; anything else it says is not repeated.
fn refused(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    let is_code =
        |code: &str| code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    let refusal: Option<Refusal> = serde_json::from_str(answer.body.expose()).ok();
    let code = refusal.map(|refusal| refusal.error);
    let status = answer.status;
    match code.filter(|code| is_code(code)) {
        Some(code) => format!("its token endpoint answered {status} `{code}`"),
        None => format!("its token endpoint answered {status}"),
    }
}

/// Of one provider; more are a mistake of its, or a trick.
const MOST_ORIGINS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &str) -> Result<Settings, toml::de::Error> {
        let text = format!(
            "name = \"Example\"\nclient_id = \"console\"\n{}{more}",
            match more.contains("issuer") {
                true => "",
                false => "issuer = \"https://id.example.com\"\n",
            }
        );
        toml::from_str(&text)
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_its_key() {
        let secret = "client_secret = \"s\"\n";
        let fine = settings(secret).expect("reads").connect("example");
        assert_eq!(
            fine.expect("usable").0.scopes,
            ["openid", "email", "profile"]
        );
        for (more, word) in [
            ("".to_owned(), "`client_secret_file`"),
            (
                "client_secret_file = \"nowhere\"".to_owned(),
                "cannot be read",
            ),
            (format!("{secret}client_secret_file = \"x\""), "not both"),
            (
                format!("{secret}issuer = \"http://id.example.com\""),
                "`issuer`",
            ),
            (
                format!("{secret}issuer = \"https://id.example.com?a=b\""),
                "`issuer`",
            ),
            (format!("{secret}scopes = [\"email\"]"), "`openid`"),
            (format!("{secret}ca_file = \"nowhere.pem\""), "`ca_file`"),
        ] {
            let error = settings(&more)
                .expect("reads")
                .connect("example")
                .unwrap_err();
            assert!(error.contains(word), "{more}: {error}");
        }
        for id in ["", "a b", "A", "x/y"] {
            assert!(
                settings(secret).expect("reads").connect(id).is_err(),
                "{id}"
            );
        }
    }

    #[test]
    fn a_secret_is_in_no_message_and_not_shown() {
        let error = settings("client_secret = 123456789").unwrap_err();
        assert!(error.message().contains("in quotes"), "{error}");
        let one = settings("client_secret = \"CANARY\"").expect("reads");
        let shown = toml::to_string(&one).expect("TOML");
        assert!(shown.contains("client_secret = \"***\""), "{shown}");
        assert!(!format!("{shown}{one:?}").contains("CANARY"));
    }

    #[test]
    fn addresses_keep_their_query() {
        let asker = Asker::new(None);
        let (http, path) = asker
            .reach("https://a.example/keys?v=1")
            .expect("an address");
        assert_eq!(
            (http.origin().as_str(), &*path),
            ("https://a.example", "/keys?v=1")
        );
        assert!(asker.reach("http://a.example/keys").is_err());
    }
}
