//! `admin certificates`

use std::path::PathBuf;

use clap::Subcommand;
use countersign_authority::{Force, GeneratedCertificate, NewCertificate};
use countersign_model::Certificate;
use countersign_store::usage::{Usage, UsageSubject};
use countersign_wire::{CertificateId, Opaque};

use super::Answer;
use super::credentials::view::last_used;
use super::files::{self, NewFile};
use super::record::Record;
use super::session::Session;
use crate::outcome::Failure;
use crate::output;

/// What to do with certificates.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Add a certificate of a key pair that somebody has
    Add {
        /// Id or client id of the credential
        credential: String,
        /// The certificate, PEM or DER, or `-` for stdin
        #[arg(long, value_name = "FILE")]
        certificate: PathBuf,
    },
    /// List the certificates of a credential, with their last uses
    List {
        /// Id or client id of the credential
        credential: String,
    },
    /// Delete a certificate: assertions of its key are refused within a second
    Delete {
        /// Id or client id of the credential
        credential: String,
        /// Id of the certificate
        certificate: CertificateId,
        /// Also the last one that works
        #[arg(long)]
        force: bool,
        /// End every token that it was used for, too: somebody else may have it
        #[arg(long)]
        also_end_tokens: bool,
    },
    /// Make a key pair, add its certificate, and hand out the private key this once
    Generate {
        /// Id or client id of the credential
        credential: String,
        /// New file for the private key, readable for you only
        #[arg(long, value_name = "FILE")]
        private_key_out: Option<PathBuf>,
    },
}

pub(super) async fn run(verb: &Verb, session: &Session, json: bool) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    match verb {
        Verb::Add {
            credential,
            certificate,
        } => {
            let new = NewCertificate::Upload(files::read(certificate)?.to_vec());
            let (credential, _) = authority.find_credential(credential, actor).await?;
            let added = authority
                .add_certificate(&credential.id, &new, actor)
                .await?;
            Ok(Answer::Item(shown(&added.certificate, &[])))
        }
        Verb::List { credential } => {
            let (credential, _) = authority.find_credential(credential, actor).await?;
            let usage = authority.list_usage(&credential.id, actor).await?;
            let rows = credential
                .certificates
                .iter()
                .map(|certificate| shown(certificate, &usage))
                .collect();
            Ok(Answer::List(
                &[
                    "id",
                    "fingerprint",
                    "subject",
                    "not_after",
                    "last_jwt_exchange",
                ],
                rows,
            ))
        }
        Verb::Delete {
            credential,
            certificate,
            force,
            also_end_tokens,
        } => {
            let (credential, _) = authority.find_credential(credential, actor).await?;
            let force = if *force { Force::Yes } else { Force::No };
            let id = &credential.id;
            let left = if *also_end_tokens {
                authority
                    .delete_certificate_with_tokens(id, certificate, force, actor)
                    .await?
            } else {
                authority
                    .delete_certificate(id, certificate, force, actor)
                    .await?
            };
            let left = left.certificates.len() as u64;
            Ok(Answer::Item(
                Record::new()
                    .text("deleted", certificate)
                    .number("left", left),
            ))
        }
        Verb::Generate {
            credential,
            private_key_out,
        } => {
            let file = private_key_out
                .as_deref()
                .map(NewFile::reserve)
                .transpose()?;
            if file.is_none() && !json {
                return Err(no_place_for_the_key());
            }
            let (credential, _) = authority.find_credential(credential, actor).await?;
            let added = authority
                .add_certificate(&credential.id, &NewCertificate::Generate, actor)
                .await?;
            handed_out(&added, file)
        }
    }
}

/// A private key is made once; it needs somewhere to go before it is.
pub(super) fn no_place_for_the_key() -> Failure {
    Failure::broken("the private key has nowhere to go")
        .hint("add `--private-key-out FILE`, or `--json`")
}

fn handed_out(added: &GeneratedCertificate, file: Option<NewFile>) -> Result<Answer, Failure> {
    output::note("the private key is handed out this once: keep it");
    let record = shown(&added.certificate, &[]);
    let key = added.private_key.as_ref().map(Opaque::expose);
    match (file, key) {
        (Some(file), Some(key)) => {
            let record = record.text("private_key_file", file.path().display());
            file.write(key)?;
            Ok(Answer::Item(record))
        }
        (_, key) => Ok(Answer::Item(record.maybe("private_key", key))),
    }
}

pub(super) fn shown(certificate: &Certificate, usage: &[Usage]) -> Record {
    let of_this = UsageSubject::Certificate(certificate.id.clone());
    let record = Record::new()
        .text("id", &certificate.id)
        .text("fingerprint", &certificate.fingerprint)
        .text("subject", &certificate.subject)
        .text("not_before", certificate.not_before)
        .text("not_after", certificate.not_after)
        .text("created_at", certificate.created_at);
    last_used(record, usage, &of_this)
}
