//! What was revoked, in memory: asked for every token that is validated, without the database.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use countersign_store::revocations::{Revocation, Subject};
use countersign_wire::Timestamp;

use crate::clock::BETWEEN_NODES;

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
    /// after a secret's tokens were revoked are not meant; one token that was revoked is meant
    /// whatever the clocks of the two nodes said.
    pub(crate) fn covers(&self, subject: &Subject, created_at: Timestamp) -> bool {
        let is_one_token = matches!(subject, Subject::Token(_));
        let shard = self
            .shard(subject)
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        shard
            .get(subject)
            .is_some_and(|entry| is_one_token || created_at <= entry.revoked_at)
    }

    /// `now`, or the first moment after it that no revocation of `subjects` covers. Where that is
    /// too far ahead for other nodes to believe, what mints is gone, and `now` it stays.
    pub(crate) fn clear_of(&self, subjects: &[Subject], now: Timestamp) -> Timestamp {
        let after = |subject: &Subject| {
            let shard = self.shard(subject).read();
            let shard = shard.unwrap_or_else(PoisonError::into_inner);
            let revoked_at = shard.get(subject).map(|entry| entry.revoked_at);
            revoked_at.map(|at| at.plus(Duration::from_millis(1)))
        };
        let clear = subjects.iter().filter_map(after).max();
        clear
            .filter(|clear| clear.since(now) < BETWEEN_NODES)
            .map_or(now, |clear| clear.max(now))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        let len = |shard: &RwLock<HashMap<_, _>>| {
            shard.read().unwrap_or_else(PoisonError::into_inner).len()
        };
        self.shards.iter().map(len).sum()
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
