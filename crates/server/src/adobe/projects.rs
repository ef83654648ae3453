//! Projects and their workspaces.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{
    Direction, ManageError, NewProject, NumberedPage, Page, ProjectChange, Sort,
};
use countersign_model::ProjectKind;
use countersign_wire::management as wire;
use http::{HeaderName, HeaderValue};

use super::error::Failure;
use super::guard::In;
use super::place::{self, InProject, InWorkspace, OfWorkspace};
use super::request::{Body, Ids, Paging, Query};
use super::{reply, view};
use crate::app::App;

/// Filters of the original that are not served.
const NOT_SERVED: [&str; 9] = [
    "title",
    "appType",
    "appSubType",
    "projectIds",
    "pluginIds",
    "projectType",
    "includeCredentials",
    "credentialFlowType",
    "credentialType",
];

/// `GET …/projects`
pub(super) async fn list(
    State(app): State<App>,
    at: In,
    query: Query,
) -> Result<Response, Failure> {
    query.refuse(&NOT_SERVED)?;
    let paging = query.paging()?;
    let page = numbered(&query, paging)?;
    let (found, all) = app
        .authority
        .number_projects(&at.org.id, &page, &at.by)
        .await?;
    let views: Vec<_> = found
        .iter()
        .map(|one| view::project(one, &at.org))
        .collect();
    let mut response = reply::item(&views);
    let headers = response.headers_mut();
    for (name, number) in [
        ("x-pagination-count", all),
        ("x-pagination-page", paging.page.into()),
        ("x-pagination-size", paging.size.into()),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(number));
    }
    Ok(response)
}

fn numbered(query: &Query, paging: Paging) -> Result<NumberedPage, Failure> {
    let sort = match query.get("sortField") {
        None | Some("date_created") => Sort::Created,
        Some("date_last_modified") => Sort::Changed,
        Some("title") => Sort::Title,
        Some(_) => {
            return Err(Failure::request(
                "`sortField` is `date_last_modified`, `date_created` or `title`",
            ));
        }
    };
    let direction = match query.get("sortOrder") {
        None | Some("ASC") => Direction::Ascending,
        Some("DESC") => Direction::Descending,
        Some(_) => return Err(Failure::request("`sortOrder` is `ASC` or `DESC`")),
    };
    Ok(NumberedPage {
        sort,
        direction,
        skip: paging.skip(),
        size: paging.size,
    })
}

/// `POST …/projects`
pub(super) async fn create(
    State(app): State<App>,
    at: In,
    Body(body): Body<wire::NewProject>,
) -> Result<Response, Failure> {
    let kind = match body.kind.as_deref() {
        None => ProjectKind::default(),
        Some(word) => ProjectKind::parse(word)
            .ok_or_else(|| Failure::request("`type` is `default` or `jaeger`"))?,
    };
    let new = NewProject {
        org_id: at.org.id,
        name: body.name,
        title: body.title.unwrap_or_default(),
        description: body.description.unwrap_or_default(),
        kind,
    };
    let (project, workspace) = app.authority.create_project(new, &at.by).await?;
    let location = format!(
        "/console/organizations/{}/projects/{}",
        at.org.numeric_id, project.id
    );
    let view = wire::CreatedProject {
        project_id: project.id,
        project_type: project.kind.as_str(),
        workspace_id: workspace.id,
    };
    Ok(reply::created(&view, &location))
}

/// `GET …/projects/{id}`
pub(super) async fn show(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InProject>,
) -> Result<Response, Failure> {
    let found = place::project(&app, &at.org, &ids.project, &at.by).await?;
    Ok(reply::item(&view::project(&found, &at.org)))
}

/// `PATCH …/projects/{id}`. The name stays: paths and programs know a project by it.
pub(super) async fn change(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InProject>,
    Body(body): Body<wire::ChangeProject>,
) -> Result<Response, Failure> {
    place::project(&app, &at.org, &ids.project, &at.by).await?;
    let change = ProjectChange {
        title: body.title,
        description: body.description,
        ..ProjectChange::default()
    };
    let changed = app
        .authority
        .change_project(&ids.project, change, &at.by)
        .await?;
    Ok(reply::item(&view::project(&changed, &at.org)))
}

/// `DELETE …/projects/{id}`
pub(super) async fn delete(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InProject>,
) -> Result<Response, Failure> {
    place::project(&app, &at.org, &ids.project, &at.by).await?;
    app.authority.delete_project(&ids.project, &at.by).await?;
    Ok(reply::done())
}

/// `POST …/projects/{id}/can-delete`
pub(super) async fn can_delete(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InProject>,
) -> Result<Response, Failure> {
    place::project(&app, &at.org, &ids.project, &at.by).await?;
    let found = app
        .authority
        .list_credentials(&at.org.id, Some(&ids.project), &Page::first(), &at.by)
        .await?;
    let errors = found.iter().map(|one| view::hindrance(one, &at.org));
    Ok(reply::item(&wire::CanDelete {
        errors: errors.collect(),
    }))
}

/// `GET …/projects/{id}/workspaces`
pub(super) async fn workspaces(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InProject>,
) -> Result<Response, Failure> {
    let project = place::project(&app, &at.org, &ids.project, &at.by).await?;
    let found = app.authority.list_workspaces(&project.id, &at.by).await?;
    let views: Vec<_> = found
        .iter()
        .map(|one| view::workspace(one, &project))
        .collect();
    Ok(reply::item(&views))
}

/// `GET …/workspaces/{wid}`
pub(super) async fn workspace(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InWorkspace>,
) -> Result<Response, Failure> {
    let project = place::project(&app, &at.org, &ids.project, &at.by).await?;
    let found = app.authority.list_workspaces(&project.id, &at.by).await?;
    let found = found.iter().find(|one| one.id == ids.workspace);
    let found = found.ok_or(ManageError::NoWorkspace)?;
    Ok(reply::item(&view::workspace(found, &project)))
}

/// `GET …/projects_workspaces/workspaces/{wid}`
pub(super) async fn of_workspace(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfWorkspace>,
) -> Result<Response, Failure> {
    let found = app
        .authority
        .find_workspace(&at.org.id, &ids.workspace, &at.by)
        .await?;
    Ok(reply::item(&wire::Place {
        project_id: found.project_id,
        workspace_id: found.id,
        credential_id: None,
        integration_id: None,
    }))
}

/// `GET …/workspaces/{wid}/download`
pub(super) async fn download(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InWorkspace>,
) -> Result<Response, Failure> {
    place::project(&app, &at.org, &ids.project, &at.by).await?;
    let document = app
        .authority
        .download_project(&ids.project, Some(&ids.workspace), &at.by)
        .await?;
    Ok(reply::text(document.to_json_with_secrets().to_string()))
}
