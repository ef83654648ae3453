//! The projects of an organization.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_model::UseCase;

use crate::Console;
use crate::error::PageError;
use crate::page::{self, Page, Section};
use crate::query::Query;
use crate::session::Member;

#[derive(Template)]
#[template(path = "developer/projects.html")]
struct ProjectsPage {
    page: Page,
    projects: Vec<Row>,
    next: Option<String>,
    /// Where to make one, for those who may.
    new: Option<String>,
}

struct Row {
    path: String,
    title: String,
    name: String,
}

/// `GET /console/projects/{org}`.
pub(crate) async fn list(
    State(console): State<Console>,
    member: Member,
    query: Query,
) -> Result<Response, PageError> {
    let (org, actor) = (&member.organization.id, &member.actor);
    let mut found = console
        .authority
        .list_projects(org, &query.rows(), actor)
        .await?;
    let path = member.projects_path();
    let next = query.cut(&path, &mut found, |one| one.id.as_str());
    let projects = found.into_iter().map(|one| Row {
        path: format!("{path}/{}", one.id),
        title: one.title,
        name: one.name,
    });
    page::render(&ProjectsPage {
        projects: projects.collect(),
        next,
        new: actor
            .may(UseCase::CreateProject)
            .then(|| format!("{path}/new")),
        page: Page::of_member(&member, Section::Projects, "Projects"),
    })
}
