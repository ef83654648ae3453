//! Client secrets: added, and shown once.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::ManageError;
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

fn add_page(console: &Console, at: &InCredential, form: Filled) -> AddPage {
    AddPage {
        page: at.page("Add a client secret"),
        form,
        path: format!("{}/secrets", at.path()),
        back: at.path(),
        most: console.authority.config().max_secrets,
    }
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::Name(_) => "label",
        ManageError::ExpiryInThePast(_) => "expires",
        _ => "",
    }
}
