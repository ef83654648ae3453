//! The key set and the certificates of our signing keys. Answers from memory, without the
//! database. Source: `spec/ims-protocol.md` 4.3.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::app::App;
use crate::kit::problem::{JSON, Problem};

/// Clients keep certificates for ever anyway, by name; a name is never used twice.
const CERTIFICATE_LIFE: HeaderValue =
    HeaderValue::from_static("public, max-age=31536000, immutable");
const PEM: HeaderValue = HeaderValue::from_static("application/x-pem-file");

/// `GET /ims/keys`, and the same at the standard face: one set of all keys.
pub(crate) async fn key_set(State(app): State<App>, headers: HeaderMap) -> Response {
    let documents = app.authority.key_documents();
    let etag = format!("\"{}\"", documents.digest);
    let etag = HeaderValue::try_from(etag).unwrap_or(HeaderValue::from_static("\"\""));
    // A new key is published for longer than this before it signs.
    let life = format!(
        "public, max-age={}",
        app.authority.config().key_set_life_seconds
    );
    let life = HeaderValue::try_from(life).unwrap_or(HeaderValue::from_static("no-cache"));
    let head = [(CACHE_CONTROL, life), (ETAG, etag.clone())];
    if headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .any(|known| known == etag)
    {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(CONTENT_TYPE, JSON)], documents.key_set.clone()).into_response()
}

/// `GET /keys/{prod|nonprod}/{file}`: the certificate that a token's `x5u` names.
pub(super) async fn certificate(
    State(app): State<App>,
    Path((environment, file)): Path<(String, String)>,
) -> Response {
    let documents = app.authority.key_documents();
    let certificate = documents.certificates.get(&file);
    match certificate.filter(|_| ["prod", "nonprod"].contains(&environment.as_str())) {
        Some(pem) => {
            let head = [(CACHE_CONTROL, CERTIFICATE_LIFE), (CONTENT_TYPE, PEM)];
            (head, pem.clone()).into_response()
        }
        None => Problem::NOT_FOUND.into_response(),
    }
}
