//! Members of an organization, and invitations.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{At, MemberChange, NewInvitation};
use countersign_model::{Role, SignInName};
use countersign_wire::{InvitationId, OrgId, PersonId, ProfileId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::error::{Failure, ProblemSchema};
use super::place::{InOrganization, Paged};
use super::reply::{self, List, Paging};
use super::request::{Body, By, Ids, IfMatch, Query};
use super::view::{CreatedInvitation, InvitationView, MemberView};
use crate::app::App;

/// What to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberBody {
    /// `viewer`, `developer` or `system_administrator`.
    role: Option<String>,
    /// Developer of which product profiles.
    #[schema(value_type = Option<Vec<String>>)]
    profiles: Option<Vec<ProfileId>>,
    enabled: Option<bool>,
}

/// Somebody to be invited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewInvitationBody {
    /// The mail address that the person signs in with.
    sign_in_name: String,
    /// `viewer`, `developer` or `system_administrator`.
    role: String,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    profiles: Vec<ProfileId>,
}

/// A member.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described")]
struct OneMember {
    /// Id of the organization.
    org: String,
    /// Id of the person.
    person: String,
}

fn role(word: &str) -> Result<Role, Failure> {
    Role::parse(word).ok_or_else(|| {
        Failure::request("`role` is `viewer`, `developer` or `system_administrator`")
    })
}

/// The members of an organization, by person's id
#[utoipa::path(get, path = "/api/v1/organizations/{org}/members", tag = "members", params(InOrganization, Paged),
    responses((status = 200, body = List<MemberView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    let paging = Paging::read(&app, &mut query, format!("members of {org}"))?;
    query.finish()?;
    let found = app.authority.list_members(&org, &paging.page, &by).await?;
    paging.answer(
        &app,
        found,
        |(person, _)| person.id.as_str(),
        |one| MemberView::from(one),
    )
}

/// A member
#[utoipa::path(get, path = "/api/v1/organizations/{org}/members/{person}", tag = "members", params(OneMember),
    responses((status = 200, body = MemberView), (status = "default", body = ProblemSchema)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Ids((org, person)): Ids<(OrgId, PersonId)>,
) -> Result<Response, Failure> {
    let found = app.authority.find_member(&org, &person, &by).await?;
    Ok(reply::revised(&MemberView::from(&found), found.1.revision))
}

/// Change what a member may do: her sessions end
#[utoipa::path(patch, path = "/api/v1/organizations/{org}/members/{person}", tag = "members", params(OneMember), request_body = MemberBody,
    responses((status = 200, body = MemberView), (status = "default", body = ProblemSchema)))]
pub(super) async fn change(
    State(app): State<App>,
    By(by): By,
    Ids((org, person)): Ids<(OrgId, PersonId)>,
    IfMatch(revision): IfMatch,
    Body(body): Body<MemberBody>,
) -> Result<Response, Failure> {
    let change = MemberChange {
        role: body.role.as_deref().map(role).transpose()?,
        profiles: body.profiles,
        enabled: body.enabled,
    };
    let changed = app
        .authority
        .change_member(&org, &person, change, revision, &by)
        .await?;
    Ok(reply::revised(
        &MemberView::from(&changed),
        changed.1.revision,
    ))
}

/// Remove a member: sessions and access tokens end at once, credentials stay
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/members/{person}", tag = "members", params(OneMember),
    responses((status = 204), (status = "default", body = ProblemSchema)))]
pub(super) async fn remove(
    State(app): State<App>,
    By(by): By,
    Ids((org, person)): Ids<(OrgId, PersonId)>,
    IfMatch(revision): IfMatch,
) -> Result<Response, Failure> {
    let at = At::revision(&person, revision);
    app.authority.remove_member(&org, at, &by).await?;
    Ok(reply::deleted())
}

/// End a member's sessions: access tokens stay
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/members/{person}/sessions", tag = "members", params(OneMember),
    responses((status = 204), (status = "default", body = ProblemSchema)))]
pub(super) async fn end_sessions(
    State(app): State<App>,
    By(by): By,
    Ids((org, person)): Ids<(OrgId, PersonId)>,
) -> Result<Response, Failure> {
    app.authority.end_sessions(&org, &person, &by).await?;
    Ok(reply::deleted())
}

/// Invitations that were not used
#[utoipa::path(get, path = "/api/v1/organizations/{org}/invitations", tag = "members", params(InOrganization, Paged),
    responses((status = 200, body = List<InvitationView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn invitations(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    let paging = Paging::read(&app, &mut query, format!("invitations of {org}"))?;
    query.finish()?;
    let found = app
        .authority
        .list_invitations(&org, &paging.page, &by)
        .await?;
    paging.answer(
        &app,
        found,
        |one| one.id.as_str(),
        |one| InvitationView::from(one),
    )
}

/// Invite somebody; this answer shows the code of the link once
#[utoipa::path(post, path = "/api/v1/organizations/{org}/invitations", tag = "members", params(InOrganization), request_body = NewInvitationBody,
    responses((status = 201, body = CreatedInvitation), (status = "default", body = ProblemSchema)))]
pub(super) async fn invite(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    Body(body): Body<NewInvitationBody>,
) -> Result<Response, Failure> {
    let name = SignInName::parse(&body.sign_in_name);
    let new = NewInvitation {
        sign_in_name: name.map_err(countersign_authority::ManageError::from)?,
        role: role(&body.role)?,
        profiles: body.profiles,
    };
    let invited = app.authority.invite_member(&org, new, &by).await?;
    let location = format!("/api/v1/organizations/{org}/invitations");
    Ok(reply::created(
        &CreatedInvitation::from(&invited),
        &location,
    ))
}

/// Withdraw an invitation
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/invitations/{invitation}", tag = "members", params(InOrganization, ("invitation" = String, Path, description = "Id of the invitation")),
    responses((status = 204), (status = "default", body = ProblemSchema)))]
pub(super) async fn withdraw(
    State(app): State<App>,
    By(by): By,
    Ids((org, invitation)): Ids<(OrgId, InvitationId)>,
) -> Result<Response, Failure> {
    app.authority
        .withdraw_invitation(&org, &invitation, &by)
        .await?;
    Ok(reply::deleted())
}
