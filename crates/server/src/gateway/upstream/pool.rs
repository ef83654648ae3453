//! The upstreams of one service: whose turn it is, who is out, how many calls each has.

use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use countersign_authority::Published;
use countersign_model::PublishedService;
use countersign_model::published::Upstream;
use http::HeaderValue;
use http::Uri;
use http::uri::Authority;
use http::uri::Scheme;
use tokio::time::Instant;

use super::connect;
use super::connect::Connections;
use super::connect::ConnectionsError;
use super::failure::Failure;
use super::health::Health;
use super::lane::FreeLanes;
use crate::gateway::metrics::ServiceMetrics;

/// What one published service needs to be forwarded. Apart from that of all others: a slow
/// upstream fills only its own (GWY-15).
pub(in crate::gateway) struct Pool {
    service: Arc<Published>,
    connections: Result<Connections, ConnectionsError>,
    targets: Vec<Arc<Target>>,
    turn: AtomicUsize,
    began: Instant,
    metrics: ServiceMetrics,
}

/// One upstream.
pub(super) struct Target {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// Where it is, for whoever connects.
    pub(super) uri: Uri,
    /// [`Self::authority`] as HTTP/1.1 writes it.
    pub(super) host: HeaderValue,
    origin: String,
    most_at_once: usize,
    running: AtomicUsize,
    health: Health,
    pub(super) free: FreeLanes,
}

impl Pool {
    pub(super) fn new(service: Arc<Published>) -> Arc<Self> {
        let pool = Arc::new(Self::of(service));
        tokio::spawn(sweep(Arc::downgrade(&pool)));
        pool
    }

    fn of(service: Arc<Published>) -> Self {
        let definition: &PublishedService = &service;
        let targets = definition.upstreams.iter();
        Self {
            connections: connect::connections(definition),
            targets: targets
                .filter_map(|upstream| Target::new(upstream, definition).map(Arc::new))
                .collect(),
            turn: AtomicUsize::new(0),
            began: Instant::now(),
            metrics: ServiceMetrics::new(definition.name.as_str()),
            service,
        }
    }

    /// Whether this is of `service` as it is now. What could not be set up is tried again.
    pub(super) fn serves(&self, service: &Arc<Published>) -> bool {
        let usable = self.connections.is_ok() || self.began.elapsed() < TRY_AGAIN;
        usable && Arc::ptr_eq(&self.service, service)
    }

    pub(in crate::gateway) fn service(&self) -> &Arc<Published> {
        &self.service
    }

    pub(in crate::gateway) fn metrics(&self) -> &ServiceMetrics {
        &self.metrics
    }

    pub(super) fn connections(&self) -> Result<&Connections, Failure> {
        let connections = self.connections.as_ref();
        connections.map_err(|error| Failure::Unusable(error.to_string()))
    }

    /// A place at the next upstream in turn that is not out; if all are, at the next one, because
    /// one that may work again is better than none. `tried` failed just now and is taken only if
    /// there is no other.
    pub(super) fn choose(self: &Arc<Self>, tried: Option<&Arc<Target>>) -> Result<Place, Failure> {
        let first = match self.targets.len() {
            0 | 1 => 0,
            count => self.turn.fetch_add(1, Relaxed) % count,
        };
        let (before, from) = self.targets.split_at(first);
        let in_turn = || from.iter().chain(before);
        let is_other = |target: &&Arc<Target>| !tried.is_some_and(|it| Arc::ptr_eq(it, target));
        let healthy = in_turn()
            .filter(is_other)
            .filter(|target| target.health.is_in());
        let others = in_turn().filter(is_other);
        let mut candidates = healthy.chain(others).chain(tried);
        let place = candidates
            .find(|target| target.enter())
            .map(|target| Place {
                pool: Arc::clone(self),
                target: Arc::clone(target),
            });
        place.ok_or_else(|| Failure::Full(self.service.name.to_string()))
    }
}

impl Target {
    fn new(upstream: &Upstream, service: &PublishedService) -> Option<Self> {
        let scheme = match upstream.is_tls() {
            true => Scheme::HTTPS,
            false => Scheme::HTTP,
        };
        let most_at_once = match service.max_concurrent_requests {
            0 => usize::MAX,
            most => usize::try_from(most).unwrap_or(usize::MAX),
        };
        Some(Self {
            scheme,
            authority: upstream.authority().parse().ok()?,
            uri: upstream.as_str().parse().ok()?,
            host: HeaderValue::from_str(upstream.authority()).ok()?,
            origin: upstream.as_str().to_owned(),
            most_at_once,
            running: AtomicUsize::new(0),
            health: Health::new(
                service.eject_after_failures,
                Duration::from_secs(service.eject_seconds),
            ),
            free: FreeLanes::default(),
        })
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    fn enter(&self) -> bool {
        let fits = self.running.fetch_add(1, Relaxed) < self.most_at_once;
        if !fits {
            self.running.fetch_sub(1, Relaxed);
        }
        fits
    }
}

/// A call's place at an upstream. Given back on drop, when the upstream is done with the call.
pub(super) struct Place {
    pool: Arc<Pool>,
    target: Arc<Target>,
}

impl Place {
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    pub(super) fn origin(&self) -> &str {
        &self.target.origin
    }

    pub(super) fn succeeded(&self) {
        self.target.health.succeeded();
    }

    pub(super) fn failed(&self, failure: &Failure) {
        self.pool.metrics.failed(failure.code());
        if failure.is_of_the_upstream() && self.target.health.failed() {
            let (service, upstream) = (&self.pool.service.name, self.origin());
            tracing::warn!(
                gateway.service = service.as_str(),
                gateway.upstream = upstream,
                "`{upstream}` failed too often and gets no calls of `{service}` for now: {failure}"
            );
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.target.running.fetch_sub(1, Relaxed);
    }
}

/// Closes connections that are not needed, for as long as there is the pool.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(pool) = pool.upgrade() else { return };
        for target in &pool.targets {
            target.free.sweep(connect::KEEP_IDLE);
        }
    }
}

const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// After this, connections that could not be set up are tried again: a file may be there by then.
const TRY_AGAIN: Duration = Duration::from_secs(5);
