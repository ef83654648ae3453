//! A small User Management API: list users and groups, change them by commands.
//!
//! Source: spec/ims-protocol.md 8.6, "User Management". The organization is part of the path, and
//! must be the caller's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use countersign_wire::OrgId;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use serde_json::{Value, json};

use super::SampleApi;
use super::caller::Caller;
use actions::Mode;
use directory::Directory;

mod actions;
mod directory;

/// The scope that every operation asks for.
pub(super) const SCOPE: &str = "user_management_sdk";

/// Everything under `/v2/usermanagement`.
pub(super) fn routes() -> Router<Arc<SampleApi>> {
    Router::new()
        .route("/v2/usermanagement/users/{org}/{page}", get(users))
        .route("/v2/usermanagement/users/{org}/{page}/{group}", get(users))
        .route(
            "/v2/usermanagement/organizations/{org}/users/{user}",
            get(user),
        )
        .route("/v2/usermanagement/groups/{org}/{page}", get(groups))
        .route("/v2/usermanagement/action/{org}", post(action))
}

/// The directories that were changed; all others follow from their organization.
#[derive(Default)]
pub struct Directories(Mutex<HashMap<OrgId, Directory>>);

impl Directories {
    fn of(&self, org: &OrgId) -> Directory {
        let changed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changed
            .get(org)
            .cloned()
            .unwrap_or_else(|| Directory::of(org))
    }

    fn change<T>(&self, org: &OrgId, change: impl FnOnce(&mut Directory) -> T) -> T {
        let mut changed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(
            changed
                .entry(org.clone())
                .or_insert_with(|| Directory::of(org)),
        )
    }
}

/// Why a call was refused.
enum Refusal {
    /// It did not come through the gateway.
    Unauthenticated,
    /// The token does not hold the scope.
    MissingScope,
    /// The path has no organization.
    BadOrganization,
    /// The path has another organization than the caller's.
    ForeignOrganization,
    /// The path has no page.
    BadPage,
    /// Nobody of that address.
    NoSuchUser,
    /// No group of that name.
    NoSuchGroup,
    /// The body holds no commands.
    Malformed,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, result, message) = match self {
            Self::Unauthenticated => {
                return (
                    StatusCode::UNAUTHORIZED,
                    [(header::WWW_AUTHENTICATE, CHALLENGE)],
                )
                    .into_response();
            }
            Self::ForeignOrganization => return StatusCode::FORBIDDEN.into_response(),
            Self::MissingScope => (
                401,
                "error.unauthorized",
                "Failed to authenticate provided token",
            ),
            Self::BadOrganization => (400, "error.organization.invalid_id", "Bad organization Id"),
            Self::BadPage => (400, "error.page.invalid", "The page is not a number"),
            Self::NoSuchUser => (404, "error.user.not_found", "There is no such user"),
            Self::NoSuchGroup => (404, "error.group.not_found", "There is no such group"),
            Self::Malformed => (
                400,
                "error.command.malformed",
                "Expected a list of 1 to 10 commands",
            ),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        (
            status,
            document(&json!({ "lastPage": false, "result": result, "message": message })),
        )
            .into_response()
    }
}

async fn users(
    State(api): State<Arc<SampleApi>>,
    headers: HeaderMap,
    uri: Uri,
    path: RawPathParams,
) -> Result<Response, Refusal> {
    let directory = api.directories.of(&caller(&headers, &path)?);
    let group = part(&path, "group");
    if group.is_some_and(|group| directory.group(group).is_none()) {
        return Err(Refusal::NoSuchGroup);
    }
    let domain = parameter(&uri, "domain");
    let shown = directory
        .users
        .iter()
        .filter(|user| group.is_none_or(|group| user.groups.iter().any(|name| name == group)))
        .map(directory::User::show)
        .filter(|user| {
            domain
                .as_ref()
                .is_none_or(|domain| user["domain"] == domain.as_str())
        });
    paged("users", shown.collect(), &path)
}

async fn groups(
    State(api): State<Arc<SampleApi>>,
    headers: HeaderMap,
    path: RawPathParams,
) -> Result<Response, Refusal> {
    let directory = api.directories.of(&caller(&headers, &path)?);
    let shown = directory
        .groups
        .iter()
        .map(|group| directory.show_group(group));
    paged("groups", shown.collect(), &path)
}

async fn user(
    State(api): State<Arc<SampleApi>>,
    headers: HeaderMap,
    path: RawPathParams,
) -> Result<Response, Refusal> {
    let directory = api.directories.of(&caller(&headers, &path)?);
    let found = part(&path, "user").and_then(|email| directory.user(email));
    let shown = found.ok_or(Refusal::NoSuchUser)?.show();
    Ok(document(&json!({ "result": "success", "user": shown })).into_response())
}

async fn action(
    State(api): State<Arc<SampleApi>>,
    headers: HeaderMap,
    uri: Uri,
    path: RawPathParams,
    body: Body,
) -> Result<Response, Refusal> {
    let org = caller(&headers, &path)?;
    let body = to_bytes(body, MOST_BODY_BYTES)
        .await
        .map_err(|_| Refusal::Malformed)?;
    let commands: Value = serde_json::from_slice(&body).map_err(|_| Refusal::Malformed)?;
    let mode = match parameter(&uri, "testOnly").as_deref() {
        Some("true") => Mode::Test,
        _ => Mode::Real,
    };
    let done = api
        .directories
        .change(&org, |directory| actions::run(directory, &commands, mode));
    done.map(|answer| document(&answer).into_response())
        .map_err(|_| Refusal::Malformed)
}

/// The caller's organization, when the path is about that one.
fn caller(headers: &HeaderMap, path: &RawPathParams) -> Result<OrgId, Refusal> {
    let caller = Caller::read(headers).map_err(|_| Refusal::Unauthenticated)?;
    let asked = part(path, "org").unwrap_or_default();
    let asked = OrgId::parse(asked).map_err(|_| Refusal::BadOrganization)?;
    if asked != caller.org {
        return Err(Refusal::ForeignOrganization);
    }
    if !caller.has(SCOPE) {
        return Err(Refusal::MissingScope);
    }
    Ok(caller.org)
}

/// One page, with the headers that say which; beyond the last page, the last one.
fn paged(name: &str, items: Vec<Value>, path: &RawPathParams) -> Result<Response, Refusal> {
    let asked: usize = part(path, "page")
        .and_then(|page| page.parse().ok())
        .ok_or(Refusal::BadPage)?;
    let total = items.len();
    let pages = total.div_ceil(PAGE_SIZE).max(1);
    let page = asked.min(pages - 1);
    let shown: Vec<Value> = items
        .into_iter()
        .skip(page * PAGE_SIZE)
        .take(PAGE_SIZE)
        .collect();
    let headers = [
        ("x-total-count", total),
        ("x-page-count", pages),
        ("x-current-page", page + 1),
        ("x-page-size", shown.len()),
    ];
    let headers =
        headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from(value)));
    let body = json!({ "lastPage": page + 1 == pages, "result": "success", name: shown });
    Ok((headers, document(&body)).into_response())
}

fn document(body: &Value) -> impl IntoResponse {
    (
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )],
        body.to_string(),
    )
}

fn part<'a>(path: &'a RawPathParams, name: &str) -> Option<&'a str> {
    path.iter()
        .find_map(|(key, value)| (key == name).then_some(value))
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default().as_bytes();
    let mut pairs = url::form_urlencoded::parse(query);
    pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

const CHALLENGE: HeaderValue = HeaderValue::from_static(
    r#"Bearer realm="JIL", error="invalid_token", error_description="The access token is invalid""#,
);
/// Small, so that there is a second page.
const PAGE_SIZE: usize = 10;
const MOST_BODY_BYTES: usize = 64 * 1024;
