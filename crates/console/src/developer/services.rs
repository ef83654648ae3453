//! The services of a credential: what it may use, through which product profiles.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{At, ManageError};
use countersign_model::{Credential, Service, Subscription};
use countersign_wire::{ProfileId, ServiceCode};
use url::form_urlencoded::Serializer;

use super::place::InCredential;
use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page};
use crate::query::Query;
use crate::session::Member;

/// A service that a credential subscribes to.
pub(super) struct ServiceRow {
    pub(super) name: String,
    pub(super) code: String,
    pub(super) scopes: String,
    pub(super) metascopes: String,
    pub(super) profiles: Vec<String>,
    /// Where its profiles are changed.
    pub(super) change: String,
    pub(super) remove: String,
}

#[derive(Template)]
#[template(path = "developer/service.html")]
struct ServicePage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
    choices: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "developer/service_remove.html")]
struct RemovePage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
    name: String,
    scopes: String,
}

/// `GET ../services?service=CODE`.
pub(super) async fn ask(
    State(console): State<Console>,
    at: InCredential,
    query: Query,
) -> Result<Response, PageError> {
    let subscription = subscription(&at, query.get("service"))?;
    let form = Filled::new(&at.member.visitor)
        .with("service", subscription.service.as_str())
        .with("revision", at.credential.revision.to_string())
        .with_all(
            "profiles",
            subscription.profiles.iter().map(ToString::to_string),
        );
    page::render(&service_page(&console, &at, &subscription.service, form).await?)
}

/// `POST ../services`.
pub(super) async fn change(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let code = subscription(&at, form.text("service"))?.service.clone();
    let typed = ["service", "profiles", "revision"];
    let mut filled = Filled::new(&at.member.visitor).typed(&typed, &form);
    let profiles = profiles(&form, &mut filled);
    if filled.is_fine() {
        let changed = Subscription {
            service: code.clone(),
            profiles,
        };
        let of = At::revision(&at.credential.id, form.revision());
        let changed = console.authority.subscribe(of, changed, &at.member.actor);
        match changed.await {
            Ok(_) => return page::done(&console, &at.path(), "The product profiles are changed."),
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&service_page(&console, &at, &code, filled).await?)
}

/// `GET ../services/remove?service=CODE`.
pub(super) async fn ask_removal(
    State(console): State<Console>,
    at: InCredential,
    query: Query,
) -> Result<Response, PageError> {
    let code = subscription(&at, query.get("service"))?.service.clone();
    let form = Filled::new(&at.member.visitor)
        .with("service", code.as_str())
        .with("revision", at.credential.revision.to_string());
    page::render(&remove_page(&console, &at, &code, form))
}

/// `POST ../services/remove`.
pub(super) async fn remove(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let code = subscription(&at, form.text("service"))?.service.clone();
    let mut filled = Filled::new(&at.member.visitor).typed(&["service", "revision"], &form);
    let of = At::revision(&at.credential.id, form.revision());
    let removed = console.authority.unsubscribe(of, &code, &at.member.actor);
    match removed.await {
        Ok(_) => page::done(&console, &at.path(), "The service is removed."),
        Err(error) => {
            filled.refused(error, "")?;
            page::refused(&remove_page(&console, &at, &code, filled))
        }
    }
}

/// The services of a credential, as its page lists them.
pub(super) async fn rows(
    console: &Console,
    member: &Member,
    credential: &Credential,
    path: &str,
) -> Result<Vec<ServiceRow>, PageError> {
    let org = &member.organization.id;
    let profiles = console.authority.list_profiles(org, &member.actor).await?;
    let name_of = |id: &ProfileId| {
        let profile = profiles.iter().find(|profile| profile.id == *id);
        profile.map_or_else(|| id.to_string(), |profile| profile.name.clone())
    };
    let row = |one: &Subscription| {
        let service = console.authority.catalogue().find(&one.service);
        let joined = |all: Vec<&str>| all.join(", ");
        ServiceRow {
            name: name(console, &one.service),
            code: one.service.to_string(),
            scopes: service.map_or_else(String::new, |service| {
                joined(service.scopes.iter().map(|one| one.as_str()).collect())
            }),
            metascopes: service.map_or_else(String::new, |service| {
                joined(service.metascopes.iter().map(|one| one.as_str()).collect())
            }),
            profiles: one.profiles.iter().map(name_of).collect(),
            change: address(&format!("{path}/services"), one.service.as_str()),
            remove: address(&format!("{path}/services/remove"), one.service.as_str()),
        }
    };
    Ok(credential.subscriptions.iter().map(row).collect())
}

/// What people call a service; its code, where the catalogue does not know it any more.
pub(super) fn name(console: &Console, code: &ServiceCode) -> String {
    let service = console.authority.catalogue().find(code);
    service.map_or_else(|| code.to_string(), |service| service.name.clone())
}

/// The product profiles of a service, as a form offers them.
pub(super) async fn profile_choices(
    console: &Console,
    member: &Member,
    service: &ServiceCode,
) -> Result<Vec<(String, String)>, PageError> {
    let org = &member.organization.id;
    let all = console.authority.list_profiles(org, &member.actor).await?;
    let of_service = all.into_iter().filter(|one| one.service == *service);
    Ok(of_service
        .map(|one| (one.id.to_string(), one.name))
        .collect())
}

/// The profiles that were ticked.
pub(super) fn profiles(form: &Fields, filled: &mut Filled) -> Vec<ProfileId> {
    let ticked: Result<Vec<_>, _> = form.all("profiles").map(ProfileId::parse).collect();
    ticked.unwrap_or_else(|_| {
        filled.fault("profiles", "Choose product profiles from the list.");
        Vec::new()
    })
}

/// The service that a query or a form names.
pub(super) fn service<'c>(console: &'c Console, code: &str) -> Result<&'c Service, PageError> {
    let code = ServiceCode::parse(code).map_err(|_| PageError::nothing_there())?;
    let found = console.authority.catalogue().find(&code);
    found.ok_or_else(PageError::nothing_there)
}

/// An address with a service in its query: codes may hold blanks.
pub(super) fn address(path: &str, service: &str) -> String {
    let query = Serializer::new(String::new())
        .append_pair("service", service)
        .finish();
    format!("{path}?{query}")
}

fn subscription<'a>(at: &'a InCredential, code: &str) -> Result<&'a Subscription, PageError> {
    let mut all = at.credential.subscriptions.iter();
    all.find(|one| one.service.as_str() == code)
        .ok_or_else(PageError::nothing_there)
}

async fn service_page(
    console: &Console,
    at: &InCredential,
    code: &ServiceCode,
    form: Filled,
) -> Result<ServicePage, PageError> {
    Ok(ServicePage {
        page: at.page(format!("Product profiles of {}", name(console, code))),
        form,
        path: format!("{}/services", at.path()),
        back: at.path(),
        choices: profile_choices(console, &at.member, code).await?,
    })
}

fn remove_page(
    console: &Console,
    at: &InCredential,
    code: &ServiceCode,
    form: Filled,
) -> RemovePage {
    let service = console.authority.catalogue().find(code);
    let scopes = service.map(|service| service.scopes.iter().map(|one| one.as_str()));
    RemovePage {
        page: at.page(format!("Remove {}", name(console, code))),
        form,
        path: format!("{}/services/remove", at.path()),
        back: at.path(),
        name: name(console, code),
        scopes: scopes
            .map(|all| all.collect::<Vec<_>>().join(", "))
            .unwrap_or_default(),
    }
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::NoProfile(_) | ManageError::ReadOnly(_) => "profiles",
        _ => "",
    }
}
