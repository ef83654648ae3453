//! Services that the gateway publishes: for the operator.

use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use countersign_authority::ListedService;
use countersign_model::PublishedService;
use countersign_wire::PublishedName;
use serde::Serialize;
use utoipa::ToSchema;

use super::definition::DefinitionSchema;
use super::error::{Failure, ProblemSchema};
use super::reply::{self, List};
use super::request::{By, Ids, IfMatch, json_body};
use crate::app::App;

/// A published service.
#[derive(Serialize, ToSchema)]
pub(super) struct PublishedView {
    name: String,
    /// Whether it stands in the configuration file, and is changed there.
    configured: bool,
    /// Why it is not published, if it is not.
    problem: Option<String>,
    /// What a `PUT` takes, defaults included; `null` where there is a problem.
    #[schema(value_type = Option<DefinitionSchema>)]
    definition: Option<PublishedService>,
}

impl From<&ListedService> for PublishedView {
    fn from(service: &ListedService) -> Self {
        Self {
            name: service.name.to_string(),
            configured: service.is_configured,
            problem: service.description.as_ref().err().cloned(),
            definition: service.description.as_ref().ok().cloned(),
        }
    }
}

/// The description of a service, with the keys that the configuration file has.
pub(super) struct Definition(PublishedService);

impl<S: Send + Sync> FromRequest<S> for Definition {
    type Rejection = Failure;

    /// Repeats what is wrong where: operators get patterns and names wrong, not secrets.
    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = json_body(request, state).await?;
        let read = std::str::from_utf8(&bytes).map_err(|error| error.to_string());
        let read = read
            .and_then(|text| PublishedService::from_json(text).map_err(|error| error.to_string()));
        read.map(Self).map_err(|error| {
            let what: String = error
                .chars()
                .filter(|c| !c.is_control())
                .take(300)
                .collect();
            Failure::request(format!(
                "the body does not describe a service: {what}; `docs/gateway.md` has all keys"
            ))
        })
    }
}

/// The services behind the gateway, by name: for the operator
#[utoipa::path(get, path = "/api/v1/published-services", tag = "published services",
    responses((status = 200, body = List<PublishedView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(State(app): State<App>, By(by): By) -> Result<Response, Failure> {
    let found = app.authority.list_published_services(&by).await?;
    Ok(reply::item(&List {
        items: found.iter().map(PublishedView::from).collect(),
        next_cursor: None,
    }))
}

/// Publish a service: here at once, on other nodes within a second
#[utoipa::path(post, path = "/api/v1/published-services", tag = "published services", request_body = DefinitionSchema,
    responses((status = 201, body = PublishedView), (status = "default", body = ProblemSchema)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Definition(service): Definition,
) -> Result<Response, Failure> {
    let made = app.authority.publish_service(service, &by).await?;
    let location = format!("/api/v1/published-services/{}", made.name);
    let answer = reply::created(&PublishedView::from(&made), &location);
    Ok(reply::tagged(answer, made.revision))
}

/// A published service
#[utoipa::path(get, path = "/api/v1/published-services/{name}", tag = "published services", params(("name" = String, Path, description = "Name of the service")),
    responses((status = 200, body = PublishedView), (status = "default", body = ProblemSchema)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Ids(name): Ids<PublishedName>,
) -> Result<Response, Failure> {
    let found = app.authority.find_published_service(&name, &by).await?;
    Ok(answer(&found))
}

/// Describe a published service anew, as a whole: what is left out gets its default
#[utoipa::path(put, path = "/api/v1/published-services/{name}", tag = "published services", params(("name" = String, Path, description = "Name of the service")), request_body = DefinitionSchema,
    responses((status = 200, body = PublishedView), (status = "default", body = ProblemSchema)))]
pub(super) async fn replace(
    State(app): State<App>,
    By(by): By,
    Ids(name): Ids<PublishedName>,
    IfMatch(revision): IfMatch,
    Definition(service): Definition,
) -> Result<Response, Failure> {
    if service.name != name {
        return Err(Failure::request(
            "`name` is the name of the path: a service cannot be renamed; publish another one, then take this one back",
        ));
    }
    let changed = app
        .authority
        .replace_service(service, revision, &by)
        .await?;
    Ok(answer(&changed))
}

/// Take a published service back: calls of it are refused, here at once, elsewhere within a second
#[utoipa::path(delete, path = "/api/v1/published-services/{name}", tag = "published services", params(("name" = String, Path, description = "Name of the service")),
    responses((status = 204), (status = "default", body = ProblemSchema)))]
pub(super) async fn delete(
    State(app): State<App>,
    By(by): By,
    Ids(name): Ids<PublishedName>,
    IfMatch(revision): IfMatch,
) -> Result<Response, Failure> {
    app.authority
        .unpublish_service(&name, revision, &by)
        .await?;
    Ok(reply::deleted())
}

/// What stands in the configuration file has no revision that a change could be made from.
fn answer(service: &ListedService) -> Response {
    let view = PublishedView::from(service);
    match service.is_configured {
        true => reply::item(&view),
        false => reply::revised(&view, service.revision),
    }
}
