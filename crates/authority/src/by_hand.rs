//! Tokens and assertions that a person asks for, to try a credential out: the buttons of its page.
//!
//! A token names what it was minted with, as every token does: it ends with the secret or the
//! certificate. Nothing is noted as used by it but the grant.

use std::time::Duration;

use countersign_jose::{Algorithm, Header, SignError, SigningKey};
use countersign_model::{Credential, UseCase};
use countersign_store as store;
use countersign_wire::claims::AssertionClaims;
use countersign_wire::{
    Caller, CertificateId, CredentialId, Metascope, Opaque, ScopeSet, Timestamp,
};
use serde_json::json;

use crate::Authority;
use crate::activity::Grant;
use crate::actor::Actor;
use crate::client_auth::AuthenticatedClient;
use crate::clock::random;
use crate::error::ManageError;
use crate::exchange::Exchanged;
use crate::token::{AskedBy, Issued, Mint, Minter, TokenError};

/// How long an assertion that was made by hand lives, as the original's (`spec/ims-protocol.md`
/// 6.4).
const ASSERTION_LIFE: Duration = Duration::from_secs(24 * 3600);

/// An assertion that a pasted private key signed.
#[derive(Debug)]
pub struct MadeAssertion {
    /// The assertion: a compact JWS, `jwt_token` of the exchange.
    pub assertion: Opaque,
    /// What was signed, as people read it: JSON with line breaks.
    pub payload: String,
    /// Until when it can be exchanged.
    pub expires_at: Timestamp,
}

impl Authority {
    /// Makes an access token of the OAuth half for a person, without a secret of it. It ends with
    /// the newest secret that is live.
    ///
    /// # Errors
    /// [`ManageError::NoLiveSecret`]; [`ManageError::Token`] with the reason.
    pub async fn make_token(
        &self,
        id: &CredentialId,
        scope: Option<ScopeSet>,
        caller: &Caller,
        actor: &Actor,
    ) -> Result<Issued, ManageError> {
        let credential = self.credential_to_try(id, actor).await?;
        if !credential.grants.has_oauth_half() {
            return Err(TokenError::NoOAuthHalf.into());
        }
        let now = self.clock.now();
        let live = credential.secrets.iter().filter(|s| s.is_live(now));
        let newest = live.max_by_key(|secret| secret.created_at);
        let minter = Minter::Secret(newest.ok_or(ManageError::NoLiveSecret)?.id.clone());
        let client = self.client_to_try(&credential, minter).await?;
        let granted = &client.client().scopes;
        let scope = scope.unwrap_or_else(|| granted.clone()).within(granted);
        let scope = scope.map_err(|missing| TokenError::NotGranted {
            missing,
            granted: granted.clone(),
        })?;
        self.note_try(&credential, "token.generated", &scope.to_string(), actor)
            .await?;
        let mint = Mint {
            client: &client,
            asked_by: AskedBy::Person,
            caller,
            grant: Grant::ClientCredentials,
            minter: client.minter().clone(),
            scope,
            audience: None,
            ends: None,
            notice: None,
        };
        Ok(self.mint(&mint).await?)
    }

    /// Makes an access token of the JWT half for a person who has the private key of one of its
    /// certificates. The key is neither kept nor written down.
    ///
    /// # Errors
    /// [`ManageError::PrivateKey`], [`ManageError::ForeignKey`], [`ManageError::Exchange`].
    pub async fn make_token_with_key(
        &self,
        id: &CredentialId,
        private_key: &Opaque,
        caller: &Caller,
        actor: &Actor,
    ) -> Result<Issued, ManageError> {
        let credential = self.credential_to_try(id, actor).await?;
        let (_, certificate) = self.key_of(&credential, private_key)?;
        let minter = Minter::Certificate(certificate.clone());
        let client = self.client_to_try(&credential, minter).await?;
        let now = self.clock.now();
        self.check_jwt_half(client.client(), now)?;
        let scope = self.expand(&self.metascopes_of(&credential), client.client())?;
        self.note_try(&credential, "token.generated", &scope.to_string(), actor)
            .await?;
        let exchanged = Exchanged {
            client: &client,
            asked_by: AskedBy::Person,
            caller,
            certificate,
            scope,
            resources: Vec::new(),
        };
        Ok(self.mint(&self.mint_of(exchanged, now)).await?)
    }

    /// Makes an assertion with the private key of one of the credential's certificates. The key is
    /// neither kept nor written down.
    ///
    /// # Errors
    /// [`ManageError::PrivateKey`], [`ManageError::ForeignKey`], [`ManageError::NoJwtHalf`].
    pub async fn make_assertion(
        &self,
        id: &CredentialId,
        private_key: &Opaque,
        actor: &Actor,
    ) -> Result<MadeAssertion, ManageError> {
        let credential = self.credential_to_try(id, actor).await?;
        let (key, certificate) = self.key_of(&credential, private_key)?;
        let expires_at = self.clock.now().plus(ASSERTION_LIFE);
        let claims = self.assertion_claims(&credential, expires_at);
        let claims = AssertionClaims {
            jti: Some(uuid::Uuid::from_bytes(random()?).simple().to_string()),
            ..claims
        };
        let payload = serde_json::to_vec(&claims).map_err(|_| SignError)?;
        let header = Header::jwt(Algorithm::Rs256).to_json();
        let assertion = key.sign_compact(&header, &payload)?;
        let with = certificate.to_string();
        self.note_try(&credential, "assertion.generated", &with, actor)
            .await?;
        Ok(MadeAssertion {
            assertion: Opaque::new(assertion),
            payload: serde_json::to_string_pretty(&claims).map_err(|_| SignError)?,
            expires_at,
        })
    }

    /// What an assertion of the credential would say now, as people read it: JSON with line breaks.
    #[must_use]
    pub fn show_assertion(&self, credential: &Credential) -> String {
        let expires_at = self.clock.now().plus(ASSERTION_LIFE);
        let claims = self.assertion_claims(credential, expires_at);
        serde_json::to_string_pretty(&claims).unwrap_or_default()
    }

    fn assertion_claims(&self, credential: &Credential, expires_at: Timestamp) -> AssertionClaims {
        AssertionClaims {
            exp: expires_at.as_seconds(),
            iss: credential.org_id.clone(),
            sub: credential.technical_account_id.clone(),
            origin: self.config.issuer.clone(),
            client_id: credential.client_id.clone(),
            metascopes: self.metascopes_of(credential),
            jti: None,
        }
    }

    fn metascopes_of(&self, credential: &Credential) -> Vec<Metascope> {
        let mut all: Vec<_> = credential
            .bound_metascopes(&self.catalogue)
            .cloned()
            .collect();
        let mut seen = std::collections::HashSet::new();
        all.retain(|metascope| seen.insert(metascope.clone()));
        all
    }

    async fn credential_to_try(
        &self,
        id: &CredentialId,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let mut read = self.store.read().await?;
        let found = store::credentials::find(&mut read, id).await?;
        let credential = found.ok_or(ManageError::NoCredential)?;
        actor.may_change(UseCase::MakeTokens, &credential)?;
        Ok(credential)
    }

    async fn client_to_try(
        &self,
        credential: &Credential,
        minter: Minter,
    ) -> Result<AuthenticatedClient, ManageError> {
        let known = self.known_client(&credential.client_id).await;
        let client = known.map_err(TokenError::from)?;
        if let Some(part) = client.disabled() {
            return Err(TokenError::from(crate::ClientError::Disabled(part)).into());
        }
        self.admit(&client)?;
        self.take_share(&client)?;
        Ok(AuthenticatedClient::new(client, minter))
    }

    /// The key that was pasted, and the certificate that holds its public half.
    fn key_of(
        &self,
        credential: &Credential,
        private_key: &Opaque,
    ) -> Result<(SigningKey, CertificateId), ManageError> {
        if !credential.grants.has_jwt_half() {
            return Err(ManageError::NoJwtHalf);
        }
        let key = SigningKey::from_pem(private_key.expose()).map_err(ManageError::PrivateKey)?;
        let digest = key.verifying_key().fingerprint();
        let mut live = credential.live_certificates(self.clock.now());
        let certificate = live.find(|certificate| certificate.key_digest == digest);
        let id = certificate.ok_or(ManageError::ForeignKey)?.id.clone();
        Ok((key, id))
    }

    async fn note_try(
        &self,
        credential: &Credential,
        action: &str,
        with: &str,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let (org, now) = (Some(&credential.org_id), self.clock.now());
        let detail = json!({ "client_id": credential.client_id, "with": with });
        let event = actor.event(now, org, action, credential.id.as_str(), &detail);
        let event = event.about(credential);
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }
}
