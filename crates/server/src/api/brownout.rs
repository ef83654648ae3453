//! Brown-outs: planned short refusals of JWT halves, and who noticed.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use countersign_authority::NewBrownout;
use countersign_model::brownout::{CallerPattern, Repeat, Share, USUALLY_ALLOWED};
use countersign_wire::{Agent, BrownoutId, Consumer, CredentialId, Network, OrgId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::error::{Failure, ProblemSchema};
use super::place::{InOrganization, Paged};
use super::reply::{self, List, Paging};
use super::request::{Body, By, Ids, Query};
use super::secrets::instant;
use super::view::{BrownoutDetail, BrownoutView, PlannedView};
use crate::app::App;

/// A planned short refusal of the JWT half of credentials that have both halves.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BrownoutBody {
    /// 1 to 100 characters, unique in the organization. The same plan under the same name is planned
    /// once. Made from the plan if absent.
    name: Option<String>,
    /// Ids of 1 to 1000 credentials.
    #[schema(value_type = Vec<String>)]
    credentials: Vec<CredentialId>,
    /// When the first window begins; now if absent.
    at: Option<String>,
    /// How long a window lasts: 60 to 86400.
    seconds: u64,
    /// How often a window comes again; not at all if absent.
    repeat: Option<RepeatWord>,
    /// How many windows there are, of those that come again: 2 to 100.
    times: Option<u32>,
    /// Refuse so many of every hundred exchanges, instead of all.
    per_cent: Option<u8>,
    /// Refuse these callers only: 1 to 20.
    callers: Option<Vec<CallerBody>>,
    /// How many callers may fail before it is aborted: 1 to 1000; 3 if absent.
    allowed_callers: Option<u32>,
}

/// How often a window comes again.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RepeatWord {
    /// An hour after the one before.
    Hourly,
    /// 24 hours after the one before.
    Daily,
    /// Seven days after the one before.
    Weekly,
}

/// A caller as the evidence names it; what is absent may be anything.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CallerBody {
    /// As in `203.0.113.0/24`.
    network: Option<String>,
    agent: Option<String>,
    consumer: Option<String>,
}

impl BrownoutBody {
    fn plan(self) -> Result<NewBrownout, Failure> {
        let share = share(self.per_cent, self.callers)?;
        let repeat = match self.repeat {
            None => Repeat::Once,
            Some(RepeatWord::Hourly) => Repeat::Hourly,
            Some(RepeatWord::Daily) => Repeat::Daily,
            Some(RepeatWord::Weekly) => Repeat::Weekly,
        };
        Ok(NewBrownout {
            name: self.name,
            credentials: self.credentials,
            at: instant("at", self.at.as_deref())?,
            lasts: Duration::from_secs(self.seconds),
            repeat,
            times: self.times.unwrap_or(1),
            share,
            allowed: self.allowed_callers.unwrap_or(USUALLY_ALLOWED),
        })
    }
}

fn share(per_cent: Option<u8>, callers: Option<Vec<CallerBody>>) -> Result<Share, Failure> {
    match (per_cent, callers) {
        (None, None) => Ok(Share::All),
        (Some(share), None) => Ok(Share::PerCent(share)),
        (None, Some(callers)) => {
            let patterns: Result<_, _> = callers.iter().map(CallerBody::pattern).collect();
            Ok(Share::Callers(patterns?))
        }
        (Some(_), Some(_)) => Err(Failure::request(
            "`per_cent` and `callers` exclude each other: give one of them",
        )),
    }
}

impl CallerBody {
    fn pattern(&self) -> Result<CallerPattern, Failure> {
        let wrong = |name: &str| {
            Failure::request(format!(
                "`{name}` of a caller is not what `GET .../usage` shows: copy it from there"
            ))
        };
        let network = self.network.as_deref().map(str::parse::<Network>);
        let consumer = self.consumer.as_deref().map(str::parse::<Consumer>);
        let agent = self.agent.as_ref().map(|text| {
            let agent = Agent::of(text.as_bytes());
            let is_whole = agent.as_str() == text && !text.is_empty();
            is_whole.then_some(agent).ok_or_else(|| wrong("agent"))
        });
        Ok(CallerPattern {
            network: network.transpose().map_err(|_| wrong("network"))?,
            agent: agent.transpose()?,
            consumer: consumer.transpose().map_err(|_| wrong("consumer"))?,
        })
    }
}

/// Which brown-outs.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
struct Which {
    /// Only those of this credential.
    credential: Option<String>,
}

/// One brown-out.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described")]
struct OneBrownout {
    /// Id of the organization.
    org: String,
    /// Id of the brown-out.
    brownout: String,
}

/// Brown-outs of an organization, the newest first
#[utoipa::path(get, path = "/api/v1/organizations/{org}/migration/brownouts", tag = "migration", operation_id = "list_brownouts", params(InOrganization, Which, Paged),
    responses((status = 200, body = List<BrownoutView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    let credential = query.take("credential");
    let credential = credential.as_deref().map(CredentialId::parse).transpose();
    let credential =
        credential.map_err(|error| Failure::request(format!("`credential`: {error}")))?;
    let name = format!("brown-outs of {org} for {credential:?}");
    let paging = Paging::read(&app, &mut query, name)?;
    query.finish()?;
    let now = app.authority.clock().now();
    let found = app
        .authority
        .list_brownouts(&org, credential.as_ref(), &paging.page, &by)
        .await?;
    paging.answer(
        &app,
        found,
        |one| one.id.as_str(),
        |one| BrownoutView::new(one, now),
    )
}

/// Plan a brown-out; this answer shows its undo link once. What is planned already is answered with
/// 200, and without the link
#[utoipa::path(post, path = "/api/v1/organizations/{org}/migration/brownouts", tag = "migration", operation_id = "plan_brownout", params(InOrganization), request_body = BrownoutBody,
    responses((status = 201, body = PlannedView), (status = 200, body = PlannedView), (status = "default", body = ProblemSchema)))]
pub(super) async fn plan(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    Body(body): Body<BrownoutBody>,
) -> Result<Response, Failure> {
    let planned = app.authority.plan_brownout(&org, body.plan()?, &by).await?;
    let view = PlannedView::new(&planned, &app.authority);
    Ok(match planned.undo {
        Some(_) => {
            let id = &planned.brownout.id;
            let location = format!("/api/v1/organizations/{org}/migration/brownouts/{id}");
            reply::created(&view, &location)
        }
        None => reply::item(&view),
    })
}

/// A brown-out, and who noticed it
#[utoipa::path(get, path = "/api/v1/organizations/{org}/migration/brownouts/{brownout}", tag = "migration", operation_id = "show_brownout", params(OneBrownout),
    responses((status = 200, body = BrownoutDetail), (status = "default", body = ProblemSchema)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, BrownoutId)>,
) -> Result<Response, Failure> {
    let report = app.authority.show_brownout(&org, &id, &by).await?;
    Ok(reply::item(&BrownoutDetail::from(&report)))
}

/// End a brown-out, whether it has begun or not; one that is over stays as it is
#[utoipa::path(post, path = "/api/v1/organizations/{org}/migration/brownouts/{brownout}/undo", tag = "migration", operation_id = "undo_brownout", params(OneBrownout),
    responses((status = 200, body = BrownoutView), (status = "default", body = ProblemSchema)))]
pub(super) async fn undo(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, BrownoutId)>,
) -> Result<Response, Failure> {
    let undone = app.authority.undo_brownout(&org, &id, &by).await?;
    let now = app.authority.clock().now();
    Ok(reply::item(&BrownoutView::new(&undone, now)))
}
