//! The organizations of a person, and the switch between them.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{Actor, NewOrganization};

use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page, is_operator};
use crate::session::{Member, Visitor};

#[derive(Template)]
#[template(path = "people/organizations.html")]
struct OrganizationsPage {
    page: Page,
    form: Filled,
    organizations: Vec<Row>,
    may_create: bool,
}

#[derive(Template)]
#[template(path = "people/organization_new.html")]
struct NewPage {
    page: Page,
    form: Filled,
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
        may_create: is_operator(&visitor),
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

/// `GET /console/new-organization`.
pub(crate) async fn show_new(visitor: Visitor) -> Result<Response, PageError> {
    operator(&visitor)?;
    page::render(&new_page(&visitor, Filled::new(&visitor)))
}

/// `POST /console/new-organization`: whoever makes one administers it.
pub(crate) async fn create(
    State(console): State<Console>,
    visitor: Visitor,
    form: Form,
) -> Result<Response, PageError> {
    let operator = operator(&visitor)?;
    let mut filled = Filled::new(&visitor).typed(&["name"], &form);
    let new = NewOrganization {
        name: form.trimmed("name").to_owned(),
        ..NewOrganization::default()
    };
    match console.authority.create_organization(new, &operator).await {
        Ok(made) => {
            let path = format!("/console/projects/{}", made.numeric_id);
            let notice = format!("{} is here, and you administer it.", made.name);
            page::done(&console, &path, &notice)
        }
        Err(error) => {
            filled.refused(error, "name")?;
            page::refused(&new_page(&visitor, filled))
        }
    }
}

fn new_page(visitor: &Visitor, form: Filled) -> NewPage {
    NewPage {
        page: Page::of_visitor(visitor, "New organization")
            .crumb("Organizations", "/console/account/organizations"),
        form,
    }
}

fn operator(visitor: &Visitor) -> Result<Actor, PageError> {
    visitor.session.installation_actor().ok_or_else(|| {
        PageError::refused(
            "Only people who run the installation make organizations. Ask one of them.",
        )
    })
}
