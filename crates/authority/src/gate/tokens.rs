//! Tokens whose signature was found good, by the digest of the whole token (GWY-12).
//!
//! Kept is what a token said, which cannot change. Whether it still holds is asked for each call.

use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA256};
use countersign_jose::{ClaimError, ClaimFault, Object};
use countersign_store::revocations::Subject;
use countersign_store::usage::Grant;
use countersign_wire::{ClientId, Opaque, OrgId, Scope, ScopeSet, Timestamp};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::token::Minter;
use crate::validate::{InvalidToken, REVOKED, SignedToken, revocable};

/// What a token says that was verified.
pub(crate) struct VerifiedToken {
    pub(super) ground: Ground,
    /// What it was minted with, in the words of our tokens.
    pub(super) minted_by: Box<str>,
    pub(super) grant: Grant,
    pub(super) client_id: ClientId,
    pub(super) account_id: Box<str>,
    /// Older tokens of another IMS name none.
    pub(super) org_id: Option<OrgId>,
    /// Separated by commas.
    pub(super) scope: Box<str>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// Why a token is believed, and what can take that away.
pub(super) enum Ground {
    /// One of our keys signed it.
    Ours {
        /// The name of the key.
        signed_by: Box<str>,
        /// Itself and what it was minted with.
        revocable: [Subject; 2],
    },
    /// Another IMS, or one of its keys, stood for it.
    Foreign {
        /// Then it is asked again.
        until: Timestamp,
        /// To ask with.
        token: Opaque,
    },
}

/// What a token of another IMS says.
pub(super) struct Foreigner {
    client_id: String,
    account_id: String,
    org_id: Option<String>,
    scope: String,
    created_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

impl Foreigner {
    /// Reads the claims of any era (`spec/ims-protocol.md` 4.2).
    pub(super) fn read(claims: &Object, authorization_server: &str) -> Result<Self, ClaimError> {
        let text = |name| claims.string(name).map(str::to_owned);
        let optional = |name| {
            claims
                .optional_string(name)
                .map(|text| text.map(str::to_owned))
        };
        if claims.string("as")? != authorization_server {
            return Err(ClaimError::new("as", ClaimFault::Value));
        }
        let created_at = claims.digits("created_at")?;
        let scope = ScopeSet::parse(claims.optional_string("scope")?.unwrap_or_default());
        let scope = scope.map_err(|_| ClaimError::new("scope", ClaimFault::Value))?;
        Ok(Self {
            client_id: text("client_id")?,
            account_id: text("user_id")?,
            org_id: optional("org")?,
            scope: scope.to_string(),
            created_at: Timestamp::from_millis(created_at),
            expires_at: Timestamp::from_millis(created_at + claims.digits("expires_in")?),
        })
    }
}

impl VerifiedToken {
    pub(super) fn ours(token: SignedToken) -> Result<Self, InvalidToken> {
        let claims = token.claims;
        Ok(Self {
            ground: Ground::Ours {
                signed_by: token.signed_by.into(),
                revocable: revocable(&claims).ok_or(REVOKED)?,
            },
            // A token does not say by which grant it came. Certificates mint nearly always in an
            // exchange; the exception is client authentication with one.
            grant: match Minter::parse(&claims.minted_by) {
                Some(Minter::Certificate(_)) => Grant::JwtExchange,
                _ => Grant::ClientCredentials,
            },
            minted_by: claims.minted_by.into(),
            client_id: client_id(&claims.client_id)?,
            account_id: claims.account_id.into(),
            org_id: Some(org_id(&claims.org_id)?),
            scope: claims.scope.to_string().into(),
            created_at: claims.created_at,
            expires_at: token.expires_at,
        })
    }

    pub(super) fn foreign(
        claims: Foreigner,
        token: &str,
        until: Timestamp,
    ) -> Result<Self, InvalidToken> {
        Ok(Self {
            ground: Ground::Foreign {
                until,
                token: Opaque::new(token.to_owned()),
            },
            minted_by: "foreign".into(),
            grant: Grant::ClientCredentials,
            client_id: client_id(&claims.client_id)?,
            account_id: claims.account_id.into(),
            org_id: claims.org_id.as_deref().map(org_id).transpose()?,
            scope: claims.scope.into(),
            created_at: claims.created_at,
            expires_at: claims.expires_at,
        })
    }

    /// What to ask another IMS with, when its word has lost its force.
    pub(super) fn to_ask_again(&self, now: Timestamp) -> Option<&str> {
        match &self.ground {
            Ground::Foreign { until, token } if *until <= now => Some(token.expose()),
            Ground::Ours { .. } | Ground::Foreign { .. } => None,
        }
    }

    pub(super) fn org_id(&self) -> &str {
        self.org_id.as_ref().map_or("", OrgId::as_str)
    }

    pub(super) fn has(&self, scope: &Scope) -> bool {
        self.scope.split(',').any(|own| own == scope.as_str())
    }

    /// Roughly the bytes it takes with its place in the cache.
    fn weight(&self) -> u32 {
        let ground = match &self.ground {
            Ground::Ours { signed_by, .. } => signed_by.len() + self.minted_by.len() + TOKEN_ID,
            Ground::Foreign { token, .. } => token.expose().len(),
        };
        let text = self.minted_by.len()
            + self.client_id.as_str().len()
            + self.account_id.len()
            + self.org_id().len()
            + self.scope.len();
        u32::try_from(ENTRY + text + ground).unwrap_or(u32::MAX)
    }
}

fn client_id(text: &str) -> Result<ClientId, InvalidToken> {
    ClientId::parse(text).map_err(|error| InvalidToken::Malformed(error.to_string()))
}

fn org_id(text: &str) -> Result<OrgId, InvalidToken> {
    OrgId::parse(text).map_err(|error| InvalidToken::Malformed(error.to_string()))
}

/// The parts of an entry that are of one size, headers of allocations included.
const ENTRY: usize = 640;
const TOKEN_ID: usize = 64;

pub(super) type Digest = [u8; 32];

pub(super) fn digest(token: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&SHA256, token.as_bytes()).as_ref());
    bytes
}

/// Those that were shown last, as many as fit.
pub(crate) struct Tokens(Cache<Digest, Arc<VerifiedToken>>);

impl Tokens {
    pub(crate) fn new(mebibytes: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(mebibytes.saturating_mul(1024 * 1024))
            .weigher(|_, token: &Arc<VerifiedToken>| token.weight())
            // A token is used all its life and then never again: the last ones shown are the ones
            // that come again, however often the others came.
            .eviction_policy(EvictionPolicy::lru());
        Self(cache.build())
    }

    pub(super) fn find(&self, digest: &Digest) -> Option<Arc<VerifiedToken>> {
        self.0.get(digest)
    }

    pub(super) fn keep(&self, digest: Digest, token: Arc<VerifiedToken>) {
        self.0.insert(digest, token);
    }

    /// Roughly how many there are.
    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.0.entry_count()).unwrap_or(usize::MAX)
    }
}
