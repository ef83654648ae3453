//! Issues access tokens: client credentials here, and the last step of the exchange.

use std::time::Duration;

use countersign_model::deprecation::Notice;
use countersign_model::{SigningAlgorithm, TokenKind};
use countersign_store::revocations::Subject;
use countersign_store::usage::UsageSubject;
use countersign_wire::claims::{
    ACCESS_TOKEN, Audience, CTP_SERVER_TO_SERVER, ImsTokenClaims, StandardTokenClaims,
};
use countersign_wire::scope::MAX_SCOPE_LIST;
use countersign_wire::token::TokenRequest;
use countersign_wire::{Caller, CertificateId, KeyThumbprint, ScopeSet, SecretId, Timestamp};
use uuid::Uuid;

use crate::Authority;
use crate::activity::{Grant, Used};
use crate::admission::Overloaded;
use crate::claims::audience_claim;
use crate::client_auth::{AuthenticatedClient, ClientError, Presented};
use crate::clock::{NoRandomness, random};
use crate::directory::Client;

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
    /// What it was issued for.
    pub scope: ScopeSet,
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
    /// More is asked for than can be signed in time.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The token would not fit into a header.
    #[error(
        "the token would be {0} bytes long, and no token may be longer than {MAX_TOKEN}: ask for fewer scopes"
    )]
    TooLong(usize),
    /// There is no key of the algorithm that the credential wants.
    #[error(
        "no {} signing key is active: set the credential's token kind again to have one made",
        .0.as_str()
    )]
    NoKey(SigningAlgorithm),
    /// Signing failed.
    #[error("signing failed: {0}")]
    Sign(#[from] countersign_jose::SignError),
    /// There is no chance to be had.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Longest token that is issued, in bytes (`spec/security.md` TOK-06).
const MAX_TOKEN: usize = 8192;

/// What a client proves itself by, and what a token is minted with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Minter {
    /// A client secret.
    Secret(SecretId),
    /// A certificate, whose key signed an assertion.
    Certificate(CertificateId),
    /// A registered key, which signed an assertion.
    Key(KeyThumbprint),
}

impl Minter {
    /// The minter that a token names.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        match kind {
            "secret" => id.parse().ok().map(Self::Secret),
            "certificate" => id.parse().ok().map(Self::Certificate),
            "key" => id.parse().ok().map(Self::Key),
            _ => None,
        }
    }

    /// It, as something all of whose tokens can be revoked.
    pub(crate) fn revocable(self) -> Subject {
        match self {
            Self::Secret(id) => Subject::Secret(id),
            Self::Certificate(id) => Subject::Certificate(id),
            Self::Key(thumbprint) => Subject::Key(thumbprint),
        }
    }

    /// It, as something that is used.
    pub(crate) fn used(self) -> UsageSubject {
        match self {
            Self::Secret(id) => UsageSubject::Secret(id),
            Self::Certificate(id) => UsageSubject::Certificate(id),
            Self::Key(thumbprint) => UsageSubject::Key(thumbprint),
        }
    }
}

impl std::fmt::Display for Minter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(id) => write!(f, "secret:{id}"),
            Self::Certificate(id) => write!(f, "certificate:{id}"),
            Self::Key(thumbprint) => write!(f, "key:{thumbprint}"),
        }
    }
}

pub(crate) struct Mint<'a> {
    pub(crate) client: &'a AuthenticatedClient,
    /// Who asked for it.
    pub(crate) asked_by: AskedBy,
    pub(crate) caller: &'a Caller,
    pub(crate) grant: Grant,
    pub(crate) minter: Minter,
    pub(crate) scope: ScopeSet,
    pub(crate) audience: Option<Vec<String>>,
    /// A token does not outlive what it rests on: the certificate, the policy's last date.
    pub(crate) ends: Option<Timestamp>,
    pub(crate) notice: Option<Notice>,
}

/// Who asks for a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AskedBy {
    /// The client, by what it proved itself with.
    Client,
    /// A person who may change the credential.
    Person,
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
        self.admit(known)?;
        self.take_share(known)?;
        self.mint(&Mint {
            client: &client,
            asked_by: AskedBy::Client,
            caller: &presented.caller,
            grant: Grant::ClientCredentials,
            minter: client.minter().clone(),
            scope,
            audience: Some(request.resources).filter(|all| !all.is_empty()),
            ends: match client.minter() {
                Minter::Certificate(id) => known.certificate(id).map(|c| c.not_after),
                Minter::Secret(_) | Minter::Key(_) => None,
            },
            notice: None,
        })
        .await
    }

    /// Whether a token for this client could be signed in time. Asked before anything is spent on
    /// it: its share, work, an assertion that serves once.
    pub(crate) fn admit(&self, client: &Client) -> Result<(), TokenError> {
        match client.credential.token_kind.algorithm() {
            SigningAlgorithm::Rs256 => Ok(self.signing.admit(&client.credential.client_id)?),
            SigningAlgorithm::Es256 | SigningAlgorithm::EdDsa => Ok(()),
        }
    }

    /// Takes one token out of the client's share. Asked before anything is used up that cannot be
    /// used again.
    pub(crate) fn take_share(&self, client: &Client) -> Result<(), TokenError> {
        match &client.limiter {
            Some(limiter) if limiter.check().is_err() => Err(TokenError::TooMany {
                per_minute: self.config.tokens_per_minute,
            }),
            _ => Ok(()),
        }
    }

    pub(crate) async fn mint(&self, mint: &Mint<'_>) -> Result<Issued, TokenError> {
        let client = mint.client.client();
        let began = self.clock.read().uptime;
        let now = self.minting_time(mint);
        let ends = now.plus(self.config.token_life());
        let ends = mint.ends.map_or(ends, |end| end.min(ends));
        let chance: [u8; 20] = random()?;
        let id = token_id(now, &chance, &self.config.region);
        let kind = client.credential.token_kind;
        let (payload, ends) = match kind {
            TokenKind::Ims => {
                let payload = self.ims_claims(mint, &id, &hex4(&chance), now, ends);
                (payload, ends)
            }
            TokenKind::Standard { .. } => {
                // `exp` has seconds only.
                let ends = Timestamp::from_seconds(ends.as_seconds());
                (self.standard_claims(mint, &id, now, ends), ends)
            }
        };
        let payload = payload.map_err(|_| countersign_jose::SignError)?;
        let access_token = self.sign(client, &payload).await?;
        // Whoever reads the scopes again takes no longer list than a request may have.
        let too_long = mint.scope.to_string().len() > MAX_SCOPE_LIST;
        if access_token.len() > MAX_TOKEN || too_long {
            return Err(TokenError::TooLong(access_token.len()));
        }
        self.note_use(mint, now);
        let spent = self.clock.read().uptime.saturating_sub(began) + Duration::from_millis(1);
        Ok(Issued {
            access_token,
            expires_in: ends.since(now).saturating_sub(spent),
            scope: mint.scope.clone(),
            notice: mint.notice,
        })
    }

    async fn sign(&self, client: &Client, payload: &[u8]) -> Result<String, TokenError> {
        let credential = &client.credential;
        let algorithm = credential.token_kind.algorithm();
        let _turn = match algorithm {
            SigningAlgorithm::Rs256 => Some(self.signing.turn(&credential.client_id).await),
            // As cheap as reading the request was.
            SigningAlgorithm::Es256 | SigningAlgorithm::EdDsa => None,
        };
        let keyring = self.keyring.load();
        let key = keyring.active(algorithm);
        let key = key.ok_or(TokenError::NoKey(algorithm))?;
        Ok(key.sign(credential.token_kind, payload)?)
    }

    /// The time that a token says it was made at. Never one that an end of tokens covers: a client
    /// that asks in the same millisecond, or by a clock that is a little behind, gets a token that
    /// holds.
    fn minting_time(&self, mint: &Mint<'_>) -> Timestamp {
        let credential = Subject::Credential(mint.client.client().credential.id.clone());
        let subjects = [mint.minter.clone().revocable(), credential];
        self.revocations.clear_of(&subjects, self.clock.now())
    }

    fn note_use(&self, mint: &Mint<'_>, now: Timestamp) {
        let used = Used {
            grant: mint.grant,
            proof: match mint.asked_by {
                AskedBy::Client => Some(mint.client.minter()),
                AskedBy::Person => None,
            },
            minter: &mint.minter,
            caller: mint.caller,
        };
        let credential = &mint.client.client().credential.id;
        self.activity.note(credential, &used, now);
        self.counters.issued(mint.grant);
    }

    /// Source: `spec/ims-protocol.md` 4.2.
    fn ims_claims(
        &self,
        mint: &Mint<'_>,
        id: &str,
        moi: &str,
        now: Timestamp,
        ends: Timestamp,
    ) -> serde_json::Result<Vec<u8>> {
        let client: &Client = mint.client.client();
        let user = client.account.id.as_str();
        let audience = mint.audience.as_ref();
        let claims: ImsTokenClaims<&str> = ImsTokenClaims {
            id,
            org: client.organization.id.as_str(),
            kind: ACCESS_TOKEN,
            client_id: client.credential.client_id.as_str(),
            user_id: user,
            authorization_server: &self.config.authorization_server,
            aa_id: user,
            ctp: CTP_SERVER_TO_SERVER,
            moi,
            expires_in: &ends.since(now).as_millis().to_string(),
            created_at: &now.as_millis().to_string(),
            scope: &mint.scope.to_string(),
            aud: audience.map(|all| all.iter().map(String::as_str).collect()),
            minted_by: &mint.minter.to_string(),
        };
        serde_json::to_vec(&claims)
    }

    /// Source: RFC 9068 section 2.2. Who names no `resource` gets a token for whoever trusts this
    /// issuer as a whole, with the issuer as its audience: our choice, RFC 9068 section 3 leaves
    /// the default to the server.
    fn standard_claims(
        &self,
        mint: &Mint<'_>,
        jti: &str,
        now: Timestamp,
        ends: Timestamp,
    ) -> serde_json::Result<Vec<u8>> {
        let client: &Client = mint.client.client();
        let issuer = self.config.issuer.as_str();
        let asked = mint.audience.iter().flatten().map(String::as_str).collect();
        let claims: StandardTokenClaims<&str> = StandardTokenClaims {
            iss: issuer,
            sub: client.account.id.as_str(),
            aud: audience_claim(asked).unwrap_or(Audience::One(issuer)),
            client_id: client.credential.client_id.as_str(),
            org_id: client.organization.id.as_str(),
            scope: &mint.scope.blank_separated(),
            jti,
            iat: now.as_seconds(),
            exp: ends.as_seconds(),
            minted_by: &mint.minter.to_string(),
        };
        serde_json::to_vec(&claims)
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
