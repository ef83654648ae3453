//! Tokens whose signature was found good, by the digest of the whole token (GWY-12).
//!
//! Kept is what a token said, which cannot change. Whether it still holds is asked for each call.

use std::sync::Arc;

use aws_lc_rs::digest::{self, SHA256};
use countersign_store::revocations::Subject;
use countersign_store::usage::Grant;
use countersign_wire::{ClientId, Scope, Timestamp};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::token::Minter;
use crate::validate::{InvalidToken, REVOKED, SignedToken, revocable};

/// What a token says that one of our keys signed.
pub(crate) struct VerifiedToken {
    pub(super) signed_by: Box<str>,
    /// Itself and what it was minted with.
    pub(super) revocable: [Subject; 2],
    pub(super) minted_by: Box<str>,
    pub(super) grant: Grant,
    pub(super) client_id: ClientId,
    pub(super) account_id: Box<str>,
    pub(super) org_id: Box<str>,
    /// Separated by commas.
    pub(super) scope: Box<str>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

impl VerifiedToken {
    pub(super) fn new(token: SignedToken) -> Result<Self, InvalidToken> {
        let claims = token.claims;
        let malformed = |_| InvalidToken::Malformed("its client id has another form".to_owned());
        Ok(Self {
            signed_by: token.signed_by.into(),
            revocable: revocable(&claims).ok_or(REVOKED)?,
            // A token does not say by which grant it came. Certificates mint nearly always in an
            // exchange; the exception is client authentication with one.
            grant: match Minter::parse(&claims.minted_by) {
                Some(Minter::Certificate(_)) => Grant::JwtExchange,
                _ => Grant::ClientCredentials,
            },
            minted_by: claims.minted_by.into(),
            client_id: ClientId::parse(&claims.client_id).map_err(malformed)?,
            account_id: claims.account_id.into(),
            org_id: claims.org_id.into(),
            scope: claims.scope.to_string().into(),
            created_at: claims.created_at,
            expires_at: token.expires_at,
        })
    }

    pub(super) fn has(&self, scope: &Scope) -> bool {
        self.scope.split(',').any(|own| own == scope.as_str())
    }

    /// Roughly the bytes it takes with its place in the cache.
    fn weight(&self) -> u32 {
        let [token, minter] = self.revocable.each_ref().map(|subject| match subject {
            Subject::Token(id) => id.as_str().len(),
            _ => self.minted_by.len(),
        });
        let text = self.signed_by.len()
            + self.minted_by.len()
            + self.client_id.as_str().len()
            + self.account_id.len()
            + self.org_id.len()
            + self.scope.len();
        u32::try_from(ENTRY + text + token + minter).unwrap_or(u32::MAX)
    }
}

/// The parts of an entry that are of one size, headers of allocations included.
const ENTRY: usize = 640;

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
