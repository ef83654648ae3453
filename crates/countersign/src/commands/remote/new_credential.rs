//! A credential to be made, with a key pair where it needs one.

use std::path::PathBuf;

use clap::ValueEnum;
use countersign_client::management::Verb as Http;
use serde_json::{Value, json};

use super::certificates::{hand_out, read};
use super::shown::Shown;
use super::{Session, body, projects};
use crate::commands::admin::files::NewFile;
use crate::outcome::Failure;
use crate::output;

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

impl New {
    /// Makes it.
    pub(super) async fn create(&self, session: &Session) -> Result<Shown, Failure> {
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

/// `CODE:PROFILE,PROFILE`.
pub(super) fn subscription(text: &str) -> Value {
    let (service, profiles) = text.split_once(':').unwrap_or((text, ""));
    let profiles = profiles.split(',').filter(|one| !one.is_empty());
    json!({"service": service, "profiles": profiles.collect::<Vec<_>>()})
}

/// What is shown of a credential first.
pub(super) const FIRST: &[&str] = &[
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
