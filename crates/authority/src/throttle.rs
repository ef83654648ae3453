//! Slows down guessing: failed authentications are counted per source address and client.
//!
//! Never per client alone: whoever knows a client id, which is no secret, could lock its owner
//! out (`spec/security.md` ERR-07). The table has a fixed size and forgets by itself.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use countersign_model::SignInName;
use countersign_wire::{ClientId, PersonId};
use moka::sync::Cache;

/// How long failures count, and how long a caller is asked to wait.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);
const MOST_ENTRIES: u64 = 100_000;

pub(crate) struct Throttle {
    most: u32,
    failures: Cache<(Network, Option<ClientId>), Arc<AtomicU32>>,
}

impl Throttle {
    /// `most` failures per window; 0 is no limit.
    pub(crate) fn new(most: u32) -> Self {
        let failures = Cache::builder()
            .max_capacity(MOST_ENTRIES)
            .time_to_live(WINDOW)
            .build();
        Self { most, failures }
    }

    /// Whether this source has failed too often for this client.
    pub(crate) fn is_exhausted(&self, source: IpAddr, client: Option<&ClientId>) -> bool {
        self.most != 0
            && self
                .failures
                .get(&(network(source), client.cloned()))
                .is_some_and(|count| count.load(Ordering::Relaxed) >= self.most)
    }

    /// Counts one failure.
    pub(crate) fn count(&self, source: IpAddr, client: Option<&ClientId>) {
        if self.most != 0 {
            let count = self
                .failures
                .get_with((network(source), client.cloned()), Arc::default);
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Slows down guessing of people's passwords and codes (`spec/security.md` CON-11). A name alone
/// never locks its person out: it only makes everybody wait a little who tries it.
pub(crate) struct PeopleThrottle {
    pairs: Counter<(Network, Option<SignInName>)>,
    sources: Counter<Network>,
    names: Counter<Option<SignInName>>,
    codes: Counter<PersonId>,
}

/// How long failures of people count.
const PEOPLE_WINDOW: Duration = Duration::from_secs(300);
/// Wait of everybody who tries a name that was guessed at from many places.
const DELAY: Duration = Duration::from_secs(2);

impl PeopleThrottle {
    pub(crate) fn new() -> Self {
        Self {
            pairs: Counter::new(10),
            sources: Counter::new(100),
            names: Counter::new(20),
            codes: Counter::new(5),
        }
    }

    /// Whether this source has failed too often, with this name or with any.
    pub(crate) fn is_exhausted(&self, source: IpAddr, name: Option<&SignInName>) -> bool {
        let network = network(source);
        self.pairs.is_exhausted(&(network, name.cloned())) || self.sources.is_exhausted(&network)
    }

    /// Whether this source has failed too often, with whatever.
    pub(crate) fn is_source_exhausted(&self, source: IpAddr) -> bool {
        self.sources.is_exhausted(&network(source))
    }

    /// Counts one failure of a source where there is nothing to guess.
    pub(crate) fn count_source(&self, source: IpAddr) {
        self.sources.count(network(source));
    }

    /// How long to wait before looking at a password of this name.
    pub(crate) fn delay(&self, name: Option<&SignInName>) -> Duration {
        match self.names.is_exhausted(&name.cloned()) {
            true => DELAY,
            false => Duration::ZERO,
        }
    }

    /// Counts one wrong password.
    pub(crate) fn count(&self, source: IpAddr, name: Option<&SignInName>) {
        let network = network(source);
        self.pairs.count((network, name.cloned()));
        self.sources.count(network);
        self.names.count(name.cloned());
    }

    /// Whether too many codes of this person were wrong. Whoever is asked for a code has shown the
    /// right password, so this is no way to lock somebody out.
    pub(crate) fn is_code_exhausted(&self, person: &PersonId) -> bool {
        self.codes.is_exhausted(person)
    }

    /// Counts one wrong code.
    pub(crate) fn count_code(&self, person: &PersonId) {
        self.codes.count(person.clone());
    }
}

/// Counts failures by key, in a table of fixed size that forgets by itself.
struct Counter<K> {
    most: u32,
    failures: Cache<K, Arc<AtomicU32>>,
}

impl<K: Eq + Hash + Send + Sync + 'static> Counter<K> {
    fn new(most: u32) -> Self {
        let failures = Cache::builder()
            .max_capacity(MOST_ENTRIES)
            .time_to_live(PEOPLE_WINDOW)
            .build();
        Self { most, failures }
    }

    fn is_exhausted(&self, key: &K) -> bool {
        let count = self.failures.get(key);
        count.is_some_and(|count| count.load(Ordering::Relaxed) >= self.most)
    }

    fn count(&self, key: K) {
        let count = self.failures.get_with(key, Arc::default);
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// One IPv4 address, or the /64 that one IPv6 subscriber has at least: single addresses of it
/// would be as many sources as somebody likes.
type Network = IpAddr;

fn network(source: IpAddr) -> Network {
    match source.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}
