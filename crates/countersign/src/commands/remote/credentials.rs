//! `countersign credentials`

use std::path::{Path, PathBuf};

use clap::Subcommand;
use countersign_client::management::Verb as Http;
use serde_json::{Value, json};

use super::certificates::read;
use super::new_credential::{FIRST, New, subscription};
use super::shown::Shown;
use super::{Noun, Session, activity, body, projects, text};
use crate::outcome::Failure;

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
    /// Set which kind of access tokens a credential gets from now on
    SetTokenKind {
        #[command(flatten)]
        which: Which,
        /// `ims`, or `standard:RS256`, `standard:ES256`, `standard:EdDSA`
        kind: String,
    },
    /// Show the public keys that a credential may authenticate with (`private_key_jwt`)
    Jwks(Which),
    /// Replace the public keys that a credential may authenticate with (`private_key_jwt`)
    SetJwks {
        #[command(flatten)]
        which: Which,
        /// JWK set; `-` is stdin
        #[arg(long, value_name = "FILE")]
        jwks: PathBuf,
    },
    /// Generate an access token, to try the credential out
    GenerateToken {
        #[command(flatten)]
        which: Which,
        /// A scope that it shall have; repeatable [default: all of the credential]
        #[arg(
            long = "scope",
            value_name = "SCOPE",
            conflicts_with = "private_key_file"
        )]
        scopes: Vec<String>,
        /// Private key of one of its certificates, for a token of the JWT half; `-` is stdin. The
        /// server signs with it once, and keeps nothing of it
        #[arg(long, value_name = "FILE")]
        private_key_file: Option<PathBuf>,
    },
    /// Generate a JWT to be exchanged, valid for 24 hours
    GenerateJwt {
        #[command(flatten)]
        which: Which,
        /// Private key of one of its certificates; `-` is stdin. The server signs with it once, and
        /// keeps nothing of it
        #[arg(long, value_name = "FILE")]
        private_key_file: PathBuf,
    },
    /// End every token that a credential has
    EndTokens(Which),
    /// Say what happened with a credential, the newest first
    Activity {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        events: activity::Events,
    },
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
            Self::SetTokenKind { which, kind } => {
                which.change(session, json!({"token_kind": kind})).await
            }
            Self::Jwks(which) => {
                let id = find(session, &which.credential).await?;
                let at = ["credentials", &id, "jwks"];
                let call = session.within(Http::Get, &at).await?;
                Ok(Shown::Document(session.send(call).await?.body))
            }
            Self::GenerateToken {
                which,
                scopes,
                private_key_file,
            } => {
                let key = private_key_file.as_deref().map(secret).transpose()?;
                let wanted = (!scopes.is_empty()).then(|| json!(scopes));
                let new = body([("scopes", wanted), ("private_key", key)]);
                which.ask(session, Http::Post, &["tokens"], Some(new)).await
            }
            Self::GenerateJwt {
                which,
                private_key_file,
            } => {
                let new = json!({"private_key": secret(private_key_file)?});
                let made = which.ask(session, Http::Post, &["assertions"], Some(new));
                made.await
            }
            Self::Activity { which, events } => {
                let id = find(session, &which.credential).await?;
                events.of(session, "credential", &id).await
            }
            Self::Delete(which) => {
                let id = find(session, &which.credential).await?;
                session.delete(&["credentials", &id]).await?;
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

/// A private key, as the server takes it.
fn secret(file: &Path) -> Result<Value, Failure> {
    read(file).map(Value::from)
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

const COLUMNS: &[&str] = &[
    "id",
    "client_id",
    "name",
    "integration_type",
    "enabled",
    "project_id",
];
