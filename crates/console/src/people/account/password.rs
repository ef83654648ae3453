//! Another password.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::ManageError;
use countersign_wire::Opaque;

use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page};
use crate::session::Visitor;

#[derive(Template)]
#[template(path = "people/password.html")]
struct PasswordPage {
    page: Page,
    form: Filled,
    sign_in_name: String,
    /// Whether there is one to be replaced.
    has_password: bool,
}

/// `GET /console/account/password`.
pub(crate) async fn show(visitor: Visitor) -> Result<Response, PageError> {
    page::render(&template(&visitor, empty(&visitor)))
}

/// `POST /console/account/password`.
pub(crate) async fn change(
    State(console): State<Console>,
    visitor: Visitor,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = empty(&visitor);
    let session = &visitor.session;
    let changed = match (session.has_password(), new_password(&form, &mut filled)) {
        (true, new) => {
            let old = form.secret("old_password");
            if old.is_none() {
                filled.fault("old_password", "Type your present password.");
            }
            match old.zip(new) {
                Some((old, new)) => console.authority.change_password(session, old, new).await,
                None => return page::refused(&template(&visitor, filled)),
            }
        }
        (false, new) => {
            visitor.confirm(&console, &mut filled, None).await?;
            match new.filter(|_| filled.is_fine()) {
                Some(new) => console.authority.set_first_password(session, new).await,
                None => return page::refused(&template(&visitor, filled)),
            }
        }
    };
    match changed {
        Ok(()) => {
            let notice = match session.has_password() {
                true => "Your password is another one now. Your other sessions have ended.",
                false => "You have a password now. Your other sessions have ended.",
            };
            page::done(&console, "/console/account", notice)
        }
        Err(error) => {
            filled.refused_at(error, field)?;
            page::refused(&template(&visitor, filled))
        }
    }
}

/// Who has no password proves otherwise who she is.
fn empty(visitor: &Visitor) -> Filled {
    match visitor.session.has_password() {
        true => Filled::new(visitor),
        false => Filled::confirmed(visitor),
    }
}

fn template(visitor: &Visitor, form: Filled) -> PasswordPage {
    let title = match visitor.session.has_password() {
        true => "Change password",
        false => "Set a password",
    };
    PasswordPage {
        page: Page::of_visitor(visitor, title).crumb("Your account", "/console/account"),
        form,
        has_password: visitor.session.has_password(),
        sign_in_name: visitor.session.person().sign_in_name.to_string(),
    }
}

/// The new one, if it was typed twice.
fn new_password(form: &Fields, filled: &mut Filled) -> Option<Opaque> {
    let new = form.secret("new_password");
    match (&new, form.secret("password_again")) {
        (None, _) => filled.fault("new_password", "Choose a password."),
        (Some(one), Some(other)) if one.expose() == other.expose() => {}
        _ => filled.fault(
            "password_again",
            "The two passwords differ: type the same one twice.",
        ),
    }
    new.filter(|_| filled.is_fine())
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::Password(_) => "new_password",
        _ => "old_password",
    }
}
