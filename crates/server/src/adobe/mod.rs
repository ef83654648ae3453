//! The two APIs of the original's console, for programs that were written for it: secrets
//! (I/O Management, `spec/ims-protocol.md` 6.8) and Transporter (6.9). Use cases are those of
//! `/api/v1`; what is not served here is listed in `docs/adobe-apis.md`.

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};

use crate::app::App;

mod certificate;
mod credentials;
mod elsewhere;
mod error;
mod guard;
mod integrations;
mod migration;
mod organizations;
mod place;
mod projects;
mod reply;
mod request;
mod secrets;
mod services;
mod view;
mod workspaces;

/// All routes of the face.
pub(crate) fn routes(app: App) -> Router {
    let router = Router::new()
        .route(
            "/console/organizations",
            get(organizations::list).post(elsewhere::no_new_organization),
        )
        .route(
            "/console/data/projects/{project}/install-config",
            get(projects::install_config),
        )
        .route(
            "/console/services/ims/organizations/{org}/terms",
            get(elsewhere::terms_accepted).post(elsewhere::accept_terms),
        )
        .route("/console/services/ims/terms", get(elsewhere::terms))
        .route(
            "/console/api/organizations/{org}/features",
            elsewhere::in_organization(elsewhere::FEATURES),
        )
        .route(
            "/console/clients/{client}/credential",
            get(credentials::of_client),
        )
        .nest("/console/organizations/{org}", in_organization());
    let router = of_others(router, elsewhere::OF_NOBODY, elsewhere::anywhere);
    let guarded = router.route_layer(from_fn_with_state(app.clone(), guard::authenticate));
    guarded.with_state(app)
}

/// Adds paths of other products.
fn of_others(
    router: Router<App>,
    paths: &[(&str, &'static str)],
    answer: fn(&'static str) -> MethodRouter<App>,
) -> Router<App> {
    paths.iter().fold(router, |router, (path, product)| {
        router.route(path, answer(product))
    })
}

fn in_organization() -> Router<App> {
    let router = Router::new()
        .route("/services", get(services::list))
        .route("/services/v2", get(services::list_v2))
        .route("/recipients", get(organizations::recipients))
        .route("/projects", get(projects::list).post(projects::create))
        .route(
            "/projects/{project}",
            get(projects::show)
                .patch(projects::change)
                .delete(projects::delete),
        )
        .route("/projects/{project}/can-delete", post(projects::can_delete))
        .route(
            "/projects/{project}/workspaces",
            get(workspaces::list).post(workspaces::create),
        )
        .route(
            "/projects_workspaces",
            post(workspaces::create_with_project),
        )
        .nest("/projects/{project}/workspaces/{workspace}", in_workspace())
        .route(
            "/projects_workspaces/workspaces/{workspace}",
            get(workspaces::place),
        )
        .route(
            "/projects_workspaces/credentials/{credential}",
            get(credentials::place),
        )
        .route(
            "/clients/{client}/project_workspace",
            get(credentials::place_of_client),
        )
        .nest("/credentials", of_organization())
        .nest("/integrations", as_integrations());
    of_others(
        router,
        elsewhere::OF_ORGANIZATION,
        elsewhere::in_organization,
    )
}

fn in_workspace() -> Router<App> {
    let router = Router::new()
        .route(
            "/",
            get(workspaces::show)
                .patch(workspaces::change)
                .delete(workspaces::delete),
        )
        .route("/download", get(workspaces::download))
        .route("/plugins", get(workspaces::plugins))
        .route(
            "/endpoints",
            elsewhere::in_organization(elsewhere::APP_BUILDER).get(workspaces::endpoints),
        )
        .route("/credentials", get(credentials::list))
        .route(
            "/credentials/oauth-server-to-server",
            post(credentials::create),
        )
        .route("/credentials/entp", post(credentials::create_jwt))
        .route(
            "/credentials/entp/{credential}/certificate/generateAndAssign",
            post(integrations::generate),
        )
        .route("/credentials/{credential}", delete(credentials::delete))
        .route(
            "/credentials/{kind}/{credential}/services",
            put(services::replace_in_workspace),
        );
    of_others(router, elsewhere::OF_WORKSPACE, elsewhere::in_organization)
}

fn of_organization() -> Router<App> {
    let secrets = Router::new()
        .route(
            "/{credential}/secrets",
            get(secrets::list).post(secrets::add),
        )
        .route("/{credential}/secrets/{secret}", delete(secrets::delete))
        .route_layer(map_response(error::as_gateway));
    Router::new()
        .route(
            "/oauth-server-to-server",
            post(credentials::create_with_project),
        )
        .route(
            "/oauth-server-to-server/{credential}",
            put(credentials::change),
        )
        .route(
            "/oauth-server-to-server/{credential}/services",
            put(services::replace),
        )
        .route(
            "/oauth-server-to-server/{credential}/service/subscribe",
            patch(services::subscribe),
        )
        .route(
            "/oauth-server-to-server/{credential}/service/unsubscribe",
            patch(services::unsubscribe),
        )
        .route(
            "/oauth-server-to-server/{credential}/binding",
            get(migration::show)
                .post(migration::bind)
                .delete(migration::unbind),
        )
        .route(
            "/oauth-server-to-server/{credential}/status",
            get(migration::status),
        )
        .route(
            "/oauth-server-to-server/{credential}/finalize",
            patch(migration::finalize),
        )
        .merge(secrets)
}

fn as_integrations() -> Router<App> {
    Router::new()
        .route("/", get(integrations::list))
        .route("/entp", post(integrations::create))
        .route(
            "/entp/{credential}/bindings",
            get(integrations::bindings).post(integrations::bind),
        )
        .route(
            "/entp/{credential}/bindings/{certificate}",
            delete(integrations::unbind),
        )
        .route("/entp/{credential}/services", put(services::replace))
        .route(
            "/entp/{credential}/service/subscribe",
            post(services::subscribe),
        )
        .route(
            "/entp/{credential}/service/unsubscribe",
            post(services::unsubscribe),
        )
        .route(
            "/entp/{credential}/service/{service}/properties",
            get(services::properties),
        )
        .route(
            "/{credential}",
            get(integrations::show).delete(integrations::delete),
        )
        .route("/{credential}/secrets", get(integrations::secrets))
}
