//! Slows down guessing: failed authentications are counted per source address and client.
//!
//! Never per client alone: whoever knows a client id, which is no secret, could lock its owner
//! out (`spec/security.md` ERR-07). The table has a fixed size and forgets by itself.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use countersign_wire::ClientId;
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
