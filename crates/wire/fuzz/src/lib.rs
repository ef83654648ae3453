//! One call each: what the fuzzer runs, and what ordinary tests replay the corpus with.

use countersign_wire::exchange::ExchangeRequest;
use countersign_wire::form::{Params, Place};
use countersign_wire::token::{PresentedClient, TokenRequest};
use countersign_wire::{
    CanonicalPath, ClientSecret, OrgId, ScopeSet, TechnicalAccountId, Timestamp,
};

/// A query, a line break, a body: read as both requests.
pub fn form(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (query, body) = text.split_once('\n').unwrap_or((text, ""));
    let mut params = Params::default();
    if params.read(Place::Query, query).is_err() || params.read(Place::Body, body).is_err() {
        return;
    }
    _ = PresentedClient::read(&params);
    _ = TokenRequest::read(&params);
    _ = ExchangeRequest::read(&params);
}

/// The path of a request: its canonical form is its own canonical form.
pub fn path(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(path) = CanonicalPath::parse(text) {
        assert_eq!(CanonicalPath::parse(path.as_str()), Ok(path));
    }
}

/// Everything else that is parsed from text.
pub fn text(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(scopes) = ScopeSet::parse(text) {
        assert_eq!(ScopeSet::parse(&scopes.to_string()), Ok(scopes));
    }
    _ = OrgId::parse(text).map(|id| id.ident().to_owned());
    _ = TechnicalAccountId::parse(text);
    _ = text.parse::<Timestamp>().map(|at| at.http_date());
    if let Some(secret) = ClientSecret::parse(text) {
        _ = (secret.shape(), secret.hint());
    }
    _ = serde_json::from_str::<countersign_wire::service_credentials::ServiceCredentials>(text);
}
