//! Following the undo link of a brown-out: no one has to sign in to end what hurts.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::Undoable;

use crate::Console;
use crate::developer::{Shown, shown};
use crate::error::PageError;
use crate::form::{Filled, GuestForm};
use crate::page::{self, Page};
use crate::query::Query;
use crate::session::Guest;

#[derive(Template)]
#[template(path = "people/brownout_undo.html")]
struct UndoPage {
    page: Page,
    form: Filled,
    shown: Shown,
    name: String,
    organization: String,
    credentials: Vec<String>,
    /// How many more there are than are named.
    more: usize,
}

/// Most credentials that the page names.
const NAMED: usize = 20;

/// `GET /console/brown-out?code=..`: the code is in the query, which no log has.
pub(crate) async fn show(
    State(console): State<Console>,
    guest: Guest,
    query: Query,
) -> Result<Response, PageError> {
    let code = query.get("code");
    let found = console.authority.find_undoable(code).await?;
    page::render(&undo_page(&guest, found, code))
}

/// `POST /console/brown-out`: whoever knows the code may end it.
pub(crate) async fn undo(
    State(console): State<Console>,
    guest: Guest,
    form: GuestForm,
) -> Result<Response, PageError> {
    let code = form.text("code");
    let source = guest.place.source;
    console.authority.undo_by_link(code, source).await?;
    let found = console.authority.find_undoable(code).await?;
    page::render(&undo_page(&guest, found, code))
}

fn undo_page(guest: &Guest, found: Undoable, code: &str) -> UndoPage {
    let mut credentials = found.credentials;
    let more = credentials.len().saturating_sub(NAMED);
    credentials.truncate(NAMED);
    UndoPage {
        page: Page::of_guest(guest, "Planned brown-out"),
        form: Filled::for_guest().with("code", code),
        shown: shown(&found.brownout, found.now),
        name: found.brownout.name,
        organization: found.organization,
        credentials,
        more,
    }
}
