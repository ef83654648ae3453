//! `admin tokens`

use std::path::Path;

use clap::Subcommand;
use countersign_authority::TokensOf;
use countersign_wire::{CertificateId, KeyThumbprint, SecretId};

use super::Answer;
use super::files;
use super::record::Record;
use super::session::Session;
use crate::outcome::Failure;
use crate::output;

/// What to do with access tokens.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// End tokens before their time: one, or all that something minted up to now
    Revoke(Which),
}

/// Which tokens end.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The one token that is read from stdin
    #[arg(long)]
    token_stdin: bool,
    /// All that were requested with this secret, which may be deleted already
    #[arg(long, value_name = "ID")]
    secret_id: Option<SecretId>,
    /// All that were exchanged for assertions of this certificate, which may be deleted already
    #[arg(long, value_name = "ID")]
    certificate_id: Option<CertificateId>,
    /// All that were requested with this registered key
    #[arg(long, value_name = "THUMBPRINT")]
    key_thumbprint: Option<KeyThumbprint>,
    /// All of this credential: its id or client id
    #[arg(long, value_name = "ID")]
    credential: Option<String>,
}

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    let Verb::Revoke(which) = verb;
    let (authority, actor) = (&session.authority, &session.actor);
    let ended = match which.tokens_of(session).await? {
        Some(of) => {
            output::hint(
                "whoever still has the secret or key can ask for new tokens: delete it, or disable the credential",
            );
            authority.end_tokens(&of, actor).await?
        }
        None => {
            let token = files::read(Path::new("-"))?;
            let token = String::from_utf8_lossy(&token);
            authority.end_token(token.trim(), actor).await?
        }
    };
    Ok(Answer::Item(
        Record::new()
            .text("ended", ended.subject)
            .text("minted_until", ended.minted_until),
    ))
}

impl Which {
    async fn tokens_of(&self, session: &Session) -> Result<Option<TokensOf>, Failure> {
        let by_id = [
            self.secret_id.clone().map(TokensOf::Secret),
            self.certificate_id.clone().map(TokensOf::Certificate),
            self.key_thumbprint.clone().map(TokensOf::Key),
        ];
        if let Some(of) = by_id.into_iter().flatten().next() {
            return Ok(Some(of));
        }
        let Some(id) = &self.credential else {
            return Ok(None);
        };
        let (credential, _) = session
            .authority
            .find_credential(id, &session.actor)
            .await?;
        Ok(Some(TokensOf::Credential(credential.id)))
    }
}
