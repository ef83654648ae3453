//! The dates of the deprecation policy, and how far away they are.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_model::UseCase;
use countersign_wire::Timestamp;

use crate::Console;
use crate::error::PageError;
use crate::form::Filled;
use crate::page::{self, Page, Section};
use crate::session::Member;
use crate::text::moment;

#[derive(Template)]
#[template(path = "people/policy.html")]
struct PolicyPage {
    page: Page,
    dates: [Row; 4],
    form: Filled,
    path: String,
    calendar: Option<Link>,
}

/// The link of the calendar, for those who may have one.
enum Link {
    None,
    Made { by: String, at: String },
}

struct Row {
    what: &'static str,
    date: String,
    distance: String,
    look: &'static str,
}

/// `GET /console/organizations/{org}/policy`.
pub(crate) async fn show(
    State(console): State<Console>,
    member: Member,
) -> Result<Response, PageError> {
    let policy = console
        .authority
        .show_policy(&member.organization.id, &member.actor)
        .await?;
    let calendar = calendar(&console, &member).await?;
    let now = console.authority.clock().now();
    let row = |what, at| row(what, at, now);
    page::render(&PolicyPage {
        dates: [
            row(
                "Service Account (JWT) credentials are deprecated",
                policy.deprecated_on,
            ),
            row("No new ones can be created", policy.no_new_on),
            row(
                "No certificates can be added: each works until its last one expires",
                policy.end_of_life_on,
            ),
            row("No assertion is exchanged any more", policy.final_on),
        ],
        form: Filled::new(&member.visitor),
        path: format!("{}/calendar", member.path()),
        calendar,
        page: Page::of_member(&member, Section::Policy, "Deprecation policy"),
    })
}

async fn calendar(console: &Console, member: &Member) -> Result<Option<Link>, PageError> {
    if !member.actor.may(UseCase::ChangeCalendar) {
        return Ok(None);
    }
    let (org, actor) = (&member.organization.id, &member.actor);
    let found = console.authority.find_calendar_link(org, actor).await?;
    Ok(Some(found.map_or(Link::None, |link| Link::Made {
        by: link.created_by,
        at: moment(link.created_at),
    })))
}

fn row(what: &'static str, at: Option<Timestamp>, now: Timestamp) -> Row {
    let Some(at) = at else {
        return Row {
            what,
            date: "no date".to_owned(),
            distance: String::new(),
            look: "neutral",
        };
    };
    let days = at.since(now).as_secs().div_ceil(86_400);
    let (distance, look) = match (now >= at, days) {
        (true, _) => ("in force".to_owned(), "negative"),
        (false, 1) => ("within a day".to_owned(), "notice"),
        (false, days) => (format!("in {days} days"), "notice"),
    };
    Row {
        what,
        date: at.date(),
        distance,
        look,
    }
}
