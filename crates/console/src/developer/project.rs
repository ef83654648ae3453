//! A project: made, shown, changed, downloaded.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use countersign_authority::{ManageError, NewProject, ProjectChange};
use countersign_model::{ProjectAlerts, ProjectKind, UseCase};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::deprecation::{self, Banner};
use super::place::{InProject, is_auto_generated, read_only};
use super::project_rows::{activity, kind_name, person};
use super::services::{ServiceRow, rows as service_rows};
use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page, Section};
use crate::session::Member;
use crate::text::moment;

#[derive(Template)]
#[template(path = "developer/project_new.html")]
struct NewPage {
    page: Page,
    form: Filled,
    path: String,
}

#[derive(Template)]
#[template(path = "developer/project_edit.html")]
struct EditPage {
    page: Page,
    form: Filled,
    path: String,
}

#[derive(Template)]
#[template(path = "developer/project.html")]
struct ProjectPage {
    page: Page,
    path: String,
    project_id: String,
    name: String,
    description: String,
    created: String,
    created_by: String,
    changed: String,
    changed_by: String,
    active: String,
    /// Who is told of what ends.
    alerts: String,
    is_enabled: bool,
    is_auto_generated: bool,
    read_only: Option<String>,
    may_download: bool,
    may_see_activity: bool,
    credentials: Vec<CredentialCard>,
    services: Vec<ServiceRow>,
}

struct CredentialCard {
    path: String,
    name: String,
    kind: &'static str,
    client_id: String,
    team: String,
    is_enabled: bool,
    banner: Option<Banner>,
}

/// `GET /console/projects/{org}/new`.
pub(super) async fn ask_new(member: Member) -> Result<Response, PageError> {
    if !member.actor.may(UseCase::CreateProject) {
        return Err(PageError::refused(
            "To create projects takes the role Developer: ask a System Administrator of the organization.",
        ));
    }
    page::render(&new_page(&member, Filled::new(&member.visitor)))
}

/// `POST /console/projects/{org}/new`.
pub(super) async fn create(
    State(console): State<Console>,
    member: Member,
    form: Form,
) -> Result<Response, PageError> {
    let typed = ["name", "title", "description"];
    let mut filled = Filled::new(&member.visitor).typed(&typed, &form);
    let new = NewProject {
        org_id: member.organization.id.clone(),
        name: form.trimmed("name").to_owned(),
        title: form.trimmed("title").to_owned(),
        description: lines(&form, "description"),
        kind: ProjectKind::Default,
    };
    match console.authority.create_project(new, &member.actor).await {
        Ok((project, _)) => {
            let path = format!("{}/{}", member.projects_path(), project.id);
            let notice = "The project is created. Add an API to it to get a credential.";
            page::done(&console, &path, notice)
        }
        Err(error) => {
            filled.refused_at(error, field)?;
            page::refused(&new_page(&member, filled))
        }
    }
}

/// `GET /console/projects/{org}/{project}`.
pub(super) async fn show(
    State(console): State<Console>,
    at: InProject,
) -> Result<Response, PageError> {
    let (project, member) = (&at.project, &at.member);
    let org = &member.organization.id;
    let policy = console.authority.show_policy(org, &member.actor).await?;
    let now = console.authority.clock().now();
    let path = at.path();
    let credentials = at.credentials.iter().map(|one| CredentialCard {
        path: format!("{path}/credentials/{}", one.id),
        name: one.name.clone(),
        kind: kind_name(one.grants),
        client_id: one.client_id.to_string(),
        team: one.owner.team.clone(),
        is_enabled: one.state.is_enabled(),
        banner: deprecation::banner(one, &policy, now),
    });
    let alerts = console.authority.find_alerts(&project.id, &member.actor);
    let alerts = told(&alerts.await?);
    let mut services = Vec::new();
    for one in &at.credentials {
        let path = format!("{path}/credentials/{}", one.id);
        services.extend(service_rows(&console, member, one, &path).await?);
    }
    page::render(&ProjectPage {
        page: Page::of_member(member, Section::Projects, &project.title)
            .crumb("Projects", member.projects_path()),
        project_id: project.id.to_string(),
        name: project.name.clone(),
        description: project.description.clone(),
        created: moment(project.created_at),
        created_by: person(&project.created_by).to_owned(),
        changed: moment(project.changed_at),
        changed_by: person(&project.changed_by).to_owned(),
        active: activity(project),
        alerts,
        is_enabled: project.state.is_enabled(),
        is_auto_generated: is_auto_generated(&at.credentials),
        read_only: at.read_only(),
        may_download: read_only(member, &at.credentials).is_none(),
        may_see_activity: member.actor.may(UseCase::ReadActivity),
        credentials: credentials.collect(),
        services,
        path,
    })
}

/// `GET /console/projects/{org}/{project}/edit`.
pub(super) async fn edit(at: InProject) -> Result<Response, PageError> {
    refuse_read_only(&at)?;
    let project = &at.project;
    let form = Filled::new(&at.member.visitor)
        .with("title", &project.title)
        .with("description", &project.description)
        .with("revision", project.revision.to_string())
        .with_all("enabled", ticked(project.state.is_enabled()));
    page::render(&edit_page(&at, form))
}

/// `POST /console/projects/{org}/{project}/edit`.
pub(super) async fn change(
    State(console): State<Console>,
    at: InProject,
    form: Form,
) -> Result<Response, PageError> {
    let typed = ["title", "description", "revision", "enabled"];
    let mut filled = Filled::new(&at.member.visitor).typed(&typed, &form);
    let change = ProjectChange {
        title: Some(form.trimmed("title").to_owned()),
        description: Some(lines(&form, "description")),
        enabled: Some(form.is_ticked("enabled")),
        revision: form.revision(),
    };
    let (id, actor) = (&at.project.id, &at.member.actor);
    match console.authority.change_project(id, change, actor).await {
        Ok(_) => page::done(&console, &at.path(), "The project is changed."),
        Err(error) => {
            filled.refused_at(error, field)?;
            page::refused(&edit_page(&at, filled))
        }
    }
}

/// `GET /console/projects/{org}/{project}/download.json`. Source: `spec/ims-protocol.md` 6.10.
pub(super) async fn download(
    State(console): State<Console>,
    at: InProject,
) -> Result<Response, PageError> {
    let (id, actor) = (&at.project.id, &at.member.actor);
    let document = console.authority.download_project(id, None, actor).await?;
    // Names are letters and digits of Latin-1; a header has room for ASCII alone.
    let name: String = at.project.name.chars().filter(char::is_ascii).collect();
    let headers = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"project-{name}-{id}.json\""),
        ),
    ];
    Ok((headers, document.to_json_with_secrets().to_string()).into_response())
}

/// Who is told of what ends, in a few words.
fn told(alerts: &ProjectAlerts) -> String {
    match (alerts.paused_at, alerts.others.len()) {
        (Some(at), _) => format!("Paused since {}: nobody is told", at.date()),
        (None, 0) => "Team and System Administrators".to_owned(),
        (None, 1) => "Team, System Administrators and 1 more".to_owned(),
        (None, more) => format!("Team, System Administrators and {more} more"),
    }
}

/// The value of a box that is ticked.
pub(super) fn ticked(is_ticked: bool) -> Option<String> {
    is_ticked.then(|| "yes".to_owned())
}

/// Text of several lines, with one character for the end of each: forms send two.
pub(super) fn lines(form: &Fields, name: &str) -> String {
    form.trimmed(name).replace("\r\n", "\n")
}

pub(super) fn refuse_read_only(at: &InProject) -> Result<(), PageError> {
    match at.read_only() {
        Some(reason) => Err(PageError::refused(&reason)),
        None => Ok(()),
    }
}

fn new_page(member: &Member, form: Filled) -> NewPage {
    NewPage {
        page: Page::of_member(member, Section::Projects, "Create project")
            .crumb("Projects", member.projects_path()),
        form,
        path: member.projects_path(),
    }
}

fn edit_page(at: &InProject, form: Filled) -> EditPage {
    EditPage {
        page: at.page("Edit project"),
        form,
        path: at.path(),
    }
}

/// Which field an error is about.
fn field(error: &ManageError) -> &'static str {
    use countersign_model::project::NameError;
    match error {
        ManageError::Name(NameError::Name) | ManageError::Taken => "name",
        ManageError::Name(NameError::Title) => "title",
        ManageError::Name(NameError::Description) => "description",
        _ => "",
    }
}
