//! The organizations of a person, and the switch between them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page};
use crate::session::{Member, Visitor};

#[derive(Template)]
#[template(path = "people/organizations.html")]
struct OrganizationsPage {
    page: Page,
    form: Filled,
    organizations: Vec<Row>,
}

struct Row {
    name: String,
    id: String,
    role: &'static str,
    path: String,
    switch: String,
    about: String,
    is_current: bool,
}

/// `GET /console/account/organizations`.
pub(crate) async fn list(visitor: Visitor) -> Result<Response, PageError> {
    let current = visitor.organization().map(|one| one.id.clone());
    let rows = visitor.organizations.iter().map(|one| {
        let number = &one.numeric_id;
        let actor = visitor.session.actor(&one.id);
        Row {
            name: one.name.clone(),
            id: one.id.to_string(),
            role: actor
                .and_then(|actor| actor.role())
                .map_or("", |role| role.title()),
            path: format!("/console/projects/{number}"),
            switch: format!("/console/organizations/{number}/switch"),
            about: format!("to {}", one.name),
            is_current: current.as_ref() == Some(&one.id),
        }
    });
    page::render(&OrganizationsPage {
        organizations: rows.collect(),
        form: Filled::new(&visitor),
        page: Page::of_visitor(&visitor, "Organizations"),
    })
}

/// `POST /console/organizations/{org}/switch`.
pub(crate) async fn switch(
    State(console): State<Console>,
    member: Member,
    _form: Form,
) -> Result<Response, PageError> {
    let (session, org) = (&member.visitor.session, &member.organization);
    console
        .authority
        .switch_organization(session, &org.id)
        .await?;
    let notice = format!("You work in {} now.", org.name);
    page::done(&console, &member.projects_path(), &notice)
}
