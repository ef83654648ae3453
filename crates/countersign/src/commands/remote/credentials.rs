//! `countersign credentials`

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use countersign_client::management::Verb as Http;
use serde_json::{Value, json};

use super::certificates::{hand_out, read};
use super::shown::Shown;
use super::{Noun, Session, body, projects, text};
use crate::commands::admin::files::NewFile;
use crate::outcome::Failure;
use crate::output;

/// What to do with credentials.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the credentials of an organization
    List {
        /// Id or name of the project [default: all]
        #[arg(long)]
        project: Option<String>,
    },
    /// Show a credential
    Show(Which),
    /// Make a credential with a technical account and a first secret, shown this once
    Create(Box<New>),
    /// Change what people read of a credential
    Change {
        #[command(flatten)]
        which: Which,
        /// Shown to people
        #[arg(long)]
        name: Option<String>,
        /// The team that warnings must reach
        #[arg(long, value_name = "TEAM")]
        owner_team: Option<String>,
        /// How to reach the team
        #[arg(long, value_name = "CONTACT")]
        owner_contact: Option<String>,
    },
    /// Switch a credential on again
    Enable(Which),
    /// Switch a credential off: no token is issued, and none that it has holds
    Disable(Which),
    /// Delete a credential for good; its tokens die with it
    Delete(Which),
    /// Say how a credential is used, and by whom
    Usage(Which),
    /// Let a credential use a service, or use it through other product profiles
    Subscribe {
        #[command(flatten)]
        which: Which,
        /// The service, and ids of product profiles
        #[arg(long, value_name = "CODE[:PROFILE,..]")]
        service: String,
    },
    /// Take a service away from a credential
    Unsubscribe {
        #[command(flatten)]
        which: Which,
        /// The service
        #[arg(long, value_name = "CODE")]
        service: String,
    },
    /// Replace the public keys that a credential may authenticate with (`private_key_jwt`)
    SetJwks {
        #[command(flatten)]
        which: Which,
        /// JWK set; `-` is stdin
        #[arg(long, value_name = "FILE")]
        jwks: PathBuf,
    },
    /// End every token that a credential has
    EndTokens(Which),
}

/// A credential to be made.
#[derive(Debug, clap::Args)]
pub struct New {
    /// With which grant it starts
    #[arg(long = "type", value_name = "TYPE")]
    kind: Kind,
    /// Id or name of the project
    #[arg(long)]
    project: String,
    /// Shown to people
    #[arg(long)]
    name: String,
    /// The team that warnings must reach
    #[arg(long, value_name = "TEAM")]
    owner_team: String,
    /// How to reach the team: a mail address, a channel
    #[arg(long, value_name = "CONTACT")]
    owner_contact: String,
    /// A service it may use, and ids of product profiles; repeatable
    #[arg(long = "service", value_name = "CODE[:PROFILE,..]")]
    services: Vec<String>,
    /// Certificate, in PEM, of the key pair that signs assertions; `-` is stdin
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Have the key pair made, and write its private key into this new file
    #[arg(long, value_name = "FILE", conflicts_with = "certificate")]
    private_key_out: Option<PathBuf>,
}

/// The types, as the Developer Console names them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Tokens for client id and secret
    OauthServerToServer,
    /// Tokens for signed assertions; deprecated
    ServiceAccountJwt,
}

/// One credential.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Id or client id
    credential: String,
}

impl Noun for Verb {
    async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        match self {
            Self::List { project } => list(session, project.as_deref()).await,
            Self::Create(new) => new.create(session).await,
            Self::Show(which) => which.ask(session, Http::Get, &[], None).await,
            Self::Usage(which) => which.ask(session, Http::Get, &["usage"], None).await,
            Self::Enable(which) => which.change(session, json!({"enabled": true})).await,
            Self::Disable(which) => which.change(session, json!({"enabled": false})).await,
            Self::EndTokens(which) => which.ask(session, Http::Delete, &["tokens"], None).await,
            Self::Delete(which) => {
                which.ask(session, Http::Delete, &[], None).await?;
                Ok(Shown::Item(&[], json!({"deleted": which.credential})))
            }
            Self::Change {
                which,
                name,
                owner_team,
                owner_contact,
            } => {
                let change = body([
                    ("name", name.as_ref().map(|text| json!(text))),
                    ("owner_team", owner_team.as_ref().map(|text| json!(text))),
                    (
                        "owner_contact",
                        owner_contact.as_ref().map(|text| json!(text)),
                    ),
                ]);
                which.change(session, change).await
            }
            Self::Subscribe { which, service } => {
                let body = Some(subscription(service));
                which.ask(session, Http::Post, &["services"], body).await
            }
            Self::Unsubscribe { which, service } => {
                let id = find(session, &which.credential).await?;
                let at = ["credentials", &id, "services"];
                let call = session.within(Http::Delete, &at).await?;
                let call = call.with("service", Some(service));
                Ok(Shown::Item(FIRST, session.send(call).await?.body))
            }
            Self::SetJwks { which, jwks } => {
                let set = serde_json::from_str(&read(jwks)?);
                let set = set.map_err(|error| {
                    Failure::broken(format!("`{}` is not JSON: {error}", jwks.display()))
                })?;
                which.ask(session, Http::Put, &["jwks"], Some(set)).await
            }
        }
    }
}

impl Which {
    async fn ask(
        &self,
        session: &Session,
        verb: Http,
        below: &[&str],
        body: Option<Value>,
    ) -> Result<Shown, Failure> {
        let id = find(session, &self.credential).await?;
        let at = [&["credentials", id.as_str()], below].concat();
        let call = session.within(verb, &at).await?;
        let call = match body {
            Some(body) => call.body(body),
            None => call,
        };
        Ok(Shown::Item(FIRST, session.send(call).await?.body))
    }

    async fn change(&self, session: &Session, change: Value) -> Result<Shown, Failure> {
        let id = find(session, &self.credential).await?;
        let changed = session.change(&["credentials", &id], change).await?;
        Ok(Shown::Item(FIRST, changed))
    }
}

impl New {
    async fn create(&self, session: &Session) -> Result<Shown, Failure> {
        let pem = self.certificate.as_deref().map(read).transpose()?;
        let place = self.place(session)?;
        let project = projects::find(session, &self.project).await?;
        let services: Vec<_> = self
            .services
            .iter()
            .map(|text| subscription(text))
            .collect();
        let new = body([
            ("project_id", Some(json!(project))),
            ("name", Some(json!(self.name))),
            ("owner_team", Some(json!(self.owner_team))),
            ("owner_contact", Some(json!(self.owner_contact))),
            ("type", Some(json!(self.kind.word()))),
            ("certificate", pem.map(Value::from)),
            ("services", Some(json!(services))),
        ]);
        let call = session.within(Http::Post, &["credentials"]).await?;
        let mut made = session.send(call.body(new)).await?.body;
        hand_out(&mut made, place)?;
        output::note("the secret is shown this once: store it now");
        Ok(Shown::Item(FIRST, made))
    }

    /// Where a private key goes that the server makes, taken before there is one.
    fn place(&self, session: &Session) -> Result<Option<NewFile>, Failure> {
        match (&self.private_key_out, self.kind, &self.certificate) {
            (Some(file), Kind::ServiceAccountJwt, _) => NewFile::reserve(file).map(Some),
            (Some(_), Kind::OauthServerToServer, _) => {
                Err(Failure::broken("this type has no key pair")
                    .hint("leave `--private-key-out` out"))
            }
            (None, Kind::ServiceAccountJwt, None) if !session.json => Err(Failure::broken(
                "a Service Account (JWT) credential needs a key pair",
            )
            .hint("give `--certificate FILE`, or have a pair made with `--private-key-out FILE`")),
            _ => Ok(None),
        }
    }
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::OauthServerToServer => "oauth_server_to_server",
            Self::ServiceAccountJwt => "service",
        }
    }
}

async fn list(session: &Session, project: Option<&str>) -> Result<Shown, Failure> {
    let project = match project {
        Some(project) => Some(projects::find(session, project).await?),
        None => None,
    };
    let call = session.within(Http::Get, &["credentials"]).await?;
    let found = session.list(call.with("project", project)).await?;
    Ok(Shown::List(COLUMNS, found))
}

/// The id of a credential that is named by id or client id.
pub(super) async fn find(session: &Session, credential: &str) -> Result<String, Failure> {
    let is_client_id = credential.len() == 32;
    if !is_client_id {
        return Ok(credential.to_owned());
    }
    let call = session.within(Http::Get, &["credentials"]).await?;
    let found = session
        .send(call.with("client_id", Some(credential)))
        .await?;
    match found.body["items"]
        .as_array()
        .and_then(|items| items.first())
    {
        Some(found) => Ok(text(found, "id")),
        None => Err(Failure::refused("there is no such credential")
            .hint("`countersign credentials list` shows all")),
    }
}

/// `CODE:PROFILE,PROFILE`.
fn subscription(text: &str) -> Value {
    let (service, profiles) = text.split_once(':').unwrap_or((text, ""));
    let profiles = profiles.split(',').filter(|one| !one.is_empty());
    json!({"service": service, "profiles": profiles.collect::<Vec<_>>()})
}

const COLUMNS: &[&str] = &[
    "id",
    "client_id",
    "name",
    "integration_type",
    "enabled",
    "project_id",
];
const FIRST: &[&str] = &[
    "id",
    "client_id",
    "client_secret",
    "technical_account_id",
    "technical_account_email",
    "organization_id",
    "project_id",
    "name",
    "integration_type",
    "enabled",
    "services",
];
