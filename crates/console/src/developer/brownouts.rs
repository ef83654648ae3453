//! Brown-outs of an organization: what is planned, what runs, and who noticed.

use askama::Template;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use countersign_authority::{BrownoutReport, CredentialReport};
use countersign_model::UseCase;
use countersign_model::brownout::{
    Brownout, CallerPattern, Fate, Noticed, Outcome, Phase, Repeat, Share, Unnoticed,
};
use countersign_wire::{BrownoutId, Caller, Timestamp};

use crate::Console;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page, Section};
use crate::query::Query;
use crate::session::Member;
use crate::text::{moment, span};

#[derive(Template)]
#[template(path = "developer/brownouts.html")]
struct ListPage {
    page: Page,
    board: String,
    rows: Vec<Row>,
    next: Option<String>,
    first: String,
}

#[derive(Template)]
#[template(path = "developer/brownout.html")]
struct BrownoutPage {
    page: Page,
    form: Filled,
    path: String,
    shown: Shown,
    failed: usize,
    may_end: bool,
    credentials: Vec<Part>,
}

/// A line of a list.
pub(super) struct Row {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) state: &'static str,
    pub(super) look: &'static str,
    pub(super) when: String,
    pub(super) credentials: usize,
}

/// A brown-out as people read it.
pub(crate) struct Shown {
    pub(crate) state: &'static str,
    pub(crate) look: &'static str,
    /// What that means now.
    pub(crate) now: String,
    pub(crate) when: String,
    pub(crate) whom: String,
    pub(crate) allowed: u32,
    pub(crate) is_over: bool,
}

/// What came of it for one credential.
struct Part {
    path: String,
    name: String,
    noticed: Vec<NoticedRow>,
    unnoticed: Vec<(String, String)>,
}

struct NoticedRow {
    who: String,
    times: String,
    last: String,
    outcome: (&'static str, &'static str),
    then: String,
}

/// `GET /console/organizations/{org}/brown-outs`.
pub(super) async fn list(
    State(console): State<Console>,
    member: Member,
    query: Query,
) -> Result<Response, PageError> {
    let path = path_of(&member);
    let (org, actor) = (&member.organization.id, &member.actor);
    let rows = query.rows();
    let found = console.authority.list_brownouts(org, None, &rows, actor);
    let mut found = found.await?;
    let next = query.cut(&path, &mut found, |one| one.id.as_str());
    let now = console.authority.clock().now();
    page::render(&ListPage {
        rows: found.iter().map(|one| row(&member, one, now)).collect(),
        next,
        first: match query.get("after") {
            "" => String::new(),
            _ => query.without(&path, "after"),
        },
        board: board(&member),
        page: Page::of_member(&member, Section::Migration, "Brown-outs")
            .crumb("Migration", board(&member)),
    })
}

/// `GET ../brown-outs/{brownout}`.
pub(super) async fn show(
    State(console): State<Console>,
    member: Member,
    params: RawPathParams,
) -> Result<Response, PageError> {
    let id = id_of(&params)?;
    let (org, actor) = (&member.organization.id, &member.actor);
    let report = console.authority.show_brownout(org, &id, actor).await?;
    page::render(&brownout_page(&member, &report))
}

/// `POST ../brown-outs/{brownout}/undo`.
pub(super) async fn undo(
    State(console): State<Console>,
    member: Member,
    params: RawPathParams,
    _form: Form,
) -> Result<Response, PageError> {
    let id = id_of(&params)?;
    let (org, actor) = (&member.organization.id, &member.actor);
    console.authority.undo_brownout(org, &id, actor).await?;
    let notice =
        "The brown-out is ended: it refuses nobody any more, on every node within a second.";
    page::done(&console, &format!("{}/{id}", path_of(&member)), notice)
}

/// Path of the list.
pub(super) fn path_of(member: &Member) -> String {
    format!("{}/brown-outs", member.path())
}

/// A line of a list.
pub(super) fn row(member: &Member, brownout: &Brownout, now: Timestamp) -> Row {
    let (state, look) = state(brownout.phase(now));
    Row {
        path: format!("{}/{}", path_of(member), brownout.id),
        name: brownout.name.clone(),
        state,
        look,
        when: when(brownout),
        credentials: brownout.members.len(),
    }
}

/// A brown-out as people read it.
pub(crate) fn shown(brownout: &Brownout, now: Timestamp) -> Shown {
    let phase = brownout.phase(now);
    let (state, look) = state(phase);
    Shown {
        state,
        look,
        now: meaning(brownout, phase),
        when: when(brownout),
        whom: whom(&brownout.share),
        allowed: brownout.allowed,
        is_over: phase.is_over(),
    }
}

fn board(member: &Member) -> String {
    format!("{}/migration", member.path())
}

fn id_of(params: &RawPathParams) -> Result<BrownoutId, PageError> {
    let named = params.iter().find(|(name, _)| *name == "brownout");
    let (_, id) = named.ok_or_else(PageError::nothing_there)?;
    BrownoutId::parse(id).map_err(|_| PageError::nothing_there())
}

fn brownout_page(member: &Member, report: &BrownoutReport) -> BrownoutPage {
    let brownout = &report.brownout;
    let path = format!("{}/{}", path_of(member), brownout.id);
    let shown = shown(brownout, report.now);
    let parts = report.credentials.iter().map(|one| part(member, one));
    BrownoutPage {
        page: Page::of_member(member, Section::Migration, &brownout.name)
            .crumb("Migration", board(member))
            .crumb("Brown-outs", path_of(member)),
        form: Filled::new(&member.visitor),
        path,
        failed: report.failed(),
        may_end: !shown.is_over && member.actor.may(UseCase::Migrate),
        shown,
        credentials: parts.collect(),
    }
}

fn part(member: &Member, of: &CredentialReport) -> Part {
    let credential = &of.credential;
    let (project, id) = (&credential.project_id, &credential.id);
    Part {
        path: format!("{}/{project}/credentials/{id}", member.projects_path()),
        name: credential.name.clone(),
        noticed: of.report.noticed.iter().map(noticed).collect(),
        unnoticed: of.report.unnoticed.iter().map(unnoticed).collect(),
    }
}

fn noticed(noticed: &Noticed) -> NoticedRow {
    let refused = &noticed.refused;
    let outcome = match noticed.outcome {
        Outcome::Moved => ("moved to OAuth", "positive"),
        Outcome::Returned => ("uses JWT again", "negative"),
        Outcome::Silent => ("not seen since", "notice"),
        Outcome::LetThrough => ("let through: one too many", "neutral"),
    };
    let jwt = noticed.jwt_at.map(|at| format!("JWT on {}", moment(at)));
    let oauth = noticed
        .oauth_at
        .map(|at| format!("OAuth on {}", moment(at)));
    let then: Vec<_> = [jwt, oauth].into_iter().flatten().collect();
    NoticedRow {
        who: refused.caller.words(),
        times: match refused.times {
            0 => "never".to_owned(),
            1 => "once".to_owned(),
            times => format!("{times} times"),
        },
        last: moment(refused.last_at),
        outcome,
        then: then.join(", "),
    }
}

fn unnoticed(one: &Unnoticed) -> (String, String) {
    let who = one.caller.as_ref().map(Caller::words);
    let who = who.unwrap_or_else(|| "callers that cannot be told apart".to_owned());
    (who, moment(one.last_at))
}

fn state(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::Planned { .. } => ("Planned", "informative"),
        Phase::Running { .. } => ("Running", "notice"),
        Phase::Pausing { .. } => ("Between two windows", "informative"),
        Phase::Over { .. } => ("Over", "neutral"),
        Phase::Aborted { .. } => ("Aborted", "negative"),
        Phase::Undone { .. } => ("Ended", "neutral"),
    }
}

fn meaning(brownout: &Brownout, phase: Phase) -> String {
    match (phase, &brownout.fate) {
        (Phase::Planned { from } | Phase::Pausing { from }, _) => {
            format!("It refuses nobody until {}.", moment(from))
        }
        (Phase::Running { until }, _) => format!("It refuses exchanges until {}.", moment(until)),
        (Phase::Over { at }, _) => format!("It refuses nobody since {}.", moment(at)),
        (Phase::Aborted { at }, Fate::Aborted { failed, .. }) => format!(
            "It ended by itself on {}: {failed} callers had failed, and one more would have been too many.",
            moment(at)
        ),
        (Phase::Undone { at }, Fate::Undone { by, .. }) => match by.as_str() {
            "link:undo" => format!("Somebody ended it by its undo link on {}.", moment(at)),
            by => format!("{by} ended it on {}.", moment(at)),
        },
        (Phase::Aborted { at } | Phase::Undone { at }, _) => format!("It ended on {}.", moment(at)),
    }
}

fn when(brownout: &Brownout) -> String {
    let windows = &brownout.windows;
    let (from, lasts) = (moment(windows.first_at), span(windows.lasts));
    let distance = match windows.repeat {
        Repeat::Once => return format!("{from}, for {lasts}"),
        Repeat::Hourly => "hour",
        Repeat::Daily => "day",
        Repeat::Weekly => "week",
    };
    format!(
        "{from}, for {lasts}, every {distance}, {} times",
        windows.times
    )
}

fn whom(share: &Share) -> String {
    match share {
        Share::All => "every exchange".to_owned(),
        Share::PerCent(share) => format!("{share} of every hundred exchanges"),
        Share::Callers(patterns) => {
            let named: Vec<_> = patterns.iter().map(pattern).collect();
            format!("exchanges of {}", named.join("; "))
        }
    }
}

fn pattern(pattern: &CallerPattern) -> String {
    let consumer = pattern.consumer.as_ref().map(ToString::to_string);
    let agent = pattern.agent.as_ref().map(ToString::to_string);
    let network = pattern.network.map(|network| format!("at {network}"));
    let parts: Vec<_> = [consumer, agent, network].into_iter().flatten().collect();
    parts.join(" ")
}
