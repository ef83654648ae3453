//! Reads a request's claims, each from exactly one place, and refuses what can be read in two ways
//! (GWY-01, GWY-02, GWY-06, GWY-16).

use countersign_authority::Authorization;
use countersign_model::CheckedService;
use countersign_wire::form;
use countersign_wire::gateway;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::header;
use http::request::Parts;
use zeroize::Zeroizing;

use super::error::Refusal;
use super::hygiene;

/// What a request says of its caller. Nothing of it is believed yet.
pub(crate) struct Claims {
    key_in_query: Option<Zeroizing<String>>,
    token_in_query: Option<Zeroizing<String>>,
    /// The query to forward: without what was read from it.
    pub(super) query: Query,
}

/// What of a request's query goes on.
pub(super) enum Query {
    /// All of it.
    AsItIs,
    /// So much.
    Rest(String),
}

impl Claims {
    /// Looks through the head of a request to `service`.
    pub(crate) fn read(head: &Parts, service: &CheckedService) -> Result<Self, Refusal> {
        refuse_upgrade(&head.headers)?;
        refuse_doubles(&head.headers, service)?;
        refuse_stripping(&head.headers, service)?;
        let mut claims = Self {
            key_in_query: None,
            token_in_query: None,
            query: Query::AsItIs,
        };
        if service.api_key_in_query || service.token_in_query {
            claims.read_query(head, service)?;
        }
        Ok(claims)
    }

    /// The API key, from its header or, where the service takes that, from the query.
    pub(crate) fn api_key<'a>(&'a self, headers: &'a HeaderMap) -> Option<&'a str> {
        let header = headers.get(X_API_KEY);
        // Bytes that are no text are nobody's client id; neither is this.
        let header = header.map(|value| value.to_str().unwrap_or("?"));
        header.or(self.key_in_query.as_ref().map(|key| key.as_str()))
    }

    /// The bearer token, likewise.
    pub(crate) fn authorization<'a>(&'a self, headers: &'a HeaderMap) -> Authorization<'a> {
        match (headers.get(header::AUTHORIZATION), &self.token_in_query) {
            (Some(value), _) => text(value).map_or(Authorization::OtherScheme, bearer),
            (None, Some(token)) => Authorization::Bearer(token),
            (None, None) => Authorization::Absent,
        }
    }

    fn read_query(&mut self, head: &Parts, service: &CheckedService) -> Result<(), Refusal> {
        let mut rest = Vec::new();
        for pair in head.uri.query().unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match form::decode(name).as_ref().map(|name| name.as_str()) {
                Ok(API_KEY) if service.api_key_in_query => &mut self.key_in_query,
                Ok(USER_TOKEN) if service.token_in_query => &mut self.token_in_query,
                _ => {
                    rest.push(pair);
                    continue;
                }
            };
            let value = form::decode(value).map_err(|_| Refusal::Ambiguous("the query"))?;
            if place.replace(value).is_some() {
                return Err(Refusal::Ambiguous("the query"));
            }
        }
        let twice = |name: &str, in_query: bool| in_query && head.headers.contains_key(name);
        if twice(gateway::API_KEY, self.key_in_query.is_some()) {
            return Err(Refusal::Ambiguous(gateway::API_KEY));
        }
        if twice(AUTHORIZATION, self.token_in_query.is_some()) {
            return Err(Refusal::Ambiguous(AUTHORIZATION));
        }
        if self.key_in_query.is_some() || self.token_in_query.is_some() {
            self.query = Query::Rest(rest.join("&"));
        }
        Ok(())
    }
}

/// `Bearer`, in any case, one blank, and a token (RFC 6750 section 2.1).
fn bearer(value: &str) -> Authorization<'_> {
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Authorization::Bearer(token)
        }
        _ => Authorization::OtherScheme,
    }
}

/// [`HeaderValue::to_str`], which takes a long token byte by byte. No header's value has a control
/// character.
fn text(value: &HeaderValue) -> Option<&str> {
    let bytes = value.as_bytes();
    match bytes.is_ascii() {
        true => std::str::from_utf8(bytes).ok(),
        false => None,
    }
}

/// A protocol that we do not speak cannot be checked. `h2c` is an offer that may be passed over
/// (RFC 9110 7.8), and common clients make it with every first request.
fn refuse_upgrade(headers: &HeaderMap) -> Result<(), Refusal> {
    let offers = headers.get_all(header::UPGRADE).iter();
    let harmless = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"h2c");
    match offers.into_iter().all(harmless) {
        true => Ok(()),
        false => Err(Refusal::Upgrade),
    }
}

/// Headers that decide must be there at most once, equal or not: the next reader may take the
/// other one (CVE-2020-25017).
fn refuse_doubles(headers: &HeaderMap, service: &CheckedService) -> Result<(), Refusal> {
    // There are as many names as values: nothing is doubled.
    if headers.keys_len() == headers.len() {
        return Ok(());
    }
    let doubled = |name: &&str| headers.get_all(*name).iter().nth(1).is_some();
    let always = [AUTHORIZATION, gateway::API_KEY, gateway::ORGANIZATION];
    if let Some(name) = always.iter().find(|name| doubled(name)) {
        return Err(Refusal::Ambiguous(name));
    }
    let required = service.required_headers().iter();
    match required.map(|header| header.name.as_str()).find(doubled) {
        Some(_) => Err(Refusal::Ambiguous("a required header")),
        None => Ok(()),
    }
}

/// `Connection` can name headers to be removed on the way: none of those that anybody decides by
/// (CVE-2024-45410).
fn refuse_stripping(headers: &HeaderMap, service: &CheckedService) -> Result<(), Refusal> {
    if !headers.contains_key(header::CONNECTION) {
        return Ok(());
    }
    let decides = |name: &str| {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let required = service.required_headers();
        is(AUTHORIZATION)
            || is(gateway::API_KEY)
            || is(gateway::ORGANIZATION)
            || gateway::IDENTITY.iter().any(|other| is(other))
            || required.iter().any(|header| is(&header.name))
    };
    match hygiene::named_by_connection(headers).any(decides) {
        true => Err(Refusal::Stripping),
        false => Ok(()),
    }
}

pub(super) const X_API_KEY: HeaderName = HeaderName::from_static(gateway::API_KEY);
const AUTHORIZATION: &str = "authorization";
/// Parameters of the query (`spec/ims-protocol.md` 8.1).
const API_KEY: &str = "api_key";
const USER_TOKEN: &str = "user_token";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_has_one_blank_before_it() {
        for text in [
            "Bearer a.b-c_d~e+f/g==",
            "bearer abc",
            "BEARER abc",
            "Bearer  a",
        ] {
            let token = text.split_once(' ').unwrap().1;
            assert_eq!(bearer(text), Authorization::Bearer(token), "{text}");
        }
        for text in ["", "Bearer", "Basic abc", "Bearer\tabc", "Bearerabc"] {
            assert_eq!(bearer(text), Authorization::OtherScheme, "{text}");
        }
    }
}
