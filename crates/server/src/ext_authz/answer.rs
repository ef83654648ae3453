//! What a proxy is told.

use axum::body::Body;
use axum::response::Response;
use countersign_authority::Permit;
use countersign_model::published::ErrorStyle;
use countersign_wire::ClientId;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::gateway::error::Refusal;
use crate::gateway::hygiene;

/// How a refusal is put.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wording {
    /// As the gateway itself would have answered: the proxy passes it on.
    AsItIs,
    /// Always as 401, with what the caller is to see in headers: nginx turns every other status
    /// of a subrequest into its own 500.
    In401,
}

/// 200, and the headers that the proxy gives the API.
pub(super) fn allowed(permit: &Permit) -> Response {
    let mut answer = Response::new(Body::empty());
    hygiene::identify(answer.headers_mut(), permit);
    answer
}

/// The refusal, for the caller and for the log.
pub(super) fn denied(
    refusal: &Refusal,
    style: ErrorStyle,
    client: Option<&ClientId>,
    wording: Wording,
) -> Response {
    let answer = refusal.answer(style, client);
    match wording {
        Wording::AsItIs => answer,
        Wording::In401 => in_401(answer, &refusal.body(style)),
    }
}

fn in_401(mut answer: Response, body: &str) -> Response {
    let status = answer.status();
    *answer.status_mut() = StatusCode::UNAUTHORIZED;
    *answer.body_mut() = Body::empty();
    let headers = answer.headers_mut();
    headers.remove(CONTENT_TYPE);
    headers.insert(STATUS, HeaderValue::from(status.as_u16()));
    if let Ok(body) = HeaderValue::from_str(body.trim_end()) {
        headers.insert(BODY, body);
    }
    answer
}

const STATUS: HeaderName = HeaderName::from_static("x-countersign-status");
const BODY: HeaderName = HeaderName::from_static("x-countersign-body");
