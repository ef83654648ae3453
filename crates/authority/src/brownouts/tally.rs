//! Whom one brown-out refused: everybody as far as it is known here, and what is not written yet.
//!
//! The lock is that of one brown-out, and only exchanges ask for it that are about to be refused.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_model::brownout::Refused;
use countersign_store::brownouts::Refusal;
use countersign_wire::{Caller, CredentialId, Timestamp};

/// Who fails: each caller once for each credential.
pub(super) type Who = (CredentialId, Caller);

/// Whether one exchange is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Lot {
    /// It is.
    Refused,
    /// It is not.
    Passed,
    /// It is not, because it would be the refusal of one caller too many: nobody is refused any
    /// more.
    TooMany,
}

/// The count of one brown-out on one node.
#[derive(Default)]
pub(super) struct Tally {
    asked: AtomicU64,
    is_full: AtomicBool,
    refusals: Mutex<Refusals>,
}

#[derive(Default)]
struct Refusals {
    known: HashSet<Who>,
    news: HashMap<Who, Refused>,
}

/// What is to be written.
pub(super) struct News {
    pub(super) refusals: Vec<Refusal>,
    /// Whether somebody was let through because it would have been one too many.
    pub(super) is_full: bool,
}

impl Tally {
    /// How many exchanges were asked about before this one.
    pub(super) fn count(&self) -> u64 {
        self.asked.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether one caller too many came: before anything is written of it.
    pub(super) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Refuses a caller, unless that is one more than may fail.
    pub(super) fn refuse(
        &self,
        credential: &CredentialId,
        caller: &Caller,
        allowed: u32,
        now: Timestamp,
    ) -> Lot {
        let who = (credential.clone(), caller.clone());
        let mut refusals = self.lock();
        let is_known = refusals.known.contains(&who);
        let most = usize::try_from(allowed).unwrap_or(usize::MAX);
        let lot = match is_known || refusals.known.len() < most {
            true => Lot::Refused,
            // Somebody else may have filled it while this one waited.
            false if self.is_full.swap(true, Ordering::Relaxed) => return Lot::Passed,
            false => Lot::TooMany,
        };
        if lot == Lot::Refused && !is_known {
            refusals.known.insert(who.clone());
        }
        let times = u64::from(lot == Lot::Refused);
        refusals.add(who, now, now, times);
        lot
    }

    /// Adds who failed elsewhere.
    pub(super) fn learn(&self, failed: Vec<Who>) {
        self.lock().known.extend(failed);
    }

    /// Takes out what is not written yet.
    pub(super) fn take(&self) -> Option<News> {
        let news = std::mem::take(&mut self.lock().news);
        if news.is_empty() {
            return None;
        }
        let refusal = |((credential_id, _), refused)| Refusal {
            credential_id,
            refused,
        };
        let mut refusals: Vec<_> = news.into_iter().map(refusal).collect();
        // Nodes that write the same rows must not wait for each other in a circle.
        refusals.sort_by(|a, b| {
            let key = |one: &Refusal| (one.credential_id.clone(), one.refused.caller.clone());
            key(a).cmp(&key(b))
        });
        Some(News {
            refusals,
            is_full: self.is_full(),
        })
    }

    /// Puts back what could not be written.
    pub(super) fn put_back(&self, news: News) {
        let mut refusals = self.lock();
        for Refusal {
            credential_id,
            refused,
        } in news.refusals
        {
            let who = (credential_id, refused.caller);
            refusals.add(who, refused.first_at, refused.last_at, refused.times);
        }
    }

    /// Whether anything is not written yet.
    pub(super) fn has_news(&self) -> bool {
        !self.lock().news.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Refusals> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusals {
    fn add(&mut self, who: Who, first_at: Timestamp, last_at: Timestamp, times: u64) {
        let caller = who.1.clone();
        let known = self.news.entry(who).or_insert(Refused {
            caller,
            first_at,
            last_at,
            times: 0,
        });
        known.first_at = known.first_at.min(first_at);
        known.last_at = known.last_at.max(last_at);
        known.times = known.times.saturating_add(times);
    }
}

#[cfg(test)]
mod tests {
    use countersign_wire::Consumer;

    use super::*;

    fn ask(tally: &Tally, credential: u64, caller: &str) -> Lot {
        let caller = Caller {
            consumer: Consumer::of(caller.as_bytes()),
            ..Caller::default()
        };
        let credential = CredentialId::from_number(credential);
        tally.refuse(&credential, &caller, 2, Timestamp::from_seconds(5))
    }

    #[test]
    fn no_more_callers_fail_than_may() {
        let tally = Tally::default();
        assert_eq!(ask(&tally, 1, "a"), Lot::Refused);
        assert_eq!(ask(&tally, 1, "a"), Lot::Refused);
        assert_eq!(ask(&tally, 2, "a"), Lot::Refused, "another credential");
        assert!(!tally.is_full());
        assert_eq!(ask(&tally, 1, "b"), Lot::TooMany);
        assert_eq!(ask(&tally, 1, "c"), Lot::Passed);
        assert!(tally.is_full());
        let news = tally.take().expect("news");
        let times: Vec<_> = news.refusals.iter().map(|one| one.refused.times).collect();
        assert_eq!(times, [2, 0, 1]);
        assert!(news.is_full && tally.take().is_none());
    }

    #[test]
    fn whoever_failed_elsewhere_counts_and_what_is_put_back_is_kept() {
        let tally = Tally::default();
        let caller = Caller {
            consumer: Consumer::of(b"elsewhere"),
            ..Caller::default()
        };
        tally.learn(vec![(CredentialId::from_number(1), caller)]);
        assert_eq!(ask(&tally, 1, "elsewhere"), Lot::Refused);
        assert_eq!(ask(&tally, 1, "a"), Lot::Refused);
        let news = tally.take().expect("news");
        assert_eq!(ask(&tally, 1, "a"), Lot::Refused);
        tally.put_back(news);
        let news = tally.take().expect("news");
        let times: Vec<_> = news.refusals.iter().map(|one| one.refused.times).collect();
        assert_eq!(times, [2, 1]);
        assert_eq!(ask(&tally, 1, "b"), Lot::TooMany);
    }
}
