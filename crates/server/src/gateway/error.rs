//! From the reason to the row of the error table (`spec/ims-protocol.md` 8.3), and from the row to
//! the answer. The caller reads the row, the operator the reason.

use axum::body::Body;
use axum::response::Response;
use countersign_authority::Denied;
use countersign_model::published::ErrorStyle;
use countersign_wire::ClientId;
use countersign_wire::GatewayError;
use countersign_wire::PathError;
use countersign_wire::gateway::OOPS;
use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde::Serialize;

use super::upstream::Failure;
use crate::kit::access_log::Cause;
use crate::kit::problem::Problem;

/// Why a call got no answer of its service.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("no published service has this host and path")]
    NoService,
    #[error("{0}")]
    Path(PathError),
    #[error(
        "the path is not in its canonical form: the proxy would forward another one than was checked"
    )]
    NotCanonical,
    #[error("the proxy does not tell exactly once which method, host and path it asks about")]
    NotAsked,
    #[error("{0} occurs more than once, or cannot be read")]
    Ambiguous(&'static str),
    #[error("`Connection` names a header that is decided by")]
    Stripping,
    #[error("the request asks for another protocol")]
    Upgrade,
    #[error("the body has {length} bytes, the service takes {most}")]
    TooLarge { length: u64, most: u64 },
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Upstream(#[from] Failure),
}

impl Refusal {
    /// What the caller is told.
    pub(crate) fn row(&self) -> GatewayError {
        match self {
            Self::NoService => GatewayError::NOT_FOUND,
            Self::Path(_) | Self::NotCanonical => GatewayError::AMBIGUOUS_PATH,
            Self::NotAsked => GatewayError::NOT_ASKED,
            Self::Ambiguous(_) | Self::Stripping => GatewayError::AMBIGUOUS_HEADER,
            Self::Upgrade => GatewayError::UPGRADE_REFUSED,
            Self::TooLarge { .. } => GatewayError::BODY_TOO_LARGE,
            Self::Denied(denied) => denied.error(),
            Self::Upstream(failure) => upstream_row(failure),
        }
    }

    /// Short and searchable, for the log.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoService => "no_service",
            Self::Path(_) => "ambiguous_path",
            Self::NotCanonical => "not_canonical_path",
            Self::NotAsked => "not_asked",
            Self::Ambiguous(_) => "ambiguous_header",
            Self::Stripping => "connection_names_header",
            Self::Upgrade => "upgrade",
            Self::TooLarge { .. } => "body_too_large",
            Self::Denied(denied) => denied.error().error_code,
            Self::Upstream(failure) => failure.code(),
        }
    }

    /// The whole answer. `client` is the API key, if it looks like one.
    pub(crate) fn answer(&self, style: ErrorStyle, client: Option<&ClientId>) -> Response {
        let row = self.row();
        let mut answer = print(&row, style);
        if let Some(wait) = self.retry_after() {
            let headers = answer.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        answer.extensions_mut().insert(Cause {
            code: self.code(),
            detail: self.to_string(),
            client: client.map(ToString::to_string),
        });
        answer
    }

    /// The body of [`answer`](Self::answer), for proxies that put it into their own.
    pub(crate) fn body(&self, style: ErrorStyle) -> String {
        body(&self.row(), style)
    }

    /// Seconds; never 0, which some clients take for "at once".
    fn retry_after(&self) -> Option<u64> {
        let wait = match self {
            Self::Denied(denied) => denied.retry_after(),
            _ => None,
        };
        let rounded = wait.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        let unavailable = self.row().status == 503;
        rounded
            .map(|wait| wait.max(1))
            .or(unavailable.then_some(PAUSE_SECONDS))
    }
}

fn upstream_row(failure: &Failure) -> GatewayError {
    match failure {
        Failure::Unusable(_)
        | Failure::Unreachable { .. }
        | Failure::Reset { .. }
        | Failure::Garbage { .. } => GatewayError::BAD_GATEWAY,
        Failure::Full(_) => GatewayError::UPSTREAM_BUSY,
        Failure::TooSlow(_) => GatewayError::GATEWAY_TIMEOUT,
        Failure::Upload(cut) => cut.row(),
    }
}

/// An answer that the stack around the gateway gives.
pub(super) fn of_problem(problem: Problem) -> Response {
    let code = match problem.status {
        StatusCode::INTERNAL_SERVER_ERROR => return oops(),
        StatusCode::NOT_FOUND => "404000",
        StatusCode::METHOD_NOT_ALLOWED => "405000",
        StatusCode::REQUEST_TIMEOUT => "408000",
        StatusCode::PAYLOAD_TOO_LARGE => "413000",
        StatusCode::URI_TOO_LONG => "414000",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "431000",
        StatusCode::SERVICE_UNAVAILABLE => "503001",
        _ => "400000",
    };
    let row = GatewayError::new(problem.status.as_u16(), code, problem.description);
    let mut answer = print(&row, ErrorStyle::Adobe);
    if problem.status == StatusCode::SERVICE_UNAVAILABLE {
        let wait = HeaderValue::from(PAUSE_SECONDS);
        answer.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    answer
}

fn oops() -> Response {
    json(StatusCode::INTERNAL_SERVER_ERROR, Body::from(OOPS))
}

fn print(row: &GatewayError, style: ErrorStyle) -> Response {
    match style {
        ErrorStyle::Adobe => as_adobe(row),
        ErrorStyle::Rfc6750 => as_rfc6750(row),
    }
}

fn as_adobe(row: &GatewayError) -> Response {
    let mut answer = json(status(row.status), Body::from(body(row, ErrorStyle::Adobe)));
    if row.status == 401 {
        challenge(&mut answer, OAuthRow::of(row).challenge);
    }
    answer
}

fn as_rfc6750(row: &GatewayError) -> Response {
    let oauth = OAuthRow::of(row);
    let body = Body::from(body(row, ErrorStyle::Rfc6750));
    let mut answer = json(status(oauth.status), body);
    challenge(&mut answer, oauth.challenge);
    answer
}

fn body(row: &GatewayError, style: ErrorStyle) -> String {
    match style {
        ErrorStyle::Adobe => row.body(),
        ErrorStyle::Rfc6750 => oauth_body(row),
    }
}

fn oauth_body(row: &GatewayError) -> String {
    #[derive(Serialize)]
    struct OAuthBody<'a> {
        error: &'a str,
        error_description: &'a str,
    }
    let body = OAuthBody {
        error: OAuthRow::of(row).error,
        error_description: row.message,
    };
    serde_json::to_string(&body).unwrap_or_default() + "\n"
}

/// A row in the words of RFC 6750 section 3.1, and of RFC 6749 where that has none.
struct OAuthRow {
    status: u16,
    error: &'static str,
    challenge: Option<&'static str>,
}

impl OAuthRow {
    fn of(row: &GatewayError) -> Self {
        let (status, error, challenge) = match (row.status, row.error_code) {
            (_, "403010") => (401, "invalid_token", Some("Bearer")),
            (_, "401015") => (
                403,
                "insufficient_scope",
                Some(r#"Bearer error="insufficient_scope""#),
            ),
            (401, _) => (
                401,
                "invalid_token",
                Some(r#"Bearer error="invalid_token""#),
            ),
            (status @ 403, _) => (status, "access_denied", None),
            (status @ 404, _) => (status, "not_found", None),
            (status @ 429, _) => (status, "too_many_requests", None),
            (status @ 503, _) => (status, "temporarily_unavailable", None),
            (status @ 500.., _) => (status, "server_error", None),
            (status, _) => (status, "invalid_request", None),
        };
        Self {
            status,
            error,
            challenge,
        }
    }
}

fn challenge(answer: &mut Response, challenge: Option<&'static str>) {
    if let Some(challenge) = challenge {
        let value = HeaderValue::from_static(challenge);
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
}

fn json(status: StatusCode, body: Body) -> Response {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Exactly this: one SDK compares with `===`.
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PAUSE_SECONDS: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_bug_of_ours_looks_as_the_originals() {
        let answer = of_problem(Problem::INTERNAL);
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
        let body = axum::body::to_bytes(answer.into_body(), 1024).await;
        assert_eq!(body.expect("a body"), OOPS);
    }
}
