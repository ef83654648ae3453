//! What a change of the deprecation policy would do, before it is made.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{DailyUse, Foreseen, JwtCredential, OwnerHit, Preview};
use countersign_wire::OrgId;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::InOrganization;
use super::policy::PolicyBody;
use super::reply;
use super::request::{Body, By, Ids};
use super::view::{PolicyView, time};
use crate::app::App;

/// What dates would do.
#[derive(Serialize, ToSchema)]
pub(super) struct PreviewView {
    /// The dates that would hold.
    policy: PolicyView,
    /// Each that would be set.
    dates: Vec<ForeseenView>,
}

/// What one date would do.
#[derive(Serialize, ToSchema)]
struct ForeseenView {
    /// `deprecated_on`, `no_new_on`, `end_of_life_on` or `final_on`.
    date: &'static str,
    at: String,
    /// When it is now; `null` never comes.
    before: Option<String>,
    /// How many credentials it would take something from.
    credentials: usize,
    /// How many it would, were they not exempt until later.
    exempt: usize,
    /// Assertions that those exchange on a day, in the mean of the last thirty.
    exchanges_per_day: f64,
    /// Calls at the gateway with tokens of these.
    calls_per_day: f64,
    /// Whose they are; at most 200 teams, those that use them most.
    owners: Vec<OwnerHitView>,
    /// At most 200 of them, those that are used most.
    hit: Vec<HitView>,
}

/// A team whose credentials a date would hit.
#[derive(Serialize, ToSchema)]
struct OwnerHitView {
    owner_team: String,
    owner_contact: String,
    credentials: usize,
    exchanges_per_day: f64,
    calls_per_day: f64,
}

/// A credential that a date would hit.
#[derive(Serialize, ToSchema)]
struct HitView {
    id: String,
    organization_id: String,
    project_id: String,
    name: String,
    owner_team: String,
    owner_contact: String,
    /// `null` if it has no certificate.
    last_certificate_ends: Option<String>,
    exchanges_last_30_days: u64,
    calls_last_30_days: u64,
}

impl From<&Preview> for PreviewView {
    fn from(preview: &Preview) -> Self {
        Self {
            policy: PolicyView::from(&preview.policy),
            dates: preview.dates.iter().map(ForeseenView::from).collect(),
        }
    }
}

impl From<&Foreseen> for ForeseenView {
    fn from(foreseen: &Foreseen) -> Self {
        let DailyUse { exchanges, calls } = foreseen.use_of_all;
        Self {
            date: foreseen.date.as_str(),
            at: time(foreseen.at),
            before: foreseen.before.map(time),
            credentials: foreseen.credentials,
            exempt: foreseen.exempt,
            exchanges_per_day: exchanges,
            calls_per_day: calls,
            owners: foreseen.owners.iter().map(OwnerHitView::from).collect(),
            hit: foreseen.hit.iter().map(HitView::from).collect(),
        }
    }
}

impl From<&OwnerHit> for OwnerHitView {
    fn from(hit: &OwnerHit) -> Self {
        Self {
            owner_team: hit.owner.team.clone(),
            owner_contact: hit.owner.contact.clone(),
            credentials: hit.credentials,
            exchanges_per_day: hit.used.exchanges,
            calls_per_day: hit.used.calls,
        }
    }
}

impl From<&JwtCredential> for HitView {
    fn from(credential: &JwtCredential) -> Self {
        Self {
            id: credential.id.to_string(),
            organization_id: credential.org_id.to_string(),
            project_id: credential.project_id.to_string(),
            name: credential.name.clone(),
            owner_team: credential.owner.team.clone(),
            owner_contact: credential.owner.contact.clone(),
            last_certificate_ends: credential.last_certificate_ends.map(time),
            exchanges_last_30_days: credential.exchanges,
            calls_last_30_days: credential.calls,
        }
    }
}

/// Whom new dates of an organization would hit; nothing is changed: for the operator
#[utoipa::path(post, path = "/api/v1/organizations/{org}/policy/preview", tag = "policy", params(InOrganization), request_body = PolicyBody,
    responses((status = 200, body = PreviewView), (status = "default", body = ProblemSchema)))]
pub(super) async fn of_organization(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    Body(body): Body<PolicyBody>,
) -> Result<Response, Failure> {
    let change = body.change()?;
    let preview = app
        .authority
        .preview_policy(Some(&org), change, &by)
        .await?;
    Ok(reply::item(&PreviewView::from(&preview)))
}

/// Whom new dates of the installation would hit; nothing is changed: for the operator
#[utoipa::path(post, path = "/api/v1/policy/preview", tag = "policy", request_body = PolicyBody,
    responses((status = 200, body = PreviewView), (status = "default", body = ProblemSchema)))]
pub(super) async fn of_installation(
    State(app): State<App>,
    By(by): By,
    Body(body): Body<PolicyBody>,
) -> Result<Response, Failure> {
    let change = body.change()?;
    let preview = app.authority.preview_policy(None, change, &by).await?;
    Ok(reply::item(&PreviewView::from(&preview)))
}
