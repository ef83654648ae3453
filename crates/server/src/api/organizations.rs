//! Organizations, and what belongs to an organization as a whole.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{NewOrganization, OrganizationChange};
use countersign_model::{Quarantine, ReplayPolicy, SecretsInQuery};
use countersign_wire::{OrgId, ServiceCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::{InOrganization, Paged};
use super::reply::{self, List, Paging};
use super::request::{Body, By, Ids, IfMatch, Query};
use super::view::{OfferedView, OrganizationView, ProfileView, ServiceView};
use crate::app::App;

/// An organization to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewOrganizationBody {
    /// 1 to 100 characters.
    name: String,
}

/// What to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationBody {
    name: Option<String>,
    /// `allow`, `once_if_jti` or `require_jti`.
    replay: Option<String>,
    /// `accept` or `refuse`.
    secrets_in_query: Option<String>,
    /// How long a disabled JWT half can be restored, 1 to 365 days; 0 is as the installation says.
    quarantine_days: Option<u32>,
    /// For the operator only.
    enabled: Option<bool>,
}

/// A product profile to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProfileBody {
    /// Code of the service.
    #[schema(value_type = String)]
    service: ServiceCode,
    name: String,
}

/// The organizations that the caller may know of
#[utoipa::path(get, path = "/api/v1/organizations", tag = "organizations", params(Paged),
    responses((status = 200, body = List<OrganizationView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    mut query: Query,
) -> Result<Response, Failure> {
    let paging = Paging::read(&app, &mut query, format!("organizations of {}", by.name()))?;
    query.finish()?;
    let found = app.authority.list_organizations(&paging.page, &by).await?;
    paging.answer(
        &app,
        found,
        |org| org.id.as_str(),
        |org| OrganizationView::from(org),
    )
}

/// Make an organization: for the operator
#[utoipa::path(post, path = "/api/v1/organizations", tag = "organizations", request_body = NewOrganizationBody,
    responses((status = 201, body = OrganizationView), (status = "default", body = ProblemSchema)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Body(body): Body<NewOrganizationBody>,
) -> Result<Response, Failure> {
    let new = NewOrganization {
        name: body.name,
        ..NewOrganization::default()
    };
    let made = app.authority.create_organization(new, &by).await?;
    let location = format!("/api/v1/organizations/{}", made.id);
    let answer = reply::created(&OrganizationView::from(&made), &location);
    Ok(reply::tagged(answer, made.revision))
}

/// An organization
#[utoipa::path(get, path = "/api/v1/organizations/{org}", tag = "organizations", params(InOrganization),
    responses((status = 200, body = OrganizationView), (status = "default", body = ProblemSchema)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
) -> Result<Response, Failure> {
    let found = app.authority.find_organization(&org, &by).await?;
    Ok(reply::revised(
        &OrganizationView::from(&found),
        found.revision,
    ))
}

/// Change an organization
#[utoipa::path(patch, path = "/api/v1/organizations/{org}", tag = "organizations", params(InOrganization), request_body = OrganizationBody,
    responses((status = 200, body = OrganizationView), (status = "default", body = ProblemSchema)))]
pub(super) async fn change(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    IfMatch(revision): IfMatch,
    Body(body): Body<OrganizationBody>,
) -> Result<Response, Failure> {
    let word = |name| Failure::request(format!("`{name}` has a word that is not known"));
    let replay = body
        .replay
        .as_deref()
        .map(|text| ReplayPolicy::parse(text).ok_or("replay"));
    let in_query = body.secrets_in_query.as_deref();
    let in_query = in_query.map(|text| SecretsInQuery::parse(text).ok_or("secrets_in_query"));
    let change = OrganizationChange {
        name: body.name,
        replay: replay.transpose().map_err(word)?,
        secrets_in_query: in_query.transpose().map_err(word)?,
        quarantine: body.quarantine_days.map(quarantine).transpose()?,
        enabled: body.enabled,
        revision,
    };
    let changed = app.authority.change_organization(&org, change, &by).await?;
    Ok(reply::revised(
        &OrganizationView::from(&changed),
        changed.revision,
    ))
}

fn quarantine(days: u32) -> Result<Option<Quarantine>, Failure> {
    let known = Quarantine::of_days(days);
    match known.is_some() || days == 0 {
        true => Ok(known),
        false => Err(Failure::request(
            "`quarantine_days` is a number from 1 to 365, or 0 for that of the installation",
        )),
    }
}

/// The service catalogue
#[utoipa::path(get, path = "/api/v1/services", tag = "organizations",
    responses((status = 200, body = List<ServiceView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn services(
    State(app): State<App>,
    By(_): By,
    query: Query,
) -> Result<Response, Failure> {
    query.finish()?;
    let items = app.authority.catalogue().iter().map(ServiceView::from);
    Ok(reply::item(&List {
        items: items.collect(),
        next_cursor: None,
    }))
}

/// The service catalogue as the caller may add it to credentials of the organization
#[utoipa::path(get, path = "/api/v1/organizations/{org}/services", tag = "organizations", params(InOrganization),
    responses((status = 200, body = List<OfferedView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn offered(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    query: Query,
) -> Result<Response, Failure> {
    query.finish()?;
    let offered = app.authority.offered_services(&org, &by).await?;
    Ok(reply::item(&List {
        items: offered.iter().map(OfferedView::from).collect(),
        next_cursor: None,
    }))
}

/// The product profiles of an organization
#[utoipa::path(get, path = "/api/v1/organizations/{org}/profiles", tag = "organizations", params(InOrganization),
    responses((status = 200, body = List<ProfileView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn profiles(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    query: Query,
) -> Result<Response, Failure> {
    query.finish()?;
    let found = app.authority.list_profiles(&org, &by).await?;
    Ok(reply::item(&List {
        items: found.iter().map(ProfileView::from).collect(),
        next_cursor: None,
    }))
}

/// Make a product profile
#[utoipa::path(post, path = "/api/v1/organizations/{org}/profiles", tag = "organizations", params(InOrganization), request_body = NewProfileBody,
    responses((status = 201, body = ProfileView), (status = "default", body = ProblemSchema)))]
pub(super) async fn create_profile(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    Body(body): Body<NewProfileBody>,
) -> Result<Response, Failure> {
    let made = app
        .authority
        .create_profile(&org, &body.service, body.name, &by)
        .await?;
    let location = format!("/api/v1/organizations/{org}/profiles");
    Ok(reply::created(&ProfileView::from(&made), &location))
}
