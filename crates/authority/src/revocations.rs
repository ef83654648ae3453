//! What was revoked, in memory: asked for every token that is validated, without the database.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{PoisonError, RwLock};

use countersign_store::revocations::{Revocation, Subject};
use countersign_wire::Timestamp;

/// Sharded, so that no lock is shared by all requests.
const SHARDS: usize = 64;

struct Entry {
    revoked_at: Timestamp,
    expires_at: Timestamp,
}

pub(crate) struct Revocations {
    hasher: RandomState,
    shards: [RwLock<HashMap<Subject, Entry>>; SHARDS],
}

impl Revocations {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| RwLock::new(HashMap::new())),
        }
    }

    /// Whether a token of this subject, made at `created_at`, was revoked. Tokens that are minted
    /// after a secret's tokens were revoked are not meant.
    pub(crate) fn covers(&self, subject: &Subject, created_at: Timestamp) -> bool {
        let shard = self
            .shard(subject)
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        shard
            .get(subject)
            .is_some_and(|entry| created_at <= entry.revoked_at)
    }

    /// Adds one; a later one of the same subject wins.
    pub(crate) fn insert(&self, revocation: Revocation) {
        let mut shard = self
            .shard(&revocation.subject)
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let entry = shard.entry(revocation.subject).or_insert(Entry {
            revoked_at: revocation.revoked_at,
            expires_at: revocation.expires_at,
        });
        entry.revoked_at = entry.revoked_at.max(revocation.revoked_at);
        entry.expires_at = entry.expires_at.max(revocation.expires_at);
    }

    /// Drops what no living token can meet any more.
    pub(crate) fn trim(&self, now: Timestamp) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|_, entry| now < entry.expires_at);
        }
    }

    fn shard(&self, subject: &Subject) -> &RwLock<HashMap<Subject, Entry>> {
        let hash = self.hasher.hash_one(subject);
        let at = usize::try_from(hash % 64).unwrap_or(0);
        &self.shards[at]
    }
}
