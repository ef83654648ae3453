//! Evidence of use, as it is collected: which secret, certificate and grant was used when, by
//! whom. Held in memory and written in batches (`evidence.rs`): no request waits for it, and none
//! is lost but by a crash.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_model::evidence::{Seen, Sketch};
use countersign_store::callers::{Finding, FindingKind};
use countersign_store::daily_usage::{Day, DayKind};
use countersign_store::service_calls::Calls;
use countersign_store::usage::{Usage, UsageSubject};
use countersign_wire::{Caller, CredentialId, ServiceCode, Timestamp};

pub use countersign_store::usage::Grant;

use crate::token::Minter;

const SHARDS: u64 = 64;
/// So many records are kept while the database is away, about 40 MB of them; then what is new is
/// only counted with what is there.
const MOST_RECORDS: usize = 1 << 17;
const MOST_PER_SHARD: usize = MOST_RECORDS / 64;
/// From so many on, the next batch is not waited for.
const MANY_RECORDS: usize = MOST_RECORDS / 4;

/// One use of a credential: a token was issued.
pub(crate) struct Used<'a> {
    pub(crate) grant: Grant,
    /// What the client proved itself by; nothing where a person asked for the token.
    pub(crate) proof: Option<&'a Minter>,
    /// What the token was minted with.
    pub(crate) minter: &'a Minter,
    pub(crate) caller: &'a Caller,
}

/// One call of a service.
pub(crate) struct Called<'a> {
    pub(crate) service: &'a ServiceCode,
    /// By which the token came.
    pub(crate) grant: Grant,
    /// What the token was minted with.
    pub(crate) minted_by: &'a str,
    pub(crate) caller: &'a Caller,
}

/// What was noted of one credential since it was written last.
#[derive(Default)]
pub(crate) struct Evidence {
    pub(crate) uses: Vec<Usage>,
    pub(crate) callers: Vec<(Grant, Sketch)>,
    /// Those who called services with its tokens.
    pub(crate) calls: Vec<(Calls, Sketch)>,
    /// Those who tried the JWT half in vain.
    pub(crate) attempts: Sketch,
    /// Tokens and calls by day.
    pub(crate) days: Vec<Day>,
    pub(crate) finding: Option<Finding>,
}

impl Evidence {
    fn add_use(&mut self, used: Usage) {
        let is_it = |known: &&mut Usage| known.subject == used.subject && known.grant == used.grant;
        let Some(known) = self.uses.iter_mut().find(is_it) else {
            return self.uses.push(used);
        };
        known.first_used_at = known.first_used_at.min(used.first_used_at);
        known.last_used_at = known.last_used_at.max(used.last_used_at);
        known.uses = known.uses.saturating_add(used.uses);
    }

    fn sketch(&mut self, grant: Grant) -> &mut Sketch {
        let at = self.callers.iter().position(|(known, _)| *known == grant);
        let at = at.unwrap_or_else(|| {
            self.callers.push((grant, Sketch::default()));
            self.callers.len() - 1
        });
        &mut self.callers[at].1
    }

    /// The sketch of calls; made without copying anything where there is one.
    fn calls(
        &mut self,
        credential: &CredentialId,
        service: &ServiceCode,
        grant: Grant,
    ) -> &mut Sketch {
        let is_it = |(known, _): &(Calls, _)| known.grant == grant && known.service == *service;
        let at = self.calls.iter().position(is_it).unwrap_or_else(|| {
            let calls = Calls {
                credential_id: credential.clone(),
                service: service.clone(),
                grant,
            };
            self.calls.push((calls, Sketch::default()));
            self.calls.len() - 1
        });
        &mut self.calls[at].1
    }

    /// Counts a token or a call of today; made without copying anything where there is one.
    fn count(&mut self, credential: &CredentialId, kind: DayKind, grant: Grant, now: Timestamp) {
        let day_at = day_of(now);
        let is_it = |day: &&mut Day| (day.day_at, day.kind, day.grant) == (day_at, kind, grant);
        match self.days.iter_mut().find(is_it) {
            Some(known) => known.uses = known.uses.saturating_add(1),
            None => self.days.push(Day {
                credential_id: credential.clone(),
                day_at,
                kind,
                grant,
                uses: 1,
            }),
        }
    }

    fn add_day(&mut self, other: Day) {
        let is_it = |day: &&mut Day| {
            (day.day_at, day.kind, day.grant) == (other.day_at, other.kind, other.grant)
        };
        match self.days.iter_mut().find(is_it) {
            Some(known) => known.uses = known.uses.saturating_add(other.uses),
            None => self.days.push(other),
        }
    }

    fn add_finding(&mut self, found: Finding) {
        let Some(known) = &mut self.finding else {
            self.finding = Some(found);
            return;
        };
        known.first_at = known.first_at.min(found.first_at);
        known.times = known.times.saturating_add(found.times);
        if known.last_at <= found.last_at {
            (known.last_at, known.caller) = (found.last_at, found.caller);
        }
    }

    fn records(&self) -> usize {
        let callers: usize = self.callers.iter().map(|(_, sketch)| sketch.len()).sum();
        let calls: usize = self.calls.iter().map(|(_, sketch)| sketch.len()).sum();
        let attempts = self.attempts.len() + usize::from(self.finding.is_some());
        self.uses.len() + self.days.len() + callers + calls + attempts
    }
}

#[derive(Default)]
struct Shard {
    noted: HashMap<CredentialId, Evidence>,
    records: usize,
}

/// What is not written yet.
pub(crate) struct Activity {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    records: AtomicUsize,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            records: AtomicUsize::new(0),
        }
    }

    /// Notes that a token was issued.
    pub(crate) fn note(&self, credential: &CredentialId, used: &Used<'_>, now: Timestamp) {
        // A token that a person asked for uses nothing of the client's: whoever looks whether a
        // secret can go must not be told that it is in use.
        let minted = used.proof.filter(|proof| *proof != used.minter);
        let minted = minted.map(|_| used.minter.clone().used());
        let proof = used.proof.map(|proof| proof.clone().used());
        let subjects = [Some(UsageSubject::Grant), proof, minted];
        let minted_by = used.minter.to_string();
        let secret = match used.proof {
            Some(Minter::Secret(id)) => Some(id),
            Some(Minter::Certificate(_) | Minter::Key(_)) | None => None,
        };
        self.change(credential, |evidence, room| {
            for subject in subjects.into_iter().flatten() {
                evidence.add_use(Usage {
                    credential_id: credential.clone(),
                    subject,
                    grant: used.grant,
                    first_used_at: now,
                    last_used_at: now,
                    uses: 1,
                });
            }
            evidence.count(credential, DayKind::Token, used.grant, now);
            let sketch = evidence.sketch(used.grant);
            match room {
                Room::Left => sketch.note(used.caller, secret, &minted_by, now),
                Room::None => sketch.add(&Seen::of_others(now)),
            }
        });
    }

    /// Notes that a service was called. Copies nothing for a caller that is known.
    pub(crate) fn note_call(&self, credential: &CredentialId, called: &Called<'_>, now: Timestamp) {
        self.change(credential, |evidence, room| {
            evidence.count(credential, DayKind::Call, called.grant, now);
            let sketch = evidence.calls(credential, called.service, called.grant);
            match room {
                Room::Left => sketch.note(called.caller, None, called.minted_by, now),
                Room::None => sketch.add(&Seen::of_others(now)),
            }
        });
    }

    /// Notes that somebody tried the JWT half, which does not work any more.
    pub(crate) fn note_attempt(&self, credential: &CredentialId, caller: &Caller, now: Timestamp) {
        self.change(credential, |evidence, room| match room {
            Room::Left => evidence.attempts.note(caller, None, "", now),
            Room::None => evidence.attempts.add(&Seen::of_others(now)),
        });
    }

    /// Notes that a secret or an assertion came in the URL and was accepted.
    pub(crate) fn note_secret_in_query(
        &self,
        credential: &CredentialId,
        caller: &Caller,
        now: Timestamp,
    ) {
        let found = Finding {
            kind: FindingKind::SecretInQuery,
            first_at: now,
            last_at: now,
            times: 1,
            caller: caller.clone(),
        };
        self.change(credential, |evidence, _| evidence.add_finding(found));
    }

    /// How many records wait.
    pub(crate) fn waiting(&self) -> usize {
        self.records.load(Ordering::Relaxed)
    }

    /// Whether so much waits that it should be written now.
    pub(crate) fn is_much(&self) -> bool {
        self.waiting() >= MANY_RECORDS
    }

    /// Takes out everything that was noted, by credential in a fixed order: nodes that write the
    /// same rows at the same time must not wait for each other in a circle.
    pub(crate) fn take(&self) -> Vec<(CredentialId, Evidence)> {
        let mut all = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = std::mem::take(&mut *shard);
            self.records.fetch_sub(taken.records, Ordering::Relaxed);
            all.extend(taken.noted);
        }
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (_, evidence) in &mut all {
            evidence
                .uses
                .sort_by(|a, b| (&a.subject, a.grant).cmp(&(&b.subject, b.grant)));
            evidence
                .days
                .sort_by_key(|day| (day.day_at, day.kind, day.grant));
            evidence.callers.sort_by_key(|(grant, _)| *grant);
            let place = |calls: &Calls| (calls.service.clone(), calls.grant);
            evidence.calls.sort_by_key(|(calls, _)| place(calls));
        }
        all
    }

    /// Puts back what could not be written.
    pub(crate) fn put_back(&self, waiting: Vec<(CredentialId, Evidence)>) {
        for (credential, older) in waiting {
            self.change(&credential, |evidence, _| {
                older
                    .uses
                    .into_iter()
                    .for_each(|used| evidence.add_use(used));
                for (grant, sketch) in older.callers {
                    let newer = evidence.sketch(grant);
                    sketch.seen().iter().for_each(|seen| newer.add(seen));
                }
                for (calls, sketch) in older.calls {
                    let newer = evidence.calls(&credential, &calls.service, calls.grant);
                    sketch.seen().iter().for_each(|seen| newer.add(seen));
                }
                let attempts = older.attempts.seen().iter();
                attempts.for_each(|seen| evidence.attempts.add(seen));
                older.days.into_iter().for_each(|day| evidence.add_day(day));
                if let Some(found) = older.finding {
                    evidence.add_finding(found);
                }
            });
        }
    }

    fn change(&self, credential: &CredentialId, change: impl FnOnce(&mut Evidence, Room)) {
        let mut shard = self.shard(credential);
        let Shard { noted, records } = &mut *shard;
        let room = if *records < MOST_PER_SHARD {
            Room::Left
        } else {
            Room::None
        };
        let evidence = match noted.get_mut(credential) {
            Some(evidence) => evidence,
            None => match room {
                Room::Left => noted.entry(credential.clone()).or_default(),
                Room::None => return,
            },
        };
        let before = evidence.records();
        change(evidence, room);
        let after = evidence.records();
        *records = (*records + after).saturating_sub(before);
        match after.checked_sub(before) {
            // Most uses are of somebody who is known: they must not write to what all share.
            Some(0) => 0,
            Some(more) => self.records.fetch_add(more, Ordering::Relaxed),
            None => self.records.fetch_sub(before - after, Ordering::Relaxed),
        };
    }

    fn shard(&self, credential: &CredentialId) -> MutexGuard<'_, Shard> {
        let at = usize::try_from(self.hasher.hash_one(credential) % SHARDS).unwrap_or(0);
        self.shards[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first instant of the day, in UTC.
pub(crate) fn day_of(at: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400;
    Timestamp::from_seconds(at.as_seconds().div_euclid(DAY).saturating_mul(DAY))
}

/// Whether new records may be made.
#[derive(Clone, Copy)]
enum Room {
    Left,
    None,
}

#[cfg(test)]
mod tests {
    use countersign_wire::{Consumer, SecretId};

    use super::*;

    fn note(activity: &Activity, credential: u64, consumer: u32, at: i64) {
        let proof = Minter::Secret(SecretId::from_random([1; 16]));
        let caller = Caller {
            consumer: Consumer::of(consumer.to_string().as_bytes()),
            ..Caller::default()
        };
        let used = Used {
            grant: Grant::ClientCredentials,
            proof: Some(&proof),
            minter: &proof,
            caller: &caller,
        };
        let credential = CredentialId::from_number(credential);
        activity.note(&credential, &used, Timestamp::from_seconds(at));
    }

    #[test]
    fn what_is_put_back_is_counted_once() {
        let activity = Activity::new();
        note(&activity, 1, 1, 5);
        let taken = activity.take();
        note(&activity, 1, 1, 7);
        note(&activity, 1, 2, 6);

        activity.put_back(taken);

        let taken = activity.take();
        assert_eq!(taken.len(), 1);
        let evidence = &taken[0].1;
        let grant = &evidence.uses[0];
        assert_eq!(grant.subject, UsageSubject::Grant);
        assert_eq!(
            (grant.uses, grant.first_used_at),
            (3, Timestamp::from_seconds(5))
        );
        let mut uses: Vec<_> = evidence.callers[0]
            .1
            .seen()
            .iter()
            .map(|seen| seen.uses)
            .collect();
        uses.sort_unstable();
        assert_eq!(uses, [1, 2]);
        let days: Vec<_> = evidence.days.iter().map(|day| day.uses).collect();
        assert_eq!(days, [3]);
        assert_eq!(activity.records.load(Ordering::Relaxed), 0);
    }

    /// A day without a database, with far more clients than fit.
    #[test]
    fn memory_is_bounded_while_the_database_is_away() {
        let activity = Activity::new();
        let most = u64::try_from(MOST_RECORDS).unwrap_or(u64::MAX);
        for n in 0..most {
            note(&activity, n, 1, 1);
        }
        for consumer in 0..10_000 {
            note(&activity, 1, consumer, 1);
        }

        let records = activity.records.load(Ordering::Relaxed);

        assert!(activity.is_much());
        assert!(records <= MOST_RECORDS + MOST_RECORDS / 10, "{records}");
        let counted: usize = activity
            .take()
            .iter()
            .map(|(_, evidence)| evidence.records())
            .sum();
        assert_eq!(counted, records);
    }
}
