//! `countersign certificates`

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::proofs::{Proofs, Removal};
use super::shown::Shown;
use super::{Noun, Session, body};
use crate::commands::admin::files::{self, NewFile};
use crate::outcome::Failure;
use crate::output;

/// What to do with certificates of a Service Account (JWT) credential.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the certificates of a credential, with their last uses
    List {
        /// Id or client id of the credential
        credential: String,
    },
    /// Add a certificate, or have a key pair made
    Add {
        /// Id or client id of the credential
        credential: String,
        /// PEM of a certificate; `-` is stdin
        #[arg(long, value_name = "FILE", required_unless_present = "private_key_out")]
        certificate: Option<PathBuf>,
        /// Have the pair made, and write its private key into this new file, readable for you only
        #[arg(long, value_name = "FILE", conflicts_with = "certificate")]
        private_key_out: Option<PathBuf>,
    },
    /// Delete a certificate: assertions of its key are refused within a second
    Delete {
        /// Id or client id of the credential
        credential: String,
        /// Id of the certificate
        certificate: String,
        #[command(flatten)]
        removal: Removal,
    },
    /// End every token that was exchanged for assertions of a certificate's key
    EndTokens {
        /// Id or client id of the credential
        credential: String,
        /// Id of the certificate
        certificate: String,
    },
}

impl Noun for Verb {
    async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        let certificates = Proofs::of(session, self.credential(), "certificates").await?;
        match self {
            Self::List { .. } => certificates.list(COLUMNS).await,
            Self::Add {
                certificate,
                private_key_out,
                ..
            } => {
                let pem = certificate.as_deref().map(read).transpose()?;
                let place = private_key_out
                    .as_deref()
                    .map(NewFile::reserve)
                    .transpose()?;
                let new = body([("certificate", pem.map(Value::from))]);
                let mut added = certificates.add(new).await?;
                hand_out(&mut added, place)?;
                Ok(Shown::Item(FIRST, added))
            }
            Self::Delete {
                certificate,
                removal,
                ..
            } => certificates.remove(certificate, removal).await,
            Self::EndTokens { certificate, .. } => certificates.end_tokens(certificate).await,
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

/// A private key leaves by its file, and not by the answer.
pub(super) fn hand_out(answer: &mut Value, place: Option<NewFile>) -> Result<(), Failure> {
    let Some(place) = place else {
        return Ok(());
    };
    let Some(key) = answer["private_key"].as_str() else {
        return Err(Failure::broken("the server made no private key"));
    };
    let path = place.path().display().to_string();
    place.write(key)?;
    output::note(&format!(
        "the private key is in `{path}`; nobody else has it"
    ));
    answer["private_key"] = json!(null);
    Ok(())
}

pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let bytes = files::read(file)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        Failure::broken(format!("`{}` is not PEM", file.display()))
            .hint("turn it into PEM with `openssl x509 -inform der -in FILE`")
    })
}

const COLUMNS: &[&str] = &[
    "id",
    "subject",
    "live",
    "not_before",
    "not_after",
    "fingerprint",
    "last_used_at",
];
const FIRST: &[&str] = &["id", "subject", "not_before", "not_after", "fingerprint"];
