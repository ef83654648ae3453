//! Workspaces.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{ManageError, NewWorkspace, WorkspaceChange};
use countersign_model::{Project, Workspace};
use countersign_wire::management as wire;

use super::error::Failure;
use super::guard::In;
use super::place::{self, InProject, InWorkspace, OfWorkspace};
use super::projects::new_project;
use super::request::{Body, Ids};
use super::{reply, view};
use crate::app::App;

/// `GET …/projects/{id}/workspaces`
pub(super) async fn list(
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
pub(super) async fn show(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InWorkspace>,
) -> Result<Response, Failure> {
    let (project, workspace) = found(&app, &at, &ids).await?;
    Ok(reply::item(&view::workspace(&workspace, &project)))
}

/// `GET …/projects_workspaces/workspaces/{wid}`
pub(super) async fn place(
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

/// `POST …/projects/{id}/workspaces`
pub(super) async fn create(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InProject>,
    Body(body): Body<wire::NewWorkspace>,
) -> Result<Response, Failure> {
    let project = place::project(&app, &at.org, &ids.project, &at.by).await?;
    let made = app
        .authority
        .create_workspace(&project.id, new_workspace(body), &at.by)
        .await?;
    let path = format!(
        "/console/organizations/{}/projects/{}/workspaces/{}",
        at.org.numeric_id, project.id, made.id
    );
    let view = wire::CreatedWorkspace {
        project_id: project.id,
        workspace_id: made.id,
    };
    Ok(reply::created(&view, &path))
}

/// `POST …/projects_workspaces`: a project with its workspaces.
pub(super) async fn create_with_project(
    State(app): State<App>,
    at: In,
    Body(body): Body<wire::NewProjectWorkspaces>,
) -> Result<Response, Failure> {
    let wants_runtime = body.workspaces.iter().any(|one| one.runtime_enabled);
    let workspaces = body.workspaces.into_iter().map(new_workspace).collect();
    let (project, made) = app
        .authority
        .create_project_with_workspaces(new_project(&at, body.project)?, workspaces, &at.by)
        .await?;
    let path = format!(
        "/console/organizations/{}/projects/{}",
        at.org.numeric_id, project.id
    );
    let ids = made.into_iter().map(|one| wire::CreatedWorkspaceId {
        workspace_id: one.id,
    });
    let view = wire::CreatedProjectWorkspaces {
        project_type: project.kind.as_str(),
        project_id: project.id,
        app_id: None,
        runtime: wire::CreatedRuntime {
            error: wants_runtime,
            details: [],
        },
        workspaces: ids.collect(),
    };
    Ok(reply::created(&view, &path))
}

/// `PATCH …/workspaces/{wid}`
pub(super) async fn change(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InWorkspace>,
    Body(body): Body<wire::ChangeWorkspace>,
) -> Result<Response, Failure> {
    let (project, _) = found(&app, &at, &ids).await?;
    let change = WorkspaceChange {
        name: body.name,
        title: body.title,
        description: body.description,
    };
    let changed = app
        .authority
        .change_workspace(&project.id, &ids.workspace, &change, &at.by)
        .await?;
    Ok(reply::item(&view::workspace(&changed, &project)))
}

/// `DELETE …/workspaces/{wid}`
pub(super) async fn delete(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InWorkspace>,
) -> Result<Response, Failure> {
    let (project, _) = found(&app, &at, &ids).await?;
    app.authority
        .delete_workspace(&project.id, &ids.workspace, &at.by)
        .await?;
    Ok(reply::done())
}

/// `GET …/workspaces/{wid}/plugins`: there are none.
pub(super) async fn plugins(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InWorkspace>,
) -> Result<Response, Failure> {
    found(&app, &at, &ids).await?;
    let none: [(); 0] = [];
    Ok(reply::item(&none))
}

/// `GET …/workspaces/{wid}/endpoints`: there are none.
pub(super) async fn endpoints(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InWorkspace>,
) -> Result<Response, Failure> {
    found(&app, &at, &ids).await?;
    Ok(reply::item(&serde_json::json!({ "endpoints": {} })))
}

fn new_workspace(body: wire::NewWorkspace) -> NewWorkspace {
    NewWorkspace {
        name: body.name,
        title: body.title.unwrap_or_default(),
        description: body.description.unwrap_or_default(),
    }
}

/// The workspace of the path, in the project of the path.
async fn found(app: &App, at: &In, ids: &InWorkspace) -> Result<(Project, Workspace), Failure> {
    let project = place::project(app, &at.org, &ids.project, &at.by).await?;
    let authority = &app.authority;
    let found = authority
        .find_workspace(&at.org.id, &ids.workspace, &at.by)
        .await?;
    match found.project_id == project.id {
        true => Ok((project, found)),
        false => Err(ManageError::NoWorkspace.into()),
    }
}
