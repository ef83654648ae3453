//! Waves of a migration: parts of it with names and planned dates.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{
    At, BoardFilter, NewWave, PlanDirection, Planning, WaveChange, WaveFilter, WaveStatus,
};
use countersign_wire::{CredentialId, OrgId, Timestamp, WaveName};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::board::{WhichWords, read_words};
use super::error::{Failure, ProblemSchema};
use super::place::{InOrganization, Paged};
use super::policy::{Given, given};
use super::reply::{self, List, Paging};
use super::request::{Body, By, Ids, IfMatch, Query};
use super::secrets::instant;
use super::view::time;
use crate::app::App;

/// Most credentials of one call.
const MOST: usize = 500;

/// A wave of an organization.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described")]
struct InWave {
    /// Id of the organization.
    org: String,
    /// Name of the wave.
    wave: String,
}

/// A wave, and how far it is.
#[derive(Serialize, ToSchema)]
pub(super) struct WaveView {
    name: String,
    note: String,
    /// When its credentials are to get their OAuth halves.
    start_on: Option<String>,
    /// When their JWT halves are to be disabled.
    disable_on: Option<String>,
    credentials: u64,
    stages: StagesView,
    /// `fill`, `start`, `disable`, `finish`, `decide` (about those that were cancelled) or
    /// `nothing`.
    next_step: &'static str,
    /// What was not done by the date that was planned for it; `null` if nothing.
    late: Option<LateView>,
    created_by: String,
    created_at: String,
}

/// How many credentials are in which stage.
#[derive(Serialize, ToSchema)]
struct StagesView {
    not_started: u64,
    cancelled: u64,
    started: u64,
    disabled: u64,
    completed: u64,
}

/// What is late.
#[derive(Serialize, ToSchema)]
struct LateView {
    /// `start` or `disable`.
    step: &'static str,
    credentials: u64,
    since: String,
}

impl From<&WaveStatus> for WaveView {
    fn from(status: &WaveStatus) -> Self {
        let (wave, tally) = (&status.wave, &status.tally);
        Self {
            name: wave.name.to_string(),
            note: wave.note.clone(),
            start_on: wave.start_on.map(time),
            disable_on: wave.disable_on.map(time),
            credentials: tally.all(),
            stages: StagesView {
                not_started: tally.not_started,
                cancelled: tally.cancelled,
                started: tally.started,
                disabled: tally.disabled,
                completed: tally.completed,
            },
            next_step: tally.next().as_str(),
            late: status.late.map(|late| {
                let (credentials, since) = late.extent();
                LateView {
                    step: late.step(),
                    credentials,
                    since: time(since),
                }
            }),
            created_by: wave.created_by.clone(),
            created_at: time(wave.created_at),
        }
    }
}

/// A wave to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWaveBody {
    /// 1 to 40 letters, digits, `-`, `_` or `.`; unique in the organization, and it stays.
    name: String,
    /// At most 500 characters.
    #[serde(default)]
    note: String,
    /// When its credentials are to get their OAuth halves: `2026-03-01` or an instant.
    start_on: Option<String>,
    /// When their JWT halves are to be disabled.
    disable_on: Option<String>,
}

/// What to change of a wave: what is absent stays; `null` takes a date away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaveBody {
    note: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    start_on: Given,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    disable_on: Given,
}

/// Which credentials come into a wave, or out of it: by their ids or by the filters of the board.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanBody {
    change: ChangeWord,
    /// Ids, at most 500. They come into the wave from whatever wave they are in.
    #[schema(value_type = Option<Vec<String>>)]
    credentials: Option<Vec<CredentialId>>,
    /// Those of the board that this lets pass. They come into the wave if they are in none, and if
    /// people have anything to do for them.
    found: Option<FoundBody>,
    /// Of `found`: `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// Into the wave or out of it.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ChangeWord {
    /// Into it.
    Add,
    /// Out of it: into none.
    Remove,
}

/// Filters as the board has them. What is absent lets everything pass.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct FoundBody {
    migration: Option<String>,
    duty: Option<String>,
    risk: Option<String>,
    owner_team: Option<String>,
}

/// What became of them.
#[derive(Serialize, ToSchema)]
pub(super) struct PlanningView {
    /// How many came into the wave, or out of it.
    changed: u64,
    /// How many were there already, or were not in it.
    unchanged: u64,
    /// How many of `found` were left alone: they are in another wave, or nobody has anything to do
    /// for them.
    skipped: u64,
    /// Ids that the organization has not, or that never had a JWT half.
    unknown: Vec<String>,
    /// Where `found` goes on: pass it as `cursor`. `null` at its end.
    next_cursor: Option<String>,
}

impl PlanningView {
    fn new(planning: &Planning, next_cursor: Option<String>) -> Self {
        Self {
            changed: planning.changed,
            unchanged: planning.unchanged,
            skipped: planning.skipped,
            unknown: planning.unknown.iter().map(ToString::to_string).collect(),
            next_cursor,
        }
    }
}

/// The waves of a migration, by name
#[utoipa::path(get, path = "/api/v1/organizations/{org}/migration/waves", tag = "migration", operation_id = "waves", params(InOrganization, Paged),
    responses((status = 200, body = List<WaveView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    let paging = Paging::read(&app, &mut query, format!("waves of {org}"))?;
    query.finish()?;
    let found = app.authority.list_waves(&org, &paging.page, &by).await?;
    paging.answer(
        &app,
        found,
        |one| one.wave.name.as_str(),
        |one| WaveView::from(one),
    )
}

/// Make a wave, without credentials; its dates are a plan, and nothing happens because of them
#[utoipa::path(post, path = "/api/v1/organizations/{org}/migration/waves", tag = "migration", operation_id = "create_wave", params(InOrganization), request_body = NewWaveBody,
    responses((status = 201, body = WaveView), (status = "default", body = ProblemSchema)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    Body(body): Body<NewWaveBody>,
) -> Result<Response, Failure> {
    let name = WaveName::parse(&body.name);
    let new = NewWave {
        name: name.map_err(|error| Failure::request(format!("`name`: {error}")))?,
        note: body.note,
        start_on: instant("start_on", body.start_on.as_deref())?,
        disable_on: instant("disable_on", body.disable_on.as_deref())?,
    };
    let made = app.authority.create_wave(&org, new, &by).await?;
    let location = format!(
        "/api/v1/organizations/{org}/migration/waves/{}",
        made.wave.name
    );
    let answer = reply::created(&WaveView::from(&made), &location);
    Ok(reply::tagged(answer, made.wave.revision))
}

/// A wave, and how far it is
#[utoipa::path(get, path = "/api/v1/organizations/{org}/migration/waves/{wave}", tag = "migration", operation_id = "wave", params(InWave),
    responses((status = 200, body = WaveView), (status = "default", body = ProblemSchema)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Ids((org, name)): Ids<(OrgId, WaveName)>,
) -> Result<Response, Failure> {
    let found = app.authority.find_wave(&org, &name, &by).await?;
    Ok(reply::revised(&WaveView::from(&found), found.wave.revision))
}

/// Change note and dates of a wave
#[utoipa::path(patch, path = "/api/v1/organizations/{org}/migration/waves/{wave}", tag = "migration", operation_id = "change_wave", params(InWave), request_body = WaveBody,
    responses((status = 200, body = WaveView), (status = "default", body = ProblemSchema)))]
pub(super) async fn change(
    State(app): State<App>,
    By(by): By,
    Ids((org, name)): Ids<(OrgId, WaveName)>,
    IfMatch(revision): IfMatch,
    Body(body): Body<WaveBody>,
) -> Result<Response, Failure> {
    let change = WaveChange {
        note: body.note,
        start_on: date("start_on", body.start_on)?,
        disable_on: date("disable_on", body.disable_on)?,
    };
    let of = At::revision(&name, revision);
    let changed = app.authority.change_wave(&org, of, &change, &by).await?;
    Ok(reply::revised(
        &WaveView::from(&changed),
        changed.wave.revision,
    ))
}

/// Take a wave away; its credentials stay as they are, in no wave
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/migration/waves/{wave}", tag = "migration", operation_id = "delete_wave", params(InWave),
    responses((status = 204), (status = "default", body = ProblemSchema)))]
pub(super) async fn delete(
    State(app): State<App>,
    By(by): By,
    Ids((org, name)): Ids<(OrgId, WaveName)>,
    IfMatch(revision): IfMatch,
) -> Result<Response, Failure> {
    let of = At::revision(&name, revision);
    app.authority.delete_wave(&org, of, &by).await?;
    Ok(reply::deleted())
}

/// Put credentials into a wave, or take them out of it; their migration is left as it is
#[utoipa::path(post, path = "/api/v1/organizations/{org}/migration/waves/{wave}/credentials", tag = "migration", operation_id = "plan_wave", params(InWave), request_body = PlanBody,
    responses((status = 200, body = PlanningView), (status = "default", body = ProblemSchema)))]
pub(super) async fn plan(
    State(app): State<App>,
    By(by): By,
    Ids((org, name)): Ids<(OrgId, WaveName)>,
    Body(body): Body<PlanBody>,
) -> Result<Response, Failure> {
    let direction = match body.change {
        ChangeWord::Add => PlanDirection::In,
        ChangeWord::Remove => PlanDirection::Out,
    };
    let (planning, next) = match (body.credentials, body.found, body.cursor) {
        (Some(ids), None, None) => {
            check_number(&ids, MOST)?;
            let planned = app
                .authority
                .plan_credentials(&org, &name, (direction, &ids), &by);
            (planned.await?, None)
        }
        (None, Some(found), cursor) => {
            let filter = found.filter()?;
            let list = format!("plan of {org} {name} {direction:?} by {filter:?}");
            let after = cursor.map(|cursor| {
                app.authority.open_cursor(&list, &cursor).ok_or_else(|| {
                    Failure::request("`cursor` belongs to another call: begin again without it")
                })
            });
            let after = after.transpose()?;
            let found = (direction, &filter, after.as_deref());
            let (planning, next) = app.authority.plan_found(&org, &name, found, &by).await?;
            let next = next.map(|key| app.authority.seal_cursor(&list, &key));
            (planning, next.transpose()?)
        }
        _ => {
            return Err(Failure::request(
                "give either `credentials`, or `found` with the `cursor` of the answer before",
            ));
        }
    };
    Ok(reply::item(&PlanningView::new(&planning, next)))
}

/// Refuses more than one call does.
pub(super) fn check_number(ids: &[CredentialId], most: usize) -> Result<(), Failure> {
    match ids.len() <= most {
        true => Ok(()),
        false => Err(Failure::request(format!(
            "`credentials` has at most {most} ids: send the others in calls of their own"
        ))),
    }
}

impl FoundBody {
    fn filter(self) -> Result<BoardFilter, Failure> {
        read_words(WhichWords {
            migration: self.migration,
            duty: self.duty,
            risk: self.risk,
            owner_team: self.owner_team,
            wave: WaveFilter::Any,
        })
    }
}

fn date(name: &str, given: Given) -> Result<Option<Option<Timestamp>>, Failure> {
    given.map(|text| instant(name, text.as_deref())).transpose()
}
