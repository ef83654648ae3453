//! One step of the migration for many credentials.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{LivingTokens, Outcome, Stepped};
use countersign_model::{Grants, Migration};
use countersign_wire::{CredentialId, OrgId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::migration::Step;
use super::place::InOrganization;
use super::reply;
use super::request::{Body, By, Ids};
use super::view::time;
use super::waves::check_number;
use crate::app::App;

/// Most credentials of one call.
const MOST: usize = 100;

/// A step for many credentials. One that was taken before changes nothing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StepsBody {
    step: Step,
    /// Ids, at most 100.
    #[schema(value_type = Vec<String>)]
    credentials: Vec<CredentialId>,
    /// Of `disable`: end the tokens, too, that were exchanged before.
    #[serde(default)]
    end_tokens: bool,
}

/// What became of each, in the order of the call.
#[derive(Serialize, ToSchema)]
pub(super) struct StepsView {
    results: Vec<SteppedView>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
struct SteppedView {
    credential_id: String,
    /// `done`; `unchanged`: it was taken before; `refused` or `failed`: see `problem`; `not_tried`:
    /// the call took too long, ask for these again.
    outcome: &'static str,
    /// Why not; `null` if it was done.
    problem: Option<ProblemSchema>,
    client_id: Option<String>,
    project_id: Option<String>,
    name: Option<String>,
    owner_team: Option<String>,
    /// `not_started`, `started`, `disabled`, `completed` or `cancelled`; `null` for a credential
    /// that is not there, or never had a JWT half.
    state: Option<&'static str>,
    /// Of `disabled`: when the JWT half is deleted.
    quarantined_until: Option<String>,
}

impl From<Stepped> for SteppedView {
    fn from(stepped: Stepped) -> Self {
        let (outcome, problem) = match stepped.outcome {
            Outcome::Done => ("done", None),
            Outcome::Unchanged => ("unchanged", None),
            Outcome::Skipped(why) => ("refused", Some(Failure::request(why))),
            Outcome::NotTried => ("not_tried", None),
            Outcome::Refused(error) => {
                let failure = Failure::from(error);
                match failure.is_of_ours() {
                    true => ("failed", Some(failure)),
                    false => ("refused", Some(failure)),
                }
            }
        };
        let credential = stepped.credential.as_ref();
        let migration = credential.and_then(|one| match one.grants {
            Grants::Jwt(migration) => Some(migration),
            Grants::OAuth => None,
        });
        Self {
            credential_id: stepped.id.to_string(),
            outcome,
            problem: problem.map(Failure::into_problem),
            client_id: credential.map(|one| one.client_id.to_string()),
            project_id: credential.map(|one| one.project_id.to_string()),
            name: credential.map(|one| one.name.clone()),
            owner_team: credential.map(|one| one.owner.team.clone()),
            state: migration.map(Migration::as_str),
            quarantined_until: migration.and_then(|one| match one {
                Migration::Disabled { until, .. } => Some(time(until)),
                _ => None,
            }),
        }
    }
}

/// Take a step with many credentials, each by itself: some can be done and others refused
#[utoipa::path(post, path = "/api/v1/organizations/{org}/migration/steps", tag = "migration", operation_id = "take_steps", params(InOrganization), request_body = StepsBody,
    responses((status = 200, body = StepsView), (status = "default", body = ProblemSchema)))]
pub(super) async fn take(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    Body(body): Body<StepsBody>,
) -> Result<Response, Failure> {
    check_number(&body.credentials, MOST)?;
    if body.end_tokens && body.step != Step::Disable {
        return Err(Failure::request(
            "`end_tokens` is for the step `disable`: leave it out",
        ));
    }
    let tokens = match body.end_tokens {
        true => LivingTokens::End,
        false => LivingTokens::Keep,
    };
    let (step, ids) = (body.step.into(), &body.credentials);
    let done = app.authority.take_steps(&org, ids, step, tokens, &by);
    let results = done.await?.into_iter().map(SteppedView::from).collect();
    Ok(reply::item(&StepsView { results }))
}
