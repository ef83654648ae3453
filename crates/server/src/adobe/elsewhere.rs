//! What the original's API has for other products. Programs that ask for it are told so in the form
//! of the API, with a status that they do not try again for.

use axum::response::Response;
use axum::routing::{MethodRouter, any};
use http::StatusCode;
use serde_json::json;

use super::error::Failure;
use super::guard::{By, In};
use super::reply;
use crate::app::App;

/// Paths below an organization, and whose they are.
pub(super) const OF_ORGANIZATION: &[(&str, &str)] = &[
    ("/credentials/admin_entp", ADMIN_CONSENT),
    (
        "/credentials/admin_entp/{credential}/service/unsubscribe",
        ADMIN_CONSENT,
    ),
    ("/events/providermetadata", EVENTS),
    ("/events/providers", EVENTS),
    ("/integrations/adobeid", USER_SIGN_IN),
    ("/integrations/adobeid/{credential}", USER_SIGN_IN),
    ("/integrations/adobeid/{credential}/services", USER_SIGN_IN),
    ("/integrations/entp/masterTechnicalAccount", MASTER_ACCOUNTS),
    ("/master-service-principals-account", MASTER_ACCOUNTS),
    ("/meshes", MESH),
    ("/namespaces/{namespace}/workspace", APP_BUILDER),
    ("/policy/{credential}", QUOTAS),
    ("/policy/{credential}/usage", QUOTAS),
    ("/policy/{credential}/{service}/usage", QUOTAS),
    ("/project-plugin", PLUGINS),
    ("/projects/{project}/plugins", PLUGINS),
    ("/xp/{point}", EXTENSIONS),
    ("/xr-api/v1/app", EXTENSIONS),
];

/// Paths below a workspace, and whose they are.
pub(super) const OF_WORKSPACE: &[(&str, &str)] = &[
    ("/credentials/adobeId", USER_SIGN_IN),
    ("/credentials/admin_entp", ADMIN_CONSENT),
    ("/credentials/analytics", USER_SIGN_IN),
    ("/meshes", MESH),
    ("/meshes/describe", MESH),
    ("/meshes/{mesh}", MESH),
    ("/meshes/{mesh}/artifact", MESH),
    ("/meshes/{mesh}/sources", MESH),
    ("/meshes/{mesh}/sources/{source}", MESH),
    ("/namespace", APP_BUILDER),
];

/// Paths of no organization, and whose they are.
pub(super) const OF_NOBODY: &[(&str, &str)] = &[
    ("/console/data/org-namespace-mappings", APP_BUILDER),
    ("/console/data/services/{service}/clients", DATA),
    ("/console/data/services/{service}/organizations", DATA),
];

pub(super) const APP_BUILDER: &str = "App Builder's runtime";
const ADMIN_CONSENT: &str = "credentials with an administrator's consent";
const DATA: &str = "Adobe's reporting";
const EVENTS: &str = "I/O Events";
const EXTENSIONS: &str = "App Builder's extensions";
/// What an organization can do is told by the pages of the original, not by its API.
pub(super) const FEATURES: &str = "the list of an organization's features";
const MASTER_ACCOUNTS: &str = "master technical accounts";
const MESH: &str = "API Mesh";
const PLUGINS: &str = "UXP plugins";
const QUOTAS: &str = "Adobe's quotas";
const USER_SIGN_IN: &str = "credentials for the sign-in of users";

/// Answers every method at a path of an organization.
pub(super) fn in_organization(product: &'static str) -> MethodRouter<App> {
    any(async move |_: In| not_served(product))
}

/// Answers every method at a path of no organization.
pub(super) fn anywhere(product: &'static str) -> MethodRouter<App> {
    any(async move |_: By| not_served(product))
}

fn not_served(product: &str) -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        format!(
            "{product}: this is not served here, only organizations, projects and their server-to-server credentials are"
        ),
    )
}

/// `POST /console/organizations`.
pub(super) async fn no_new_organization(_: By) -> Failure {
    Failure::new(
        StatusCode::FORBIDDEN,
        "organizations are made by whoever runs this installation: ask for one",
    )
}

/// `GET /console/services/ims/organizations/{org}/terms`: there are none to accept, so programs need
/// not ask anybody.
pub(super) async fn terms_accepted(_: In) -> Response {
    reply::item(&json!({"accepted": true, "current": true}))
}

/// `POST` there.
pub(super) async fn accept_terms(_: In) -> Response {
    reply::item(&json!({"accepted": true}))
}

/// `GET /console/services/ims/terms`.
pub(super) async fn terms(_: By) -> Response {
    reply::item(&json!({"tc": []}))
}
