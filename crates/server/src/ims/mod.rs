//! The IMS face: wire compatibility wins over the purity of the RFCs.
//!
//! Source: `spec/ims-protocol.md` sections 1 to 4.

use axum::Router;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use crate::app::App;

pub(crate) mod caller;
pub(crate) mod discovery;
mod error;
mod exchange;
mod identity;
pub(crate) mod keys;
pub(crate) mod params;
pub(crate) mod reply;
mod revoke;
mod token;
mod validate;

/// How closely answers keep to the original where a better one exists.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compatibility {
    /// One text for unknown clients and wrong secrets, and 401 under Basic: callers learn less,
    /// but some clients of the original compare the two texts.
    pub uniform_client_errors: bool,
    /// Answers an exchange of a migrated credential as the original was seen to: 500
    /// `internal_error`. It invites retries, so it is off.
    pub migrated_as_observed: bool,
}

/// All routes of the face. Both spellings of a path that real clients use are routes of their
/// own: a redirect would lose the request's body.
pub fn routes(app: App) -> Router {
    Router::new()
        .route("/ims/exchange/jwt", post(exchange::exchange))
        .route("/ims/exchange/jwt/", post(exchange::exchange))
        .route("/ims/exchange/v1/jwt", post(exchange::exchange))
        .route("/ims/exchange/v1/jwt/", post(exchange::exchange))
        .route("/ims/token/v1", post(token::v3))
        .route("/ims/token/v1/", post(token::v3))
        .route("/ims/token/v2", post(token::v2))
        .route("/ims/token/v2/", post(token::v2))
        .route("/ims/token/v3", post(token::v3))
        .route("/ims/token/v3/", post(token::v3))
        .route("/ims/token/v4", post(token::v3))
        .route("/ims/token/v4/", post(token::v3))
        .route(
            "/ims/validate_token/v1",
            get(validate::validate).post(validate::validate),
        )
        .route(
            "/ims/validate_token/v1/",
            get(validate::validate).post(validate::validate),
        )
        .route("/ims/revoke", post(revoke::revoke))
        .route("/ims/revoke/", post(revoke::revoke))
        .route("/ims/invalidate_token/v2", post(revoke::invalidate))
        .route("/ims/invalidate_token/v2/", post(revoke::invalidate))
        .route(
            "/ims/userinfo/v1",
            get(identity::userinfo).post(identity::userinfo),
        )
        .route(
            "/ims/userinfo/v2",
            get(identity::userinfo).post(identity::userinfo),
        )
        .route(
            "/ims/profile/v1",
            get(identity::profile).post(identity::profile),
        )
        .route("/ims/organizations/v5", get(identity::organizations))
        .route("/ims/organizations/v6", get(identity::organizations))
        .route("/ims/organizations/{org}/v2", get(identity::organization))
        .route("/ims/keys", get(keys::key_set))
        .route("/keys/{environment}/{file}", get(keys::certificate))
        .route(
            "/ims/.well-known/openid-configuration",
            get(discovery::openid),
        )
        .route("/.well-known/openid-configuration", get(discovery::openid))
        .with_state(app)
}
