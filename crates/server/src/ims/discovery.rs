//! What a client can find out by itself. Everything that is advertised works, and URLs come from
//! the configured issuer, never from the request. Source: `spec/ims-protocol.md` 1.7, RFC 8414.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use countersign_wire::token::CLIENT_CREDENTIALS;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Value, json};

use crate::app::App;
use crate::kit::problem::JSON;

/// `/.well-known/openid-configuration`, also below `/ims`: the original's place.
pub(super) async fn openid(State(app): State<App>) -> Response {
    let mut metadata = metadata(&app);
    let issuer = &app.authority.config().issuer;
    metadata["userinfo_endpoint"] = format!("{issuer}/ims/userinfo/v2").into();
    metadata["subject_types_supported"] = json!(["public"]);
    metadata["id_token_signing_alg_values_supported"] = json!(["RS256"]);
    metadata["claims_supported"] =
        json!(["sub", "name", "email", "email_verified", "account_type"]);
    document(&metadata)
}

fn metadata(app: &App) -> Value {
    let issuer = &app.authority.config().issuer;
    let authentication = ["client_secret_basic", "client_secret_post"];
    json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/ims/token/v3"),
        "revocation_endpoint": format!("{issuer}/ims/revoke"),
        "jwks_uri": format!("{issuer}/ims/keys"),
        // Required by RFC 8414; there is no authorization endpoint, so there is no type.
        "response_types_supported": [],
        "grant_types_supported": [CLIENT_CREDENTIALS],
        "token_endpoint_auth_methods_supported": authentication,
        "revocation_endpoint_auth_methods_supported": authentication,
        "scopes_supported": ["openid", "email", "profile"],
    })
}

/// A document that clients may keep for five minutes.
pub(crate) fn document(body: &Value) -> Response {
    let life = HeaderValue::from_static("public, max-age=300");
    (
        [(CACHE_CONTROL, life), (CONTENT_TYPE, JSON)],
        body.to_string(),
    )
        .into_response()
}
