//! Who calls: the client that authenticates, or the bearer of a token.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_authority::Presented;
use countersign_wire::error::Problem;
use countersign_wire::form::{self, Params};
use countersign_wire::token::PresentedClient;
use countersign_wire::{Agent, Caller, ClientId, ClientSecret, Consumer, Network, Opaque};
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::request::Parts;
use zeroize::Zeroizing;

use crate::kit::client_ip::Source;

/// How the client showed its secret: decides the status of a refusal, where that is uniform.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Method {
    Parameters,
    Basic,
}

/// What the request says of the client, from its parameters or its Basic header; never from both
/// (RFC 6749 section 2.3).
///
/// # Errors
/// What is wrong with the request.
pub(super) fn client(parts: &Parts, params: &Params) -> Result<(Presented, Method), Problem> {
    let mut client = PresentedClient::read(params)?;
    let mut method = Method::Parameters;
    if let Some(basic) = basic(parts)? {
        if client.secret.is_some() {
            return Err(Problem::TwoAuthentications);
        }
        if client
            .id
            .as_ref()
            .is_some_and(|id| basic.id.as_ref() != Some(id))
        {
            return Err(Problem::TwoAuthentications);
        }
        (client, method) = (basic, Method::Basic);
    }
    let presented = Presented {
        client,
        assertion: None,
        source: source(parts),
        caller: caller(parts),
        secret_in_query: params.query_holds(&["client_secret", "jwt_token"]),
    };
    Ok((presented, method))
}

/// The token of the one `Authorization: Bearer` header.
pub(super) fn bearer(parts: &Parts) -> Option<Opaque> {
    let text = single_authorization(parts).ok()??;
    let (scheme, token) = text.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    is_bearer.then(|| Opaque::new(token.to_owned()))
}

/// What the request tells of the program that sent it.
pub(crate) fn caller(parts: &Parts) -> Caller {
    caller_at(source(parts), &parts.headers)
}

/// The program at `source` that sent these headers.
pub(crate) fn caller_at(source: IpAddr, headers: &HeaderMap) -> Caller {
    let agent = headers.get(USER_AGENT).map(HeaderValue::as_bytes);
    let consumer = headers.get(X_CONSUMER).map(HeaderValue::as_bytes);
    Caller {
        network: Network::of(source),
        agent: agent.map(Agent::of).unwrap_or_default(),
        consumer: consumer.and_then(Consumer::of),
    }
}

const X_CONSUMER: HeaderName = HeaderName::from_static(Consumer::HEADER);

pub(crate) fn source(parts: &Parts) -> IpAddr {
    let source = parts.extensions.get::<Source>().map(|source| source.0);
    source.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED.into())
}

fn single_authorization(parts: &Parts) -> Result<Option<&str>, Problem> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Problem::Basic),
        (Some(_), Some(_)) => Err(Problem::Basic),
    }
}

/// Client id and secret of a Basic header, where there is one.
///
/// # Errors
/// Several `Authorization` headers, or one that cannot be read.
pub(crate) fn basic(parts: &Parts) -> Result<Option<PresentedClient>, Problem> {
    let Some(text) = single_authorization(parts)? else {
        return Ok(None);
    };
    let Some((scheme, encoded)) = text.split_once(' ') else {
        return Err(Problem::Basic);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        // A bearer token is nobody's client authentication; it is simply not looked at.
        return Ok(None);
    }
    let decoded = STANDARD
        .decode(encoded.trim())
        .map(Zeroizing::new)
        .map_err(|_| Problem::Basic)?;
    let pair = std::str::from_utf8(&decoded).map_err(|_| Problem::Basic)?;
    let (id, secret) = pair.split_once(':').ok_or(Problem::Basic)?;
    let (id, secret) = (form_decoded(id), form_decoded(secret));
    let id = (!id.is_empty()).then(|| ClientId::parse(&id)).transpose();
    let secret = if secret.is_empty() {
        None
    } else {
        Some(ClientSecret::parse(&secret).ok_or(Problem::Basic)?)
    };
    Ok(Some(PresentedClient {
        id: id.map_err(|_| Problem::Basic)?,
        secret,
    }))
}

/// Both halves are form-encoded (RFC 6749 section 2.3.1), but clients exist that send them as they
/// are: what cannot be decoded is taken literally.
fn form_decoded(text: &str) -> Zeroizing<String> {
    form::decode(text).unwrap_or_else(|_| Zeroizing::new(text.to_owned()))
}
