//! What happened in a project, and with a credential; also before it was as it is now.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::Filter;

use super::place::{InCredential, InProject};
use crate::Console;
use crate::activity_log::Log;
use crate::error::PageError;
use crate::query::Query;

/// `GET /console/projects/{org}/{project}/activity`.
pub(super) async fn of_project(
    State(console): State<Console>,
    at: InProject,
    query: Query,
) -> Result<Response, PageError> {
    project_log(at).show(&console, &query).await
}

/// `GET /console/projects/{org}/{project}/activity.csv`.
pub(super) async fn export_project(
    State(console): State<Console>,
    at: InProject,
    query: Query,
) -> Result<Response, PageError> {
    project_log(at).export(console, &query).await
}

/// `GET ../credentials/{credential}/activity`.
pub(super) async fn of_credential(
    State(console): State<Console>,
    at: InCredential,
    query: Query,
) -> Result<Response, PageError> {
    credential_log(at).show(&console, &query).await
}

/// `GET ../credentials/{credential}/activity.csv`.
pub(super) async fn export_credential(
    State(console): State<Console>,
    at: InCredential,
    query: Query,
) -> Result<Response, PageError> {
    credential_log(at).export(console, &query).await
}

fn project_log(at: InProject) -> Log {
    Log {
        page: at.page("Activity"),
        path: format!("{}/activity", at.path()),
        of: Filter {
            project: at.project.id.to_string(),
            ..Filter::default()
        },
        member: at.member,
    }
}

fn credential_log(at: InCredential) -> Log {
    Log {
        page: at.page("Activity"),
        path: format!("{}/activity", at.path()),
        of: Filter {
            project: at.project.id.to_string(),
            credential: at.credential.id.to_string(),
            ..Filter::default()
        },
        member: at.member,
    }
}
