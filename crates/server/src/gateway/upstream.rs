//! From a permit to an answer. Nothing reaches an upstream in another way.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::body::HttpBody as _;
use axum::response::Response;
use countersign_authority::Authority;
use countersign_authority::Permit;
use countersign_authority::Published;
use countersign_wire::PublishedName;
use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::StatusCode;
use http::Uri;
use http::header;
use http::uri;
use http::uri::PathAndQuery;
use tokio::time::Instant;

use super::hygiene;
use super::hygiene::Forwarded;
use connect::Answer;
use download::Download;
use pool::Place;
pub(super) use pool::Pool;
use upload::Source;
use upload::Upload;
use watch::Running;

mod connect;
mod download;
mod failure;
mod health;
mod lane;
mod pool;
mod upload;
mod watch;

pub use connect::ConnectionsError;
pub use connect::check;
pub(super) use failure::Failure;

/// A request that may go on.
pub(super) struct Outbound {
    pub(super) method: Method,
    /// The canonical path and the query.
    pub(super) target: PathAndQuery,
    /// As they came. What of them and what else an upstream sees is made for each attempt.
    pub(super) headers: HeaderMap,
    pub(super) forwarded: Forwarded,
    /// What the call goes by in logs.
    pub(super) call_id: HeaderValue,
}

/// The upstreams of all services.
pub(super) struct Upstreams {
    authority: Arc<Authority>,
    pools: ArcSwap<HashMap<PublishedName, Arc<Pool>>>,
    /// Held while a pool is made, never while a call waits for anything else.
    making: Mutex<()>,
}

impl Upstreams {
    pub(super) fn new(authority: Arc<Authority>) -> Self {
        Self {
            authority,
            pools: ArcSwap::default(),
            making: Mutex::new(()),
        }
    }

    /// What `service`, as it is now, is forwarded with.
    pub(super) fn pool(&self, service: &Arc<Published>) -> Arc<Pool> {
        let pools = self.pools.load();
        match pools.get(&service.name) {
            Some(pool) if pool.serves(service) => Arc::clone(pool),
            _ => self.make_pool(service),
        }
    }

    /// Sends a permitted call, tries again where that can do no harm, and gives the head of the
    /// answer; its body streams behind it.
    pub(super) async fn forward(
        &self,
        pool: &Arc<Pool>,
        permit: Permit,
        outbound: Outbound,
        body: Body,
    ) -> Result<Response, Failure> {
        let service = pool.service();
        if !pool.serves(permit.service()) {
            return Err(Failure::Unusable(
                "the permit is another service's".to_owned(),
            ));
        }
        let call = Arc::new(Running {
            authority: Arc::clone(&self.authority),
            permit,
            idle: Duration::from_millis(service.idle_timeout_ms),
        });
        let source = match body.is_end_stream() {
            true => None,
            false => Some(Arc::new(Source::new(body, service.max_body_bytes))),
        };
        let mut attempt = Attempt {
            outbound,
            source,
            answer_within: Duration::from_millis(service.response_timeout_ms),
            left: service.retries,
        };
        let mut tried = None;
        loop {
            let place = pool.choose(tried.as_ref())?;
            match attempt.send(&place, &call).await {
                Ok(answer) => {
                    place.succeeded();
                    return Ok(complete(answer, attempt, place, call));
                }
                Err(failure) => {
                    place.failed(&failure);
                    if !attempt.may_repeat(&failure) {
                        return Err(failure);
                    }
                    attempt.left -= 1;
                    tried = Some(Arc::clone(place.target()));
                }
            }
        }
    }

    fn make_pool(&self, service: &Arc<Published>) -> Arc<Pool> {
        let _alone = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let pools = self.pools.load();
        if let Some(pool) = pools.get(&service.name).filter(|pool| pool.serves(service)) {
            return Arc::clone(pool);
        }
        let pool = Pool::new(Arc::clone(service));
        let published = self.authority.published();
        let stay = published
            .iter()
            .filter_map(|other| pools.get_key_value(&other.name))
            .map(|(name, pool)| (name.clone(), Arc::clone(pool)));
        let mut pools: HashMap<_, _> = stay.collect();
        pools.insert(service.name.clone(), Arc::clone(&pool));
        self.pools.store(Arc::new(pools));
        pool
    }
}

/// What an attempt needs, kept for the next one.
struct Attempt {
    outbound: Outbound,
    source: Option<Arc<Source>>,
    answer_within: Duration,
    /// How many more there may be after a failure.
    left: u32,
}

impl Attempt {
    async fn send(&self, place: &Place, call: &Arc<Running>) -> Result<Answer, Failure> {
        let connections = place.pool().connections()?;
        let request = self.request(place, call)?;
        let ask = |within| connections.ask(place.target(), request, within);
        let answered = match &self.source {
            None => Some(ask(Some(self.answer_within)).await),
            Some(source) => self.once_sent(source, call.idle, ask(None)).await,
        };
        // An answer may come before the body was cut, and is one.
        let cut = self.source.as_ref().and_then(|source| source.cut());
        match (answered, cut) {
            (Some(Ok(answer)), _) if answer.head.status == StatusCode::SWITCHING_PROTOCOLS => {
                Err(Failure::Garbage {
                    upstream: place.origin().to_owned(),
                    why: "it switched protocols unasked".to_owned(),
                })
            }
            (Some(Ok(answer)), _) => Ok(answer),
            (_, Some(cut)) => Err(Failure::Upload(cut)),
            (Some(Err(failure)), None) => Err(failure),
            (None, None) => Err(Failure::TooSlow(place.origin().to_owned())),
        }
    }

    fn request(&self, place: &Place, call: &Arc<Running>) -> Result<Request<Upload>, Failure> {
        let body = match &self.source {
            None => Upload::Nothing,
            Some(source) => Upload::of(source, call),
        };
        let outbound = &self.outbound;
        let mut headers = hygiene::passing(&outbound.headers, call.permit.service());
        outbound.forwarded.add_to(&mut headers);
        hygiene::add_identity(&mut headers, &call.permit, &outbound.call_id);
        let mut request = Request::new(body);
        *request.method_mut() = outbound.method.clone();
        *request.headers_mut() = headers;
        let (target, mut uri) = (place.target(), uri::Parts::default());
        uri.path_and_query = Some(outbound.target.clone());
        if call.permit.service().http2_upstream {
            uri.scheme = Some(target.scheme.clone());
            uri.authority = Some(target.authority.clone());
        } else {
            // HTTP/2 has `:authority` instead, which follows from the URI.
            let host = target.host.clone();
            request.headers_mut().insert(header::HOST, host);
        }
        *request.uri_mut() =
            Uri::from_parts(uri).map_err(|error| Failure::Unusable(error.to_string()))?;
        Ok(request)
    }

    /// Waits for an answer: while the request's body moves, without limit; then as long as a head
    /// may take. `None` when it took too long.
    async fn once_sent<T>(
        &self,
        source: &Source,
        idle: Duration,
        answer: impl Future<Output = T>,
    ) -> Option<T> {
        let mut answer = pin!(answer);
        // The body ends itself when its caller is too slow; the time for a body that has not ended
        // is for an upstream that does not take it.
        let due = || match source.has_ended() {
            true => source.moved() + self.answer_within,
            false => source.moved() + idle + MARGIN,
        };
        loop {
            tokio::select! {
                answered = &mut answer => return Some(answered),
                () = tokio::time::sleep_until(due()) => {}
            }
            if due() <= Instant::now() {
                return None;
            }
        }
    }

    /// Whether a failed attempt can be repeated: nothing that the upstream could have acted on
    /// twice, nothing of the body lost.
    fn may_repeat(&self, failure: &Failure) -> bool {
        let untouched = self
            .source
            .as_ref()
            .is_none_or(|source| source.is_untouched());
        let harmless = match failure {
            Failure::Unreachable { .. } => true,
            Failure::Reset { .. } => self.outbound.method.is_idempotent(),
            Failure::Unusable(_)
            | Failure::Full(_)
            | Failure::Garbage { .. }
            | Failure::TooSlow(_)
            | Failure::Upload(_) => false,
        };
        self.left > 0 && untouched && harmless
    }
}

/// The answer as the caller is to see it.
fn complete(answer: Answer, attempt: Attempt, place: Place, call: Arc<Running>) -> Response {
    let Answer {
        mut head,
        body,
        lane,
    } = answer;
    hygiene::clean_answer(&mut head, &attempt.outbound.method);
    let sent = attempt
        .source
        .as_ref()
        .is_none_or(|source| source.has_ended());
    // The answer overtook the request, whose rest must not wait for somebody to read the answer.
    let lane = match sent {
        true => lane,
        false => {
            if let Some(lane) = lane {
                lane.leave();
            }
            None
        }
    };
    let download = Download::new(body, lane, place, call, attempt.outbound.call_id);
    let body = match download.is_end_stream() {
        true => Body::empty(),
        false => Body::new(download),
    };
    Response::from_parts(head, body)
}

const MARGIN: Duration = Duration::from_secs(1);
