//! How many calls of a client and of an organization pass, each counted in one atomic step
//! (GWY-14). Per node: nodes do not ask each other about every call.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use countersign_model::published::Limits;
use countersign_wire::{ClientId, OrgId};
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;

use super::Denied;
use super::tokens::VerifiedToken;

/// The limits of one service, and what is left of them.
pub(super) struct Shares {
    pub(super) limits: Limits,
    clients: Option<Buckets<ClientId>>,
    organizations: Option<Buckets<OrgId>>,
}

impl Shares {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            clients: Buckets::new(limits.per_client_per_minute),
            organizations: Buckets::new(limits.per_organization_per_minute),
        }
    }

    /// Takes one call. The client's share comes first: one that asks too often uses up nothing of
    /// what its organization has.
    pub(super) fn take(&self, token: &VerifiedToken) -> Result<(), Denied> {
        if let Some(buckets) = &self.clients {
            let taken = buckets.take(&token.client_id);
            taken.map_err(|retry_after| Denied::TooManyOfClient {
                per_minute: self.limits.per_client_per_minute,
                retry_after,
            })?;
        }
        if let (Some(buckets), Some(org_id)) = (&self.organizations, &token.org_id) {
            let taken = buckets.take(org_id);
            taken.map_err(|retry_after| Denied::TooManyOfOrganization {
                per_minute: self.limits.per_organization_per_minute,
                retry_after,
            })?;
        }
        Ok(())
    }
}

struct Buckets<K> {
    quota: Quota,
    of: Cache<K, Arc<DefaultDirectRateLimiter>>,
}

/// Only callers whose token holds have one: nobody fills this with names that he made up.
const MOST_BUCKETS: u64 = 50_000;

impl<K: Clone + Eq + Hash + Send + Sync + 'static> Buckets<K> {
    fn new(per_minute: u32) -> Option<Self> {
        Some(Self {
            quota: Quota::per_minute(NonZeroU32::new(per_minute)?),
            of: Cache::new(MOST_BUCKETS),
        })
    }

    /// Takes one, or says how long to wait for it.
    fn take(&self, key: &K) -> Result<(), Duration> {
        let full = || Arc::new(RateLimiter::direct(self.quota));
        let bucket = self.of.get_with_by_ref(key, full);
        let taken = bucket.check();
        taken.map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }
}
