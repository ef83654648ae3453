//! Signing out: the session ends on the server, not only in the browser.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::ManageError;
use http::header::SET_COOKIE;

use crate::Console;
use crate::cookies::Cookie;
use crate::error::PageError;
use crate::form::Form;
use crate::page;
use crate::session::Visitor;

/// `POST /console/sign-out`.
pub(crate) async fn leave(
    State(console): State<Console>,
    visitor: Visitor,
    _form: Form,
) -> Result<Response, PageError> {
    let session = &visitor.session;
    match console.authority.end_session(session, session.id()).await {
        Ok(()) | Err(ManageError::NoSession) => {}
        Err(error) => return Err(error.into()),
    }
    let mut response = page::done(&console, "/console/sign-in", "You are signed out.")?;
    let cookie = console.cookies.clear(Cookie::Session);
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}
