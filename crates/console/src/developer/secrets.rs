//! Client secrets: added and shown once, deleted.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use countersign_authority::{Force, ManageError};
use countersign_model::Secret;
use countersign_wire::Timestamp;

use super::place::InCredential;
use super::shown_once::{self, Made};
use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page};

#[derive(Template)]
#[template(path = "developer/secret_add.html")]
struct AddPage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
    most: usize,
}

#[derive(Template)]
#[template(path = "developer/secret_delete.html")]
struct DeletePage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
    label: String,
    hint: String,
    is_last: bool,
}

/// `GET ../secrets`.
pub(super) async fn ask(
    State(console): State<Console>,
    at: InCredential,
) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    let form = Filled::confirmed(&at.member.visitor);
    page::render(&add_page(&console, &at, form))
}

/// `POST ../secrets`: the answer shows the secret once.
pub(super) async fn add(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let typed = ["label", "expires"];
    let mut filled = Filled::confirmed(&at.member.visitor).typed(&typed, &form);
    let expires_at = expiry(&form, &mut filled);
    let visitor = &at.member.visitor;
    visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    if filled.is_fine() {
        let label = form.trimmed("label").to_owned();
        let (id, actor) = (&at.credential.id, &at.member.actor);
        match console
            .authority
            .add_secret(id, label, expires_at, actor)
            .await
        {
            Ok(added) => {
                let made = Made {
                    title: "Your new client secret",
                    secret: added.secret.as_ref().map(|secret| secret.expose()),
                    pair: None,
                };
                return shown_once::show(&console.authority, &at, &made);
            }
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&add_page(&console, &at, filled))
}

/// `GET ../secrets/{secret}/delete`.
pub(super) async fn ask_deletion(
    State(console): State<Console>,
    at: InCredential,
    Path((_, _, _, id)): Path<(String, String, String, String)>,
) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    let secret = find(&at, &id)?;
    let form = Filled::confirmed(&at.member.visitor);
    page::render(&delete_page(&console, &at, secret, form))
}

/// `POST ../secrets/{secret}/delete`.
pub(super) async fn delete(
    State(console): State<Console>,
    at: InCredential,
    Path((_, _, _, id)): Path<(String, String, String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let secret = find(&at, &id)?;
    let mut filled = Filled::confirmed(&at.member.visitor).typed(&["tokens", "force"], &form);
    let visitor = &at.member.visitor;
    visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    if filled.is_fine() {
        let force = force(&form);
        let (credential, actor) = (&at.credential.id, &at.member.actor);
        let deleted = if form.is_ticked("tokens") {
            console
                .authority
                .delete_secret_with_tokens(credential, &secret.id, force, actor)
                .await
        } else {
            console
                .authority
                .delete_secret(credential, &secret.id, force, actor)
                .await
        };
        match deleted {
            Ok(_) => return page::done(&console, &at.path(), "The client secret is deleted."),
            Err(error) => filled.refused_at(error, |_| "force")?,
        }
    }
    page::refused(&delete_page(&console, &at, secret, filled))
}

/// Whether a person confirmed what the product would rather not do.
pub(super) fn force(form: &Fields) -> Force {
    match form.is_ticked("force") {
        true => Force::Yes,
        false => Force::No,
    }
}

/// The date that was chosen, if one was.
fn expiry(form: &Fields, filled: &mut Filled) -> Option<Timestamp> {
    let text = form.trimmed("expires");
    if text.is_empty() {
        return None;
    }
    let at = text.parse();
    if at.is_err() {
        filled.fault("expires", "Write a date as 2026-03-01, or leave it empty.");
    }
    at.ok()
}

fn find<'a>(at: &'a InCredential, id: &str) -> Result<&'a Secret, PageError> {
    let mut all = at.credential.secrets.iter();
    all.find(|secret| secret.id.as_str() == id)
        .ok_or_else(PageError::nothing_there)
}

fn add_page(console: &Console, at: &InCredential, form: Filled) -> AddPage {
    AddPage {
        page: at.page("Add a client secret"),
        form,
        path: format!("{}/secrets", at.path()),
        back: at.path(),
        most: console.authority.config().max_secrets,
    }
}

fn delete_page(console: &Console, at: &InCredential, secret: &Secret, form: Filled) -> DeletePage {
    let now = console.authority.clock().now();
    let mut others = at
        .credential
        .secrets
        .iter()
        .filter(|one| one.id != secret.id);
    DeletePage {
        page: at.page(format!("Delete the secret ending in {}", secret.hint)),
        form,
        path: format!("{}/secrets/{}/delete", at.path(), secret.id),
        back: at.path(),
        label: secret.label.clone(),
        hint: secret.hint.clone(),
        is_last: secret.is_live(now) && !others.any(|one| one.is_live(now)),
    }
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::Name(_) => "label",
        ManageError::ExpiryInThePast(_) => "expires",
        _ => "",
    }
}
