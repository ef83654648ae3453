//! The service catalogue, and which services a credential may use.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use countersign_authority::ManageError;
use countersign_model::Subscription;
use countersign_wire::ServiceCode;
use countersign_wire::management as wire;
use serde::Deserialize;

use super::error::Failure;
use super::guard::In;
use super::place::{self, CredentialInWorkspace, OfCredential, ServiceOfCredential};
use super::request::{Body, Ids, Query};
use super::{reply, view};
use crate::app::App;

/// `GET …/services`
pub(super) async fn list(
    State(app): State<App>,
    at: In,
    query: Query,
) -> Result<Response, Failure> {
    Ok(reply::item(&offered(&app, &at, &query).await?))
}

/// `GET …/services/v2`
pub(super) async fn list_v2(
    State(app): State<App>,
    at: In,
    query: Query,
) -> Result<Response, Failure> {
    let services = offered(&app, &at, &query).await?;
    Ok(reply::item(&wire::ServicesOfOrganization {
        org_code: at.org.id,
        sdk_codes: query.get("sdkCodes").map(str::to_owned),
        services,
    }))
}

async fn offered(app: &App, at: &In, query: &Query) -> Result<Vec<wire::Service>, Failure> {
    let wanted: Option<Vec<_>> = query
        .get("sdkCodes")
        .map(|codes| codes.split(',').collect());
    let offered = app.authority.offered_services(&at.org.id, &at.by).await?;
    let offered = offered.iter().filter(|one| {
        let wanted = wanted.as_ref();
        wanted.is_none_or(|wanted| wanted.contains(&one.service.code.as_str()))
    });
    Ok(offered.map(view::service).collect())
}

/// `PUT …/services` of a credential: these and no others.
pub(super) async fn replace(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
    Body(body): Body<Vec<wire::ServiceRequest>>,
) -> Result<Response, Failure> {
    place::credential(&app, &at, &ids.credential).await?;
    let wanted = subscriptions(body)?;
    let changed = app
        .authority
        .set_subscriptions(&ids.credential, wanted, &at.by)
        .await?;
    Ok(reply::item(&view::subscribed(&changed)))
}

/// `PUT …/workspaces/{wid}/credentials/{credentialType}/{cid}/services`. The description has a list
/// here; the original answers with what it would hold.
pub(super) async fn replace_in_workspace(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<CredentialInWorkspace>,
    Body(body): Body<Vec<wire::ServiceRequest>>,
) -> Result<Response, Failure> {
    place::credential_in(&app, &at, &ids).await?;
    let wanted = subscriptions(body)?;
    let changed = app
        .authority
        .set_subscriptions(&ids.credential, wanted, &at.by)
        .await?;
    let sdk_list = view::subscribed(&changed).sdk_list;
    Ok(reply::item(&serde_json::json!({ "sdkList": sdk_list })))
}

/// `…/service/subscribe`: this one, too.
pub(super) async fn subscribe(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
    Body(body): Body<wire::ServiceRequest>,
) -> Result<Response, Failure> {
    place::credential(&app, &at, &ids.credential).await?;
    let changed = app
        .authority
        .subscribe(&ids.credential, subscription(body)?, &at.by)
        .await?;
    Ok(reply::item(&view::subscribed(&changed)))
}

/// `GET …/integrations/entp/{intId}/service/{sdkCode}/properties`: the product profiles of a service,
/// and which of them the credential uses it through.
pub(super) async fn properties(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<ServiceOfCredential>,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &at, &ids.credential).await?;
    let service = app.authority.catalogue().find(&ids.service);
    let service = service.ok_or_else(|| ManageError::NoService(ids.service.clone()))?;
    let mut profiles = app.authority.list_profiles(&at.org.id, &at.by).await?;
    profiles.retain(|profile| profile.service == service.code);
    let properties = view::service_of_credential(service, &profiles, &found);
    Ok(reply::item(&properties))
}

/// Which service to take away.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Unwanted {
    sdk_code: ServiceCode,
}

/// `…/service/unsubscribe`: this one no more.
pub(super) async fn unsubscribe(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
    Body(body): Body<Unwanted>,
) -> Result<Response, Failure> {
    place::credential(&app, &at, &ids.credential).await?;
    let changed = app
        .authority
        .unsubscribe(&ids.credential, &body.sdk_code, &at.by)
        .await?;
    Ok(reply::item(&view::subscribed(&changed)))
}

/// What was asked for, in the words of the model.
pub(super) fn subscriptions(body: Vec<wire::ServiceRequest>) -> Result<Vec<Subscription>, Failure> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = body.iter().find(|one| !seen.insert(&one.sdk_code)) {
        let code = &twice.sdk_code;
        return Err(Failure::request(format!(
            "service `{code}` is there twice: name it once, with all its product profiles"
        )));
    }
    body.into_iter().map(subscription).collect()
}

fn subscription(request: wire::ServiceRequest) -> Result<Subscription, Failure> {
    let mut profiles = Vec::new();
    for license in request.license_configs.unwrap_or_default() {
        match license.op.as_deref() {
            None | Some("add") => profiles.push(license.id),
            Some("remove" | "delete") => {}
            Some(_) => return Err(Failure::request("`op` is `add` or `remove`")),
        }
    }
    Ok(Subscription {
        service: request.sdk_code,
        profiles,
    })
}
