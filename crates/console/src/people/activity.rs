//! What happened in an organization.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::Filter;

use crate::Console;
use crate::activity_log::Log;
use crate::error::PageError;
use crate::page::{Page, Section};
use crate::query::Query;
use crate::session::Member;

/// `GET /console/organizations/{org}/activity`.
pub(crate) async fn list(
    State(console): State<Console>,
    member: Member,
    query: Query,
) -> Result<Response, PageError> {
    log(member).show(&console, &query).await
}

/// `GET /console/organizations/{org}/activity.csv`: everything that the filter lets pass, the newest
/// first.
pub(crate) async fn export(
    State(console): State<Console>,
    member: Member,
    query: Query,
) -> Result<Response, PageError> {
    log(member).export(console, &query).await
}

fn log(member: Member) -> Log {
    Log {
        page: Page::of_member(&member, Section::Activity, "Activity"),
        path: format!("{}/activity", member.path()),
        of: Filter::default(),
        member,
    }
}
