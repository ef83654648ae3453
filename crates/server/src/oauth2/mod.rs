//! The standard face: any OAuth client, ordinary JWT middleware. The RFCs win here.
//!
//! Sources: RFC 6749, 7009, 7523, 7662, 8414, 8707, 9068; `spec/security.md` sections 1, 2, 7, 8.

use axum::Router;
use axum::routing::{get, post};
use countersign_wire::oauth::TOKEN_PATH;

use crate::app::App;
use crate::ims::keys;

mod caller;
mod error;
mod introspect;
mod metadata;
mod revoke;
mod token;

const INTROSPECTION_PATH: &str = "/oauth2/introspect";
const REVOCATION_PATH: &str = "/oauth2/revoke";
const KEYS_PATH: &str = "/oauth2/keys";
const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

/// What the metadata document says of paths: what is routed here is what is advertised.
const ADVERTISED: [(&str, &str); 4] = [
    ("token_endpoint", TOKEN_PATH),
    ("introspection_endpoint", INTROSPECTION_PATH),
    ("revocation_endpoint", REVOCATION_PATH),
    ("jwks_uri", KEYS_PATH),
];

/// All routes of the face.
pub fn routes(app: App) -> Router {
    Router::new()
        .route(TOKEN_PATH, post(token::token))
        .route(INTROSPECTION_PATH, post(introspect::introspect))
        .route(REVOCATION_PATH, post(revoke::revoke))
        .route(KEYS_PATH, get(keys::key_set))
        .route(METADATA_PATH, get(metadata::metadata))
        .with_state(app)
}
