//! The move of a credential to OAuth Server-to-Server: where it stands, who still uses the JWT
//! half, and the steps. Source: `spec/ims-protocol.md` 6.4, 6.5.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{At, Callers, Grant, MigrationDetail, Page as Rows};
use countersign_model::brownout::has_both_halves;
use countersign_model::review::{Finding, Review, Standing, Verdict};
use countersign_model::{Grants, Migration, UseCase};

use crate::Console;
use crate::developer::brownouts::{Row, row as row_of};
use crate::developer::place::InCredential;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page};
use crate::text::{moment, percent, sentence};

/// Brown-outs that the page shows.
const LAST: Rows = Rows {
    after: None,
    limit: 5,
};

#[derive(Template)]
#[template(path = "developer/migration.html")]
struct MigrationPage {
    page: Page,
    form: Filled,
    path: String,
    read_only: Option<String>,
    migration: Card,
    review: Option<Shown>,
    /// Where one can be planned.
    plan: Option<String>,
    /// The last ones of the credential.
    brownouts: Vec<Row>,
}

#[derive(Template)]
#[template(path = "developer/migration_cancel.html")]
struct CancelPage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
    /// Who would fail at once.
    callers: Vec<String>,
}

/// What the credential's page says of the migration.
pub(super) struct Card {
    /// In a word, and its look.
    pub(super) state: &'static str,
    pub(super) look: &'static str,
    pub(super) text: String,
    pub(super) may_start: bool,
    /// Whether both halves are there.
    pub(super) is_paired: bool,
    /// Whether the JWT half is there and does not work.
    pub(super) is_disabled: bool,
    pub(super) is_over: bool,
    /// Who tried a disabled half in vain.
    pub(super) attempts: Option<String>,
    /// What the callers of the JWT half say, while both halves are there.
    pub(super) verdict: Option<Said>,
    /// Where all callers are, unless that is here.
    pub(super) review: Option<String>,
}

/// What a review comes to.
pub(super) struct Said {
    pub(super) header: &'static str,
    pub(super) text: String,
    pub(super) look: &'static str,
}

/// A review with everybody in it.
struct Shown {
    said: Said,
    confidence: String,
    callers: Vec<CallerRow>,
    blockers: Vec<String>,
}

struct CallerRow {
    who: String,
    program: String,
    network: String,
    last: String,
    pace: &'static str,
    pauses: usize,
    standing: (&'static str, &'static str),
    until: Option<String>,
    /// When it was last seen with the OAuth half.
    with_oauth: Option<String>,
    confidence: String,
}

/// `GET ../migration`.
pub(in crate::developer) async fn show(
    State(console): State<Console>,
    at: InCredential,
) -> Result<Response, PageError> {
    let form = form(&at);
    page::render(&migration_page(&console, &at, form).await?)
}

/// `POST ../migration/start`: *Add new credential*.
pub(in crate::developer) async fn start(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = Filled::new(&at.member.visitor).typed(&["revision"], &form);
    let of = At::revision(&at.credential.id, form.revision());
    let started = console.authority.start_migration(of, &at.member.actor);
    match started.await {
        Ok(_) => page::done(
            &console,
            &format!("{}/details/oauthservertoserver", at.path()),
            "The OAuth half is there: both halves give tokens now. Try it out, then move your programs one by one.",
        ),
        Err(error) => {
            filled.refused(error, "")?;
            page::refused(&migration_page(&console, &at, filled).await?)
        }
    }
}

/// `GET ../migration/cancel`.
pub(in crate::developer) async fn ask_cancel(
    State(console): State<Console>,
    at: InCredential,
) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    let form = form(&at);
    page::render(&cancel_page(&console, &at, form).await?)
}

/// `POST ../migration/cancel`.
pub(in crate::developer) async fn cancel(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = Filled::new(&at.member.visitor).typed(&["revision"], &form);
    let of = At::revision(&at.credential.id, form.revision());
    let cancelled = console.authority.cancel_migration(of, &at.member.actor);
    match cancelled.await {
        Ok(_) => page::done(
            &console,
            &at.path(),
            "The migration is cancelled: the OAuth half is gone, the JWT half is as before.",
        ),
        Err(error) => {
            filled.refused(error, "")?;
            page::refused(&cancel_page(&console, &at, filled).await?)
        }
    }
}

/// The card of a credential that was made as Service Account (JWT).
pub(super) async fn card(console: &Console, at: &InCredential) -> Result<Option<Card>, PageError> {
    let Grants::Jwt(migration) = at.credential.grants else {
        return Ok(None);
    };
    let mut card = standing(migration);
    card.review = (!card.is_over).then(|| format!("{}/migration", at.path()));
    if !card.is_paired {
        return Ok(Some(card));
    }
    let (id, actor) = (&at.credential.id, &at.member.actor);
    let review = console.authority.review_migration(id, actor).await?;
    let attempts = match card.is_disabled {
        true => attempts(&console.authority.show_migration(id, actor).await?),
        false => None,
    };
    Ok(Some(Card {
        verdict: Some(said(&review)),
        attempts,
        ..card
    }))
}

/// Who tried a disabled half in vain, as people read it.
fn attempts(detail: &MigrationDetail) -> Option<String> {
    let count = detail.status.attempts?;
    let last = moment(count.last_at);
    let trace = detail
        .attempted_by
        .first()
        .and_then(|seen| seen.trace.as_ref());
    let by = trace.map(|trace| format!(", by {}", trace.caller.words()));
    let by = by.unwrap_or_default();
    Some(match count.uses {
        1 => format!("Tried once in vain: on {last}{by}."),
        times => format!("Tried {times} times in vain, last on {last}{by}."),
    })
}

/// Where a migration stands, as people read it.
fn standing(migration: Migration) -> Card {
    let (state, look, text) = match migration {
        Migration::NotStarted => (
            "Not started",
            "notice",
            "Your Service Account (JWT) credential has been deprecated. Move it to OAuth Server-to-Server in three steps: client id, secrets, technical account, services and product profiles stay, and nothing changes for a program until you change it.".to_owned(),
        ),
        Migration::Paired { since } => (
            "Started",
            "informative",
            format!("Both halves give tokens since {}, with the same rights. Services can be added and secrets replaced meanwhile.", moment(since)),
        ),
        Migration::Disabled { at, until, .. } => (
            "Disabled",
            "notice",
            format!("No JWT is exchanged since {}. Until {} one click restores the JWT half as it was; then it is deleted, and its certificates with it. Tokens that were exchanged before live to their end.", moment(at), moment(until)),
        ),
        Migration::Completed { at } => (
            "Completed",
            "positive",
            format!("Completed on {}: only the OAuth half is left, and there is nothing more to do.", moment(at)),
        ),
        Migration::Cancelled { at } => (
            "Cancelled",
            "neutral",
            format!("The OAuth half was taken back on {}, and the JWT half is as before. It can be added again.", moment(at)),
        ),
    };
    Card {
        state,
        look,
        text,
        may_start: migration.has_jwt_half() && !migration.has_oauth_half(),
        is_paired: migration.has_jwt_half() && migration.has_oauth_half(),
        is_disabled: migration.has_jwt_half() && !migration.uses_jwt_half(),
        is_over: !migration.has_jwt_half(),
        attempts: None,
        verdict: None,
        review: None,
    }
}

/// What a review comes to, with whoever is waited for longest.
pub(super) fn said(review: &Review) -> Said {
    let (header, look) = match review.verdict {
        Verdict::Safe => (
            "Safe: nobody is expected to use the JWT half any more",
            "positive",
        ),
        Verdict::Wait { .. } => ("Wait: somebody may only be pausing", "notice"),
        Verdict::StillUsed { .. } => ("Still used: programs would fail", "negative"),
    };
    Said {
        header,
        text: sentence(review.reason()),
        look,
    }
}

/// What else there is to know, as sentences.
pub(super) fn blockers(review: &Review) -> Vec<String> {
    let blockers = review.blockers.iter();
    blockers.map(|blocker| format!("{blocker}.")).collect()
}

fn row(finding: &Finding) -> CallerRow {
    let caller = finding.caller.as_ref();
    let (standing, until) = match finding.standing {
        Standing::Gone => (("gone", "positive"), None),
        Standing::Moved => (("moved", "positive"), None),
        Standing::Pausing { until } => (("may be pausing", "notice"), Some(until.date())),
        Standing::Calling => (("still calls", "negative"), None),
    };
    let consumer = caller.and_then(|one| one.consumer.as_ref());
    CallerRow {
        who: consumer.map(ToString::to_string).unwrap_or_default(),
        program: caller.map_or_else(|| "all others".to_owned(), |one| one.agent.to_string()),
        network: caller
            .map(|one| one.network.to_string())
            .unwrap_or_default(),
        last: moment(finding.last_at),
        pace: finding.habit.pace.as_str(),
        pauses: finding.habit.pauses,
        standing,
        until,
        with_oauth: finding.moved_at.map(moment),
        confidence: percent(finding.confidence),
    }
}

/// Who uses the OAuth half.
fn with_oauth(callers: &[Callers]) -> Vec<String> {
    let halves = callers.iter();
    let halves = halves.filter(|half| half.grant == Grant::ClientCredentials);
    let traces = halves.flat_map(|half| half.seen.iter().filter_map(|seen| seen.trace.as_ref()));
    let mut names: Vec<_> = traces
        .map(|trace| {
            let caller = &trace.caller;
            let consumer = caller.consumer.as_ref().map(ToString::to_string);
            let program = consumer.unwrap_or_else(|| caller.agent.to_string());
            format!("{program} {}", caller.network).trim().to_owned()
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn form(at: &InCredential) -> Filled {
    Filled::new(&at.member.visitor).with("revision", at.credential.revision.to_string())
}

async fn migration_page(
    console: &Console,
    at: &InCredential,
    form: Filled,
) -> Result<MigrationPage, PageError> {
    let Some(migration) = card(console, at).await? else {
        return Err(PageError::nothing_there());
    };
    let (id, actor) = (&at.credential.id, &at.member.actor);
    let review = match migration.is_over {
        true => None,
        false => Some(console.authority.review_migration(id, actor).await?),
    };
    let (org, now) = (&at.member.organization.id, console.authority.clock().now());
    let found = console
        .authority
        .list_brownouts(org, Some(id), &LAST, actor);
    let brownouts = found.await?;
    let may_plan = has_both_halves(&at.credential) && at.read_only().is_none();
    Ok(MigrationPage {
        page: at.page("Migration to OAuth"),
        plan: may_plan.then(|| format!("{}/migration/brown-out", at.path())),
        brownouts: brownouts
            .iter()
            .map(|one| row_of(&at.member, one, now))
            .collect(),
        form,
        path: at.path(),
        read_only: at.read_only(),
        migration: Card {
            review: None,
            ..migration
        },
        review: review.map(|review| Shown {
            said: said(&review),
            confidence: percent(review.confidence),
            callers: review.callers.iter().map(row).collect(),
            blockers: blockers(&review),
        }),
    })
}

async fn cancel_page(
    console: &Console,
    at: &InCredential,
    form: Filled,
) -> Result<CancelPage, PageError> {
    let (id, actor) = (&at.credential.id, &at.member.actor);
    let callers = match actor.may(UseCase::ReadUsage) {
        true => console.authority.list_callers(id, actor).await?,
        false => Vec::new(),
    };
    Ok(CancelPage {
        page: at.page("Cancel migration"),
        form,
        path: format!("{}/migration/cancel", at.path()),
        back: format!("{}/migration", at.path()),
        callers: with_oauth(&callers),
    })
}
