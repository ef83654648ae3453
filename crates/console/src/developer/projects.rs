//! The projects of an organization: found, sorted, exported.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use countersign_authority::{Direction, Page as Rows, Search, Sort, Wanted};
use countersign_model::UseCase;
use countersign_server::kit::csv;
use countersign_wire::ServiceCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::deprecation::Banner;
use super::project_rows::{COLUMNS, Lister, Row};
use crate::Console;
use crate::error::PageError;
use crate::form::Filled;
use crate::page::{self, Page, Section};
use crate::query::Query;
use crate::session::Member;

/// Certificates that end within this time need attention, and so do those that have ended.
const SOON: Duration = Duration::from_secs(30 * 86_400);
/// Most projects of one file: more than anybody reads, little enough to make at once.
const MOST_EXPORTED: usize = 10_000;

/// How projects can be sorted: word, text, key, which end first.
const SORTS: [(&str, &str, Sort, Direction); 6] = [
    (
        "changed",
        "Last modified",
        Sort::Changed,
        Direction::Descending,
    ),
    ("created", "Newest", Sort::Created, Direction::Descending),
    ("oldest", "Oldest", Sort::Created, Direction::Ascending),
    (
        "active",
        "Last service activity",
        Sort::Active,
        Direction::Descending,
    ),
    (
        "idle",
        "Longest without activity",
        Sort::Active,
        Direction::Ascending,
    ),
    ("title", "Title", Sort::Title, Direction::Ascending),
];

const ATTENTION: [(&str, &str); 3] = [
    ("", "Any"),
    ("jwt", "Has Service Account (JWT) credential"),
    ("certificates", "Expiring public certificates"),
];

#[derive(Template)]
#[template(path = "developer/projects.html")]
struct ProjectsPage {
    page: Page,
    form: Filled,
    path: String,
    banner: Option<Banner>,
    projects: Vec<Row>,
    services: Vec<(String, String)>,
    attention: [(&'static str, &'static str); 3],
    sorts: Vec<(&'static str, &'static str)>,
    is_filtered: bool,
    next: Option<String>,
    first: String,
    csv: String,
    /// Where to make one, for those who may.
    new: Option<String>,
}

/// `GET /console/projects/{org}`.
pub(super) async fn list(
    State(console): State<Console>,
    member: Member,
    query: Query,
) -> Result<Response, PageError> {
    let path = member.projects_path();
    let search = search(&console, &query);
    let found = console
        .authority
        .search_projects(
            &member.organization.id,
            &search,
            &query.rows(),
            &member.actor,
        )
        .await?;
    let mut found: Vec<_> = found
        .into_iter()
        .map(|one| (search.key_of(&one.project), one))
        .collect();
    let next = query.cut(&path, &mut found, |(key, _)| key);
    let lister = Lister::new(&console, &member).await?;
    let projects = found.iter().map(|(_, one)| lister.row(one));
    let may_create = member.actor.may(UseCase::CreateProject);
    page::render(&ProjectsPage {
        projects: projects.collect(),
        banner: lister.banner(found.iter().map(|(_, one)| one)),
        form: filled(&query),
        services: services(&console),
        attention: ATTENTION,
        sorts: SORTS.map(|(word, text, ..)| (word, text)).to_vec(),
        is_filtered: is_filtered(&query),
        first: match query.get("after") {
            "" => String::new(),
            _ => query.without(&path, "after"),
        },
        csv: query.without(&format!("{path}/projects.csv"), "after"),
        new: may_create.then(|| format!("{path}/new")),
        page: Page::of_member(&member, Section::Projects, "Projects"),
        next,
        path,
    })
}

/// `GET /console/projects/{org}/projects.csv`: everything that the filter lets pass.
pub(super) async fn export(
    State(console): State<Console>,
    member: Member,
    query: Query,
) -> Result<Response, PageError> {
    let search = search(&console, &query);
    let lister = Lister::new(&console, &member).await?;
    let org = &member.organization.id;
    let mut lines = vec![csv::line(COLUMNS)];
    let mut rows = Rows::first();
    loop {
        let found = console
            .authority
            .search_projects(org, &search, &rows, &member.actor)
            .await?;
        lines.extend(found.iter().map(|one| lister.line(one)));
        if lines.len() > MOST_EXPORTED + 1 {
            return Err(PageError::request(
                "More than 10 000 projects fit, and a file holds at most so many. Filter the list further, then download it.",
            ));
        }
        match found.last() {
            Some(last) if found.len() == Rows::MAX as usize => {
                rows.after = Some(search.key_of(&last.project));
            }
            _ => break,
        }
    }
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"projects.csv\""),
    ];
    Ok((headers, lines.concat()).into_response())
}

fn search(console: &Console, query: &Query) -> Search {
    let now = console.authority.clock().now();
    let (_, _, sort, direction) = SORTS
        .into_iter()
        .find(|(word, ..)| *word == query.get("sort"))
        .unwrap_or(SORTS[0]);
    let attention = query.get("attention");
    Search {
        text: query.get("q").to_owned(),
        created_by: query.get("created_by").to_owned(),
        changed_by: query.get("changed_by").to_owned(),
        service: ServiceCode::parse(query.get("service")).ok(),
        jwt: match attention {
            "jwt" => Wanted::Yes,
            _ => Wanted::Either,
        },
        certificates_end_before: (attention == "certificates").then(|| now.plus(SOON)),
        sort,
        direction,
    }
}

fn filled(query: &Query) -> Filled {
    let of = |name| query.get(name).to_owned();
    Filled::for_guest()
        .with("q", of("q"))
        .with("created_by", of("created_by"))
        .with("changed_by", of("changed_by"))
        .with("service", of("service"))
        .with("attention", of("attention"))
        .with("sort", of("sort"))
}

fn is_filtered(query: &Query) -> bool {
    ["q", "created_by", "changed_by", "service", "attention"]
        .iter()
        .any(|name| !query.get(name).trim().is_empty())
}

/// The services of the catalogue by name, behind a choice of all.
fn services(console: &Console) -> Vec<(String, String)> {
    let all = console.authority.catalogue().iter();
    let mut all: Vec<_> = all
        .map(|service| (service.code.to_string(), service.name.clone()))
        .collect();
    all.sort_by_key(|(_, name)| name.to_lowercase());
    all.insert(0, (String::new(), "Any".to_owned()));
    all
}
