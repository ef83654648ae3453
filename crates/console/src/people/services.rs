//! The services that credentials can subscribe to, and those that stand behind the gateway.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::ListedService;

use crate::Console;
use crate::error::PageError;
use crate::page::{self, Page, Section};
use crate::query::Query;
use crate::session::Member;
use crate::text::sentence;

#[derive(Template)]
#[template(path = "people/services.html")]
struct ServicesPage {
    page: Page,
    path: String,
    profiles: String,
    search: String,
    services: Vec<Row>,
    /// Only for people who run the installation.
    published: Option<Vec<PublishedRow>>,
}

struct Row {
    name: String,
    code: String,
    scopes: String,
    is_administrators: bool,
}

struct PublishedRow {
    name: String,
    service: String,
    place: String,
    upstreams: String,
    origin: &'static str,
    trouble: Option<String>,
}

/// `GET /console/organizations/{org}/published-services`.
pub(crate) async fn list(
    State(console): State<Console>,
    member: Member,
    query: Query,
) -> Result<Response, PageError> {
    let search = query.get("search").trim().to_owned();
    let wanted = search.to_lowercase();
    let fits = |text: &str| text.to_lowercase().contains(&wanted);
    let services = console.authority.catalogue().iter();
    let services = services.filter(|one| fits(&one.name) || fits(one.code.as_str()));
    let services = services.map(|one| Row {
        name: one.name.clone(),
        code: one.code.to_string(),
        scopes: one
            .scopes
            .iter()
            .map(|scope| scope.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        is_administrators: one.administrators_only,
    });
    let published = match member.visitor.session.installation_actor() {
        Some(operator) => Some(console.authority.list_published_services(&operator).await?),
        None => None,
    };
    page::render(&ServicesPage {
        services: services.collect(),
        published: published.map(|all| all.into_iter().map(published_row).collect()),
        path: format!("{}/published-services", member.path()),
        profiles: format!("{}/profiles", member.path()),
        search,
        page: Page::of_member(&member, Section::Services, "APIs"),
    })
}

fn published_row(listed: ListedService) -> PublishedRow {
    let origin = match listed.is_configured {
        true => "configuration file",
        false => "database",
    };
    let name = listed.name.to_string();
    match listed.description {
        Ok(service) => PublishedRow {
            name,
            service: service.service.to_string(),
            place: format!("{}{}", service.hosts.join(", "), service.prefix),
            upstreams: service
                .upstreams
                .iter()
                .map(|one| one.as_str())
                .collect::<Vec<_>>()
                .join(", "),
            origin,
            trouble: None,
        },
        Err(why) => PublishedRow {
            name,
            service: String::new(),
            place: String::new(),
            upstreams: String::new(),
            origin,
            trouble: Some(sentence(why)),
        },
    }
}
