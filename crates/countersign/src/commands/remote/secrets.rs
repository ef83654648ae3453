//! `countersign secrets`

use clap::Subcommand;
use countersign_client::management::Verb as Http;
use serde_json::{Value, json};

use super::credentials;
use super::shown::Shown;
use super::{Noun, Session, body};
use crate::outcome::Failure;
use crate::output;

/// What to do with client secrets.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the secrets of a credential, with their last uses
    List {
        /// Id or client id of the credential
        credential: String,
    },
    /// Add a secret beside those that are there, and show it this once
    Add {
        /// Id or client id of the credential
        credential: String,
        /// What people call it
        #[arg(long)]
        label: String,
        /// When it stops working: `2026-03-01T00:00:00Z` [default: never]
        #[arg(long, value_name = "INSTANT")]
        expires_at: Option<String>,
    },
    /// Delete a secret: it stops working within a second
    Delete {
        /// Id or client id of the credential
        credential: String,
        /// Id of the secret
        secret: String,
        #[command(flatten)]
        removal: Removal,
    },
    /// End every token that was requested with a secret
    EndTokens {
        /// Id or client id of the credential
        credential: String,
        /// Id of the secret
        secret: String,
    },
}

/// How something is taken away.
#[derive(Debug, clap::Args)]
pub struct Removal {
    /// Also the last one that works
    #[arg(long)]
    force: bool,
    /// End every token that it was used for, too: somebody else may have it
    #[arg(long)]
    also_end_tokens: bool,
}

impl Noun for Verb {
    async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        let id = credentials::find(session, self.credential()).await?;
        let at = ["credentials", id.as_str(), "secrets"];
        match self {
            Self::List { .. } => {
                let call = session.within(Http::Get, &at).await?;
                let listed = session.send(call).await?.body["items"].take();
                Ok(Shown::List(COLUMNS, items(listed)))
            }
            Self::Add {
                label, expires_at, ..
            } => {
                let new = body([
                    ("label", Some(json!(label))),
                    ("expires_at", expires_at.as_ref().map(|text| json!(text))),
                ]);
                let call = session.within(Http::Post, &at).await?;
                let added = session.send(call.body(new)).await?.body;
                output::note("the secret is shown this once: store it now");
                Ok(Shown::Item(FIRST, added))
            }
            Self::Delete {
                secret, removal, ..
            } => removal.run(session, &at, secret).await,
            Self::EndTokens { secret, .. } => {
                let at = ["credentials", &id, "secrets", secret, "tokens"];
                let call = session.within(Http::Delete, &at).await?;
                Ok(Shown::Item(&[], session.send(call).await?.body))
            }
        }
    }
}

impl Verb {
    fn credential(&self) -> &str {
        match self {
            Self::List { credential }
            | Self::Add { credential, .. }
            | Self::Delete { credential, .. }
            | Self::EndTokens { credential, .. } => credential,
        }
    }
}

impl Removal {
    /// Takes one of a list away.
    pub(super) async fn run(
        &self,
        session: &Session,
        list: &[&str],
        id: &str,
    ) -> Result<Shown, Failure> {
        let at = [list, &[id]].concat();
        let call = session.within(Http::Delete, &at).await?;
        let call = call
            .with("force", self.force.then_some(true))
            .with("also_end_tokens", self.also_end_tokens.then_some(true));
        session.send(call).await?;
        Ok(Shown::Item(&[], json!({"deleted": id})))
    }
}

/// The things of a list that comes whole.
pub(super) fn items(listed: Value) -> Vec<Value> {
    match listed {
        Value::Array(items) => items,
        _ => Vec::new(),
    }
}

const COLUMNS: &[&str] = &[
    "id",
    "label",
    "hint",
    "live",
    "created_at",
    "expires_at",
    "last_used_at",
];
const FIRST: &[&str] = &["id", "label", "client_secret"];
