//! Public keys that a credential may authenticate with besides its secrets (`private_key_jwt`).

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{At, ManageError, Usage, UsageSubject, registered_keys};
use countersign_model::Credential;

use super::place::InCredential;
use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page};
use crate::text::moment_or_never;

/// A set without keys: how they are taken away.
const NONE: &str = r#"{"keys":[]}"#;

#[derive(Template)]
#[template(path = "developer/keys.html")]
struct KeysPage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
}

/// A key, as the credential's page lists it.
pub(super) struct KeyRow {
    pub(super) id: String,
    pub(super) algorithm: &'static str,
    pub(super) thumbprint: String,
    pub(super) used: String,
}

/// `GET ../keys`.
pub(super) async fn ask(at: InCredential) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    let form = form_of(&at).with("revision", at.credential.revision.to_string());
    page::render(&keys_page(&at, form))
}

/// `POST ../keys`: the set replaces the one before.
pub(super) async fn replace(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let visitor = &at.member.visitor;
    let mut filled = form_of(&at).typed(&["revision"], &form);
    visitor
        .confirm(&console, &mut filled, form.secret("password"))
        .await?;
    let set = match form.trimmed("keys") {
        "" => NONE,
        set => set,
    };
    if filled.is_fine() {
        let of = At::revision(&at.credential.id, form.revision());
        let replaced = console
            .authority
            .set_jwks(of, set.as_bytes(), &at.member.actor);
        match replaced.await {
            Ok(_) => return page::done(&console, &at.path(), "The registered keys are replaced."),
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&keys_page(&at, filled))
}

/// The keys of a credential, with their last uses.
pub(super) fn rows(credential: &Credential, usage: &[Usage]) -> Vec<KeyRow> {
    let keys = registered_keys(credential).into_iter();
    keys.map(|key| {
        let uses = usage.iter().filter(|one| match &one.subject {
            UsageSubject::Key(thumbprint) => thumbprint.as_str() == key.thumbprint,
            _ => false,
        });
        KeyRow {
            id: key.id.unwrap_or_default(),
            algorithm: key.algorithm,
            used: moment_or_never(uses.map(|one| one.last_used_at).max()),
            thumbprint: key.thumbprint,
        }
    })
    .collect()
}

/// The form with the set that is stored. What was pasted may be private by mistake: it is not shown
/// again, and what is shown instead takes nothing away if it is sent.
fn form_of(at: &InCredential) -> Filled {
    let set = at.credential.jwks.clone().unwrap_or_default();
    Filled::confirmed(&at.member.visitor).with("keys", set)
}

fn keys_page(at: &InCredential, form: Filled) -> KeysPage {
    KeysPage {
        page: at.page("Registered keys"),
        form,
        path: format!("{}/keys", at.path()),
        back: at.path(),
    }
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::KeySet(_)
        | ManageError::NoUsableKey
        | ManageError::KeyLimit(_)
        | ManageError::KnownTestKey => "keys",
        _ => "",
    }
}
