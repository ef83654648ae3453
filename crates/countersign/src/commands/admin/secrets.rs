//! `admin secrets`

use std::path::PathBuf;

use clap::Subcommand;
use countersign_authority::{AddedSecret, Force};
use countersign_model::Secret;
use countersign_model::secret::Strength;
use countersign_store::usage::{Usage, UsageSubject};
use countersign_wire::{ClientSecret, SecretId, Timestamp};

use super::Answer;
use super::credentials::view::last_used;
use super::files;
use super::record::Record;
use super::session::Session;
use crate::outcome::Failure;
use crate::output;

/// What to do with client secrets.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Add a secret beside those that are there, and show it this once
    Add {
        /// Id or client id of the credential
        credential: String,
        /// What people call it
        #[arg(long)]
        label: String,
        /// When it stops working: `2026-03-01` or an instant [default: never]
        #[arg(long, value_name = "DATE")]
        expires_at: Option<Timestamp>,
        /// Print lines for a shell
        #[arg(long)]
        env: bool,
    },
    /// List the secrets of a credential, with their last uses
    List {
        /// Id or client id of the credential
        credential: String,
    },
    /// Delete a secret: it stops working within a second
    Delete {
        /// Id or client id of the credential
        credential: String,
        /// Id of the secret
        secret: SecretId,
        /// Also the last one that works
        #[arg(long)]
        force: bool,
        /// End every token that it was used for, too: somebody else may have it
        #[arg(long)]
        also_end_tokens: bool,
    },
    /// Take over a secret that clients have already
    Import {
        /// Id or client id of the credential
        credential: String,
        /// What people call it
        #[arg(long)]
        label: String,
        /// File that holds it, or `-` for stdin
        #[arg(long, value_name = "FILE")]
        secret_file: PathBuf,
    },
}

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    match verb {
        Verb::Add {
            credential,
            label,
            expires_at,
            env,
        } => {
            let (credential, _) = authority.find_credential(credential, actor).await?;
            let added = authority
                .add_secret(&credential.id, label.clone(), *expires_at, actor)
                .await?;
            Ok(handed_out(&added, credential.client_id.as_str(), *env))
        }
        Verb::List { credential } => {
            let (credential, _) = authority.find_credential(credential, actor).await?;
            let usage = authority.list_usage(&credential.id, actor).await?;
            let rows = credential
                .secrets
                .iter()
                .map(|secret| shown(secret, &usage))
                .collect();
            let columns = &[
                "id",
                "label",
                "hint",
                "created_at",
                "expires_at",
                "last_client_credentials",
                "last_jwt_exchange",
            ];
            Ok(Answer::List(columns, rows))
        }
        Verb::Delete {
            credential,
            secret,
            force,
            also_end_tokens,
        } => {
            let (credential, _) = authority.find_credential(credential, actor).await?;
            let force = if *force { Force::Yes } else { Force::No };
            let id = &credential.id;
            let left = if *also_end_tokens {
                authority
                    .delete_secret_with_tokens(id, secret, force, actor)
                    .await?
            } else {
                authority.delete_secret(id, secret, force, actor).await?
            };
            Ok(Answer::Item(
                Record::new()
                    .text("deleted", secret)
                    .number("left", left.secrets.len() as u64),
            ))
        }
        Verb::Import {
            credential,
            label,
            secret_file,
        } => {
            let secret = read_secret(secret_file)?;
            let (credential, _) = authority.find_credential(credential, actor).await?;
            let added = authority
                .import_secret(&credential.id, label.clone(), &secret, actor)
                .await?;
            if added.record.strength == Strength::Weak {
                output::hint(
                    "the imported secret is easy to guess: replace it with `admin secrets add` soon",
                );
            }
            Ok(Answer::Item(shown(&added.record, &[])))
        }
    }
}

/// The one door by which a new secret leaves.
fn handed_out(added: &AddedSecret, client_id: &str, env: bool) -> Answer {
    output::note("the secret is shown this once: store it now");
    let secret = added.secret.as_ref().map(ClientSecret::expose);
    let record = shown(&added.record, &[]).maybe("client_secret", secret);
    let pairs = [
        ("CLIENT_ID", client_id),
        ("CLIENT_SECRET", secret.unwrap_or_default()),
        ("SECRET_ID", added.record.id.as_str()),
    ];
    Answer::item_or_env(record, env, &pairs)
}

fn read_secret(path: &std::path::Path) -> Result<ClientSecret, Failure> {
    let bytes = files::read(path)?;
    let text = std::str::from_utf8(&bytes)
        .ok()
        .map(|text| text.trim_end_matches(['\r', '\n']));
    text.and_then(ClientSecret::parse).ok_or_else(|| {
        Failure::broken(format!("`{}` holds no client secret", path.display()))
            .hint("a client secret is one line of 1 to 512 printable ASCII characters")
    })
}

pub(super) fn shown(secret: &Secret, usage: &[Usage]) -> Record {
    let of_this = UsageSubject::Secret(secret.id.clone());
    let record = Record::new()
        .text("id", &secret.id)
        .text("label", &secret.label)
        .text("hint", &secret.hint)
        .text("strength", secret.strength.as_str())
        .text("created_at", secret.created_at)
        .maybe("expires_at", secret.expires_at);
    last_used(record, usage, &of_this)
}
