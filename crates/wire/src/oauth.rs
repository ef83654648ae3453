//! The standard face: `/oauth2/*`. Sources: RFC 6749, 7009, 7523, 7662, 8707.

use serde::Serialize;

use crate::claims::Audience;
use crate::error::{ImsError, Problem};
use crate::form::{FormError, Params};
use crate::id::ClientId;
use crate::scope::{ScopeError, ScopeSet};
use crate::time::Seconds;
use crate::token::{CLIENT_CREDENTIALS, TokenRequest};

/// Path of the token endpoint; with the issuer before it, an audience of client assertions.
pub const TOKEN_PATH: &str = "/oauth2/token";

/// `client_assertion_type` of `private_key_jwt` (RFC 7523 section 2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A refusal as the caller sees it. Nothing that was sent is repeated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OAuthError {
    /// The request cannot be read, or lacks something (RFC 6749 section 5.2).
    InvalidRequest(Problem),
    /// There is a parameter in the URL.
    InQuery,
    /// There is no `grant_type`.
    GrantTypeRequired,
    /// The client is not believed; nobody is told why.
    InvalidClient,
    /// The credential has no OAuth half.
    UnauthorizedClient,
    /// A scope that is malformed or not granted.
    InvalidScope,
    /// A `resource` that is no absolute URI (RFC 8707 section 2).
    InvalidTarget,
    /// Another grant than client credentials.
    UnsupportedGrantType,
    /// 429.
    TooManyRequests,
    /// 500.
    ServerError,
    /// 503: overload, or something we depend on is away.
    TemporarilyUnavailable,
}

impl OAuthError {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            Self::TooManyRequests => 429,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidRequest(_)
            | Self::InQuery
            | Self::GrantTypeRequired
            | Self::UnauthorizedClient
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::UnsupportedGrantType => 400,
        }
    }

    /// The member `error`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) | Self::InQuery | Self::GrantTypeRequired => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::TooManyRequests => "too_many_requests",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// The whole body: compact JSON.
    #[must_use]
    pub fn body(self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a str,
            error_description: &'a str,
        }
        let body = Body {
            error: self.code(),
            error_description: &self.description(),
        };
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// The member `error_description`.
    #[must_use]
    pub fn description(self) -> std::borrow::Cow<'static, str> {
        match self {
            Self::InvalidRequest(Problem::BodyType) => {
                "The body must be application/x-www-form-urlencoded.".into()
            }
            Self::InvalidRequest(problem) => ImsError::InvalidRequest(problem).description(),
            Self::InQuery => "Parameters must be in the body, not in the URL.".into(),
            Self::GrantTypeRequired => ImsError::GrantTypeRequired.description(),
            Self::InvalidClient => "Client authentication failed.".into(),
            Self::UnauthorizedClient => {
                "The client may not use the client_credentials grant.".into()
            }
            Self::InvalidScope => {
                "The scope is malformed or not granted. Scopes are separated by single blanks."
                    .into()
            }
            Self::InvalidTarget => "A resource must be an absolute URI without a fragment.".into(),
            Self::UnsupportedGrantType => "The grant_type is not supported.".into(),
            Self::TooManyRequests => ImsError::TooManyRequests.description(),
            Self::ServerError => "Please try again later.".into(),
            Self::TemporarilyUnavailable => ImsError::Unavailable.description(),
        }
    }
}

impl TokenRequest {
    /// Reads the parameters of a token request to the standard face; `client` is what the request
    /// authenticates with.
    ///
    /// # Errors
    /// [`OAuthError`], in the order of the parameters.
    pub fn read_standard(params: &Params) -> Result<Self, OAuthError> {
        match params.get("grant_type") {
            None => return Err(OAuthError::GrantTypeRequired),
            Some(CLIENT_CREDENTIALS) => {}
            Some(_) => return Err(OAuthError::UnsupportedGrantType),
        }
        let scope = params.get("scope").map(ScopeSet::parse_blank_separated);
        let scope = scope.transpose().map_err(|error| match error {
            ScopeError::Character => OAuthError::InvalidScope,
            ScopeError::TooLong => OAuthError::InvalidRequest(FormError::TooLong.into()),
        })?;
        let resources: Vec<String> = params.all("resource").map(str::to_owned).collect();
        if !resources.iter().all(|resource| is_absolute(resource)) {
            return Err(OAuthError::InvalidTarget);
        }
        Ok(Self { scope, resources })
    }
}

/// An absolute URI as far as RFC 8707 section 2 asks: a scheme, something behind it, no fragment,
/// and none of the characters that no URI has.
fn is_absolute(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let in_scheme = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    let in_uri = |b: u8| b.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&b);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(in_scheme)
        && !rest.is_empty()
        && rest.bytes().all(in_uri)
}

/// The answer of the token endpoint (RFC 6749 section 5.1).
#[derive(Debug, Serialize)]
pub struct TokenReply {
    /// The access token.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// What is left of the token's life, in **seconds**.
    pub expires_in: Seconds,
    /// What it was issued for, separated by blanks.
    pub scope: String,
}

impl TokenReply {
    /// The reply as compact JSON; nothing in it can need escaping, as in
    /// [`TokenReply::to_json`](crate::token::TokenReply::to_json) of the other face.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Self {
            access_token,
            token_type,
            expires_in: Seconds(left),
            scope,
        } = self;
        format!(
            r#"{{"access_token":"{access_token}","token_type":"{token_type}","expires_in":{left},"scope":"{scope}"}}"#
        )
    }
}

/// What introspection says of a token that holds (RFC 7662 section 2.2). Of every other one it
/// says [`INACTIVE`] and nothing else.
#[derive(Debug, Serialize)]
pub struct Introspection {
    /// Always true.
    pub active: bool,
    /// Scopes, separated by blanks.
    pub scope: String,
    /// Whose token it is.
    pub client_id: ClientId,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// Seconds since 1970.
    pub exp: i64,
    /// Seconds since 1970.
    pub iat: i64,
    /// Technical account id.
    pub sub: String,
    /// Who may accept it; an IMS token need not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<Audience>,
    /// Our issuer.
    pub iss: String,
    /// The token's id.
    pub jti: String,
    /// Organization id; our addition.
    pub org_id: String,
}

/// What introspection says of a token that does not hold, or is none of the caller's business.
pub const INACTIVE: &str = r#"{"active":false}"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Place;

    #[test]
    fn resources_are_absolute_and_without_a_fragment() {
        for text in ["https://api.example/v1?x=1", "urn:x:y", "a:b"] {
            assert!(is_absolute(text), "{text}");
        }
        for text in [
            "",
            "api.example",
            "//api.example",
            "https:",
            "https://a#b",
            "1a:b",
            "https://a b",
            "https://\u{e4}",
        ] {
            assert!(!is_absolute(text), "{text}");
        }
    }

    #[test]
    fn requests_are_read_strictly() {
        let read = |body: &str| {
            let mut params = Params::default();
            params.read(Place::Body, body).expect("well-formed");
            TokenRequest::read_standard(&params).map(|_| ())
        };
        let table = [
            ("scope=a", Err(OAuthError::GrantTypeRequired)),
            ("grant_type=password", Err(OAuthError::UnsupportedGrantType)),
            (
                "grant_type=client_credentials&scope=a,b",
                Err(OAuthError::InvalidScope),
            ),
            (
                "grant_type=client_credentials&resource=api",
                Err(OAuthError::InvalidTarget),
            ),
            (
                "grant_type=client_credentials&resource=https://a&resource=https://b&scope=a+b",
                Ok(()),
            ),
            ("grant_type=client_credentials", Ok(())),
        ];
        for (body, expected) in table {
            assert_eq!(read(body), expected, "{body}");
        }
    }
}
