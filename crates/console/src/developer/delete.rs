//! What cannot be undone asks for the name of the project. Source: `spec/ims-protocol.md` 6.7.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::At;
use countersign_model::Project;

use super::place::{InCredential, InProject};
use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page};
use crate::session::Member;

#[derive(Template)]
#[template(path = "developer/delete.html")]
struct DeletePage {
    page: Page,
    form: Filled,
    /// Where it is posted to.
    action: String,
    back: String,
    /// What will happen.
    effect: String,
    /// What has to be typed.
    project: String,
    button: &'static str,
}

/// `GET /console/projects/{org}/{project}/delete`.
pub(super) async fn ask_project(at: InProject) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    let form =
        Filled::confirmed(&at.member.visitor).with("revision", at.project.revision.to_string());
    page::render(&project_page(&at, form))
}

/// `POST /console/projects/{org}/{project}/delete`.
pub(super) async fn project(
    State(console): State<Console>,
    at: InProject,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = confirmed(&console, &at.member, &at.project, &form).await?;
    if filled.is_fine() {
        let of = At::revision(&at.project.id, form.revision());
        match console.authority.delete_project(of, &at.member.actor).await {
            Ok(()) => {
                let path = at.member.projects_path();
                let notice = format!("The project {} is deleted.", at.project.title);
                return page::done(&console, &path, &notice);
            }
            Err(error) => filled.refused(error, "")?,
        }
    }
    page::refused(&project_page(&at, filled))
}

/// `GET ../credentials/{credential}/delete`.
pub(super) async fn ask_credential(at: InCredential) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    let form =
        Filled::confirmed(&at.member.visitor).with("revision", at.credential.revision.to_string());
    page::render(&credential_page(&at, form))
}

/// `POST ../credentials/{credential}/delete`.
pub(super) async fn credential(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = confirmed(&console, &at.member, &at.project, &form).await?;
    if filled.is_fine() {
        let of = At::revision(&at.credential.id, form.revision());
        let deleted = console.authority.delete_credential(of, &at.member.actor);
        match deleted.await {
            Ok(()) => {
                let notice = format!("The credential {} is deleted.", at.credential.name);
                return page::done(&console, &at.project_path(), &notice);
            }
            Err(error) => filled.refused(error, "")?,
        }
    }
    page::refused(&credential_page(&at, filled))
}

/// The form as it was sent: fine, if it names the project and whoever sent it is sure.
async fn confirmed(
    console: &Console,
    member: &Member,
    project: &Project,
    form: &Fields,
) -> Result<Filled, PageError> {
    let visitor = &member.visitor;
    let mut filled = Filled::confirmed(visitor).typed(&["project", "revision"], form);
    let name = &project.name;
    if form.trimmed("project") != name {
        filled.fault(
            "project",
            format!("Type the name of the project, {name}, to show that you mean this one."),
        );
    }
    visitor
        .confirm(console, &mut filled, form.secret("password"))
        .await?;
    Ok(filled)
}

fn project_page(at: &InProject, form: Filled) -> DeletePage {
    let effect = match at.credentials.len() {
        0 => "The project holds no credential. Deleting it cannot be undone.",
        _ => {
            "The project still holds credentials. Delete them first: a project is deleted when nothing is in it."
        }
    };
    DeletePage {
        page: at.page("Delete project"),
        form,
        action: format!("{}/delete", at.path()),
        back: at.path(),
        effect: effect.to_owned(),
        project: at.project.name.clone(),
        button: "Delete project",
    }
}

fn credential_page(at: &InCredential, form: Filled) -> DeletePage {
    DeletePage {
        page: at.page("Delete credential"),
        form,
        action: format!("{}/delete", at.path()),
        back: at.path(),
        effect: format!(
            "Every program that uses client id {} fails at once, and the tokens that it has end. Ids are never used again: this cannot be undone.",
            at.credential.client_id
        ),
        project: at.project.name.clone(),
        button: "Delete credential",
    }
}
