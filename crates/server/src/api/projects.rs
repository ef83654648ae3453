//! Projects and their workspaces.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{
    Actor, At, Direction, ManageError, NewProject, ProjectChange, Search, Sort, Wanted,
};
use countersign_model::{Project, ProjectKind};
use countersign_wire::{OrgId, ProjectId, ServiceCode, Timestamp};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

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

/// Which projects, in which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
struct Which {
    /// Part of the name, title or description in any case, or a whole project id, client id, or id
    /// or mail address of a technical account.
    search: Option<String>,
    /// Part of the actor that made it.
    created_by: Option<String>,
    /// Part of the actor that changed it last.
    changed_by: Option<String>,
    /// Code of a service that a credential of it is subscribed to.
    service: Option<String>,
    /// Only those with a Service Account (JWT) credential.
    has_jwt_credential: Option<bool>,
    /// Only those with a certificate that ends within so many days, or has ended.
    certificates_expire_within_days: Option<u32>,
    /// `created_at` (if absent), `changed_at`, `active_at` or `title`; with `-` before it the other
    /// way round.
    sort: Option<String>,
}

/// The projects of an organization
#[utoipa::path(get, path = "/api/v1/organizations/{org}/projects", tag = "projects", params(InOrganization, Which, Paged),
    responses((status = 200, body = List<ProjectView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    let now = app.authority.clock().now();
    let days = query.take("certificates_expire_within_days");
    let which = search(&mut query, days.as_deref(), now)?;
    // Not the instant, which is another one on the next page.
    let named = Search {
        certificates_end_before: None,
        ..which.clone()
    };
    let list = format!("projects of {org}, {named:?}, {days:?}");
    let paging = Paging::read(&app, &mut query, list)?;
    query.finish()?;
    let found = app
        .authority
        .search_projects(&org, &which, &paging.page, &by)
        .await?;
    let found: Vec<_> = found
        .into_iter()
        .map(|found| (which.key_of(&found.project), found.project))
        .collect();
    paging.answer(
        &app,
        found,
        |(key, _)| key.as_str(),
        |(_, project)| ProjectView::from(project),
    )
}

fn search(query: &mut Query, days: Option<&str>, now: Timestamp) -> Result<Search, Failure> {
    let service = query.take("service").map(|code| ServiceCode::parse(&code));
    let service = service.transpose();
    let days = days.map(|text| {
        let days = text.parse().ok().filter(|days| *days <= MOST_DAYS);
        days.ok_or_else(|| {
            Failure::request("`certificates_expire_within_days` is a number from 0 to 3650")
        })
    });
    let day = Duration::from_secs(86_400);
    let (sort, direction) = order(query.take("sort").as_deref())?;
    Ok(Search {
        text: query.take("search").unwrap_or_default(),
        created_by: query.take("created_by").unwrap_or_default(),
        changed_by: query.take("changed_by").unwrap_or_default(),
        service: service.map_err(|error| Failure::request(format!("`service`: {error}")))?,
        jwt: match query.take_flag("has_jwt_credential")? {
            true => Wanted::Yes,
            false => Wanted::Either,
        },
        certificates_end_before: days.transpose()?.map(|days: u32| now.plus(day * days)),
        sort,
        direction,
    })
}

fn order(text: Option<&str>) -> Result<(Sort, Direction), Failure> {
    let text = text.unwrap_or("created_at");
    let (member, direction) = match text.strip_prefix('-') {
        Some(member) => (member, Direction::Descending),
        None => (text, Direction::Ascending),
    };
    let sort = match member {
        "created_at" => Sort::Created,
        "changed_at" => Sort::Changed,
        "active_at" => Sort::Active,
        "title" => Sort::Title,
        _ => {
            return Err(Failure::request(
                "`sort` is `created_at`, `changed_at`, `active_at` or `title`, with or without `-` before it",
            ));
        }
    };
    Ok((sort, direction))
}

const MOST_DAYS: u32 = 3_650;

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

/// The project as Adobe's own tools read it, without secrets: they were shown once
#[utoipa::path(get, path = "/api/v1/organizations/{org}/projects/{project}/download", tag = "projects", params(InProject),
    responses((status = 200, body = serde_json::Value), (status = "default", body = ProblemSchema)))]
pub(super) async fn download(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, ProjectId)>,
) -> Result<Response, Failure> {
    project(&app, &org, &id, &by).await?;
    let document = app.authority.download_project(&id, None, &by).await?;
    Ok(reply::text(document.to_json_with_secrets().to_string()))
}

/// The project, if it is where the path says; by id only.
async fn project(app: &App, org: &OrgId, id: &ProjectId, by: &Actor) -> Result<Project, Failure> {
    let found = app.authority.find_project(org, id.as_str(), by).await?;
    match found.id == *id {
        true => Ok(found),
        false => Err(ManageError::NoProject.into()),
    }
}
