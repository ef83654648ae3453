//! Says whether an access token holds. One function for everybody who asks.

use countersign_jose::{ClaimError, ClaimFault, Object, Rules, Unverified, VerifyError};
use countersign_store::revocations::Subject;
use countersign_wire::claims::ImsTokenClaims;
use countersign_wire::{CertificateId, ClientId, SecretId, Timestamp, TokenId};

use crate::Authority;
use crate::client_auth::ClientError;
use crate::directory::Client;
use std::sync::Arc;

/// A token that holds: signed by us, alive, not revoked, of a client that is enabled.
pub struct ValidToken {
    /// What it says.
    pub claims: ImsTokenClaims,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub client: Arc<Client>,
}

/// Why a token does not hold.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidToken {
    /// Not one of our tokens at all.
    #[error("the token can not be read: {0}")]
    Malformed(String),
    /// Another kind of token than the caller takes.
    #[error("the token is of another kind")]
    Kind,
    /// Not signed by one of our keys.
    #[error("no published key verifies the signature")]
    Signature,
    /// Over.
    #[error("the token expired at {0}")]
    Expired(Timestamp),
    /// Revoked, or its credential is gone or disabled.
    #[error("{0}")]
    Revoked(&'static str),
    /// Cannot be decided now.
    #[error("{0}")]
    Unavailable(String),
}

impl InvalidToken {
    /// `reason` of `/ims/validate_token/v1` (`spec/ims-protocol.md` 4.4).
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::Unavailable(_) => "token_malformed",
            Self::Kind => "type_mismatch",
            Self::Signature => "bad_signature",
            Self::Expired(_) => "token_expired",
            Self::Revoked(_) => "token_revoked",
        }
    }
}

impl Authority {
    /// Whether `token` is an access token of ours that holds now.
    ///
    /// # Errors
    /// [`InvalidToken`]; [`InvalidToken::Unavailable`] when it cannot be told.
    pub async fn validate(&self, token: &str) -> Result<ValidToken, InvalidToken> {
        let now = self.clock.now();
        let (claims, expires_at) = self.verify_access_token(token, now)?;
        if claims.authorization_server != self.config.authorization_server {
            return Err(InvalidToken::Signature);
        }
        if self.is_revoked(&claims) {
            return Err(InvalidToken::Revoked(
                "the token, or what it was minted with, was revoked",
            ));
        }
        let client = self.client_of(&claims).await?;
        Ok(ValidToken {
            claims,
            expires_at,
            client,
        })
    }

    /// Checks the signature and the time, and nothing that can change.
    pub(crate) fn verify_access_token(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<(ImsTokenClaims, Timestamp), InvalidToken> {
        let unverified =
            Unverified::parse(token).map_err(|error| InvalidToken::Malformed(error.to_string()))?;
        let keyring = self.keyring.load();
        let verified = unverified
            .verify(
                &keyring.candidates(),
                &Rules::ims_access_token(),
                now.as_millis(),
                read_claims,
            )
            .map_err(refused)?;
        let expires_at = Timestamp::from_millis(verified.expires_at());
        if expires_at <= now {
            return Err(InvalidToken::Expired(expires_at));
        }
        Ok((verified.into_claims(), expires_at))
    }

    fn is_revoked(&self, claims: &ImsTokenClaims) -> bool {
        let created_at = claims
            .created_at
            .parse()
            .map_or(Timestamp::default(), Timestamp::from_millis);
        let minter = claims
            .minted_by
            .split_once(':')
            .and_then(|(kind, id)| match kind {
                "secret" => SecretId::parse(id).ok().map(Subject::Secret),
                "certificate" => CertificateId::parse(id).ok().map(Subject::Certificate),
                _ => None,
            });
        let token = TokenId::parse(&claims.id).ok().map(Subject::Token);
        [token, minter].into_iter().any(|subject| {
            subject.is_none_or(|subject| self.revocations.covers(&subject, created_at))
        })
    }

    async fn client_of(&self, claims: &ImsTokenClaims) -> Result<Arc<Client>, InvalidToken> {
        const GONE: InvalidToken =
            InvalidToken::Revoked("the credential of the token is gone or disabled");
        let id = ClientId::parse(&claims.client_id).map_err(|_| GONE)?;
        let client = self.known_client(&id).await.map_err(|error| match error {
            ClientError::Unavailable(why) => InvalidToken::Unavailable(why),
            _ => GONE,
        })?;
        let same = client.account.id.as_str() == claims.user_id
            && client.organization.id.as_str() == claims.org;
        let credential = Subject::Credential(client.credential.id.clone());
        let created_at = claims
            .created_at
            .parse()
            .map_or(Timestamp::default(), Timestamp::from_millis);
        if !same || client.disabled().is_some() || self.revocations.covers(&credential, created_at)
        {
            return Err(GONE);
        }
        Ok(client)
    }
}

fn read_claims(claims: &Object) -> Result<ImsTokenClaims, ClaimError> {
    let text = |name| claims.string(name).map(str::to_owned);
    let audiences = || {
        claims
            .audiences()
            .map(|all| all.into_iter().map(str::to_owned).collect())
    };
    let ctp = claims.integer("ctp")?;
    Ok(ImsTokenClaims {
        id: text("id")?,
        org: text("org")?,
        kind: text("type")?,
        client_id: text("client_id")?,
        user_id: text("user_id")?,
        authorization_server: text("as")?,
        aa_id: text("aa_id")?,
        ctp: u8::try_from(ctp).map_err(|_| ClaimError::new("ctp", ClaimFault::Value))?,
        moi: text("moi")?,
        expires_in: text("expires_in")?,
        created_at: text("created_at")?,
        scope: text("scope")?,
        aud: claims.find("aud").map(|_| audiences()).transpose()?,
        minted_by: text("minted_by")?,
    })
}

fn refused(error: VerifyError) -> InvalidToken {
    match error {
        VerifyError::Expired { exp, .. } => InvalidToken::Expired(Timestamp::from_seconds(exp)),
        VerifyError::Signature | VerifyError::UnknownKey | VerifyError::Algorithm => {
            InvalidToken::Signature
        }
        VerifyError::Kind => InvalidToken::Kind,
        other => InvalidToken::Malformed(other.to_string()),
    }
}
