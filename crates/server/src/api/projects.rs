//! Projects and their workspaces.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{Actor, At, ManageError, NewProject, ProjectChange};
use countersign_model::{Project, ProjectKind};
use countersign_wire::{OrgId, ProjectId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::{InOrganization, InProject, Paged};
use super::reply::{self, List, Paging};
use super::request::{Body, By, Ids, IfMatch, Query};
use super::view::{ProjectView, WorkspaceView};
use crate::app::App;

/// A project to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProjectBody {
    /// 1 to 20 letters and digits, unique in the organization.
    name: String,
    /// 1 to 45 letters, digits and spaces; the name, if absent.
    #[serde(default)]
    title: String,
    /// At most 1000 characters.
    #[serde(default)]
    description: String,
    /// `default` or `jaeger`.
    kind: Option<String>,
}

/// What to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectBody {
    title: Option<String>,
    description: Option<String>,
    /// Switches the project, and everything in it, on or off.
    enabled: Option<bool>,
}

/// The projects of an organization, by id
#[utoipa::path(get, path = "/api/v1/organizations/{org}/projects", tag = "projects", params(InOrganization, Paged),
    responses((status = 200, body = List<ProjectView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    let paging = Paging::read(&app, &mut query, format!("projects of {org}"))?;
    query.finish()?;
    let found = app.authority.list_projects(&org, &paging.page, &by).await?;
    paging.answer(
        &app,
        found,
        |one| one.id.as_str(),
        |one| ProjectView::from(one),
    )
}

/// Make a project with its workspace `Production`
#[utoipa::path(post, path = "/api/v1/organizations/{org}/projects", tag = "projects", params(InOrganization), request_body = NewProjectBody,
    responses((status = 201, body = ProjectView), (status = "default", body = ProblemSchema)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    Body(body): Body<NewProjectBody>,
) -> Result<Response, Failure> {
    let kind = match body.kind.as_deref() {
        None => ProjectKind::default(),
        Some(word) => ProjectKind::parse(word)
            .ok_or_else(|| Failure::request("`kind` is `default` or `jaeger`"))?,
    };
    let new = NewProject {
        org_id: org.clone(),
        name: body.name,
        title: body.title,
        description: body.description,
        kind,
    };
    let (made, _) = app.authority.create_project(new, &by).await?;
    let location = format!("/api/v1/organizations/{org}/projects/{}", made.id);
    let answer = reply::created(&ProjectView::from(&made), &location);
    Ok(reply::tagged(answer, made.revision))
}

/// A project
#[utoipa::path(get, path = "/api/v1/organizations/{org}/projects/{project}", tag = "projects", params(InProject),
    responses((status = 200, body = ProjectView), (status = "default", body = ProblemSchema)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, ProjectId)>,
) -> Result<Response, Failure> {
    let found = project(&app, &org, &id, &by).await?;
    Ok(reply::revised(&ProjectView::from(&found), found.revision))
}

/// Change a project
#[utoipa::path(patch, path = "/api/v1/organizations/{org}/projects/{project}", tag = "projects", params(InProject), request_body = ProjectBody,
    responses((status = 200, body = ProjectView), (status = "default", body = ProblemSchema)))]
pub(super) async fn change(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, ProjectId)>,
    IfMatch(revision): IfMatch,
    Body(body): Body<ProjectBody>,
) -> Result<Response, Failure> {
    project(&app, &org, &id, &by).await?;
    let change = ProjectChange {
        title: body.title,
        description: body.description,
        enabled: body.enabled,
        revision,
    };
    let changed = app.authority.change_project(&id, change, &by).await?;
    Ok(reply::revised(
        &ProjectView::from(&changed),
        changed.revision,
    ))
}

/// Delete a project that has no credentials any more
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/projects/{project}", tag = "projects", params(InProject),
    responses((status = 204), (status = "default", body = ProblemSchema)))]
pub(super) async fn delete(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, ProjectId)>,
    IfMatch(revision): IfMatch,
) -> Result<Response, Failure> {
    project(&app, &org, &id, &by).await?;
    let at = At::revision(&id, revision);
    app.authority.delete_project(at, &by).await?;
    Ok(reply::deleted())
}

/// The workspaces of a project
#[utoipa::path(get, path = "/api/v1/organizations/{org}/projects/{project}/workspaces", tag = "projects", params(InProject),
    responses((status = 200, body = List<WorkspaceView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn workspaces(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, ProjectId)>,
) -> Result<Response, Failure> {
    project(&app, &org, &id, &by).await?;
    let found = app.authority.list_workspaces(&id, &by).await?;
    Ok(reply::item(&List {
        items: found.iter().map(WorkspaceView::from).collect(),
        next_cursor: None,
    }))
}

/// The project, if it is where the path says; by id only.
async fn project(app: &App, org: &OrgId, id: &ProjectId, by: &Actor) -> Result<Project, Failure> {
    let found = app.authority.find_project(org, id.as_str(), by).await?;
    match found.id == *id {
        true => Ok(found),
        false => Err(ManageError::NoProject.into()),
    }
}
