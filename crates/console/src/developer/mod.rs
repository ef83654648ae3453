//! Pages about projects and credentials. Source: `spec/ims-protocol.md` 6.1 to 6.4, 6.7, 6.10.

use axum::Router;
use axum::routing::{get, post};

use crate::Console;

mod activity;
mod add_api;
mod alerts;
mod block;
mod board;
mod brownouts;
mod bundle;
mod certificates;
mod chart;
mod credential;
mod delete;
mod deprecation;
mod keys;
mod place;
mod project;
mod project_rows;
mod projects;
mod removal;
mod secrets;
mod services;
mod shown_once;
mod token_kind;
mod tokens;
mod usage;
mod waves;

pub(crate) use brownouts::{Shown, shown};
use credential::{brownout, ending, migration};

/// Everything below `/console/projects`, and the board. Whole paths: the tests read them here.
pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/console/organizations/{org}/migration", get(board::show))
        .route("/console/organizations/{org}/migration.csv", get(board::export))
        .route("/console/organizations/{org}/migration/choose", post(board::bulk::confirm))
        .route("/console/organizations/{org}/migration/act", post(board::bulk::act))
        .route("/console/organizations/{org}/migration/new-wave", get(waves::ask_new).post(waves::create))
        .route("/console/organizations/{org}/migration/waves", get(waves::list))
        .route("/console/organizations/{org}/migration/waves.csv", get(waves::export))
        .route("/console/organizations/{org}/migration/waves/{wave}", get(waves::show).post(waves::change))
        .route("/console/organizations/{org}/migration/waves/{wave}/delete", get(waves::ask_delete).post(waves::delete))
        .route("/console/organizations/{org}/brown-outs", get(brownouts::list))
        .route("/console/organizations/{org}/brown-outs/{brownout}", get(brownouts::show))
        .route("/console/organizations/{org}/brown-outs/{brownout}/undo", post(brownouts::undo))
        .route("/console/projects/{org}", get(projects::list))
        .route("/console/projects/{org}/projects.csv", get(projects::export))
        .route("/console/projects/{org}/new", get(project::ask_new).post(project::create))
        .route("/console/projects/{org}/{project}", get(project::show))
        .route("/console/projects/{org}/{project}/edit", get(project::edit).post(project::change))
        .route("/console/projects/{org}/{project}/alerts", get(alerts::ask).post(alerts::change))
        .route("/console/projects/{org}/{project}/delete", get(delete::ask_project).post(delete::project))
        .route("/console/projects/{org}/{project}/download.json", get(project::download))
        .route("/console/projects/{org}/{project}/activity", get(activity::of_project))
        .route("/console/projects/{org}/{project}/activity.csv", get(activity::export_project))
        .route("/console/projects/{org}/{project}/add-api", get(add_api::choose_service))
        .route("/console/projects/{org}/{project}/add-api/type", get(add_api::choose_type))
        .route("/console/projects/{org}/{project}/add-api/configure", get(add_api::configure).post(add_api::save))
        .route("/console/projects/{org}/{project}/credentials/{credential}", get(credential::lead))
        .route("/console/projects/{org}/{project}/credentials/{credential}/details/{half}", get(credential::show))
        .route("/console/projects/{org}/{project}/credentials/{credential}/edit", get(credential::edit).post(credential::change))
        .route("/console/projects/{org}/{project}/credentials/{credential}/delete", get(delete::ask_credential).post(delete::credential))
        .route("/console/projects/{org}/{project}/credentials/{credential}/secrets", get(secrets::ask).post(secrets::add))
        .route("/console/projects/{org}/{project}/credentials/{credential}/secrets/{secret}/delete", get(removal::ask_secret).post(removal::secret))
        .route("/console/projects/{org}/{project}/credentials/{credential}/certificates", get(certificates::ask).post(certificates::add))
        .route("/console/projects/{org}/{project}/credentials/{credential}/certificates/{certificate}/delete", get(removal::ask_certificate).post(removal::certificate))
        .route("/console/projects/{org}/{project}/credentials/{credential}/token-kind", get(token_kind::ask).post(token_kind::change))
        .route("/console/projects/{org}/{project}/credentials/{credential}/keys", get(keys::ask).post(keys::replace))
        .route("/console/projects/{org}/{project}/credentials/{credential}/generate-token", get(tokens::ask).post(tokens::generate))
        .route("/console/projects/{org}/{project}/credentials/{credential}/generate-jwt", get(tokens::ask_assertion).post(tokens::generate_assertion))
        .route("/console/projects/{org}/{project}/credentials/{credential}/services", get(services::ask).post(services::change))
        .route("/console/projects/{org}/{project}/credentials/{credential}/services/remove", get(services::ask_removal).post(services::remove))
        .route("/console/projects/{org}/{project}/credentials/{credential}/usage", get(usage::show))
        .route("/console/projects/{org}/{project}/credentials/{credential}/activity", get(activity::of_credential))
        .route("/console/projects/{org}/{project}/credentials/{credential}/activity.csv", get(activity::export_credential))
        .route("/console/projects/{org}/{project}/credentials/{credential}/migration", get(migration::show))
        .route("/console/projects/{org}/{project}/credentials/{credential}/migration/start", post(migration::start))
        .route("/console/projects/{org}/{project}/credentials/{credential}/migration/cancel", get(migration::ask_cancel).post(migration::cancel))
        .route("/console/projects/{org}/{project}/credentials/{credential}/migration/brown-out", get(brownout::ask).post(brownout::plan))
        .route("/console/projects/{org}/{project}/credentials/{credential}/migration/disable", get(ending::ask_disable).post(ending::disable))
        .route("/console/projects/{org}/{project}/credentials/{credential}/migration/restore", post(ending::restore))
        .route("/console/projects/{org}/{project}/credentials/{credential}/migration/finish", get(ending::ask_finish).post(ending::finish))
}
