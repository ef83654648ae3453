//! The board of the migration: every credential that was created with Service Account (JWT), what is
//! due for it, and how far the whole is.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use countersign_authority::{
    BoardFilter, BoardRow, PROGRESS_DAYS, Page as Rows, Progress, Stages, WaveFilter,
};
use countersign_model::board::{Duty, Risk};
use countersign_model::{Origin, UseCase};
use countersign_server::kit::csv;
use countersign_wire::{Timestamp, WaveName};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::{brownouts, waves};
use crate::Console;
use crate::error::PageError;
use crate::form::Filled;
use crate::page::{self, Page, Section};
use crate::query::Query;
use crate::session::Member;

pub(super) mod bulk;

/// Rows of a page.
const ROWS: u32 = 50;
/// Most credentials of one file.
const MOST_EXPORTED: usize = 50_000;
const HEIGHT: u64 = 140;
const DAY_WIDTH: u64 = 4;

/// Stands for those that are in no wave; no wave can be called so.
pub(super) const NO_WAVE: &str = "-";

/// Stages from what is left to do to what is done: word, name, look of its bar.
const STAGES: [(&str, &str); 5] = [
    ("not_started", "Not started"),
    ("cancelled", "Cancelled"),
    ("started", "Both halves work"),
    ("disabled", "In quarantine"),
    ("completed", "Done"),
];

#[derive(Template)]
#[template(path = "developer/board.html")]
struct BoardPage {
    page: Page,
    form: Filled,
    path: String,
    counts: Vec<Counted>,
    total: u64,
    chart: Option<Chart>,
    stages: Vec<(&'static str, &'static str)>,
    duties: [(&'static str, &'static str); 4],
    risks: [(&'static str, &'static str); 5],
    /// Values and names of the filter by wave.
    waves: Vec<(String, String)>,
    waves_path: String,
    rows: Vec<Line>,
    /// For who may do something with many of them.
    bulk: Option<Bulk>,
    is_filtered: bool,
    next: Option<String>,
    first: String,
    csv: String,
    brownouts: String,
}

/// What can be done with those that are chosen.
struct Bulk {
    action: String,
    /// The filter, as it travels with the form.
    filter: String,
    deeds: Vec<(&'static str, String)>,
    waves: Vec<(String, String)>,
}

/// How many credentials are in a stage.
struct Counted {
    name: &'static str,
    class: &'static str,
    credentials: u64,
    path: String,
}

struct Line {
    id: String,
    path: String,
    name: String,
    wave: Option<(String, String)>,
    owner: String,
    contact: String,
    stage: &'static str,
    duty: &'static str,
    duty_look: &'static str,
    why: &'static str,
    deadline: String,
    distance: String,
    risk: &'static str,
    risk_look: &'static str,
    used: u64,
    next: &'static str,
}

/// Credentials by stage and day, stacked.
struct Chart {
    width: u64,
    bars: Vec<Bar>,
    from: String,
    until: String,
    highest: u64,
}

struct Bar {
    class: &'static str,
    x: u64,
    y: u64,
    height: u64,
}

/// `GET /console/organizations/{org}/migration`.
pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    query: Query,
) -> Result<Response, PageError> {
    let path = path(&member);
    let (org, actor) = (&member.organization.id, &member.actor);
    let filter = filter(&query);
    let rows = Rows {
        limit: ROWS,
        ..query.rows()
    };
    let board = console
        .authority
        .migration_board(org, &filter, &rows, actor)
        .await?;
    let progress = console.authority.migration_progress(org, actor).await?;
    let waves = wave_choices(&console, &member).await?;
    let now = console.authority.clock().now();
    let lines = board.rows.iter().map(|row| line(&member, row, now));
    page::render(&BoardPage {
        rows: lines.collect(),
        form: filled(&member, &query),
        counts: counts(&progress.now, &query, &path),
        total: progress.now.values().sum(),
        chart: chart(&progress),
        stages: choices("Any stage", &STAGES),
        duties: DUTIES,
        risks: RISKS,
        bulk: bulk_of(&member, &filter, &query, &waves),
        waves: [("", "Any"), (NO_WAVE, "In none")]
            .map(|(value, name)| (value.to_owned(), name.to_owned()))
            .into_iter()
            .chain(waves)
            .collect(),
        waves_path: waves::path(&member),
        is_filtered: filter != BoardFilter::default(),
        next: board.next.map(|after| query.with(&path, "after", &after)),
        first: match query.get("after") {
            "" => String::new(),
            _ => query.without(&path, "after"),
        },
        csv: query.without(&format!("{path}.csv"), "after"),
        brownouts: brownouts::path_of(&member),
        page: Page::of_member(&member, Section::Migration, "Migration"),
        path,
    })
}

/// `GET /console/organizations/{org}/migration.csv`: everything that the filter lets pass.
pub(super) async fn export(
    State(console): State<Console>,
    member: Member,
    query: Query,
) -> Result<Response, PageError> {
    let filter = filter(&query);
    let now = console.authority.clock().now();
    let mut lines = vec![csv::line(COLUMNS)];
    let mut rows = Rows::first();
    loop {
        let board = console
            .authority
            .migration_board(&member.organization.id, &filter, &rows, &member.actor)
            .await?;
        lines.extend(board.rows.iter().map(|row| cells(&member, row, now)));
        if lines.len() > MOST_EXPORTED + 1 {
            return Err(PageError::request(
                "More than 50 000 credentials fit, and a file holds at most so many. Filter the board further, then download it.",
            ));
        }
        match board.next {
            Some(after) => rows.after = Some(after),
            None => break,
        }
    }
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"migration.csv\"",
        ),
    ];
    Ok((headers, lines.concat()).into_response())
}

const COLUMNS: [&str; 13] = [
    "Credential ID",
    "Project ID",
    "Name",
    "Owner",
    "Contact",
    "Stage",
    "Migration needed",
    "Deadline",
    "Risk",
    "Exchanges in 30 days",
    "Calls in 30 days",
    "Next step",
    "Wave",
];

fn cells(member: &Member, row: &BoardRow, now: Timestamp) -> String {
    let (credential, shown) = (&row.credential, line(member, row, now));
    csv::line([
        credential.id.as_str(),
        credential.project_id.as_str(),
        &credential.name,
        &credential.owner.team,
        &credential.owner.contact,
        shown.stage,
        shown.duty,
        &shown.deadline,
        shown.risk,
        &credential.exchanges.to_string(),
        &credential.calls.to_string(),
        shown.next,
        credential.wave.as_ref().map_or("", |wave| wave.as_str()),
    ])
}

const DUTIES: [(&str, &str); 4] = [
    ("", "Any"),
    ("must_migrate", "Must migrate"),
    ("wait", "Wait"),
    ("no_need", "No need"),
];
const RISKS: [(&str, &str); 5] = [
    ("", "Any"),
    ("high", "High"),
    ("medium", "Medium"),
    ("low", "Low"),
    ("none", "None"),
];

fn choices(
    any: &'static str,
    all: &[(&'static str, &'static str)],
) -> Vec<(&'static str, &'static str)> {
    [("", any)].into_iter().chain(all.iter().copied()).collect()
}

fn filter(query: &Query) -> BoardFilter {
    let stage = query.get("stage");
    BoardFilter {
        stage: STAGES
            .iter()
            .find(|(word, _)| *word == stage)
            .map_or_else(String::new, |(word, _)| (*word).to_owned()),
        duty: Duty::parse(query.get("duty")),
        risk: Risk::parse(query.get("risk")),
        owner: query.get("owner").trim().to_owned(),
        wave: match query.get("wave") {
            NO_WAVE => WaveFilter::None,
            name => WaveName::parse(name).map_or(WaveFilter::Any, WaveFilter::In),
        },
    }
}

fn filled(member: &Member, query: &Query) -> Filled {
    let names = ["stage", "duty", "risk", "owner", "wave"];
    names
        .iter()
        .fold(Filled::new(&member.visitor), |form, name| {
            form.with(name, query.get(name))
        })
}

/// The waves of the organization, as a choice has them.
async fn wave_choices(
    console: &Console,
    member: &Member,
) -> Result<Vec<(String, String)>, PageError> {
    let (org, first) = (&member.organization.id, Rows::first());
    let found = console.authority.list_waves(org, &first, &member.actor);
    let names = found
        .await?
        .into_iter()
        .map(|one| one.wave.name.to_string());
    Ok(names.map(|name| (name.clone(), name)).collect())
}

/// What can be done with those that are chosen; nothing by who only looks.
fn bulk_of(
    member: &Member,
    filter: &BoardFilter,
    query: &Query,
    waves: &[(String, String)],
) -> Option<Bulk> {
    if !member.actor.may(UseCase::Migrate) {
        return None;
    }
    let mut deeds = Vec::new();
    if !waves.is_empty() {
        deeds.push(("plan", "Put into a wave".to_owned()));
    }
    if let WaveFilter::In(wave) = &filter.wave {
        deeds.push(("take_out", format!("Take out of wave {wave}")));
    }
    let steps = [
        ("start", "Start: add the OAuth half"),
        ("disable", "Disable the JWT half of those that are safe"),
        ("restore", "Restore the JWT half"),
        ("cancel", "Cancel: take the OAuth half back"),
    ];
    deeds.extend(steps.map(|(word, name)| (word, name.to_owned())));
    let filter = query.without("", "after");
    Some(Bulk {
        action: format!("{}/choose", path(member)),
        filter: filter.trim_start_matches('?').to_owned(),
        deeds,
        waves: waves.to_vec(),
    })
}

pub(super) fn path(member: &Member) -> String {
    format!("{}/migration", member.path())
}

pub(super) fn name_of(stage: &str) -> &'static str {
    let known = STAGES.iter().find(|(word, _)| *word == stage);
    known.map_or("", |(_, name)| name)
}

fn line(member: &Member, row: &BoardRow, now: Timestamp) -> Line {
    let (credential, position) = (&row.credential, &row.position);
    let (duty, duty_look, why) = match (position.duty, credential.origin) {
        (Duty::MustMigrate, _) => ("Must migrate", "notice", ""),
        (Duty::Wait, Origin::AutoGenerated) => ("Wait", "info", "auto-generated"),
        (Duty::Wait, _) => ("Wait", "info", "in quarantine"),
        (Duty::NoNeed, Origin::AemDeveloperConsole) => {
            ("No need", "neutral", "AEM Developer Console")
        }
        (Duty::NoNeed, _) => ("No need", "positive", "migrated"),
    };
    let (risk, risk_look) = match position.risk {
        Risk::High => ("High", "negative"),
        Risk::Medium => ("Medium", "notice"),
        Risk::Low => ("Low", "neutral"),
        Risk::None => ("None", "neutral"),
    };
    Line {
        id: credential.id.to_string(),
        wave: credential
            .wave
            .as_ref()
            .map(|wave| (format!("{}/{wave}", waves::path(member)), wave.to_string())),
        path: format!(
            "{}/{}/credentials/{}",
            member.projects_path(),
            credential.project_id,
            credential.id
        ),
        name: credential.name.clone(),
        owner: credential.owner.team.clone(),
        contact: credential.owner.contact.clone(),
        stage: name_of(credential.migration.as_str()),
        duty,
        duty_look,
        why,
        deadline: position.deadline.map(Timestamp::date).unwrap_or_default(),
        distance: position
            .deadline
            .map_or_else(String::new, |at| distance(at, now)),
        risk,
        risk_look,
        used: credential.exchanges,
        next: position.next.sentence(),
    }
}

fn distance(at: Timestamp, now: Timestamp) -> String {
    match at <= now {
        true => "passed".to_owned(),
        false => match at.since(now).as_secs().div_ceil(86_400) {
            1 => "1 day left".to_owned(),
            days => format!("{days} days left"),
        },
    }
}

fn counts(now: &Stages, query: &Query, path: &str) -> Vec<Counted> {
    let counted = STAGES.iter().map(|(word, name)| Counted {
        name,
        class: class_of(word),
        credentials: now.get(*word).copied().unwrap_or_default(),
        path: query.with(path, "stage", word),
    });
    counted.collect()
}

pub(super) fn class_of(stage: &str) -> &'static str {
    match stage {
        "completed" => "done",
        "disabled" => "quarantine",
        "started" => "oauth",
        _ => "jwt",
    }
}

/// Bars for the days that were written down; what is done stands at the bottom.
fn chart(progress: &Progress) -> Option<Chart> {
    let (first, last) = (progress.days.first()?, progress.days.last()?);
    let sums = progress
        .days
        .iter()
        .map(|(_, stages)| stages.values().sum());
    let highest: u64 = sums.max().unwrap_or_default();
    let day_of = |at: Timestamp| at.as_seconds().div_euclid(86_400);
    let mut bars = Vec::new();
    for (at, stages) in &progress.days {
        let days = u64::try_from(day_of(*at) - day_of(first.0)).unwrap_or_default();
        bars.extend(stack(stages, highest, days * DAY_WIDTH));
    }
    Some(Chart {
        width: u64::from(PROGRESS_DAYS) * DAY_WIDTH,
        bars,
        from: first.0.date(),
        until: last.0.date(),
        highest,
    })
}

fn stack(stages: &Stages, highest: u64, x: u64) -> Vec<Bar> {
    let mut ground = HEIGHT;
    let mut bars = Vec::new();
    for (word, _) in STAGES.iter().rev() {
        let credentials = stages.get(*word).copied().unwrap_or_default();
        if credentials == 0 {
            continue;
        }
        let share = u128::from(credentials) * u128::from(HEIGHT) / u128::from(highest.max(1));
        let height = u64::try_from(share)
            .unwrap_or(HEIGHT)
            .clamp(1, ground.max(1));
        ground = ground.saturating_sub(height);
        bars.push(Bar {
            class: class_of(word),
            x,
            y: ground,
            height,
        });
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_stack_of_its_stages() {
        let stages: Stages = [("completed".to_owned(), 1), ("not_started".to_owned(), 3)].into();
        let shown: Vec<_> = stack(&stages, 4, 8)
            .iter()
            .map(|bar| (bar.class, bar.x, bar.y, bar.height))
            .collect();
        assert_eq!(shown, [("done", 8, 105, 35), ("jwt", 8, 0, 105)]);
    }

    #[test]
    fn every_stage_has_a_name() {
        use countersign_model::Migration;
        let at = Timestamp::from_seconds(0);
        for migration in [
            Migration::NotStarted,
            Migration::Paired { since: at },
            Migration::Disabled {
                since: at,
                at,
                until: at,
            },
            Migration::Completed { at },
            Migration::Cancelled { at },
        ] {
            assert!(!name_of(migration.as_str()).is_empty(), "{migration:?}");
        }
    }
}
