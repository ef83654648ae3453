//! The management API, `/api/v1`: what people do in the console, for their programs. The routes
//! and their description are one thing, so that they cannot drift apart.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::get;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

mod activity;
mod alerts;
mod board;
mod brownout;
mod by_hand;
mod certificates;
mod credentials;
mod definition;
mod end;
mod error;
mod exemption;
mod guard;
mod installation;
mod keys;
mod members;
mod migration;
mod notices;
mod organizations;
mod place;
mod policy;
mod preview;
mod projects;
mod published;
mod reply;
mod request;
mod secrets;
mod steps;
mod table;
mod tokens;
mod view;
mod waves;

pub(crate) use error::status;

/// What the document says of the whole.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Countersign management API",
        description = "Organizations, projects and credentials. Every call carries `Authorization: Bearer` and a personal access token. Changes carry `If-Match` with the `ETag` they were made from, if nobody else's work shall be overwritten. Creations may carry an `Idempotency-Key`: asked for again within 24 hours, they are answered again and done once, and secrets are not shown again. Lists are pages: pass `next_cursor` as `cursor`. Problems are `application/problem+json` (RFC 9457).",
        license(name = "Apache-2.0")
    ),
    components(schemas(error::ProblemSchema)),
    modifiers(&Bearer)
)]
struct Document;

/// How a call is authenticated.
struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{
            Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
        };
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("access_token", scheme);
        let none: [String; 0] = [];
        document.security = Some(vec![SecurityRequirement::new("access_token", none)]);
    }
}

/// All routes of the face.
pub fn routes(app: App) -> Router {
    let (router, _) = described();
    let guarded = router.route_layer(from_fn_with_state(app.clone(), guard::authenticate));
    guarded
        .route("/api/v1/openapi.json", get(document))
        .with_state(app)
}

/// The OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    described().1
}

async fn document() -> Response {
    reply::item(&openapi())
}

fn described() -> (Router<App>, utoipa::openapi::OpenApi) {
    let router = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(organizations::list, organizations::create))
        .routes(routes!(organizations::show, organizations::change))
        .routes(routes!(organizations::services))
        .routes(routes!(organizations::offered))
        .routes(routes!(
            organizations::profiles,
            organizations::create_profile
        ))
        .routes(routes!(policy::show, policy::change, policy::clear))
        .routes(routes!(policy::installation, policy::change_installation))
        .routes(routes!(preview::of_organization))
        .routes(routes!(preview::of_installation))
        .routes(routes!(projects::list, projects::create))
        .routes(routes!(projects::show, projects::change, projects::delete))
        .routes(routes!(projects::workspaces))
        .routes(routes!(alerts::show, alerts::replace))
        .routes(routes!(projects::download))
        .routes(routes!(credentials::list, credentials::create))
        .routes(routes!(
            credentials::show,
            credentials::change,
            credentials::delete
        ))
        .routes(routes!(credentials::usage))
        .routes(routes!(credentials::subscribe, credentials::unsubscribe))
        .routes(routes!(migration::list))
        .routes(routes!(migration::show, migration::migrate))
        .routes(routes!(board::list))
        .routes(routes!(board::progress))
        .routes(routes!(steps::take))
        .routes(routes!(waves::list, waves::create))
        .routes(routes!(waves::show, waves::change, waves::delete))
        .routes(routes!(waves::plan))
        .routes(routes!(brownout::list, brownout::plan))
        .routes(routes!(brownout::show))
        .routes(routes!(brownout::undo))
        .routes(routes!(migration::review))
        .routes(routes!(migration::export))
        .routes(routes!(exemption::exempt, exemption::end_exemption))
        .routes(routes!(keys::show, keys::replace))
        .routes(routes!(end::of_credential, by_hand::token))
        .routes(routes!(by_hand::assertion))
        .routes(routes!(secrets::list, secrets::add))
        .routes(routes!(secrets::delete))
        .routes(routes!(end::of_secret))
        .routes(routes!(certificates::list, certificates::add))
        .routes(routes!(certificates::delete))
        .routes(routes!(end::of_certificate))
        .routes(routes!(members::list))
        .routes(routes!(members::show, members::change, members::remove))
        .routes(routes!(members::end_sessions))
        .routes(routes!(members::invitations, members::invite))
        .routes(routes!(members::withdraw))
        .routes(routes!(activity::list))
        .routes(routes!(notices::list))
        .routes(routes!(notices::unreachable))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::delete))
        .routes(routes!(installation::keys))
        .routes(routes!(installation::rotate))
        .routes(routes!(published::list, published::create))
        .routes(routes!(
            published::show,
            published::replace,
            published::delete
        ));
    let (router, mut document) = router.split_for_parts();
    for item in document.paths.paths.values_mut() {
        let all = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        all.into_iter().flatten().for_each(name);
    }
    (router, document)
}

/// Handlers have the same names in many places; operations have names of their own.
fn name(operation: &mut utoipa::openapi::path::Operation) {
    let place = operation.tags.iter().flatten().next();
    let place = place.map(|tag| tag.replace(' ', "_")).unwrap_or_default();
    let what = operation.operation_id.take().unwrap_or_default();
    operation.operation_id = Some(format!("{place}_{what}"));
}

#[cfg(test)]
mod tests {
    /// A difference here is a change of the API: of its version, its documentation and its users.
    #[test]
    fn the_description_is_as_it_was() {
        let document = super::openapi().to_pretty_json().expect("JSON");
        let mut names: Vec<_> = document
            .lines()
            .filter(|line| line.contains("operationId"))
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "each operation has a name of its own");
        insta::assert_snapshot!("openapi", document);
    }
}
