//! The API gateway: a call passes only with three headers that belong together.
//!
//! One call, phase by phase: which service it is for and whether it may pass (`checks.rs`,
//! which asks `authority::gate`), what it claims (`request.rs`), what of it goes on (`hygiene.rs`), the
//! way to the upstream and back (`upstream.rs`). Whatever fails is a `Refusal`, answered in
//! `error.rs`. Sources: `spec/ims-protocol.md` section 8, `spec/security.md` section 10.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::response::Response;
use countersign_authority::Authority;
use countersign_authority::Published;
use countersign_wire::CanonicalPath;
use http::HeaderValue;
use http::header;
use http::request::Parts;
use http::uri::PathAndQuery;

use crate::kit::access_log;
use crate::kit::access_log::Passage;
use crate::kit::client_ip::TrustedProxies;
use crate::kit::limit;
use crate::kit::stack;
use crate::kit::stack::Bodies;
use crate::kit::stack::Explain;
use crate::kit::stack::Ids;
use crate::kit::stack::Manners;
use crate::kit::stack::Surroundings;
use crate::listen::Face;
use crate::listen::Listener;
use crate::listen::Visit;
use error::Refusal;
use hygiene::Forwarded;
use request::Claims;
use request::Query;
use upstream::Outbound;
use upstream::Pool;
use upstream::Upstreams;

pub(crate) mod checks;
pub(crate) mod error;
pub(crate) mod hygiene;
mod metrics;
mod request;
mod upstream;

pub use upstream::ConnectionsError;
pub use upstream::check;

/// The gateway over `authority`, with all that surrounds it. Start the [metrics](crate::metrics)
/// before.
pub fn face(
    authority: Arc<Authority>,
    listener: &Listener,
    explain: Option<Explain>,
) -> impl Face + use<> {
    let surroundings = Surroundings {
        manners: MANNERS,
        limits: listener.requests.clone(),
        proxies: listener.trusted_proxies.clone(),
        explain,
        pages: None,
    };
    stack::enclose(Gateway::new(authority, listener), surroundings)
}

struct Gateway {
    authority: Arc<Authority>,
    upstreams: Upstreams,
    proxies: TrustedProxies,
    scheme: &'static str,
}

impl Face for Gateway {
    async fn answer(&self, request: Request, visit: &mut Visit) -> Response {
        let (mut head, body) = request.into_parts();
        let (service, path) = match checks::find(&self.authority, &head) {
            Ok(found) => found,
            Err(refusal) => return refusal.answer(Default::default(), None),
        };
        let began = Instant::now();
        let pool = self.upstreams.pool(&service);
        let _counted = pool.metrics().begin();
        let key = checks::api_key(&head).cloned();
        let answer = match self.pass(&pool, &path, &mut head, body, visit).await {
            Ok(answer) => answer,
            Err(refusal) => {
                pool.metrics().refused(refusal.code());
                let client = key.as_ref().and_then(access_log::client_id);
                refusal.answer(service.errors, client.as_ref())
            }
        };
        pool.metrics().answered(answer.status(), began.elapsed());
        visit.passage = Some(Passage { service, key });
        answer
    }
}

impl Gateway {
    fn new(authority: Arc<Authority>, listener: &Listener) -> Self {
        Self {
            upstreams: Upstreams::new(Arc::clone(&authority)),
            authority,
            proxies: listener.trusted_proxies.clone(),
            scheme: match listener.tls {
                Some(_) => "https",
                None => "http",
            },
        }
    }

    /// The phases of one call, in order.
    async fn pass(
        &self,
        pool: &Arc<Pool>,
        path: &CanonicalPath,
        head: &mut Parts,
        body: Body,
        visit: &Visit,
    ) -> Result<Response, Refusal> {
        let service = pool.service();
        let claims = Claims::read(head, service)?;
        let source = source(visit);
        let permit = checks::permit(&self.authority, service, path, head, &claims, source);
        let permit = permit.await?;
        let body = admit_body(service, head, body)?;
        let forwarded = self.forwarded(head, visit);
        let target = target(service, path, head, &claims.query);
        let outbound = Outbound {
            target: target?,
            call_id: call_id(visit),
            method: head.method.clone(),
            headers: std::mem::take(&mut head.headers),
            forwarded,
        };
        Ok(self.upstreams.forward(pool, permit, outbound, body).await?)
    }

    fn forwarded(&self, head: &Parts, visit: &Visit) -> Forwarded {
        let origin = hygiene::Origin {
            peer: &visit.peer,
            source: source(visit),
            host: named_host(head),
            version: head.version,
            scheme: self.scheme,
        };
        Forwarded::of(&head.headers, origin, &self.proxies)
    }
}

/// The host that a request names, as it came.
fn named_host(head: &Parts) -> Option<HeaderValue> {
    let header = head.headers.get(header::HOST).cloned();
    header.or_else(|| HeaderValue::from_str(head.uri.authority()?.as_str()).ok())
}

/// A body whose length is known is refused before a byte of it is read (HTP-11).
fn admit_body(service: &Published, head: &Parts, body: Body) -> Result<Body, Refusal> {
    let most = service.max_body_bytes;
    match body.size_hint().lower() {
        length if most > 0 && length > most => {
            limit::linger(head, body);
            Err(Refusal::TooLarge { length, most })
        }
        _ => Ok(body),
    }
}

/// What is asked of the upstream: the path that was decided by, and the query.
fn target(
    service: &Published,
    path: &CanonicalPath,
    head: &Parts,
    query: &Query,
) -> Result<PathAndQuery, Refusal> {
    let path = service.upstream_path(path);
    let asked = head.uri.path_and_query();
    let query = match query {
        Query::AsItIs => match asked {
            Some(asked) if asked.path() == path => return Ok(asked.clone()),
            _ => head.uri.query().unwrap_or_default(),
        },
        Query::Rest(query) => query,
    };
    let text = match query {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    };
    text.parse().map_err(|_| Refusal::NoService)
}

/// Whom a call is counted under: the stack has found out.
fn source(visit: &Visit) -> IpAddr {
    let source = visit.source.map(|source| source.0);
    source.unwrap_or(visit.peer.address)
}

fn call_id(visit: &Visit) -> HeaderValue {
    let id = visit.call_id.as_ref();
    id.map_or_else(|| HeaderValue::from_static("unknown"), |id| id.0.clone())
}

/// Bodies stream through, ids may be the caller's, and errors look as those of Adobe's gateway.
const MANNERS: Manners = Manners {
    bodies: Bodies::Streamed,
    ids: Ids::Callers,
    print: error::of_problem,
};
