//! What people were told of an organization's things, and of which credentials nobody can be told.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{About, MessageState, Noted, Owned};
use countersign_wire::OrgId;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::error::{Failure, ProblemSchema};
use super::place::{InOrganization, Paged};
use super::reply::{List, Paging};
use super::request::{By, Ids, Query};
use super::view::time;
use crate::app::App;

/// Which notices.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
struct Which {
    /// Only those in this state: `pending`, `sent` or `failed`.
    state: Option<String>,
}

/// A notice: one thing that was told, or is to be told, to one recipient.
#[derive(Serialize, ToSchema)]
pub(super) struct NoticeView {
    id: String,
    created_at: String,
    /// `pending`, `sent` or `failed`.
    state: &'static str,
    /// `certificate_expires`, `secret_expires`, `policy_date`, `jwt_end`, `attempts_refused` or
    /// `migration_blocked`.
    kind: &'static str,
    /// Of the certificate, the secret or the credential; for a policy, the name of the date.
    subject_id: String,
    /// What people call it; of the last two kinds, what is the matter.
    name: String,
    ends_at: String,
    /// The window in which it is told: 30, 23, 16 or 9 days before the end, or 3, 2, 1 or 0; for
    /// `attempts_refused` in a longer quarantine, first as many as that has.
    days_before: u32,
    /// `null` for what concerns the whole organization.
    credential: Option<AboutView>,
    /// `mail` or `webhook`.
    channel: &'static str,
    /// Mail address, or name of the webhook.
    recipient: String,
    attempts: u64,
    /// Why the last attempt failed.
    trouble: Option<String>,
    sent_at: Option<String>,
}

/// A credential, as far as a notice names it.
#[derive(Serialize, ToSchema)]
struct AboutView {
    id: String,
    client_id: String,
    project_id: String,
    name: String,
}

impl From<&About> for AboutView {
    fn from(about: &About) -> Self {
        Self {
            id: about.id.to_string(),
            client_id: about.client_id.to_string(),
            project_id: about.project_id.to_string(),
            name: about.name.clone(),
        }
    }
}

impl From<&Noted> for NoticeView {
    fn from(noted: &Noted) -> Self {
        let notice = &noted.notice;
        Self {
            id: noted.id.clone(),
            created_at: time(noted.created_at),
            state: noted.state.as_str(),
            kind: notice.kind.as_str(),
            subject_id: notice.subject.clone(),
            name: notice.name.clone(),
            ends_at: time(notice.ends_at),
            days_before: notice.days_before,
            credential: notice.credential.as_ref().map(AboutView::from),
            channel: notice.address.channel.as_str(),
            recipient: notice.address.recipient.clone(),
            attempts: noted.attempts,
            trouble: noted.trouble.clone(),
            sent_at: noted.sent_at.map(time),
        }
    }
}

/// A credential whose owner cannot be reached by mail.
#[derive(Serialize, ToSchema)]
pub(super) struct UnreachableView {
    id: String,
    client_id: String,
    project_id: String,
    name: String,
    owner_team: String,
    /// Not a mail address.
    owner_contact: String,
}

impl From<&Owned> for UnreachableView {
    fn from(owned: &Owned) -> Self {
        Self {
            id: owned.id.to_string(),
            client_id: owned.client_id.to_string(),
            project_id: owned.project_id.to_string(),
            name: owned.name.clone(),
            owner_team: owned.owner.team.clone(),
            owner_contact: owned.owner.contact.clone(),
        }
    }
}

/// What people were told of what ends, the newest first
#[utoipa::path(get, path = "/api/v1/organizations/{org}/notices", tag = "notices", params(InOrganization, Which, Paged),
    responses((status = 200, body = List<NoticeView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    let state = query.take("state");
    let state = state.as_deref().map(|word| {
        MessageState::parse(word)
            .ok_or_else(|| Failure::request("`state` is `pending`, `sent` or `failed`"))
    });
    let state = state.transpose()?;
    let paging = Paging::read(&app, &mut query, format!("notices of {org} in {state:?}"))?;
    query.finish()?;
    let found = app
        .authority
        .list_notices(&org, state, &paging.page, &by)
        .await?;
    paging.answer(&app, found, |one| &one.id, |one| NoticeView::from(one))
}

/// Credentials whose owner cannot be reached by mail: the administrators are told instead
#[utoipa::path(get, path = "/api/v1/organizations/{org}/notices/unreachable", tag = "notices", params(InOrganization, Paged),
    responses((status = 200, body = List<UnreachableView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn unreachable(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    let paging = Paging::read(&app, &mut query, format!("unreachable owners of {org}"))?;
    query.finish()?;
    let found = app
        .authority
        .list_unreachable(&org, &paging.page, &by)
        .await?;
    paging.answer(
        &app,
        found,
        |one| one.id.as_str(),
        |one| UnreachableView::from(one),
    )
}
