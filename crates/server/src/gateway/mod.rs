//! The API gateway: a call passes only with three headers that belong together.
//!
//! One call, phase by phase: which service it is for and whether it may pass (`checks.rs`,
//! which asks `authority::gate`), what it claims (`request.rs`), what of it goes on (`hygiene.rs`), the
//! way to the upstream and back (`upstream.rs`). Whatever fails is a `Refusal`, answered in
//! `error.rs`. Sources: `spec/ims-protocol.md` section 8, `spec/security.md` section 10.

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
use http::request::Parts;
use http::uri::PathAndQuery;

use crate::ims::caller;
use crate::kit::access_log;
use crate::kit::access_log::Passage;
use crate::kit::client_ip::Peer;
use crate::kit::client_ip::TrustedProxies;
use crate::kit::limit;
use crate::kit::request_id::CallId;
use crate::kit::stack;
use crate::kit::stack::Bodies;
use crate::kit::stack::Explain;
use crate::kit::stack::Ids;
use crate::kit::stack::Manners;
use crate::kit::stack::Surroundings;
use crate::listen::Face;
use crate::listen::Listener;
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
    async fn answer(&self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        match checks::find(&self.authority, &head) {
            Ok((service, path)) => self.answer_of(&service, &path, head, body).await,
            Err(refusal) => refusal.answer(Default::default(), None),
        }
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

    async fn answer_of(
        &self,
        service: &Arc<Published>,
        path: &CanonicalPath,
        head: Parts,
        body: Body,
    ) -> Response {
        let began = Instant::now();
        let pool = self.upstreams.pool(service);
        let _counted = pool.metrics().begin();
        let key = checks::api_key(&head).cloned();
        let mut answer = match self.pass(&pool, path, head, body).await {
            Ok(answer) => answer,
            Err(refusal) => {
                pool.metrics().refused(refusal.code());
                let client = key.as_ref().and_then(access_log::client_id);
                refusal.answer(service.errors, client.as_ref())
            }
        };
        pool.metrics().answered(answer.status(), began.elapsed());
        answer.extensions_mut().insert(Passage {
            service: service.name.clone(),
            key,
        });
        answer
    }

    /// The phases of one call, in order.
    async fn pass(
        &self,
        pool: &Arc<Pool>,
        path: &CanonicalPath,
        head: Parts,
        body: Body,
    ) -> Result<Response, Refusal> {
        let service = pool.service();
        let claims = Claims::read(&head, service)?;
        let permit = checks::permit(&self.authority, service, path, &head, &claims).await?;
        let body = admit_body(service, &head, body)?;
        let forwarded = self.forwarded(&head);
        let target = target(service, path, &head, &claims.query);
        let outbound = Outbound {
            target: target?,
            call_id: call_id(&head),
            method: head.method,
            headers: head.headers,
            forwarded,
            body,
        };
        Ok(self.upstreams.forward(pool, permit, outbound).await?)
    }

    fn forwarded(&self, head: &Parts) -> Forwarded {
        let origin = hygiene::Origin {
            peer: head.extensions.get::<Peer>(),
            source: caller::source(head),
            host: checks::host(head),
            version: head.version,
            scheme: self.scheme,
        };
        Forwarded::of(&head.headers, &origin, &self.proxies)
    }
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

fn call_id(head: &Parts) -> HeaderValue {
    let id = head.extensions.get::<CallId>();
    id.map_or_else(|| HeaderValue::from_static("unknown"), |id| id.0.clone())
}

/// Bodies stream through, ids may be the caller's, and errors look as those of Adobe's gateway.
const MANNERS: Manners = Manners {
    bodies: Bodies::Streamed,
    ids: Ids::Callers,
    print: error::of_problem,
};
