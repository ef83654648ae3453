//! Product profiles: what the organization has of a service, and what credentials and developers
//! are given of it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::ManageError;
use countersign_model::UseCase;
use countersign_wire::ServiceCode;

use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page, Section};
use crate::session::Member;
use crate::text::moment;

#[derive(Template)]
#[template(path = "people/profiles.html")]
struct ProfilesPage {
    page: Page,
    form: Filled,
    path: String,
    profiles: Vec<Row>,
    services: Vec<(String, String)>,
    may_change: bool,
}

struct Row {
    name: String,
    service: String,
    id: String,
    created: String,
}

/// `GET /console/organizations/{org}/profiles`.
pub(crate) async fn list(
    State(console): State<Console>,
    member: Member,
) -> Result<Response, PageError> {
    let form = Filled::new(&member.visitor);
    page::render(&template(&console, &member, form).await?)
}

/// `POST /console/organizations/{org}/profiles`.
pub(crate) async fn create(
    State(console): State<Console>,
    member: Member,
    form: Form,
) -> Result<Response, PageError> {
    if !member.actor.may(UseCase::ChangeProfiles) {
        return Err(PageError::refused(
            "Only System Administrators of the organization make product profiles. Ask one of them.",
        ));
    }
    let mut filled = Filled::new(&member.visitor).typed(&["service", "name"], &form);
    let Ok(service) = ServiceCode::parse(form.text("service")) else {
        filled.fault("service", "Choose an API from the list.");
        return page::refused(&template(&console, &member, filled).await?);
    };
    let (org, name) = (&member.organization.id, form.trimmed("name").to_owned());
    let made = console
        .authority
        .create_profile(org, &service, name, &member.actor);
    match made.await {
        Ok(profile) => {
            let notice = format!("The product profile {} is there.", profile.name);
            page::done(&console, &path(&member), &notice)
        }
        Err(error) => {
            filled.refused_at(error, field)?;
            page::refused(&template(&console, &member, filled).await?)
        }
    }
}

fn path(member: &Member) -> String {
    format!("{}/profiles", member.path())
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::NoService(_) => "service",
        _ => "name",
    }
}

async fn template(
    console: &Console,
    member: &Member,
    form: Filled,
) -> Result<ProfilesPage, PageError> {
    let authority = &console.authority;
    let org = &member.organization.id;
    let found = authority.list_profiles(org, &member.actor).await?;
    let profiles = found.into_iter().map(|one| Row {
        service: authority
            .catalogue()
            .find(&one.service)
            .map_or_else(|| one.service.to_string(), |service| service.name.clone()),
        id: one.id.to_string(),
        created: moment(one.created_at),
        name: one.name,
    });
    let services = authority.catalogue().iter();
    let mut services: Vec<_> = services
        .map(|one| (one.code.to_string(), one.name.clone()))
        .collect();
    services.sort_by(|one, other| one.1.cmp(&other.1));
    Ok(ProfilesPage {
        page: Page::of_member(member, Section::Services, "Product profiles")
            .crumb("APIs", format!("{}/published-services", member.path())),
        form,
        path: path(member),
        profiles: profiles.collect(),
        services,
        may_change: member.actor.may(UseCase::ChangeProfiles),
    })
}
