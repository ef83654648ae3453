//! Organizations that the caller may work in, and whom mails about ends reach there.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{ManageError, Page};
use countersign_wire::ProjectId;

use super::error::Failure;
use super::guard::{By, In};
use super::place;
use super::reply;
use super::request::Query;
use super::view;
use crate::app::App;

/// `GET /console/organizations`
pub(super) async fn list(State(app): State<App>, By(by): By) -> Result<Response, Failure> {
    let found = app
        .authority
        .list_organizations(&Page::first(), &by)
        .await?;
    let views: Vec<_> = found
        .iter()
        .map(|org| view::organization(org, &by))
        .collect();
    Ok(reply::item(&views))
}

/// `GET …/recipients`: the System Administrators; with `projectId`, also the others of that project,
/// who are set by the management API and on the project's page.
pub(super) async fn recipients(
    State(app): State<App>,
    at: In,
    query: Query,
) -> Result<Response, Failure> {
    let project = query.get("projectId").map(ProjectId::parse).transpose();
    let project = project.map_err(|_| ManageError::NoProject)?;
    if let Some(id) = &project {
        place::project(&app, &at.org, id, &at.by).await?;
    }
    let found = app
        .authority
        .list_recipients(&at.org.id, project.as_ref(), &at.by)
        .await?;
    Ok(reply::item(&view::recipients(&found)))
}
