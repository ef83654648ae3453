//! Plans a brown-out of one credential.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{Grant, ManageError, NewBrownout, PlannedBrownout};
use countersign_model::brownout::{
    BrownoutError, CallerPattern, MOST_NAMED, Repeat, Share, USUALLY_ALLOWED, has_both_halves,
};
use countersign_wire::{Caller, Timestamp};

use crate::Console;
use crate::developer::brownouts;
use crate::developer::place::InCredential;
use crate::error::PageError;
use crate::form::{Filled, Form};
use crate::page::{self, Page};

#[derive(Template)]
#[template(path = "developer/brownout_plan.html")]
struct PlanPage {
    page: Page,
    form: Filled,
    action: String,
    back: String,
    lengths: [(&'static str, &'static str); 9],
    repeats: [(&'static str, &'static str); 4],
    shares: [(&'static str, &'static str); 5],
    /// Who can be named: what the box sends, and who that is.
    callers: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "developer/brownout_planned.html")]
struct PlannedPage {
    page: Page,
    link: String,
    path: String,
}

/// Minutes.
const LENGTHS: [(&str, &str); 9] = [
    ("5", "5 minutes"),
    ("10", "10 minutes"),
    ("15", "15 minutes"),
    ("30", "30 minutes"),
    ("60", "1 hour"),
    ("120", "2 hours"),
    ("240", "4 hours"),
    ("480", "8 hours"),
    ("1440", "1 day"),
];
const REPEATS: [(&str, &str); 4] = [
    ("once", "Once"),
    ("hourly", "Every hour"),
    ("daily", "Every day"),
    ("weekly", "Every week"),
];
/// Per cent, or those that are named.
const SHARES: [(&str, &str); 5] = [
    ("100", "Every exchange"),
    ("50", "Every second exchange"),
    ("25", "A quarter of the exchanges"),
    ("10", "A tenth of the exchanges"),
    ("callers", "Only the callers that are ticked below"),
];
const FIELDS: [&str; 8] = [
    "name", "at", "minutes", "repeat", "times", "share", "callers", "allowed",
];

/// `GET ../migration/brown-out`.
pub(in crate::developer) async fn ask(
    State(console): State<Console>,
    at: InCredential,
) -> Result<Response, PageError> {
    if let Some(reason) = at.read_only() {
        return Err(PageError::refused(&reason));
    }
    let form = Filled::new(&at.member.visitor)
        .with("minutes", "10")
        .with("repeat", "once")
        .with("times", "1")
        .with("share", "100")
        .with("allowed", USUALLY_ALLOWED.to_string());
    page::render(&plan_page(&console, &at, form).await?)
}

/// `POST ../migration/brown-out`: the answer shows the undo link once.
pub(in crate::developer) async fn plan(
    State(console): State<Console>,
    at: InCredential,
    form: Form,
) -> Result<Response, PageError> {
    let mut filled = Filled::new(&at.member.visitor).typed(&FIELDS, &form);
    let known = callers(&console, &at).await?;
    if let Some(new) = read(&form, &at, &known, &mut filled) {
        let (org, actor) = (&at.member.organization.id, &at.member.actor);
        match console.authority.plan_brownout(org, new, actor).await {
            Ok(planned) => return answer(&console, &at, &planned),
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&plan_page(&console, &at, filled).await?)
}

fn answer(
    console: &Console,
    at: &InCredential,
    planned: &PlannedBrownout,
) -> Result<Response, PageError> {
    let path = format!("{}/{}", brownouts::path_of(&at.member), planned.brownout.id);
    let Some(code) = &planned.undo else {
        let notice = "This was planned before, and nothing was changed.";
        return page::done(console, &path, notice);
    };
    let issuer = &console.authority.config().issuer;
    page::render(&PlannedPage {
        page: at.page("The brown-out is planned"),
        link: format!("{issuer}/console/brown-out?code={}", code.expose()),
        path,
    })
}

fn read(
    form: &Form,
    at: &InCredential,
    known: &[(String, Caller)],
    filled: &mut Filled,
) -> Option<NewBrownout> {
    let begins = begin(form.trimmed("at"));
    if begins.is_none() {
        filled.fault(
            "at",
            "Write a time in UTC as in 2026-03-01T09:00, or nothing for now.",
        );
    }
    let minutes = form.trimmed("minutes").parse::<u64>();
    if minutes.is_err() {
        filled.fault("minutes", "Choose how long it lasts.");
    }
    let repeat = Repeat::parse(form.trimmed("repeat"));
    if repeat.is_none() {
        filled.fault("repeat", "Choose whether it comes again.");
    }
    let times = match repeat {
        Some(Repeat::Once) => Ok(1),
        _ => form.trimmed("times").parse(),
    };
    if times.is_err() {
        filled.fault("times", "Write a number.");
    }
    let share = share(form, known);
    if share.is_none() {
        filled.fault("share", "Choose which exchanges are refused.");
    }
    let allowed = form.trimmed("allowed").parse();
    if allowed.is_err() {
        filled.fault("allowed", "Write a number.");
    }
    let name = form.trimmed("name");
    Some(NewBrownout {
        name: (!name.is_empty()).then(|| name.to_owned()),
        credentials: vec![at.credential.id.clone()],
        at: begins?,
        lasts: Duration::from_secs(minutes.ok()?.saturating_mul(60)),
        repeat: repeat?,
        times: times.ok()?,
        share: share?,
        allowed: allowed.ok()?,
    })
}

/// What a browser's field for date and time sends, in UTC; nothing for now.
fn begin(text: &str) -> Option<Option<Timestamp>> {
    if text.is_empty() {
        return Some(None);
    }
    let seconds = match text.len() {
        16 => ":00Z",
        19 => "Z",
        _ => "",
    };
    format!("{text}{seconds}").parse().ok().map(Some)
}

fn share(form: &Form, known: &[(String, Caller)]) -> Option<Share> {
    match form.trimmed("share") {
        "callers" => {
            let ticked = form.all("callers");
            let is_known = |key: &str| known.iter().find(|(known, _)| known == key);
            let patterns = ticked.map(|key| is_known(key).map(|(_, caller)| pattern(caller)));
            patterns.collect::<Option<_>>().map(Share::Callers)
        }
        share => share.parse().ok().map(Share::PerCent),
    }
}

fn pattern(caller: &Caller) -> CallerPattern {
    CallerPattern {
        network: Some(caller.network),
        agent: Some(caller.agent.clone()),
        consumer: caller.consumer.clone(),
    }
}

fn field(error: &ManageError) -> &'static str {
    let ManageError::Brownout(error) = error else {
        return match error {
            ManageError::Name(_) => "name",
            _ => "",
        };
    };
    match error {
        BrownoutError::Past(_) | BrownoutError::TooFarAhead(_) => "at",
        BrownoutError::Length | BrownoutError::TooMuch => "minutes",
        BrownoutError::Overlap => "repeat",
        BrownoutError::Times => "times",
        BrownoutError::PerCent => "share",
        BrownoutError::Callers => "callers",
        BrownoutError::Allowed => "allowed",
        BrownoutError::OtherPlan => "name",
        BrownoutError::Credentials | BrownoutError::NotPaired { .. } | BrownoutError::TooMany => "",
    }
}

/// Who exchanged assertions lately, with what names them in the form.
async fn callers(console: &Console, at: &InCredential) -> Result<Vec<(String, Caller)>, PageError> {
    let (id, actor) = (&at.credential.id, &at.member.actor);
    let mut named: Vec<(String, Caller)> = Vec::new();
    for of in console.authority.list_callers(id, actor).await? {
        if of.grant != Grant::JwtExchange || of.service.is_some() {
            continue;
        }
        for trace in of.seen.iter().filter_map(|seen| seen.trace.as_ref()) {
            let caller = &trace.caller;
            let consumer = caller.consumer.as_ref().map(ToString::to_string);
            let consumer = consumer.unwrap_or_default();
            let key = format!("{} {consumer} {}", caller.network, caller.agent);
            if !named.iter().any(|(known, _)| *known == key) {
                named.push((key, caller.clone()));
            }
        }
    }
    named.truncate(MOST_NAMED);
    Ok(named)
}

async fn plan_page(
    console: &Console,
    at: &InCredential,
    form: Filled,
) -> Result<PlanPage, PageError> {
    if !has_both_halves(&at.credential) {
        let (id, name) = (at.credential.id.clone(), at.credential.name.clone());
        return Err(ManageError::Brownout(BrownoutError::NotPaired { id, name }).into());
    }
    let named = callers(console, at).await?;
    Ok(PlanPage {
        page: at.page("Plan a brown-out"),
        form,
        action: format!("{}/migration/brown-out", at.path()),
        back: format!("{}/migration", at.path()),
        lengths: LENGTHS,
        repeats: REPEATS,
        shares: SHARES,
        callers: named
            .into_iter()
            .map(|(key, caller)| (key, caller.words()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_in_utc() {
        let at = |text: &str| text.parse().ok().map(Some);
        assert_eq!(begin(""), Some(None));
        assert_eq!(begin("2026-03-01T09:00"), at("2026-03-01T09:00:00Z"));
        assert_eq!(begin("2026-03-01T09:00:30"), at("2026-03-01T09:00:30Z"));
        assert_eq!(begin("2026-03-01T09:00:00Z"), at("2026-03-01T09:00:00Z"));
        for text in ["soon", "2026-03-01 9", "0123456789abcdef", "\u{202e}"] {
            assert_eq!(begin(text), None, "{text}");
        }
    }
}
