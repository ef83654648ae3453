//! Every error body of the IMS endpoints. Source: the table of `spec/ims-protocol.md` 2.2; the
//! names of the variants follow its rows.
//!
//! Descriptions are fixed texts: nothing a caller sent is ever repeated (`spec/security.md`
//! ANS-03). The reason in full is kept for the owner under the answer's `x-debug-id`.

use std::borrow::Cow;

use serde::Serialize;

use crate::form::FormError;

/// A refusal as the caller sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ImsError {
    /// Row 1: client unknown, disabled, or absent. Clients compare the text.
    InvalidClientId,
    /// Row 2: secret wrong, deleted, expired, or absent. Clients compare the text.
    InvalidClientSecret,
    /// Rows 1 and 2 in one, where an operator wants callers to learn nothing.
    InvalidClient,
    /// Row 3: the credential was created for OAuth only.
    ExchangeNotAllowed,
    /// Row 4: `client_id` is not the client inside `aud`.
    AudienceOfAnotherClient,
    /// Row 5: `aud` names another environment.
    AudienceOfAnotherEnvironment,
    /// Row 6: the assertion cannot be decoded.
    Malformed,
    /// Row 7: the assertion has expired. Both in seconds since 1970.
    Expired {
        /// `exp` of the assertion.
        exp: i64,
        /// The server's clock.
        now: i64,
    },
    /// Row 8: no certificate of the credential verifies the signature.
    NoMatchingBinding,
    /// Row 9: an algorithm that is not RS256.
    Algorithm,
    /// Row 10: a metascope that the credential does not have.
    MetascopeNotBound,
    /// Row 11: no metascope at all.
    NoMetascope,
    /// Row 12: single use is demanded, and `jti` is absent or was used.
    Jti,
    /// Row 13: a claim is missing or has the wrong form; its name.
    Claim(&'static str),
    /// Rows 14 and 15: the JWT half is gone, or its last date has passed; the sentence that says
    /// so and names the way out.
    Deprecated(Cow<'static, str>),
    /// Row 14 as the original answered it, behind a switch: a 500 invites retries.
    DeprecatedAsObserved,
    /// Row 16: the assertion lives longer than allowed.
    TooFarAhead,
    /// Row 17.
    GrantTypeRequired,
    /// Row 18.
    UnsupportedGrantType,
    /// Row 19: the credential has no OAuth half.
    ClientCredentialsNotAllowed,
    /// Row 20.
    ScopeRequired,
    /// Row 21: a scope that does not exist or that the credential does not hold.
    InvalidScope,
    /// Row 23, and a form that cannot be read; the fixed sentence.
    InvalidRequest(Problem),
    /// Row 24.
    TooManyRequests,
    /// Row 25.
    Internal,
    /// 503: overload, or something we depend on is away.
    Unavailable,
    /// Rows 26 and 27: the bearer token of a user-information call.
    InvalidToken,
}

/// What is wrong with the request itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Problem {
    /// The body is of a type that is not read.
    BodyType,
    /// The body cannot be read as what it says it is.
    Body,
    /// The parameters.
    Form(FormError),
    /// Two ways to authenticate in one request (RFC 6749 section 2.3).
    TwoAuthentications,
    /// The `Authorization` header is not a usable Basic header.
    Basic,
    /// The organization does not take secrets in the query.
    SecretInQuery,
    /// `token` is absent.
    TokenRequired,
    /// A token type that is not served.
    TokenType,
}

impl From<FormError> for Problem {
    fn from(error: FormError) -> Self {
        Self::Form(error)
    }
}

/// Which of the two member orders an answer has; the order means nothing, byte-level fixtures
/// keep it (`spec/ims-protocol.md` 2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MemberOrder {
    /// `error` first: the token endpoint and everything else.
    ErrorFirst,
    /// `error_description` first: the exchange.
    DescriptionFirst,
}

impl ImsError {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::ExchangeNotAllowed | Self::InvalidToken => 401,
            Self::TooManyRequests => 429,
            Self::DeprecatedAsObserved | Self::Internal => 500,
            Self::Unavailable => 503,
            _ => 400,
        }
    }

    /// The member `error`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidClientId
            | Self::InvalidClientSecret
            | Self::InvalidClient
            | Self::ExchangeNotAllowed
            | Self::AudienceOfAnotherClient
            | Self::AudienceOfAnotherEnvironment
            | Self::Deprecated(_) => "invalid_client",
            Self::Malformed
            | Self::Expired { .. }
            | Self::NoMatchingBinding
            | Self::TooFarAhead
            | Self::InvalidToken => "invalid_token",
            Self::Algorithm => "invalid_signature",
            Self::MetascopeNotBound | Self::NoMetascope | Self::InvalidScope => "invalid_scope",
            Self::Jti => "invalid_jti",
            Self::Claim(_) => "bad_request",
            Self::GrantTypeRequired | Self::InvalidRequest(_) => "invalid_request",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::ClientCredentialsNotAllowed => "unauthorized_client",
            Self::ScopeRequired => "invalid_target_scope",
            Self::TooManyRequests => "too_many_requests",
            Self::DeprecatedAsObserved | Self::Internal => "internal_error",
            Self::Unavailable => "temporarily_unavailable",
        }
    }

    /// The member `error_description`.
    #[must_use]
    pub fn description(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::InvalidClientId => "invalid client_id parameter",
            Self::InvalidClientSecret => "invalid client_secret parameter",
            Self::InvalidClient => "invalid client credentials",
            Self::ExchangeNotAllowed => "client not authorized for jwt exchange",
            Self::AudienceOfAnotherClient => {
                "The client_id parameter does not match the audience of the JWT."
            }
            Self::AudienceOfAnotherEnvironment => {
                "The audience of the JWT is not valid for this environment."
            }
            Self::Malformed => "JWT token is incorrectly formatted, and can not be decoded.",
            Self::Expired { exp, now } => {
                return format!("JWT token has expired. exp={exp}, now={now}").into();
            }
            Self::NoMatchingBinding => "Could not match JWT signature to any of the bindings",
            Self::Algorithm => "The JWT header algorithm is not supported.",
            Self::MetascopeNotBound => {
                "The metascopes in the JWT are not a subset of the metascopes in the binding."
            }
            Self::NoMetascope => "The JWT does not contain any metascope.",
            Self::Jti => "The jti claim is missing or was previously used.",
            Self::Claim(name) => {
                return format!("The claim {name} is missing or has the wrong format.").into();
            }
            Self::Deprecated(sentence) => return sentence.clone(),
            Self::TooFarAhead => "The JWT expiration is too far in the future.",
            Self::GrantTypeRequired => "grant_type is required",
            Self::UnsupportedGrantType => "The grant_type is not supported.",
            Self::ClientCredentialsNotAllowed => {
                "Client not authorized for client_credentials grant"
            }
            Self::ScopeRequired => "scope is required",
            Self::InvalidScope => "Invalid scope value",
            Self::InvalidRequest(problem) => return problem.description(),
            Self::TooManyRequests => {
                "Too many requests. Wait as long as Retry-After says, and reuse tokens until they expire."
            }
            Self::DeprecatedAsObserved | Self::Internal => "Please try again later",
            Self::Unavailable => "The service is not available right now. Please try again later.",
            Self::InvalidToken => "Invalid or expired token.",
        })
    }

    /// The whole body: compact JSON.
    #[must_use]
    pub fn body(&self, order: MemberOrder) -> String {
        #[derive(Serialize)]
        struct ErrorFirst<'a> {
            error: &'a str,
            error_description: &'a str,
        }
        #[derive(Serialize)]
        struct DescriptionFirst<'a> {
            error_description: &'a str,
            error: &'a str,
        }
        let (error, description) = (self.code(), self.description());
        let error_description = description.as_ref();
        match order {
            MemberOrder::ErrorFirst => serde_json::to_string(&ErrorFirst {
                error,
                error_description,
            }),
            MemberOrder::DescriptionFirst => serde_json::to_string(&DescriptionFirst {
                error_description,
                error,
            }),
        }
        .unwrap_or_default()
    }
}

impl Problem {
    fn description(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::BodyType => {
                "The body must be application/x-www-form-urlencoded or multipart/form-data."
            }
            Self::Body => "The body can not be read.",
            Self::Form(error) => return error.to_string().into(),
            Self::TwoAuthentications => {
                "Use one way to authenticate the client: the Authorization header or client_secret."
            }
            Self::Basic => "The Authorization header is not usable.",
            Self::SecretInQuery => {
                "This organization does not accept secrets in the URL. Send them in the body."
            }
            Self::TokenRequired => "token is required",
            Self::TokenType => "The token type is not supported.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<ImsError> {
        let problems = [
            Problem::BodyType,
            Problem::Body,
            Problem::Form(FormError::Repeated),
            Problem::TwoAuthentications,
            Problem::Basic,
            Problem::SecretInQuery,
            Problem::TokenRequired,
            Problem::TokenType,
        ];
        let mut all: Vec<ImsError> = problems.into_iter().map(ImsError::InvalidRequest).collect();
        all.extend([
            ImsError::InvalidClientId,
            ImsError::InvalidClientSecret,
            ImsError::InvalidClient,
            ImsError::ExchangeNotAllowed,
            ImsError::AudienceOfAnotherClient,
            ImsError::AudienceOfAnotherEnvironment,
            ImsError::Malformed,
            ImsError::Expired { exp: 1, now: 2 },
            ImsError::NoMatchingBinding,
            ImsError::Algorithm,
            ImsError::MetascopeNotBound,
            ImsError::NoMetascope,
            ImsError::Jti,
            ImsError::Claim("iss"),
            ImsError::Deprecated("ended".into()),
            ImsError::DeprecatedAsObserved,
            ImsError::TooFarAhead,
            ImsError::GrantTypeRequired,
            ImsError::UnsupportedGrantType,
            ImsError::ClientCredentialsNotAllowed,
            ImsError::ScopeRequired,
            ImsError::InvalidScope,
            ImsError::TooManyRequests,
            ImsError::Internal,
            ImsError::Unavailable,
            ImsError::InvalidToken,
        ]);
        all
    }

    #[test]
    fn texts_keep_to_the_characters_of_rfc_6749() {
        for error in all() {
            let allowed = |b: u8| matches!(b, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(error.description().bytes().all(allowed), "{error:?}");
            assert!(!error.description().is_empty() && !error.code().is_empty());
            assert!((400..=503).contains(&error.status()));
        }
    }

    #[test]
    fn the_two_member_orders() {
        let error = ImsError::InvalidClientSecret;
        assert_eq!(
            error.body(MemberOrder::ErrorFirst),
            r#"{"error":"invalid_client","error_description":"invalid client_secret parameter"}"#
        );
        assert_eq!(
            error.body(MemberOrder::DescriptionFirst),
            r#"{"error_description":"invalid client_secret parameter","error":"invalid_client"}"#
        );
    }
}
