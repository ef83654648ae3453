//! `admin credentials set-token-kind` and `set-jwks`

use std::path::PathBuf;

use clap::ValueEnum;
use countersign_jose::JwkSet;
use countersign_model::{Credential, SigningAlgorithm, TokenKind};
use countersign_store::usage::{Usage, UsageSubject};
use countersign_wire::KeyThumbprint;

use super::{Which, view};
use crate::commands::admin::files;
use crate::commands::admin::record::Record;
use crate::commands::admin::session::Session;
use crate::outcome::Failure;
use crate::output;

/// Which kind of tokens.
#[derive(Debug, clap::Args)]
pub struct Kind {
    #[command(flatten)]
    which: Which,
    /// The kind of token
    kind: Word,
    /// What standard tokens are signed with [default: RS256]
    #[arg(long, value_parser = algorithm)]
    algorithm: Option<SigningAlgorithm>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    /// As the original's, RS256
    Ims,
    /// JWT access tokens of RFC 9068
    Standard,
}

/// Which keys.
#[derive(Debug, clap::Args)]
pub struct Keys {
    #[command(flatten)]
    which: Which,
    /// JWK set of public keys: RSA, P-256 or Ed25519; `-` reads stdin, and `{"keys":[]}` takes all
    /// keys away
    file: PathBuf,
}

fn algorithm(name: &str) -> Result<SigningAlgorithm, String> {
    SigningAlgorithm::parse(name).ok_or_else(|| "write RS256, ES256 or EdDSA".to_owned())
}

impl Kind {
    pub(super) async fn set(&self, session: &Session) -> Result<Credential, Failure> {
        let kind = match (self.kind, self.algorithm) {
            (Word::Standard, algorithm) => TokenKind::Standard {
                algorithm: algorithm.unwrap_or(SigningAlgorithm::Rs256),
            },
            (Word::Ims, None) => TokenKind::Ims,
            (Word::Ims, Some(_)) => {
                return Err(Failure::broken("IMS tokens are signed with RS256 only")
                    .hint("leave out `--algorithm`, or write `standard`"));
            }
        };
        let id = self.which.find(session).await?.id;
        let changed = session
            .authority
            .set_token_kind(&id, kind, &session.actor)
            .await?;
        if kind.algorithm() != SigningAlgorithm::Rs256 {
            output::hint(
                "a resource server that fetched the key set more than five minutes ago may have to fetch it again",
            );
        }
        Ok(changed)
    }
}

impl Keys {
    pub(super) async fn set(&self, session: &Session) -> Result<Credential, Failure> {
        let jwks = files::read(&self.file)?;
        let id = self.which.find(session).await?.id;
        Ok(session
            .authority
            .set_jwks(&id, &jwks, &session.actor)
            .await?)
    }
}

/// The registered keys, as the evidence of use names them.
pub(super) fn shown(credential: &Credential, usage: &[Usage]) -> Vec<Record> {
    let text = credential.jwks.as_deref().unwrap_or_default();
    let set = JwkSet::parse(text.as_bytes()).unwrap_or_default();
    let key = |key: &countersign_jose::VerifyingKey, kid: Option<&str>| {
        let thumbprint = key.thumbprint();
        let record = Record::new()
            .text("thumbprint", &thumbprint)
            .text("algorithm", key.algorithm().name())
            .maybe("kid", kid);
        match KeyThumbprint::parse(&thumbprint) {
            Ok(thumbprint) => view::last_used(record, usage, &UsageSubject::Key(thumbprint)),
            Err(_) => record,
        }
    };
    let keys = set.candidates();
    keys.iter().map(|one| key(one.key, one.kid)).collect()
}
