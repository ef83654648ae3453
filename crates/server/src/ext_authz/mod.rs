//! External authorization: the gateway's checks for proxies that forward calls themselves.
//!
//! A proxy asks about each request and gets an answer to pass on: 200 with the headers that tell
//! the API who calls, or the refusal as the gateway would have sent it. Where a proxy puts the
//! request that it asks about differs, so each kind has a path of its own, and each path reads one
//! place only: a header that some other kind of proxy sets can come from the caller here.
//!
//! Sources: `spec/ims-protocol.md` section 8; `spec/security.md` GWY-02, GWY-07, GWY-09.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use countersign_authority::{Authority, Permit};
use countersign_model::published::ErrorStyle;
use http::request::Parts;

use crate::gateway::checks::{self, Claims};
use crate::gateway::error::Refusal;
use crate::ims::caller;
use answer::Wording;

mod answer;
mod asked;
#[cfg(feature = "grpc")]
mod envoy;
#[cfg(feature = "grpc")]
mod grpc;

/// For proxies that pass any refusal on: Traefik, HAProxy.
const FORWARD: &str = "/ext_authz/forward";
/// For nginx, which understands 401 and 403 only.
const NGINX: &str = "/ext_authz/nginx";
/// For Envoy, which puts the path that it asks about behind this one.
const ENVOY: &str = "/ext_authz/envoy";

/// All routes of the face.
pub fn routes(authority: Arc<Authority>) -> Router {
    let routes = Router::new()
        .route(FORWARD, any(forward))
        .route(NGINX, any(nginx))
        .route(ENVOY, any(envoy_http))
        .route("/ext_authz/envoy/{*path}", any(envoy_http));
    #[cfg(feature = "grpc")]
    let routes = routes.route(grpc::PATH, axum::routing::post(grpc::check));
    routes.with_state(authority)
}

async fn forward(State(authority): State<Arc<Authority>>, request: Request) -> Response {
    let asked = asked::in_headers(request.into_parts().0);
    answer(&authority, asked, Wording::AsItIs).await
}

async fn nginx(State(authority): State<Arc<Authority>>, request: Request) -> Response {
    let asked = asked::in_headers(request.into_parts().0);
    answer(&authority, asked, Wording::In401).await
}

async fn envoy_http(State(authority): State<Arc<Authority>>, request: Request) -> Response {
    let asked = asked::below(ENVOY, request.into_parts().0);
    answer(&authority, asked, Wording::AsItIs).await
}

async fn answer(
    authority: &Authority,
    asked: Result<Parts, Refusal>,
    wording: Wording,
) -> Response {
    let verdict = match &asked {
        Ok(head) => decide(authority, head).await,
        Err(refusal) => return answer::denied(refusal, ErrorStyle::default(), None, wording),
    };
    match verdict {
        Ok(permit) => answer::allowed(&permit),
        Err((refusal, style)) => {
            let key = asked.as_ref().ok().and_then(checks::client_id);
            answer::denied(&refusal, style, key.as_ref(), wording)
        }
    }
}

/// What the gateway decides before it forwards, in the same order.
async fn decide(authority: &Authority, head: &Parts) -> Result<Permit, (Refusal, ErrorStyle)> {
    let found = checks::find(authority, head);
    let (service, path) = found.map_err(|refusal| (refusal, ErrorStyle::default()))?;
    let styled = |refusal| (refusal, service.errors);
    // The proxy forwards the path as it came: it must be the one that is decided by (GWY-09).
    if path.as_str() != head.uri.path() {
        return Err(styled(Refusal::NotCanonical));
    }
    let claims = Claims::read(head, &service).map_err(styled)?;
    let permit = checks::permit(
        authority,
        &service,
        &path,
        head,
        &claims,
        caller::source(head),
    )
    .await;
    permit.map_err(styled)
}
