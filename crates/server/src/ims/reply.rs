//! How every answer of the face looks: the media type, and that nobody keeps it.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::kit::problem::{JSON, Problem};

/// A JSON answer that no cache may keep (RFC 6749 section 5.1).
pub(crate) fn json<T: Serialize>(body: &T) -> Response {
    match serde_json::to_string(body) {
        Ok(body) => no_store(StatusCode::OK, body),
        Err(_) => Problem::INTERNAL.into_response(),
    }
}

/// An answer of that status with a JSON text as its body.
pub(crate) fn no_store(status: StatusCode, body: String) -> Response {
    let headers = [
        (CONTENT_TYPE, JSON),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (status, headers, body).into_response()
}

/// The empty answer of revocation.
pub(crate) fn empty() -> Response {
    let headers = [
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (PRAGMA, HeaderValue::from_static("no-cache")),
    ];
    (StatusCode::OK, headers).into_response()
}
