//! The migration of a JWT credential to OAuth Server-to-Server.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::At;
use countersign_model::review::{Finding, Review, Standing, Verdict};
use countersign_wire::{CredentialId, OrgId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::{self, InCredential};
use super::reply;
use super::request::{Body, By, Ids, IfMatch};
use super::view::{CredentialView, time};
use crate::app::App;

/// A step of the migration to OAuth Server-to-Server.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MigrationBody {
    step: Step,
}

/// The steps.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// Add the OAuth half.
    Start,
    /// Take it back.
    Cancel,
    /// Remove the JWT half.
    Complete,
}

/// Whether the JWT half may be removed.
#[derive(Serialize, ToSchema)]
pub(super) struct ReviewView {
    /// `safe`, `wait` or `still_used`.
    verdict: &'static str,
    /// Of `wait`: whoever has not called by then will not call.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// How sure it is that nobody will call again, from 0 to 1.
    confidence: f64,
    /// Callers of the JWT half, those first who are waited for longest.
    callers: Vec<ReviewedCaller>,
}

/// A caller of the JWT half.
#[derive(Serialize, ToSchema)]
struct ReviewedCaller {
    /// `null`, with the two below, for all who cannot be told apart, or if nobody was ever seen.
    network: Option<String>,
    agent: Option<String>,
    consumer: Option<String>,
    /// Its last use of the JWT half, or when recording began if nobody was ever seen.
    last_used_at: String,
    /// `hourly`, `daily`, `weekly`, `monthly`, `quarterly`, `irregular`, or `unknown`.
    pace: &'static str,
    /// How many pauses between its calls were seen.
    pauses: usize,
    longest_pause_seconds: u64,
    /// `calling`, `pausing`, `moved` or `gone`.
    standing: &'static str,
    /// Of `pausing`: when its silence will be long enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// From 0 to 1.
    confidence: f64,
}

impl From<&Review> for ReviewView {
    fn from(review: &Review) -> Self {
        let (verdict, until) = match review.verdict {
            Verdict::Safe => ("safe", None),
            Verdict::Wait { until } => ("wait", Some(until)),
            Verdict::StillUsed { .. } => ("still_used", None),
        };
        Self {
            verdict,
            until: until.map(time),
            confidence: review.confidence,
            callers: review.callers.iter().map(ReviewedCaller::from).collect(),
        }
    }
}

impl From<&Finding> for ReviewedCaller {
    fn from(finding: &Finding) -> Self {
        let caller = finding.caller.as_ref();
        let (standing, until) = match finding.standing {
            Standing::Gone => ("gone", None),
            Standing::Moved => ("moved", None),
            Standing::Pausing { until } => ("pausing", Some(until)),
            Standing::Calling => ("calling", None),
        };
        Self {
            network: caller.map(|caller| caller.network.to_string()),
            agent: caller.map(|caller| caller.agent.as_str().to_owned()),
            consumer: caller.and_then(|one| one.consumer.as_ref().map(ToString::to_string)),
            last_used_at: time(finding.last_at),
            pace: finding.habit.pace.as_str(),
            pauses: finding.habit.pauses,
            longest_pause_seconds: finding.habit.longest_pause.as_secs(),
            standing,
            until: until.map(time),
            confidence: finding.confidence,
        }
    }
}

/// Say from its callers whether the JWT half may be removed
#[utoipa::path(get, path = "/api/v1/organizations/{org}/credentials/{credential}/migration/review", tag = "credentials", params(InCredential),
    responses((status = 200, body = ReviewView), (status = "default", body = ProblemSchema)))]
pub(super) async fn review(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let review = app.authority.review_migration(&id, &by).await?;
    Ok(reply::item(&ReviewView::from(&review)))
}

/// Take a step of the migration to OAuth Server-to-Server
#[utoipa::path(post, path = "/api/v1/organizations/{org}/credentials/{credential}/migration", tag = "credentials", params(InCredential), request_body = MigrationBody,
    responses((status = 200, body = CredentialView), (status = "default", body = ProblemSchema)))]
pub(super) async fn migrate(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    IfMatch(revision): IfMatch,
    Body(body): Body<MigrationBody>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let at = At::revision(&id, revision);
    let changed = match body.step {
        Step::Start => app.authority.start_migration(at, &by).await?,
        Step::Cancel => app.authority.cancel_migration(at, &by).await?,
        Step::Complete => app.authority.complete_migration(at, &by).await?,
    };
    let view = CredentialView::from(&changed);
    Ok(reply::revised(&view, changed.revision))
}
