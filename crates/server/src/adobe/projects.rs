//! Projects.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{
    AlertsChange, CredentialKinds, Direction, NewProject, NumberedFilter, NumberedPage,
    NumberedProject, Page, ProjectChange, Sort,
};
use countersign_model::{Credential, Project, ProjectKind};
use countersign_wire::ProjectId;
use countersign_wire::management as wire;
use http::{HeaderName, HeaderValue};

use super::error::Failure;
use super::guard::{By, In};
use super::place::{self, InProject};
use super::request::{Body, Ids, Paging, Query};
use super::{reply, view};
use crate::app::App;

/// Filters of the original that are about App Builder.
const NOT_SERVED: [&str; 4] = ["appType", "appSubType", "pluginIds", "excludeCustomerIsv"];

/// `GET …/projects`. Without `page` and `size` it is one page of all, as the original has it.
pub(super) async fn list(
    State(app): State<App>,
    at: In,
    query: Query,
) -> Result<Response, Failure> {
    query.refuse(&NOT_SERVED)?;
    let paging = match (query.get("page"), query.get("size")) {
        (None, None) => Paging::whole(NumberedPage::MAX),
        _ => query.paging()?,
    };
    let page = numbered(&query, paging)?;
    let filter = filter(&query)?;
    let (found, all) = app
        .authority
        .number_projects(&at.org.id, &filter, &page, &at.by)
        .await?;
    if paging.is_whole && all > paging.size.into() {
        return Err(Failure::request(format!(
            "there are {all} projects: ask for them in pages, with `page` and `size`"
        )));
    }
    let with_credentials = query.get("includeCredentials") == Some("true");
    let credentials = credentials_of(&app, &at, &found, with_credentials).await?;
    let views: Vec<_> = found
        .iter()
        .map(|one| {
            view::project(
                &one.project,
                &one.workspaces,
                credentials.as_deref(),
                &at.org,
            )
        })
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

async fn credentials_of(
    app: &App,
    at: &In,
    projects: &[NumberedProject],
    wanted: bool,
) -> Result<Option<Vec<Credential>>, Failure> {
    if !wanted {
        return Ok(None);
    }
    let ids: Vec<_> = projects.iter().map(|one| one.project.id.clone()).collect();
    let authority = &app.authority;
    let found = authority.list_credentials_of(&at.org.id, &ids, &at.by);
    Ok(Some(found.await?))
}

fn filter(query: &Query) -> Result<NumberedFilter, Failure> {
    let kind = query.get("projectType").map(kind).transpose()?;
    let ids = query.get("projectIds").unwrap_or_default().split(',');
    let ids = ids.map(str::trim).filter(|id| !id.is_empty());
    let ids: Result<Vec<ProjectId>, _> = ids.map(ProjectId::parse).collect();
    let ids =
        ids.map_err(|_| Failure::request("`projectIds` has project ids with commas between them"))?;
    Ok(NumberedFilter {
        title: query.get("title").unwrap_or_default().to_owned(),
        kind,
        ids,
        with: kinds(query.get("credentialFlowType"), query.get("credentialType")),
    })
}

/// Which credentials make a project fit. Here all are of the flow `entp`, and there are three types
/// of them: a project fits no other words.
fn kinds(flows: Option<&str>, types: Option<&str>) -> Option<CredentialKinds> {
    let has = |words: Option<&str>, word: &str| {
        words.is_none_or(|words| words.split(',').any(|one| one.trim() == word))
    };
    let is_flow = has(flows, wire::FLOW_TYPE);
    (flows.is_some() || types.is_some()).then(|| CredentialKinds {
        jwt: is_flow && has(types, "service"),
        oauth: is_flow && has(types, "oauth_server_to_server"),
        migrating: is_flow && has(types, "oauth_server_to_server_migrate"),
    })
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

fn kind(word: &str) -> Result<ProjectKind, Failure> {
    ProjectKind::parse(word).ok_or_else(|| Failure::request("`type` is `default` or `jaeger`"))
}

pub(super) fn new_project(at: &In, body: wire::NewProject) -> Result<NewProject, Failure> {
    Ok(NewProject {
        org_id: at.org.id.clone(),
        name: body.name,
        title: body.title.unwrap_or_default(),
        description: body.description.unwrap_or_default(),
        kind: body
            .kind
            .as_deref()
            .map(kind)
            .transpose()?
            .unwrap_or_default(),
    })
}

/// `POST …/projects`
pub(super) async fn create(
    State(app): State<App>,
    at: In,
    Body(body): Body<wire::NewProject>,
) -> Result<Response, Failure> {
    let new = new_project(&at, body)?;
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
    shown(&app, &at, &found).await
}

/// `PATCH …/projects/{id}`. The name stays: paths and programs know a project by it.
pub(super) async fn change(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InProject>,
    Body(body): Body<wire::ChangeProject>,
) -> Result<Response, Failure> {
    place::project(&app, &at.org, &ids.project, &at.by).await?;
    let authority = &app.authority;
    if let Some(is_told) = body.notifications_enabled {
        let change = AlertsChange {
            paused: Some(!is_told),
            ..AlertsChange::default()
        };
        authority
            .change_alerts(&ids.project, &change, &at.by)
            .await?;
    }
    let change = ProjectChange {
        title: body.title,
        description: body.description,
        ..ProjectChange::default()
    };
    let changed = authority
        .change_project(&ids.project, change, &at.by)
        .await?;
    shown(&app, &at, &changed).await
}

async fn shown(app: &App, at: &In, project: &Project) -> Result<Response, Failure> {
    let workspaces = app.authority.list_workspaces(&project.id, &at.by).await?;
    let view = view::project(project, &workspaces, None, &at.org);
    Ok(reply::item(&view))
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

/// `POST …/projects/{id}/can-delete`; of one workspace, with `workspaceId`.
pub(super) async fn can_delete(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InProject>,
    query: Query,
) -> Result<Response, Failure> {
    place::project(&app, &at.org, &ids.project, &at.by).await?;
    let wanted = query.get("workspaceId");
    let found = app
        .authority
        .list_credentials(&at.org.id, Some(&ids.project), &Page::first(), &at.by)
        .await?;
    let errors = found
        .iter()
        .filter(|one| wanted.is_none_or(|id| one.workspace_id.as_str() == id))
        .map(|one| view::hindrance(one, &at.org));
    Ok(reply::item(&wire::CanDelete {
        errors: errors.collect(),
    }))
}

/// `GET /console/data/projects/{id}/install-config`
pub(super) async fn install_config(
    State(app): State<App>,
    By(by): By,
    Ids(ids): Ids<InProject>,
) -> Result<Response, Failure> {
    let project = app.authority.locate_project(&ids.project, &by).await?;
    let first = Page::first();
    let found = app
        .authority
        .list_credentials(&project.org_id, Some(&project.id), &first, &by)
        .await?;
    let credentials = found.iter().map(view::install_credential);
    Ok(reply::item(&wire::InstallConfig {
        credentials: credentials.collect(),
    }))
}
