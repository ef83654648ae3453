//! The dates of an organization for calendar programs, and the link that opens them.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use countersign_authority::{About, Dates, Ending, WaveStatus};
use countersign_wire::calendar::{Calendar, Day, MEDIA_TYPE};
use countersign_wire::{NumericOrgId, Timestamp};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::Console;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{self, Page, Section};
use crate::query::Query;
use crate::session::Member;

#[derive(Template)]
#[template(path = "people/calendar.html")]
struct LinkPage {
    page: Page,
    path: String,
    link: String,
}

/// `GET /console/organizations/{org}/calendar.ics?token=..`: for programs, which do not sign in.
/// The token is in the query, which no log has.
pub(crate) async fn show(
    State(console): State<Console>,
    Path(org): Path<String>,
    query: Query,
) -> Result<Response, PageError> {
    let number = NumericOrgId::parse(&org).map_err(|_| PageError::nothing_there())?;
    let found = console.authority.read_calendar(&number, query.get("token"));
    let dates = found.await?.ok_or_else(PageError::nothing_there)?;
    let calendar = calendar(&dates, &console.authority.config().issuer);
    let headers = [
        (CONTENT_TYPE, MEDIA_TYPE),
        (CONTENT_DISPOSITION, "inline; filename=\"calendar.ics\""),
    ];
    Ok((headers, calendar.to_text()).into_response())
}

/// `POST /console/organizations/{org}/calendar`: the answer shows the link once.
pub(crate) async fn renew(
    State(console): State<Console>,
    member: Member,
    _form: Form,
) -> Result<Response, PageError> {
    let (org, actor) = (&member.organization.id, &member.actor);
    let secret = console.authority.renew_calendar_link(org, actor).await?;
    let issuer = &console.authority.config().issuer;
    let token = secret.expose();
    page::render(&LinkPage {
        page: Page::of_member(&member, Section::Policy, "The link of the calendar")
            .crumb("Deprecation policy", path(&member)),
        path: path(&member),
        link: format!("{issuer}{}/calendar.ics?token={token}", member.path()),
    })
}

/// `POST /console/organizations/{org}/calendar/withdraw`.
pub(crate) async fn withdraw(
    State(console): State<Console>,
    member: Member,
    _form: Form,
) -> Result<Response, PageError> {
    let (org, actor) = (&member.organization.id, &member.actor);
    console.authority.withdraw_calendar_link(org, actor).await?;
    let notice = "The link is withdrawn: programs that use it see nothing any more.";
    page::done(&console, &path(&member), notice)
}

fn path(member: &Member) -> String {
    format!("{}/policy", member.path())
}

fn calendar(dates: &Dates, issuer: &str) -> Calendar {
    let ends = dates.endings.iter();
    let ends = ends.map(|(ending, about)| day(ending, about.as_ref(), dates, issuer));
    let plans = dates
        .waves
        .iter()
        .flat_map(|wave| plan(wave, dates, issuer));
    Calendar {
        name: format!("{}: credentials", dates.organization.name),
        days: ends.chain(plans).collect(),
    }
}

/// The days that were planned for a wave.
fn plan(status: &WaveStatus, dates: &Dates, issuer: &str) -> Vec<Day> {
    let (wave, number) = (&status.wave, &dates.organization.numeric_id);
    let (name, credentials) = (&wave.name, status.tally.all());
    let planned = [
        ("start", wave.start_on, "start"),
        ("disable", wave.disable_on, "disable the JWT halves of"),
    ];
    let day = |(step, at, words): (&str, Option<Timestamp>, &str)| {
        let summary = format!("Migration: {words} wave {name} ({credentials} credentials)");
        Some(Day {
            uid: format!("wave-{step}-{name}-{number}@{}", host(issuer)),
            written_at: dates.now,
            at: at?,
            description: format!("{summary}\nPlanned: nothing happens by itself."),
            summary,
            url: Some(format!(
                "{issuer}/console/organizations/{number}/migration/waves/{name}"
            )),
        })
    };
    planned.into_iter().filter_map(day).collect()
}

fn host(issuer: &str) -> &str {
    issuer.split_once("://").map_or(issuer, |(_, host)| host)
}

fn day(ending: &Ending, about: Option<&About>, dates: &Dates, issuer: &str) -> Day {
    let number = &dates.organization.numeric_id;
    let (kind, subject) = (ending.kind.as_str(), &ending.subject);
    let words = ending.words(dates.now);
    let url = about.map(|about| {
        let (project, id) = (&about.project_id, &about.id);
        format!("{issuer}/console/projects/{number}/{project}/credentials/{id}")
    });
    let (summary, description) = match about {
        Some(about) => (
            format!("{}: {words}", about.name),
            format!("{words}\nAt {}\nClient id {}", ending.at, about.client_id),
        ),
        None => (words.clone(), format!("{words}\nAt {}", ending.at)),
    };
    let host = host(issuer);
    Day {
        uid: format!("{kind}-{subject}-{number}@{host}"),
        written_at: dates.now,
        at: ending.at,
        summary,
        description,
        url,
    }
}
