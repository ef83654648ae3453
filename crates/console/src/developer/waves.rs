//! Waves of the migration: parts of it with names and planned dates.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use countersign_authority::{At, ManageError, NewWave, Page as Rows, WaveChange, WaveStatus};
use countersign_model::UseCase;
use countersign_model::wave::{Late, WaveError};
use countersign_server::kit::csv;
use countersign_wire::{Timestamp, WaveName};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::board;
use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page, Section};
use crate::query::Query;
use crate::session::Member;
use crate::text::moment;

#[derive(Template)]
#[template(path = "developer/waves.html")]
struct WavesPage {
    page: Page,
    waves: Vec<Line>,
    new: Option<String>,
    csv: String,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "developer/wave_new.html")]
struct NewPage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
}

#[derive(Template)]
#[template(path = "developer/wave.html")]
struct WavePage {
    page: Page,
    form: Filled,
    path: String,
    wave: Line,
    created: String,
    credentials: String,
    /// Where a step for all of them is asked for.
    choose: String,
    filter: String,
    board: String,
    may_change: bool,
    may_start: bool,
    may_disable: bool,
}

#[derive(Template)]
#[template(path = "developer/wave_delete.html")]
struct DeletePage {
    page: Page,
    form: Filled,
    path: String,
    credentials: u64,
}

struct Line {
    name: String,
    path: String,
    note: String,
    start: String,
    disable: String,
    credentials: u64,
    stages: Vec<(&'static str, &'static str, u64)>,
    next: &'static str,
    late: String,
}

/// `GET /console/organizations/{org}/migration/waves`.
pub(super) async fn list(
    State(console): State<Console>,
    member: Member,
    query: Query,
) -> Result<Response, PageError> {
    let (org, actor) = (&member.organization.id, &member.actor);
    let mut found = console
        .authority
        .list_waves(org, &query.rows(), actor)
        .await?;
    let path = path(&member);
    let next = query.cut(&path, &mut found, |one| one.wave.name.as_str());
    let may_change = actor.may(UseCase::PlanMigration);
    page::render(&WavesPage {
        waves: found.iter().map(|one| line(&member, one)).collect(),
        new: may_change.then(|| new_path(&member)),
        csv: format!("{path}.csv"),
        next,
        page: Page::of_member(&member, Section::Migration, "Waves")
            .crumb("Migration", board::path(&member)),
    })
}

/// `GET /console/organizations/{org}/migration/waves.csv`.
pub(super) async fn export(
    State(console): State<Console>,
    member: Member,
) -> Result<Response, PageError> {
    let mut lines = vec![csv::line(COLUMNS)];
    let mut rows = Rows::first();
    loop {
        let (org, actor) = (&member.organization.id, &member.actor);
        let found = console.authority.list_waves(org, &rows, actor).await?;
        lines.extend(found.iter().map(|one| cells(&member, one)));
        match found.last() {
            Some(last) if found.len() == Rows::MAX as usize => {
                rows.after = Some(last.wave.name.to_string());
            }
            _ => break,
        }
    }
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"waves.csv\""),
    ];
    Ok((headers, lines.concat()).into_response())
}

/// `GET /console/organizations/{org}/migration/new-wave`.
pub(super) async fn ask_new(member: Member) -> Result<Response, PageError> {
    must_plan(&member)?;
    page::render(&new_page(&member, Filled::new(&member.visitor)))
}

/// `POST /console/organizations/{org}/migration/new-wave`.
pub(super) async fn create(
    State(console): State<Console>,
    member: Member,
    form: Form,
) -> Result<Response, PageError> {
    must_plan(&member)?;
    let mut filled =
        Filled::new(&member.visitor).typed(&["name", "note", "start", "disable"], &form);
    let name = WaveName::parse(form.trimmed("name"));
    if name.is_err() {
        filled.fault(
            "name",
            "A name has 1 to 40 letters, digits, dots, hyphens and underscores, a letter or digit first.",
        );
    }
    let (start_on, disable_on) = (
        date(&form, "start", &mut filled),
        date(&form, "disable", &mut filled),
    );
    if let (Ok(name), true) = (name, filled.is_fine()) {
        let new = NewWave {
            name,
            note: note(&form),
            start_on,
            disable_on,
        };
        let (org, actor) = (&member.organization.id, &member.actor);
        match console.authority.create_wave(org, new, actor).await {
            Ok(made) => {
                let name = &made.wave.name;
                let notice =
                    format!("The wave {name} is there. Choose its credentials on the board.");
                return page::done(&console, &format!("{}/{name}", path(&member)), &notice);
            }
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&new_page(&member, filled))
}

/// `GET /console/organizations/{org}/migration/waves/{wave}`.
pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    Path((_, name)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let found = find(&console, &member, &name).await?;
    let form = filled(&member, &found);
    page::render(&wave_page(&member, &found, form))
}

/// `POST /console/organizations/{org}/migration/waves/{wave}`.
pub(super) async fn change(
    State(console): State<Console>,
    member: Member,
    Path((_, name)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let found = find(&console, &member, &name).await?;
    must_plan(&member)?;
    let mut filled =
        Filled::new(&member.visitor).typed(&["revision", "note", "start", "disable"], &form);
    let wave = &found.wave;
    let change = WaveChange {
        note: Some(note(&form)),
        start_on: changed_date(&form, "start", wave.start_on, &mut filled),
        disable_on: changed_date(&form, "disable", wave.disable_on, &mut filled),
    };
    if filled.is_fine() {
        let (org, actor) = (&member.organization.id, &member.actor);
        let of = At::revision(&found.wave.name, form.revision());
        match console.authority.change_wave(org, of, &change, actor).await {
            Ok(_) => {
                let path = format!("{}/{}", path(&member), found.wave.name);
                return page::done(&console, &path, "The wave is changed.");
            }
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&wave_page(&member, &found, filled))
}

/// `GET /console/organizations/{org}/migration/waves/{wave}/delete`.
pub(super) async fn ask_delete(
    State(console): State<Console>,
    member: Member,
    Path((_, name)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let found = find(&console, &member, &name).await?;
    must_plan(&member)?;
    let form = filled(&member, &found);
    page::render(&delete_page(&member, &found, form))
}

/// `POST /console/organizations/{org}/migration/waves/{wave}/delete`.
pub(super) async fn delete(
    State(console): State<Console>,
    member: Member,
    Path((_, name)): Path<(String, String)>,
    form: Form,
) -> Result<Response, PageError> {
    let found = find(&console, &member, &name).await?;
    must_plan(&member)?;
    let mut filled = Filled::new(&member.visitor).typed(&["revision"], &form);
    let (org, actor) = (&member.organization.id, &member.actor);
    let of = At::revision(&found.wave.name, form.revision());
    match console.authority.delete_wave(org, of, actor).await {
        Ok(()) => {
            let notice = format!(
                "The wave {} is deleted. Its credentials are as they were, in no wave.",
                found.wave.name
            );
            page::done(&console, &path(&member), &notice)
        }
        Err(error) => {
            filled.refused(error, "")?;
            page::refused(&delete_page(&member, &found, filled))
        }
    }
}

pub(super) fn path(member: &Member) -> String {
    format!("{}/migration/waves", member.path())
}

fn new_path(member: &Member) -> String {
    format!("{}/migration/new-wave", member.path())
}

async fn find(console: &Console, member: &Member, name: &str) -> Result<WaveStatus, PageError> {
    let name = WaveName::parse(name).map_err(|_| PageError::nothing_there())?;
    let found = console
        .authority
        .find_wave(&member.organization.id, &name, &member.actor);
    Ok(found.await?)
}

fn must_plan(member: &Member) -> Result<(), PageError> {
    match member.actor.may(UseCase::PlanMigration) {
        true => Ok(()),
        false => Err(PageError::refused(
            "Viewers see the waves, and change nothing. Ask a System Administrator of the organization for the role Developer.",
        )),
    }
}

fn filled(member: &Member, status: &WaveStatus) -> Filled {
    let wave = &status.wave;
    let date = |at: Option<Timestamp>| at.map(Timestamp::date).unwrap_or_default();
    Filled::new(&member.visitor)
        .with("revision", wave.revision.to_string())
        .with("note", &wave.note)
        .with("start", date(wave.start_on))
        .with("disable", date(wave.disable_on))
}

/// A day as it was typed; none if nothing was.
fn date(form: &Fields, name: &'static str, filled: &mut Filled) -> Option<Timestamp> {
    match form.trimmed(name) {
        "" => None,
        text => {
            let read: Result<Timestamp, _> = text.parse();
            read.map_err(|_| filled.fault(name, "This is no date: write it as 2026-03-01."))
                .ok()
        }
    }
}

/// The day that was typed instead of another one. An instant within a day is shown as that day, and
/// stays if nobody changes it.
fn changed_date(
    form: &Fields,
    name: &'static str,
    before: Option<Timestamp>,
    filled: &mut Filled,
) -> Option<Option<Timestamp>> {
    let shown = before.map(Timestamp::date).unwrap_or_default();
    (form.trimmed(name) != shown).then(|| date(form, name, filled))
}

/// Browsers end lines with two characters.
fn note(form: &Fields) -> String {
    form.trimmed("note").replace("\r\n", "\n")
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::Taken => "name",
        ManageError::Wave(WaveError::Note) => "note",
        ManageError::Wave(WaveError::Order(_)) => "disable",
        _ => "",
    }
}

fn new_page(member: &Member, form: Filled) -> NewPage {
    NewPage {
        page: Page::of_member(member, Section::Migration, "New wave")
            .crumb("Migration", board::path(member))
            .crumb("Waves", path(member)),
        form,
        path: new_path(member),
        back: path(member),
    }
}

fn wave_page(member: &Member, status: &WaveStatus, form: Filled) -> WavePage {
    let name = &status.wave.name;
    let board = board::path(member);
    let may_step = member.actor.may(UseCase::Migrate);
    WavePage {
        page: Page::of_member(member, Section::Migration, format!("Wave {name}"))
            .crumb("Migration", board.clone())
            .crumb("Waves", path(member)),
        form,
        path: format!("{}/{name}", path(member)),
        wave: line(member, status),
        created: format!(
            "Made by {} on {}",
            status.wave.created_by,
            moment(status.wave.created_at)
        ),
        credentials: format!("{board}?wave={name}"),
        choose: format!("{board}/choose"),
        filter: format!("wave={name}"),
        board,
        may_start: may_step && status.tally.not_started > 0,
        may_disable: may_step && status.tally.started > 0,
        may_change: member.actor.may(UseCase::PlanMigration),
    }
}

fn delete_page(member: &Member, status: &WaveStatus, form: Filled) -> DeletePage {
    let wave = format!("{}/{}", path(member), status.wave.name);
    DeletePage {
        page: Page::of_member(
            member,
            Section::Migration,
            format!("Delete wave {}", status.wave.name),
        )
        .crumb("Migration", board::path(member))
        .crumb("Waves", path(member)),
        form,
        path: wave,
        credentials: status.tally.all(),
    }
}

fn line(member: &Member, status: &WaveStatus) -> Line {
    let (wave, tally) = (&status.wave, &status.tally);
    let date = |at: Option<Timestamp>| at.map(Timestamp::date).unwrap_or_default();
    let stages = [
        ("not_started", tally.not_started),
        ("cancelled", tally.cancelled),
        ("started", tally.started),
        ("disabled", tally.disabled),
        ("completed", tally.completed),
    ];
    let stages = stages.into_iter().filter(|(_, count)| *count > 0);
    Line {
        name: wave.name.to_string(),
        path: format!("{}/{}", path(member), wave.name),
        note: wave.note.clone(),
        start: date(wave.start_on),
        disable: date(wave.disable_on),
        credentials: tally.all(),
        stages: stages
            .map(|(word, count)| (board::name_of(word), board::class_of(word), count))
            .collect(),
        next: tally.next().sentence(),
        late: status.late.map(late).unwrap_or_default(),
    }
}

fn late(late: Late) -> String {
    let (credentials, since) = late.extent();
    let since = since.date();
    match late {
        Late::Start { .. } => format!("{credentials} were to be started on {since}"),
        Late::Disable { .. } => format!("{credentials} were to be disabled on {since}"),
    }
}

const COLUMNS: [&str; 12] = [
    "Wave",
    "Note",
    "Start planned",
    "Disabling planned",
    "Credentials",
    "Not started",
    "Cancelled",
    "Both halves work",
    "In quarantine",
    "Done",
    "Next step",
    "Late",
];

fn cells(member: &Member, status: &WaveStatus) -> String {
    let (shown, tally) = (line(member, status), &status.tally);
    let [all, not_started, cancelled, started, disabled, completed] = [
        tally.all(),
        tally.not_started,
        tally.cancelled,
        tally.started,
        tally.disabled,
        tally.completed,
    ]
    .map(|count| count.to_string());
    csv::line([
        &shown.name,
        &shown.note,
        &shown.start,
        &shown.disable,
        &all,
        &not_started,
        &cancelled,
        &started,
        &disabled,
        &completed,
        shown.next,
        &shown.late,
    ])
}
