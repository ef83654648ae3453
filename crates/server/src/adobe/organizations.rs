//! Organizations that the caller may work in.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::Page;

use super::error::Failure;
use super::guard::By;
use super::reply;
use super::view;
use crate::app::App;

/// `GET /console/organizations`
pub(super) async fn list(State(app): State<App>, By(by): By) -> Result<Response, Failure> {
    let found = app
        .authority
        .list_organizations(&Page::first(), &by)
        .await?;
    let views: Vec<_> = found
        .iter()
        .map(|org| view::organization(org, &by))
        .collect();
    Ok(reply::item(&views))
}
