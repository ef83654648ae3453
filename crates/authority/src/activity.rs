//! Evidence of use: which secret, certificate and grant was used when, collected in memory and
//! written in batches. No request waits for it, and none is lost but by a crash.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use countersign_store::usage::{Usage, UsageSubject};
use countersign_wire::{CredentialId, Timestamp};

pub use countersign_store::usage::Grant;

use crate::token::Minter;

const SHARDS: u64 = 64;
/// Above so many entries of one shard, new ones are dropped until the next batch is written: the
/// memory is bounded while the database is away.
const MOST_PER_SHARD: usize = 4096;

type Key = (CredentialId, UsageSubject, Grant);

#[derive(Default)]
struct Tally {
    first: Timestamp,
    last: Timestamp,
    uses: u64,
}

/// Uses that are not written yet.
#[derive(Default)]
pub(crate) struct Activity {
    shards: Vec<Mutex<HashMap<Key, Tally>>>,
    hasher: std::collections::hash_map::RandomState,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            ..Self::default()
        }
    }

    /// Notes that a token was issued to a client that proved itself by `proof`.
    pub(crate) fn note(
        &self,
        credential: &CredentialId,
        grant: Grant,
        proof: &Minter,
        minter: &Minter,
        now: Timestamp,
    ) {
        use std::hash::BuildHasher as _;
        let at = usize::try_from(self.hasher.hash_one(credential) % SHARDS).unwrap_or(0);
        let Some(shard) = self.shards.get(at) else {
            return;
        };
        let mut tallies = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let minted = (minter != proof).then(|| minter.clone().used());
        let subjects = [
            Some(UsageSubject::Grant),
            Some(proof.clone().used()),
            minted,
        ];
        for subject in subjects.into_iter().flatten() {
            let key = (credential.clone(), subject, grant);
            if tallies.len() >= MOST_PER_SHARD && !tallies.contains_key(&key) {
                continue;
            }
            let tally = tallies.entry(key).or_insert(Tally {
                first: now,
                last: now,
                uses: 0,
            });
            tally.first = tally.first.min(now);
            tally.last = tally.last.max(now);
            tally.uses += 1;
        }
    }

    /// Takes out everything that was noted.
    pub(crate) fn take(&self) -> Vec<Usage> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let tallies =
                std::mem::take(&mut *shard.lock().unwrap_or_else(PoisonError::into_inner));
            all.extend(
                tallies
                    .into_iter()
                    .map(|((credential_id, subject, grant), tally)| Usage {
                        credential_id,
                        subject,
                        grant,
                        first_used_at: tally.first,
                        last_used_at: tally.last,
                        uses: tally.uses,
                    }),
            );
        }
        all
    }

    /// Puts back what could not be written.
    pub(crate) fn put_back(&self, usages: Vec<Usage>) {
        use std::hash::BuildHasher as _;
        for usage in usages {
            let at =
                usize::try_from(self.hasher.hash_one(&usage.credential_id) % SHARDS).unwrap_or(0);
            let Some(shard) = self.shards.get(at) else {
                continue;
            };
            let mut tallies = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let key = (usage.credential_id, usage.subject, usage.grant);
            let tally = tallies.entry(key).or_insert(Tally {
                first: usage.first_used_at,
                last: usage.last_used_at,
                uses: 0,
            });
            tally.first = tally.first.min(usage.first_used_at);
            tally.last = tally.last.max(usage.last_used_at);
            tally.uses += usage.uses;
        }
    }
}
