//! Another password.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::ManageError;

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
}

/// `GET /console/account/password`.
pub(crate) async fn show(visitor: Visitor) -> Result<Response, PageError> {
    page::render(&template(&visitor, Filled::new(&visitor)))
}

/// `POST /console/account/password`.
pub(crate) async fn change(
    State(console): State<Console>,
    visitor: Visitor,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = Filled::new(&visitor);
    if let Some((old, new)) = passwords(&form, &mut filled) {
        let session = &visitor.session;
        match console.authority.change_password(session, old, new).await {
            Ok(()) => {
                let notice = "Your password is another one now. Your other sessions have ended.";
                return page::done(&console, "/console/account", notice);
            }
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&template(&visitor, filled))
}

fn template(visitor: &Visitor, form: Filled) -> PasswordPage {
    PasswordPage {
        page: Page::of_visitor(visitor, "Change password")
            .crumb("Your account", "/console/account"),
        form,
        sign_in_name: visitor.session.person().sign_in_name.to_string(),
    }
}

/// The old one and the new one, if they were typed.
fn passwords(
    form: &Fields,
    filled: &mut Filled,
) -> Option<(countersign_wire::Opaque, countersign_wire::Opaque)> {
    let old = form.secret("old_password");
    let new = form.secret("new_password");
    if old.is_none() {
        filled.fault("old_password", "Type your present password.");
    }
    match (&new, form.secret("password_again")) {
        (None, _) => filled.fault("new_password", "Choose a password."),
        (Some(one), Some(other)) if one.expose() == other.expose() => {}
        _ => filled.fault(
            "password_again",
            "The two passwords differ: type the same one twice.",
        ),
    }
    filled.is_fine().then_some(())?;
    Some((old?, new?))
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::Password(_) => "new_password",
        _ => "old_password",
    }
}
