//! Reads a request strictly: one body, of one type, nothing in the URL, one way to authenticate.

use bytes::Bytes;
use countersign_authority::{AuthenticatedClient, Presented};
use countersign_wire::Opaque;
use countersign_wire::error::Problem;
use countersign_wire::form::{FormError, Params, Place};
use countersign_wire::oauth::{JWT_BEARER, OAuthError};
use countersign_wire::token::PresentedClient;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;

use super::error::Failure;
use crate::app::App;
use crate::ims::caller::{basic, caller, source};
use crate::ims::params::is_utf8;

/// How clients may authenticate, as the metadata document says it: what [`client`] reads.
pub(super) const METHODS: [&str; 3] = [
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
];

/// Reads the parameters of a request, all of which are in its urlencoded body.
///
/// # Errors
/// What is wrong with the request.
pub(super) fn params(parts: &Parts, body: &Bytes) -> Result<Params, Failure> {
    if parts.uri.query().is_some_and(|query| !query.is_empty()) {
        return Err(Failure::of(OAuthError::InQuery));
    }
    if !is_urlencoded(parts) {
        return Err(Failure::request(Problem::BodyType));
    }
    let text = std::str::from_utf8(body);
    let text = text.map_err(|_| Failure::request(FormError::Encoding.into()))?;
    let mut params = Params::default();
    let read = params.read(Place::Body, text);
    read.map_err(|error| Failure::request(error.into()))?;
    Ok(params)
}

fn is_urlencoded(parts: &Parts) -> bool {
    let mut types = parts.headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    let Ok(only) = only.to_str() else {
        return false;
    };
    let (kind, rest) = only.split_once(';').unwrap_or((only, ""));
    let kind = kind.trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") && is_utf8(rest)
}

/// What the request says of its client, in exactly one of the [`METHODS`].
///
/// # Errors
/// What is wrong with the request. Whether the client is believed is decided elsewhere.
pub(super) fn client(parts: &Parts, params: &Params) -> Result<Presented, Failure> {
    let named = PresentedClient::read(params);
    let named = named.map_err(|error| Failure::request(error.into()))?;
    let basic = basic(parts).map_err(Failure::request)?;
    if basic.is_none() && parts.headers.contains_key(AUTHORIZATION) {
        let detail = "the Authorization header is not of the scheme Basic";
        return Err(Failure::of(OAuthError::InvalidClient).because(detail));
    }
    let assertion = assertion(params)?;
    let shown = [basic.is_some(), named.secret.is_some(), assertion.is_some()];
    if shown.into_iter().filter(|shown| *shown).count() > 1 {
        return Err(Failure::request(Problem::TwoAuthentications));
    }
    let client = match basic {
        Some(basic) if named.id.is_some() && named.id != basic.id => {
            return Err(Failure::request(Problem::TwoAuthentications));
        }
        Some(basic) => basic,
        None => named,
    };
    Ok(Presented {
        client,
        assertion,
        source: source(parts),
        caller: caller(parts),
        secret_in_query: false,
    })
}

/// RFC 7521 section 4.2.
fn assertion(params: &Params) -> Result<Option<Opaque>, Failure> {
    let assertion = params.get("client_assertion");
    match (params.get("client_assertion_type"), assertion) {
        (None, None) => Ok(None),
        (Some(JWT_BEARER), Some(assertion)) => Ok(Some(Opaque::new(assertion.to_owned()))),
        (Some(_), Some(_)) => Err(Failure::of(OAuthError::InvalidClient)
            .because("the client_assertion_type is not that of a JWT")),
        (Some(_), None) | (None, Some(_)) => Err(Failure::of(OAuthError::InvalidClient)
            .because("client_assertion and client_assertion_type belong together")),
    }
}

/// The client that authenticates, and the token it asks about: what introspection and revocation
/// begin with.
pub(super) async fn with_token(
    app: &App,
    parts: &Parts,
    body: &Bytes,
) -> Result<(AuthenticatedClient, Opaque, Presented), Failure> {
    let params = params(parts, body)?;
    let presented = client(parts, &params)?;
    let client = app
        .authority
        .authenticate(&presented)
        .await
        .map_err(|error| Failure::client(&error).by(&presented))?;
    let token = params
        .get("token")
        .ok_or_else(|| Failure::request(Problem::TokenRequired).by(&presented))?;
    Ok((client, Opaque::new(token.to_owned()), presented))
}
