//! Answers that no handler wrote: unknown path, too large, too late, broken.

use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header;

/// The exact media type of our JSON answers. Source: spec ims-protocol 1.6.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");

/// An answer in the error shape of RFC 6749 5.2, made of fixed texts only, so that nothing a
/// caller sent can come back (ANS-03).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Status of the answer.
    pub status: StatusCode,
    /// The `error` member.
    pub error: &'static str,
    /// The `error_description` member; characters %x20-21 / %x23-5B / %x5D-7E.
    pub description: &'static str,
}

impl Problem {
    /// Not exactly one usable `Host` (RFC 9112 3.2).
    pub const BAD_HOST: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "The request must name exactly one valid host",
    );
    /// The head can be read in two ways, so it is not read at all (RFC 9112 11.2).
    pub const AMBIGUOUS_HEAD: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "invalid_request",
        "The framing of the request is ambiguous",
    );
    /// No route has this path.
    pub const NOT_FOUND: Self = Self::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is nothing at this path",
    );
    /// The path exists, but not with this method.
    pub const METHOD_NOT_ALLOWED: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This path does not answer to this method",
    );
    /// The body did not arrive in time.
    pub const BODY_TIMEOUT: Self = Self::new(
        StatusCode::REQUEST_TIMEOUT,
        "request_timeout",
        "The request body did not arrive in time",
    );
    /// The body is longer than the route takes.
    pub const BODY_TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "request_too_large",
        "The request body is too large",
    );
    /// The request target is too long.
    pub const URI_TOO_LONG: Self = Self::new(
        StatusCode::URI_TOO_LONG,
        "uri_too_long",
        "The request line is too long",
    );
    /// The body is compressed.
    pub const ENCODED_BODY: Self = Self::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "invalid_request",
        "A Content-Encoding is not accepted, send the body as it is",
    );
    /// Too many header fields, or too long ones (RFC 6585 5).
    pub const HEADERS_TOO_LARGE: Self = Self::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "headers_too_large",
        "The request has too many or too long header fields",
    );
    /// A bug of ours.
    pub const INTERNAL: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        "Please try again later",
    );
    /// The answer was not ready within the time one request may take.
    pub const TOO_SLOW: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "temporarily_unavailable",
        "The answer took too long, please try again later",
    );

    /// A problem of a face's own.
    pub const fn new(status: StatusCode, error: &'static str, description: &'static str) -> Self {
        Self {
            status,
            error,
            description,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::json!({
            "error": self.error,
            "error_description": self.description,
        });
        let mut response = (
            self.status,
            [
                (header::CONTENT_TYPE, JSON),
                (header::CACHE_CONTROL, NO_STORE),
                (header::PRAGMA, NO_CACHE),
            ],
            body.to_string(),
        )
            .into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        // For a stack that has pages for people.
        response.extensions_mut().insert(self);
        response
    }
}

// Whether a path would have answered with a token is nobody's to know (RFC 6749 section 5.1).
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("2");
