//! The activity log of an organization.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::Filter;
use countersign_wire::OrgId;
use utoipa::IntoParams;

use super::error::{Failure, ProblemSchema};
use super::place::{InOrganization, Paged};
use super::reply::{List, Paging};
use super::request::{By, Ids, Query};
use super::view::EventView;
use crate::app::App;

/// Which events.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
struct Which {
    /// Exactly this actor, such as `person:ada@example.com`.
    actor: Option<String>,
    /// Exactly this action, such as `secret.added`.
    action: Option<String>,
    /// Exactly this subject, such as the id of a credential.
    subject: Option<String>,
    /// In the project of this id; also in one that was deleted.
    project: Option<String>,
    /// About the credential of this id; also about one that was deleted.
    credential: Option<String>,
}

/// What happened in an organization, the newest first
#[utoipa::path(get, path = "/api/v1/organizations/{org}/activity", tag = "activity", params(InOrganization, Which, Paged),
    responses((status = 200, body = List<EventView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    let mut wanted = |name| query.take(name).unwrap_or_default();
    let filter = Filter {
        actor: wanted("actor"),
        action: wanted("action"),
        subject: wanted("subject"),
        project: wanted("project"),
        credential: wanted("credential"),
    };
    let list = format!("activity of {org} with {filter:?}");
    let paging = Paging::read(&app, &mut query, list)?;
    query.finish()?;
    let found = app
        .authority
        .list_activity(&org, &filter, &paging.page, &by)
        .await?;
    paging.answer(&app, found, |one| &one.id, |one| EventView::from(one))
}
