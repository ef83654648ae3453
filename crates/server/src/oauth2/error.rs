//! From the reason to the error of the RFC. The tables have no catch-all arm: a new reason must
//! find its row.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use countersign_authority::{ClientError, InvalidToken, Presented, TokenError};
use countersign_wire::ClientId;
use countersign_wire::error::Problem;
use countersign_wire::oauth::OAuthError;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::ims::reply;
use crate::kit::access_log::Cause;

/// Every 401 says which scheme would do (RFC 9110 section 15.5.2).
const CHALLENGE: HeaderValue = HeaderValue::from_static(r#"Basic realm="oauth2""#);

/// A refusal: what the caller sees, and what only the owner is told.
#[derive(Debug)]
pub(super) struct Failure {
    error: OAuthError,
    detail: String,
    client: Option<ClientId>,
    retry_after: Option<Duration>,
}

impl Failure {
    /// Of a request that says itself what is wrong with it.
    pub(super) fn of(error: OAuthError) -> Self {
        let retry_after = match error {
            OAuthError::TooManyRequests => Some(Duration::from_secs(1)),
            OAuthError::TemporarilyUnavailable => Some(Duration::from_secs(2)),
            _ => None,
        };
        Self {
            error,
            detail: error.description().into_owned(),
            client: None,
            retry_after,
        }
    }

    /// Of a request that cannot be read.
    pub(super) fn request(problem: Problem) -> Self {
        Self::of(OAuthError::InvalidRequest(problem))
    }

    /// Of a client that is not believed.
    pub(super) fn client(error: &ClientError) -> Self {
        let failure = Self::of(client_row(error)).because(error);
        Self {
            retry_after: error.retry_after().or(failure.retry_after),
            ..failure
        }
    }

    /// Of the token endpoint.
    pub(super) fn token(error: &TokenError) -> Self {
        match error {
            TokenError::Client(error) => Self::client(error),
            TokenError::TooMany { per_minute } => {
                let pace = Duration::from_secs(u64::from(60 / per_minute.max(&1)).max(1));
                Self {
                    retry_after: Some(pace),
                    ..Self::of(token_row(error)).because(error)
                }
            }
            _ => Self::of(token_row(error)).because(error),
        }
    }

    /// Of something that cannot be decided now.
    pub(super) fn undecided(error: &InvalidToken) -> Self {
        Self::of(OAuthError::TemporarilyUnavailable).because(error)
    }

    /// Of something that could not be written.
    pub(super) fn unavailable(why: &impl std::fmt::Display) -> Self {
        Self::of(OAuthError::TemporarilyUnavailable).because(why)
    }

    /// With the sentence for the owner.
    pub(super) fn because(self, detail: impl std::fmt::Display) -> Self {
        Self {
            detail: detail.to_string(),
            ..self
        }
    }

    /// With the client that was named.
    pub(super) fn by(self, presented: &Presented) -> Self {
        Self {
            client: presented.client.id.clone(),
            ..self
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.error.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = reply::no_store(status, self.error.body());
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, CHALLENGE);
        }
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        response.extensions_mut().insert(Cause {
            code: self.error.code(),
            detail: self.detail,
            client: self.client.map(|id| id.as_str().to_owned()),
        });
        response
    }
}

/// One answer for everything that is about the client: which it was is nobody's business.
fn client_row(error: &ClientError) -> OAuthError {
    match error {
        ClientError::NoClientId
        | ClientError::Unknown
        | ClientError::Disabled(_)
        | ClientError::NoSecret
        | ClientError::WrongSecret { .. }
        | ClientError::ExpiredSecret { .. }
        | ClientError::Assertion(_)
        | ClientError::BrownedOut(_)
        | ClientError::SecretInQuery => OAuthError::InvalidClient,
        ClientError::Throttled => OAuthError::TooManyRequests,
        ClientError::Unavailable(_) => OAuthError::TemporarilyUnavailable,
    }
}

fn token_row(error: &TokenError) -> OAuthError {
    match error {
        TokenError::Client(error) => client_row(error),
        TokenError::NoOAuthHalf => OAuthError::UnauthorizedClient,
        TokenError::NoScope(_) | TokenError::NotGranted { .. } | TokenError::TooLong(_) => {
            OAuthError::InvalidScope
        }
        TokenError::TooMany { .. } => OAuthError::TooManyRequests,
        TokenError::Overloaded(_) => OAuthError::TemporarilyUnavailable,
        TokenError::NoKey(_) | TokenError::Sign(_) | TokenError::NoRandomness(_) => {
            OAuthError::ServerError
        }
    }
}
