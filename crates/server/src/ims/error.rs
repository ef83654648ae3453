//! From the reason to the row of the error table (`spec/ims-protocol.md` 2.2), and from the row to
//! the answer. The tables have no catch-all arm: a new reason must find its row.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use countersign_authority::{ClientError, ExchangeError, InvalidToken, TokenError};
use countersign_model::Refusal;
use countersign_model::deprecation::Notice;
use countersign_wire::ClientId;
use countersign_wire::error::{ImsError, MemberOrder, Problem};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use super::caller::Method;
use super::exchange::announce;
use super::{Compatibility, reply};
use crate::kit::access_log::Cause;

/// A refusal: what the caller sees, and what only the owner is told.
#[derive(Debug)]
pub(super) struct Failure {
    error: ImsError,
    order: MemberOrder,
    code: &'static str,
    detail: String,
    client: Option<ClientId>,
    retry_after: Option<Duration>,
    challenge: Option<&'static str>,
    notice: Option<Notice>,
}

impl Failure {
    fn new(error: ImsError, detail: String) -> Self {
        let retry_after = match error {
            ImsError::Unavailable => Some(Duration::from_secs(2)),
            ImsError::TooManyRequests => Some(Duration::from_secs(1)),
            _ => None,
        };
        let code = error.code();
        Self {
            error,
            order: MemberOrder::ErrorFirst,
            code,
            detail,
            client: None,
            retry_after,
            challenge: None,
            notice: None,
        }
    }

    /// Of a request that cannot be read.
    pub(super) fn request(problem: Problem) -> Self {
        let error = ImsError::InvalidRequest(problem);
        let detail = error.description().into_owned();
        Self::new(error, detail)
    }

    /// Of a refusal that is decided by the request alone.
    pub(super) fn plain(error: ImsError) -> Self {
        let detail = error.description().into_owned();
        Self::new(error, detail)
    }

    /// Of a client that is not believed.
    pub(super) fn client(error: &ClientError) -> Self {
        let failure = Self::new(client_row(error), error.to_string());
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
                    ..Self::new(token_row(error), error.to_string())
                }
            }
            _ => Self::new(token_row(error), error.to_string()),
        }
    }

    /// Of the exchange.
    pub(super) fn exchange(error: &ExchangeError, compatibility: Compatibility) -> Self {
        match error {
            ExchangeError::Client(error) => Self::client(error),
            ExchangeError::Token(error) => Self::token(error),
            ExchangeError::BrownedOut(refused) => Self {
                retry_after: Some(refused.wait),
                notice: refused.notice,
                ..Self::new(exchange_row(error, compatibility), error.to_string())
            },
            _ => Self::new(exchange_row(error, compatibility), error.to_string()),
        }
    }

    /// Of a call that a bearer token opens.
    pub(super) fn bearer(error: &InvalidToken) -> Self {
        let row = match error {
            InvalidToken::Unavailable(_) => ImsError::Unavailable,
            InvalidToken::Malformed(_)
            | InvalidToken::Kind
            | InvalidToken::Signature
            | InvalidToken::Expired(_)
            | InvalidToken::Revoked(_) => ImsError::InvalidToken,
        };
        let challenge =
            (row == ImsError::InvalidToken).then_some(r#"Bearer error="invalid_token""#);
        Self {
            challenge,
            ..Self::new(row, error.to_string())
        }
    }

    /// Of a call without its bearer token.
    pub(super) fn no_bearer() -> Self {
        let detail = "the request has no usable bearer token".to_owned();
        Self {
            challenge: Some("Bearer"),
            ..Self::new(ImsError::InvalidToken, detail)
        }
    }

    /// Of something that could not be written.
    pub(super) fn unavailable(why: &impl std::fmt::Display) -> Self {
        Self::new(ImsError::Unavailable, why.to_string())
    }

    /// With the client that was named.
    pub(super) fn of(self, client: Option<&ClientId>) -> Self {
        Self {
            client: client.cloned(),
            ..self
        }
    }

    /// With `error_description` first, as the exchange prints it.
    pub(super) fn description_first(self) -> Self {
        Self {
            order: MemberOrder::DescriptionFirst,
            ..self
        }
    }

    /// With one text for all refusals of a client, where the operator wants it so.
    pub(super) fn worded(mut self, compatibility: Compatibility, method: Method) -> Self {
        let refused = matches!(
            self.error,
            ImsError::InvalidClientId | ImsError::InvalidClientSecret
        );
        if compatibility.uniform_client_errors && refused {
            self.error = ImsError::InvalidClient;
            self.challenge = (method == Method::Basic).then_some(r#"Basic realm="ims""#);
        }
        self
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let basic = self
            .challenge
            .is_some_and(|challenge| challenge.starts_with("Basic"));
        let status = if basic { 401 } else { self.error.status() };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = reply::no_store(status, self.error.body(self.order));
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(notice) = self.notice {
            announce(headers, notice);
        }
        let client = self.client.map(|id| id.as_str().to_owned());
        response.extensions_mut().insert(Cause {
            code: self.code,
            detail: self.detail,
            client,
        });
        response
    }
}

fn client_row(error: &ClientError) -> ImsError {
    match error {
        ClientError::NoClientId | ClientError::Unknown | ClientError::Disabled(_) => {
            ImsError::InvalidClientId
        }
        ClientError::NoSecret
        | ClientError::WrongSecret { .. }
        | ClientError::Assertion(_)
        | ClientError::ExpiredSecret { .. } => ImsError::InvalidClientSecret,
        ClientError::BrownedOut(refused) => ImsError::Deprecated(refused.sentence().into()),
        ClientError::SecretInQuery => ImsError::InvalidRequest(Problem::SecretInQuery),
        ClientError::Throttled => ImsError::TooManyRequests,
        ClientError::Unavailable(_) => ImsError::Unavailable,
    }
}

fn token_row(error: &TokenError) -> ImsError {
    match error {
        TokenError::Client(error) => client_row(error),
        TokenError::NoOAuthHalf => ImsError::ClientCredentialsNotAllowed,
        TokenError::NoScope(_) => ImsError::ScopeRequired,
        TokenError::NotGranted { .. } | TokenError::TooLong(_) => ImsError::InvalidScope,
        TokenError::TooMany { .. } => ImsError::TooManyRequests,
        TokenError::Overloaded(_) => ImsError::Unavailable,
        TokenError::NoKey(_) | TokenError::Sign(_) | TokenError::NoRandomness(_) => {
            ImsError::Internal
        }
    }
}

fn exchange_row(error: &ExchangeError, compatibility: Compatibility) -> ImsError {
    match error {
        ExchangeError::Client(error) => client_row(error),
        ExchangeError::NoJwtHalf => ImsError::ExchangeNotAllowed,
        ExchangeError::Deprecated(Refusal::Migrated { .. } | Refusal::Disabled { .. })
            if compatibility.migrated_as_observed =>
        {
            ImsError::DeprecatedAsObserved
        }
        ExchangeError::BrownedOut(refused) => ImsError::Deprecated(refused.sentence().into()),
        ExchangeError::Deprecated(refusal) => ImsError::Deprecated(refusal.to_string().into()),
        ExchangeError::Malformed(_) => ImsError::Malformed,
        ExchangeError::Claim { name, .. } => ImsError::Claim(name),
        ExchangeError::Algorithm => ImsError::Algorithm,
        ExchangeError::AnotherClient { .. } => ImsError::AudienceOfAnotherClient,
        ExchangeError::AnotherEnvironment { .. } => ImsError::AudienceOfAnotherEnvironment,
        ExchangeError::NotBound { .. } | ExchangeError::Signature { .. } => {
            ImsError::NoMatchingBinding
        }
        ExchangeError::Expired { exp, now } => ImsError::Expired {
            exp: *exp,
            now: *now,
        },
        ExchangeError::Ahead { claim, .. } => ImsError::Claim(claim),
        ExchangeError::TooFarAhead { .. } => ImsError::TooFarAhead,
        ExchangeError::NoJti | ExchangeError::Replayed => ImsError::Jti,
        ExchangeError::NoMetascope { .. } => ImsError::NoMetascope,
        ExchangeError::NotBoundTo { .. } => ImsError::MetascopeNotBound,
        ExchangeError::Unavailable(_) => ImsError::Unavailable,
        ExchangeError::Token(error) => token_row(error),
    }
}
