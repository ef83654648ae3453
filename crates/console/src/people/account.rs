//! The own account: who one is, how one signs in, where one is signed in.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use countersign_authority::{IDLE, LONGEST};
use countersign_wire::SessionId;

use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page, is_operator};
use crate::session::Visitor;
use crate::text::{moment, span};

pub(crate) mod access_tokens;
pub(crate) mod device;
pub(crate) mod identities;
pub(crate) mod password;

#[derive(Template)]
#[template(path = "people/account.html")]
struct AccountPage {
    page: Page,
    form: Filled,
    name: String,
    sign_in_name: String,
    runs_installation: bool,
    has_password: bool,
    has_device: bool,
    identities: Vec<identities::IdentityRow>,
    /// Providers at which the person has none.
    unlinked: Vec<page::Link>,
    tokens: Option<page::Link>,
    sessions: Vec<SessionRow>,
    idle: String,
    longest: String,
}

struct SessionRow {
    agent: String,
    source: String,
    began: String,
    seen: String,
    end: String,
    about: String,
    is_current: bool,
}

/// `GET /console/account`.
pub(crate) async fn show(
    State(console): State<Console>,
    visitor: Visitor,
) -> Result<Response, PageError> {
    let session = &visitor.session;
    let mut sessions = console.authority.list_sessions(session).await?;
    sessions.sort_by_key(|one| std::cmp::Reverse(one.seen_at));
    let sessions = sessions.into_iter().map(|one| SessionRow {
        end: format!("/console/account/sessions/{}/end", one.id),
        about: format!(
            "the session from {} that began {}",
            one.source,
            moment(one.created_at)
        ),
        is_current: one.id == *session.id(),
        agent: one.agent,
        source: one.source,
        began: moment(one.created_at),
        seen: moment(one.seen_at),
    });
    let tokens = visitor.organization().map(|one| {
        let path = format!("/console/organizations/{}/access-tokens", one.numeric_id);
        page::Link::new(&one.name, path)
    });
    let (identities, unlinked) = identities::list(&console, &visitor).await?;
    page::render(&AccountPage {
        has_password: session.has_password(),
        identities,
        unlinked,
        sessions: sessions.collect(),
        has_device: console.authority.has_device(session).await?,
        form: Filled::new(&visitor),
        name: session.person().name.clone(),
        sign_in_name: session.person().sign_in_name.to_string(),
        runs_installation: is_operator(&visitor),
        tokens,
        idle: span(IDLE),
        longest: span(LONGEST),
        page: Page::of_visitor(&visitor, "Your account"),
    })
}

/// `POST /console/account/sessions/{session}/end`.
pub(crate) async fn end_session(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Response, PageError> {
    let id = SessionId::parse(&id).map_err(|_| PageError::nothing_there())?;
    console.authority.end_session(&visitor.session, &id).await?;
    page::done(&console, "/console/account", "The session has ended.")
}
