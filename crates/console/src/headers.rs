//! What every answer of the console tells the browser. Source: CON-07, CON-08, CON-14.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::Console;
use crate::cookies::Cookie;

/// Nothing but our own style sheet and script, no inline code, no frames, forms to ourselves only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";

/// Adds the headers; pages are kept by nobody, so that the back button shows nothing after
/// signing out. A notice that was shown is forgotten.
pub(crate) async fn protect(
    State(console): State<Console>,
    request: Request,
    next: Next,
) -> Response {
    let cookies = &console.cookies;
    let had_notice = cookies.find(Cookie::Notice, request.headers()).is_some();
    let mut response = next.run(request).await;
    let is_shown = had_notice && response.status() == StatusCode::OK;
    mark(&console, &mut response);
    if is_shown {
        let headers = response.headers_mut();
        headers.append(SET_COOKIE, cookies.clear(Cookie::Notice));
    }
    response
}

/// Adds what holds for every answer.
pub(crate) fn mark(console: &Console, response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in EVERYWHERE {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if console.cookies.is_secure() {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
}

const EVERYWHERE: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];
