//! Issues access tokens: client credentials here, and the last step of the exchange.

use std::time::Duration;

use countersign_model::deprecation::Notice;
use countersign_wire::claims::{ACCESS_TOKEN, CTP_SERVER_TO_SERVER, ImsTokenClaims};
use countersign_wire::token::TokenRequest;
use countersign_wire::{CertificateId, ScopeSet, SecretId, Timestamp};
use uuid::Uuid;

use crate::Authority;
use crate::activity::Grant;
use crate::client_auth::{AuthenticatedClient, ClientError, Presented};
use crate::clock::{NoRandomness, random};

/// What the token endpoint does about an absent `scope`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AbsentScope {
    /// Grants every scope of the credential: v2 (`spec/ims-protocol.md` 1.4).
    GrantsAll,
    /// Refused: v1, v3 and v4.
    IsRefused,
}

/// An access token, and what is said along with it.
pub struct Issued {
    /// The token: a compact JWS.
    pub access_token: String,
    /// How long it still lives.
    pub expires_in: Duration,
    /// What the client is told about the grant's deprecation.
    pub notice: Option<Notice>,
}

/// Why no token was issued. The sentences are for the credential's owner; the caller sees less.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// The client is not believed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It has no OAuth half.
    #[error("the credential has only its JWT half: add an OAuth half to use client_credentials")]
    NoOAuthHalf,
    /// It asked for nothing.
    #[error("the request has no scope: the credential could ask for {0}")]
    NoScope(ScopeSet),
    /// It asked for more than it has.
    #[error("not granted: {missing}; the credential has {granted}")]
    NotGranted {
        /// What it does not have.
        missing: ScopeSet,
        /// What it has.
        granted: ScopeSet,
    },
    /// It asks more often than it may.
    #[error(
        "the client asks for more tokens than {per_minute} per minute: it should keep a token until it expires"
    )]
    TooMany {
        /// The limit.
        per_minute: u32,
    },
    /// The token would not fit into a header.
    #[error(
        "the token would be {0} bytes long, and no token may be longer than {MAX_TOKEN}: ask for fewer scopes"
    )]
    TooLong(usize),
    /// Signing failed.
    #[error("signing failed: {0}")]
    Sign(#[from] countersign_jose::SignError),
    /// There is no chance to be had.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Longest token that is issued, in bytes (`spec/security.md` TOK-06).
const MAX_TOKEN: usize = 8192;

/// What a token is minted with.
pub(crate) enum Minter {
    Secret(SecretId),
    Certificate(CertificateId),
}

impl std::fmt::Display for Minter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(id) => write!(f, "secret:{id}"),
            Self::Certificate(id) => write!(f, "certificate:{id}"),
        }
    }
}

pub(crate) struct Mint<'a> {
    pub(crate) client: &'a AuthenticatedClient,
    pub(crate) grant: Grant,
    pub(crate) minter: Minter,
    pub(crate) scope: ScopeSet,
    pub(crate) audience: Option<Vec<String>>,
    /// A token does not outlive what it rests on: the certificate, the policy's last date.
    pub(crate) ends: Option<Timestamp>,
    pub(crate) notice: Option<Notice>,
}

impl Authority {
    /// Issues a token for client credentials.
    ///
    /// # Errors
    /// [`TokenError`], in the order of `spec/ims-protocol.md` 2.2.
    pub async fn issue(
        &self,
        request: TokenRequest,
        presented: &Presented,
        absent: AbsentScope,
    ) -> Result<Issued, TokenError> {
        let client = self.authenticate(presented).await?;
        let known = client.client();
        if !known.credential.grants.has_oauth_half() {
            return Err(TokenError::NoOAuthHalf);
        }
        let granted = &known.scopes;
        let scope = match (request.scope, absent) {
            (Some(asked), _) => {
                asked
                    .within(granted)
                    .map_err(|missing| TokenError::NotGranted {
                        missing,
                        granted: granted.clone(),
                    })?
            }
            (None, AbsentScope::GrantsAll) => granted.clone(),
            (None, AbsentScope::IsRefused) => return Err(TokenError::NoScope(granted.clone())),
        };
        let minter = Minter::Secret(client.secret().clone());
        self.mint(&Mint {
            client: &client,
            grant: Grant::ClientCredentials,
            minter,
            scope,
            audience: None,
            ends: None,
            notice: None,
        })
    }

    pub(crate) fn mint(&self, mint: &Mint<'_>) -> Result<Issued, TokenError> {
        let client = mint.client.client();
        let limit = client.limiter.as_ref();
        if limit.is_some_and(|limiter| limiter.check().is_err()) {
            return Err(TokenError::TooMany {
                per_minute: self.config.tokens_per_minute,
            });
        }
        let now = self.clock.now();
        let ends = now.plus(self.config.token_life());
        let ends = mint.ends.map_or(ends, |end| end.min(ends));
        let life = ends.since(now);
        let user = client.account.id.as_str();
        let chance: [u8; 20] = random()?;
        let claims: ImsTokenClaims<&str> = ImsTokenClaims {
            id: &token_id(now, &chance, &self.config.region),
            org: client.organization.id.as_str(),
            kind: ACCESS_TOKEN,
            client_id: client.credential.client_id.as_str(),
            user_id: user,
            authorization_server: &self.config.authorization_server,
            aa_id: user,
            ctp: CTP_SERVER_TO_SERVER,
            moi: &hex4(&chance),
            expires_in: &life.as_millis().to_string(),
            created_at: &now.as_millis().to_string(),
            scope: &mint.scope.to_string(),
            aud: mint
                .audience
                .as_ref()
                .map(|all| all.iter().map(String::as_str).collect()),
            minted_by: &mint.minter.to_string(),
        };
        let payload = serde_json::to_vec(&claims).map_err(|_| countersign_jose::SignError)?;
        let keyring = self.keyring.load();
        let active = &keyring.active;
        let access_token = active.key.sign_compact(&active.ims_header, &payload)?;
        if access_token.len() > MAX_TOKEN {
            return Err(TokenError::TooLong(access_token.len()));
        }
        self.activity.note(
            &client.credential.id,
            mint.grant,
            mint.client.secret(),
            &mint.minter,
            now,
        );
        let spent = self.clock.now().since(now) + Duration::from_millis(1);
        Ok(Issued {
            access_token,
            expires_in: life.saturating_sub(spent),
            notice: mint.notice,
        })
    }
}

/// `<13-digit ms>_<UUID>_<region>`: 122 random bits (`spec/security.md` TOK-02).
fn token_id(now: Timestamp, chance: &[u8; 20], region: &str) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&chance[..16]);
    let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
    format!(
        "{:013}_{}_{region}",
        now.as_millis(),
        Uuid::hyphenated(uuid)
    )
}

fn hex4(chance: &[u8; 20]) -> String {
    let [.., a, b, c, d] = *chance;
    format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
}
