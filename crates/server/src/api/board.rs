//! The board of a migration: every credential that was created with Service Account (JWT), and what
//! is due.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{BoardFilter, BoardRow, Progress, Stages, WaveFilter};
use countersign_model::board::{Duty, Risk};
use countersign_wire::{OrgId, WaveName};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::error::{Failure, ProblemSchema};
use super::place::{InOrganization, Paged};
use super::reply::{self, List, Paging};
use super::request::{By, Ids, Query};
use super::view::time;
use crate::app::App;

/// Which lines of the board.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
pub(super) struct WhichLines {
    /// `not_started`, `started`, `disabled`, `completed` or `cancelled`.
    migration: Option<String>,
    /// `must_migrate`, `wait` or `no_need`.
    duty: Option<String>,
    /// `high`, `medium`, `low` or `none`.
    risk: Option<String>,
    /// Name of the owner team, as a whole.
    owner_team: Option<String>,
    /// Name of a wave.
    wave: Option<String>,
    /// `false`: only those that are in no wave.
    planned: Option<bool>,
}

/// Filters as they are written.
pub(super) struct WhichWords {
    pub(super) migration: Option<String>,
    pub(super) duty: Option<String>,
    pub(super) risk: Option<String>,
    pub(super) owner_team: Option<String>,
    pub(super) wave: WaveFilter,
}

/// Where a credential stands on its way to OAuth Server-to-Server.
#[derive(Serialize, ToSchema)]
pub(super) struct BoardLine {
    id: String,
    project_id: String,
    name: String,
    owner_team: String,
    owner_contact: String,
    /// `console`, `auto_generated` or `aem_developer_console`.
    origin: &'static str,
    /// `not_started`, `started`, `disabled`, `completed` or `cancelled`.
    migration: &'static str,
    /// `must_migrate`, `wait` or `no_need`.
    duty: &'static str,
    /// When the JWT half stops working; `null` if that is not known, or there is none.
    deadline: Option<String>,
    /// `high`, `medium`, `low` or `none`.
    risk: &'static str,
    /// `start`, `move_callers`, `review_and_disable`, `finish`, `delete_or_start`,
    /// `wait_for_platform` or `nothing`.
    next_step: &'static str,
    /// `null` without a certificate.
    last_certificate_ends: Option<String>,
    /// Until when it is exempt from the dates of others.
    exempt_until: Option<String>,
    exchanges_last_30_days: u64,
    calls_last_30_days: u64,
    /// Name of the wave that it is in.
    wave: Option<String>,
}

/// How far the migration is.
#[derive(Serialize, ToSchema)]
pub(super) struct ProgressView {
    /// How many credentials are in which stage now.
    now: Stages,
    /// On the last 180 days, as far as they were written down.
    days: Vec<ProgressDay>,
}

/// How far it was on a day.
#[derive(Serialize, ToSchema)]
struct ProgressDay {
    /// Its first instant, in UTC.
    day: String,
    credentials: Stages,
}

impl From<&BoardRow> for BoardLine {
    fn from(row: &BoardRow) -> Self {
        let (credential, position) = (&row.credential, &row.position);
        Self {
            id: credential.id.to_string(),
            project_id: credential.project_id.to_string(),
            name: credential.name.clone(),
            owner_team: credential.owner.team.clone(),
            owner_contact: credential.owner.contact.clone(),
            origin: credential.origin.as_str(),
            migration: credential.migration.as_str(),
            duty: position.duty.as_str(),
            deadline: position.deadline.map(time),
            risk: position.risk.as_str(),
            next_step: position.next.as_str(),
            last_certificate_ends: credential.last_certificate_ends.map(time),
            exempt_until: credential.exemption.as_ref().map(|one| time(one.until)),
            exchanges_last_30_days: credential.exchanges,
            calls_last_30_days: credential.calls,
            wave: credential.wave.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&Progress> for ProgressView {
    fn from(progress: &Progress) -> Self {
        let day = |(day, credentials): &(_, Stages)| ProgressDay {
            day: time(*day),
            credentials: credentials.clone(),
        };
        Self {
            now: progress.now.clone(),
            days: progress.days.iter().map(day).collect(),
        }
    }
}

/// Where credentials stand on their way to OAuth Server-to-Server, by id; a page may be short
#[utoipa::path(get, path = "/api/v1/organizations/{org}/migration/board", tag = "migration", params(InOrganization, WhichLines, Paged),
    responses((status = 200, body = List<BoardLine>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    let filter = filter(&mut query)?;
    let paging = Paging::read(&app, &mut query, format!("board of {org} by {filter:?}"))?;
    query.finish()?;
    let page = paging.exactly();
    let found = app
        .authority
        .migration_board(&org, &filter, &page, &by)
        .await?;
    let lines = found.rows.iter().map(BoardLine::from).collect();
    paging.answer_until(&app, lines, found.next.as_deref())
}

/// How many credentials are and were in which stage of their migration
#[utoipa::path(get, path = "/api/v1/organizations/{org}/migration/progress", tag = "migration", params(InOrganization),
    responses((status = 200, body = ProgressView), (status = "default", body = ProblemSchema)))]
pub(super) async fn progress(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
) -> Result<Response, Failure> {
    let progress = app.authority.migration_progress(&org, &by).await?;
    Ok(reply::item(&ProgressView::from(&progress)))
}

fn filter(query: &mut Query) -> Result<BoardFilter, Failure> {
    let wave = query.take("wave");
    let planned = query.take("planned");
    let wave = match (wave, planned.as_deref()) {
        (None, None) => WaveFilter::Any,
        (Some(name), None | Some("true")) => WaveFilter::In(
            WaveName::parse(&name).map_err(|error| Failure::request(format!("`wave`: {error}")))?,
        ),
        (None, Some("false")) => WaveFilter::None,
        _ => {
            return Err(Failure::request(
                "give either `wave` with a name, or `planned=false` for what is in no wave",
            ));
        }
    };
    read_words(WhichWords {
        migration: query.take("migration"),
        duty: query.take("duty"),
        risk: query.take("risk"),
        owner_team: query.take("owner_team"),
        wave,
    })
}

pub(super) fn read_words(words: WhichWords) -> Result<BoardFilter, Failure> {
    let stage = words.migration.unwrap_or_default();
    let stages = [
        "",
        "not_started",
        "started",
        "disabled",
        "completed",
        "cancelled",
    ];
    if !stages.contains(&stage.as_str()) {
        return Err(Failure::request(
            "`migration` is `not_started`, `started`, `disabled`, `completed` or `cancelled`",
        ));
    }
    let duty = words.duty.map(|word| {
        Duty::parse(&word)
            .ok_or_else(|| Failure::request("`duty` is `must_migrate`, `wait` or `no_need`"))
    });
    let risk = words.risk.map(|word| {
        Risk::parse(&word)
            .ok_or_else(|| Failure::request("`risk` is `high`, `medium`, `low` or `none`"))
    });
    Ok(BoardFilter {
        stage,
        duty: duty.transpose()?,
        risk: risk.transpose()?,
        owner: words.owner_team.unwrap_or_default(),
        wave: words.wave,
    })
}
