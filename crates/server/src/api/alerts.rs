//! Who is told by mail of what ends in a project.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{Actor, AlertsChange, ManageError};
use countersign_model::ProjectAlerts;
use countersign_model::alerts::parse_others;
use countersign_wire::{OrgId, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::InProject;
use super::reply;
use super::request::{Body, By, Ids, IfMatch};
use super::view::time;
use crate::app::App;

/// Who is told besides owners and System Administrators, and whether anybody is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertsBody {
    /// Whether nobody is told.
    #[serde(default)]
    paused: bool,
    /// Mail addresses that are told from the first notice on; at most 20.
    #[serde(default)]
    others: Vec<String>,
}

/// Who is told besides owners and System Administrators, and whether anybody is.
#[derive(Serialize, ToSchema)]
pub(super) struct AlertsView {
    paused: bool,
    /// Since when nobody is told.
    paused_at: Option<String>,
    /// Mail addresses that are told from the first notice on.
    others: Vec<String>,
}

impl From<&ProjectAlerts> for AlertsView {
    fn from(alerts: &ProjectAlerts) -> Self {
        Self {
            paused: alerts.paused_at.is_some(),
            paused_at: alerts.paused_at.map(time),
            others: alerts.others.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Who else is told of what ends in a project
#[utoipa::path(get, path = "/api/v1/organizations/{org}/projects/{project}/alerts", tag = "notices", operation_id = "alerts", params(InProject),
    responses((status = 200, body = AlertsView), (status = "default", body = ProblemSchema)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, ProjectId)>,
) -> Result<Response, Failure> {
    must_be_in(&app, &org, &id, &by).await?;
    let alerts = app.authority.find_alerts(&id, &by).await?;
    Ok(reply::revised(&AlertsView::from(&alerts), alerts.revision))
}

/// Set who else is told of what ends in a project
#[utoipa::path(put, path = "/api/v1/organizations/{org}/projects/{project}/alerts", tag = "notices", operation_id = "set_alerts", params(InProject), request_body = AlertsBody,
    responses((status = 200, body = AlertsView), (status = "default", body = ProblemSchema)))]
pub(super) async fn replace(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, ProjectId)>,
    IfMatch(revision): IfMatch,
    Body(body): Body<AlertsBody>,
) -> Result<Response, Failure> {
    must_be_in(&app, &org, &id, &by).await?;
    let others = parse_others(body.others.iter().map(String::as_str));
    let change = AlertsChange {
        paused: Some(body.paused),
        others: Some(others.map_err(ManageError::from)?),
        revision,
    };
    let changed = app.authority.change_alerts(&id, &change, &by).await?;
    Ok(reply::revised(
        &AlertsView::from(&changed),
        changed.revision,
    ))
}

async fn must_be_in(app: &App, org: &OrgId, id: &ProjectId, by: &Actor) -> Result<(), Failure> {
    let found = app.authority.locate_project(id, by).await?;
    match found.org_id == *org {
        true => Ok(()),
        false => Err(ManageError::NoProject.into()),
    }
}
