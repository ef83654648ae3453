//! How answers look.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::kit::problem::Problem;

/// Exactly this, as at the gateway.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A thing, or a list of them.
pub(super) fn item<T: Serialize>(view: &T) -> Response {
    json(StatusCode::OK, view)
}

/// A thing that was made, and where it is.
pub(super) fn created<T: Serialize>(view: &T, location: &str) -> Response {
    let mut response = json(StatusCode::CREATED, view);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Done, and nothing to say. With status 200 there is a body all the same, because programs read
/// one.
pub(super) fn done() -> Response {
    json(StatusCode::OK, &serde_json::json!({}))
}

/// A document that is JSON already.
pub(super) fn text(body: String) -> Response {
    (StatusCode::OK, [(CONTENT_TYPE, JSON)], body).into_response()
}

/// A zip to be saved under a name.
pub(super) fn zip(name: &str, bytes: Vec<u8>) -> Response {
    const ZIP: HeaderValue = HeaderValue::from_static("application/zip");
    let mut response = (StatusCode::OK, [(CONTENT_TYPE, ZIP)], bytes).into_response();
    if let Ok(saved) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, saved);
    }
    response
}

fn json<T: Serialize>(status: StatusCode, view: &T) -> Response {
    match serde_json::to_string(view) {
        Ok(body) => (status, [(CONTENT_TYPE, JSON)], body).into_response(),
        Err(_) => Problem::INTERNAL.into_response(),
    }
}
