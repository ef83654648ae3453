//! From the reason to the answer: 401 and 403 in the form of the gateway, the rest as
//! `{"code":..,"message":".."}` (our choice, `spec/ims-protocol.md` 6.9). The secrets API has the
//! gateway's form for all of them (6.8).

use axum::response::{IntoResponse, Response};
use countersign_authority::{CallerError, InvalidToken, ManageError};
use countersign_wire::GatewayError;
use countersign_wire::management::ApiError;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue};
use serde::Serialize;

use crate::kit::access_log::Cause;

/// The token is not for that (`spec/ims-protocol.md` 6.8).
const SCOPE_MISMATCH: GatewayError = GatewayError::new(403, "403011", "Scope mismatch");

/// A refusal of one of the two APIs.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    form: Form,
    cause: String,
}

#[derive(Clone, Debug)]
enum Form {
    /// A row of the gateway's table.
    Gateway(GatewayError),
    /// A sentence.
    Sentence(String),
}

impl Failure {
    pub(super) fn new(status: StatusCode, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Self {
            status,
            cause: sentence.clone(),
            form: Form::Sentence(sentence),
        }
    }

    /// Of a request that cannot be read.
    pub(super) fn request(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, sentence)
    }

    /// Of a path that leads nowhere.
    pub(super) fn nothing_there() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "there is nothing at this path: an id in it may be mistyped",
        )
    }

    /// Of something that should have worked; `cause` is for the operator's log.
    pub(super) fn broken(cause: &str) -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            form: Form::Sentence(NOT_NOW.to_owned()),
            cause: cause.to_owned(),
        }
    }

    pub(super) fn gateway(row: GatewayError, cause: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(row.status).unwrap_or(StatusCode::FORBIDDEN),
            form: Form::Gateway(row),
            cause: cause.into(),
        }
    }
}

const NOT_NOW: &str =
    "this cannot be done at the moment: try again later, and tell the operator if it lasts";

impl From<CallerError> for Failure {
    fn from(error: CallerError) -> Self {
        let row = match &error {
            CallerError::UnknownKey => GatewayError::API_KEY_INVALID,
            CallerError::KeyUnavailable(_) => GatewayError::API_KEY_UNAVAILABLE,
            CallerError::Token(InvalidToken::Unavailable(_)) | CallerError::Manage(_) => {
                GatewayError::TOKEN_UNAVAILABLE
            }
            CallerError::Token(_) => GatewayError::TOKEN_INVALID,
            CallerError::OtherClient => GatewayError::CLIENT_NOT_ALLOWED,
        };
        Self::gateway(row, error.to_string())
    }
}

impl From<ManageError> for Failure {
    fn from(error: ManageError) -> Self {
        let cause = error.to_string();
        let status = match crate::api::status(&error) {
            // The original knows no 412 and 422: what was sent is at fault.
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            StatusCode::PRECONDITION_FAILED => StatusCode::CONFLICT,
            status => status,
        };
        let form = match (&error, status) {
            // Only a token of a credential has no role.
            (ManageError::Forbidden { role: None, .. }, _) => Form::Gateway(SCOPE_MISMATCH),
            // What the database or the keys say is for the operator's log.
            (_, StatusCode::INTERNAL_SERVER_ERROR | StatusCode::SERVICE_UNAVAILABLE) => {
                Form::Sentence(NOT_NOW.to_owned())
            }
            _ => Form::Sentence(cause.clone()),
        };
        Self {
            status,
            form,
            cause,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = match (&self.form, self.status) {
            (Form::Gateway(row), _) => row.body(),
            // The first words are the original's; the rest says what to do.
            (Form::Sentence(sentence), StatusCode::FORBIDDEN) => gateway_body(
                "403221",
                &format!("Token not allowed in the current context: {sentence}"),
            ),
            (Form::Sentence(sentence), status) => json(&ApiError {
                code: status.as_u16(),
                message: sentence,
            }),
        };
        let mut response = answer(self.status, body);
        response.extensions_mut().insert(Cause {
            code: "console_api",
            detail: self.cause,
            client: None,
        });
        response.extensions_mut().insert(Told(self.form));
        response
    }
}

/// What an answer says, for those that say it in the other form.
#[derive(Clone)]
struct Told(Form);

/// Gives every refusal the gateway's form: the status with three noughts is the code where the
/// gateway has none.
pub(super) async fn as_gateway(response: Response) -> Response {
    let sentence = match response.extensions().get::<Told>() {
        Some(Told(Form::Sentence(sentence))) if response.status() != StatusCode::FORBIDDEN => {
            sentence.clone()
        }
        _ => return response,
    };
    let (head, _) = response.into_parts();
    let code = format!("{}000", head.status.as_u16());
    let mut reworded = answer(head.status, gateway_body(&code, &sentence));
    *reworded.extensions_mut() = head.extensions;
    reworded
}

fn gateway_body(error_code: &str, message: &str) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        error_code: &'a str,
        message: &'a str,
    }
    json(&Body {
        error_code,
        message,
    }) + "\n"
}

fn json<T: Serialize>(body: &T) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

fn answer(status: StatusCode, body: String) -> Response {
    const HEADERS: [(HeaderName, HeaderValue); 2] = [
        (CONTENT_TYPE, super::reply::JSON),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let mut response = (status, HEADERS, body).into_response();
    let also = match status {
        StatusCode::UNAUTHORIZED => Some((WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")),
        StatusCode::SERVICE_UNAVAILABLE => Some((RETRY_AFTER, "2")),
        _ => None,
    };
    if let Some((name, value)) = also {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}
