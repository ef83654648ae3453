//! `/.well-known/oauth-authorization-server` (RFC 8414): what any OAuth client needs to know of
//! this face. Generated from what is routed; URLs come from the configured issuer, never from the
//! request.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::CLIENT_ALGORITHMS;
use countersign_wire::token::CLIENT_CREDENTIALS;
use serde_json::{Map, Value, json};

use super::{ADVERTISED, caller};
use crate::app::App;
use crate::ims::discovery::document;

pub(super) async fn metadata(State(app): State<App>) -> Response {
    let issuer = &app.authority.config().issuer;
    let mut members = Map::new();
    members.insert("issuer".to_owned(), issuer.as_str().into());
    for (name, path) in ADVERTISED {
        members.insert(name.to_owned(), format!("{issuer}{path}").into());
    }
    // Required by RFC 8414; there is no authorization endpoint, so there is no type.
    members.insert("response_types_supported".to_owned(), json!([]));
    let grants = json!([CLIENT_CREDENTIALS]);
    members.insert("grant_types_supported".to_owned(), grants);
    let algorithms = CLIENT_ALGORITHMS.map(|algorithm| algorithm.name());
    for endpoint in ["token", "introspection", "revocation"] {
        let prefix = format!("{endpoint}_endpoint_auth");
        let methods = json!(caller::METHODS);
        members.insert(format!("{prefix}_methods_supported"), methods);
        let name = format!("{prefix}_signing_alg_values_supported");
        members.insert(name, json!(algorithms));
    }
    document(&Value::Object(members))
}
