//! What kind of tokens a credential gets, and which keys it may authenticate with.

use countersign_jose::{JwkSet, is_known_test_key};
use countersign_model::{Credential, TokenKind, UseCase};
use countersign_store as store;
use countersign_wire::CredentialId;
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::revision::At;

/// Registered keys of one credential: as many as secrets and certificates, for the same reason.
const MAX_KEYS: usize = 5;

/// A public key that a credential may authenticate with, as people tell it from others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RegisteredKey {
    /// Its name in the set.
    pub id: Option<String>,
    /// What it signs with (RFC 7518): `RS256`, `ES256`, `EdDSA`.
    pub algorithm: &'static str,
    /// RFC 7638, SHA-256; tokens that were requested with it name it so.
    pub thumbprint: String,
}

/// The registered keys of a credential, in the order of its set.
#[must_use]
pub fn registered_keys(credential: &Credential) -> Vec<RegisteredKey> {
    let set = crate::directory::registered_keys(credential);
    let keys = set.candidates().into_iter();
    keys.map(|one| RegisteredKey {
        id: one.kid.map(str::to_owned),
        algorithm: one.key.algorithm().name(),
        thumbprint: one.key.thumbprint(),
    })
    .collect()
}

impl Authority {
    /// Sets which kind of tokens a credential gets from now on; those that it has stay good. The
    /// first credential that wants an algorithm has its key made: that takes a second, until every
    /// node has it, and resource servers that keep the key set for long must fetch it again.
    ///
    /// # Errors
    /// [`ManageError::NoCredential`].
    pub async fn set_token_kind(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        kind: TokenKind,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let of = of.into();
        self.may_change_credential(of.id(), UseCase::ChangeCredential, actor)
            .await?;
        self.ensure_key(kind.algorithm(), actor).await?;
        let detail = json!({ "token_kind": kind.as_str() });
        let action = "credential.token_kind_set";
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(of, UseCase::ChangeCredential, actor)
                .await?;
            change.after.token_kind = kind;
            self.finish_change(change, action, &detail, actor).await
        })
        .await?;
        Ok(self.changed(changed).await)
    }

    /// Replaces the keys that a credential may authenticate with besides its certificates
    /// (`private_key_jwt`) by those of a JWK set; an empty set takes all of them away. What is
    /// kept is the set as we read it: public members of usable keys.
    ///
    /// # Errors
    /// [`ManageError::KeySet`], [`ManageError::NoUsableKey`], [`ManageError::KeyLimit`],
    /// [`ManageError::KnownTestKey`].
    pub async fn set_jwks(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        jwks: &[u8],
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let of = of.into();
        let set = JwkSet::parse(jwks)?;
        let keys = set.candidates();
        if keys.len() > MAX_KEYS {
            return Err(ManageError::KeyLimit(MAX_KEYS));
        }
        if keys
            .iter()
            .any(|candidate| is_known_test_key(candidate.key))
        {
            return Err(ManageError::KnownTestKey);
        }
        if set.is_empty() && !names_no_key(jwks) {
            return Err(ManageError::NoUsableKey);
        }
        let thumbprints: Vec<_> = keys.iter().map(|one| one.key.thumbprint()).collect();
        let detail = json!({ "keys": thumbprints });
        let stored = (!set.is_empty()).then(|| set.to_json());
        let action = "credential.keys_set";
        let changed = store::retry(|| async {
            let mut change = self
                .begin_change(of, UseCase::ChangeCredential, actor)
                .await?;
            change.after.jwks.clone_from(&stored);
            self.finish_change(change, action, &detail, actor).await
        })
        .await?;
        Ok(self.changed(changed).await)
    }
}

/// An empty set is how keys are taken away; a set of which nothing can be used is a mistake.
fn names_no_key(jwks: &[u8]) -> bool {
    let document: Option<serde_json::Value> = serde_json::from_slice(jwks).ok();
    document.is_some_and(|document| document["keys"] == json!([]))
}
