//! `countersign secrets`

use clap::Subcommand;
use serde_json::json;

use super::proofs::{Proofs, Removal};
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

impl Noun for Verb {
    async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        let secrets = Proofs::of(session, self.credential(), "secrets").await?;
        match self {
            Self::List { .. } => secrets.list(COLUMNS).await,
            Self::Add {
                label, expires_at, ..
            } => {
                let new = body([
                    ("label", Some(json!(label))),
                    ("expires_at", expires_at.as_ref().map(|text| json!(text))),
                ]);
                let added = secrets.add(new).await?;
                output::note("the secret is shown this once: store it now");
                Ok(Shown::Item(FIRST, added))
            }
            Self::Delete {
                secret, removal, ..
            } => secrets.remove(secret, removal).await,
            Self::EndTokens { secret, .. } => secrets.end_tokens(secret).await,
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
