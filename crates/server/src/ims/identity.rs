//! Userinfo, profile and organizations of a technical account. Source: `spec/ims-protocol.md` 4.5,
//! 4.6; what is said of a technical account there is our choice.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use countersign_authority::Identity;
use http::request::Parts;
use serde_json::{Map, Value, json};

use super::error::Failure;
use super::{caller, reply};
use crate::app::App;
use crate::kit::problem::Problem;

/// `GET /ims/userinfo/v2`.
pub(super) async fn userinfo(State(app): State<App>, parts: Parts) -> Result<Response, Failure> {
    let identity = identify(&app, &parts).await?;
    let mut body = Map::new();
    body.insert("sub".to_owned(), identity.account_id.as_str().into());
    body.insert("account_type".to_owned(), "ent".into());
    if may(&identity, &["email", "AdobeID"]) {
        body.insert("email".to_owned(), identity.email.as_str().into());
        body.insert("email_verified".to_owned(), true.into());
    }
    if may(&identity, &["profile", "AdobeID"]) {
        body.insert("name".to_owned(), identity.name.as_str().into());
    }
    Ok(reply::json(&body))
}

/// `GET` or `POST /ims/profile/v1`.
pub(super) async fn profile(State(app): State<App>, parts: Parts) -> Result<Response, Failure> {
    let identity = identify(&app, &parts).await?;
    let mut body = json!({
        "userId": identity.account_id,
        "name": identity.name,
        "displayName": identity.name,
        "first_name": identity.name,
        "last_name": "",
        "email": identity.email,
        "emailVerified": "true",
        "countryCode": "US",
        "preferred_languages": null,
        "account_type": "ent",
        "mrktPerm": "",
        "mrktPermEmail": null,
    });
    if let Value::Object(members) = &mut body {
        if may(&identity, &["additional_info.roles"]) {
            members.insert("roles".to_owned(), json!([]));
        }
        if may(&identity, &["additional_info.projectedProductContext"]) {
            members.insert(
                "projectedProductContext".to_owned(),
                product_context(&identity),
            );
        }
    }
    Ok(reply::json(&body))
}

/// `GET /ims/organizations/v6` and `v5`.
pub(super) async fn organizations(
    State(app): State<App>,
    parts: Parts,
) -> Result<Response, Failure> {
    let identity = identify(&app, &parts).await?;
    let mut organization = organization_of(&identity);
    organization["groups"] = json!([]);
    Ok(reply::json(&[organization]))
}

/// `GET /ims/organizations/{org}/v2`: the token's own organization; every other one is unknown.
pub(super) async fn organization(
    State(app): State<App>,
    Path(org): Path<String>,
    parts: Parts,
) -> Result<Response, Failure> {
    let identity = identify(&app, &parts).await?;
    if org != identity.org_id.as_str() && org != identity.org_id.ident() {
        return Ok(Problem::NOT_FOUND.into_response());
    }
    Ok(reply::json(&organization_of(&identity)))
}

async fn identify(app: &App, parts: &Parts) -> Result<Identity, Failure> {
    let token = caller::bearer(parts).ok_or_else(Failure::no_bearer)?;
    app.authority
        .identify(token.expose())
        .await
        .map_err(|error| Failure::bearer(&error))
}

fn organization_of(identity: &Identity) -> Value {
    json!({
        "orgName": identity.org_name,
        "orgRef": { "ident": identity.org_id.ident(), "authSrc": "AdobeOrg" },
        "orgType": "Enterprise",
        "countryCode": "US",
    })
}

/// One product context for each `read_pc.<serviceCode>` that the token has.
fn product_context(identity: &Identity) -> Value {
    let contexts = identity
        .scopes
        .iter()
        .filter_map(|s| s.as_str().strip_prefix("read_pc."));
    contexts
        .map(|code| {
            json!({ "prodCtx": {
                "statusCode": "ACTIVE",
                "serviceCode": code,
                "owningEntity": identity.org_id,
                "organization_id": identity.org_numeric_id,
                "serviceLevel": "standard",
            }})
        })
        .collect()
}

fn may(identity: &Identity, scopes: &[&str]) -> bool {
    identity
        .scopes
        .iter()
        .any(|scope| scopes.contains(&scope.as_str()))
}
