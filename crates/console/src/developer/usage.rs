//! How a credential is used: by day, by whom, and what somebody should look at.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{Callers, DAYS_SHOWN, DayKind, Finding, Grant};
use countersign_model::evidence::Seen;

use super::chart::{Chart, chart};
use super::place::InCredential;
use super::services::name;
use crate::Console;
use crate::error::PageError;
use crate::page::{self, Page};
use crate::text::moment;

#[derive(Template)]
#[template(path = "developer/usage.html")]
struct UsagePage {
    page: Page,
    back: String,
    days: u32,
    charts: [Chart; 2],
    callers: Vec<CallersTable>,
    findings: Vec<String>,
}

struct CallersTable {
    title: String,
    rows: Vec<CallerRow>,
}

struct CallerRow {
    who: String,
    program: String,
    network: String,
    minted_by: String,
    first: String,
    last: String,
    uses: u64,
}

/// `GET ../usage`.
pub(super) async fn show(
    State(console): State<Console>,
    at: InCredential,
) -> Result<Response, PageError> {
    let (id, actor) = (&at.credential.id, &at.member.actor);
    let days = console.authority.list_days(id, actor).await?;
    let callers = console.authority.list_callers(id, actor).await?;
    let findings = console.authority.list_findings(id, actor).await?;
    let now = console.authority.clock().now();
    page::render(&UsagePage {
        page: at.page("Usage"),
        back: at.path(),
        days: DAYS_SHOWN,
        charts: [DayKind::Token, DayKind::Call].map(|kind| chart(kind, &days, DAYS_SHOWN, now)),
        callers: callers.iter().map(|one| table(&console, one)).collect(),
        findings: findings.iter().map(finding).collect(),
    })
}

/// What was found, as a sentence.
pub(super) fn finding(found: &Finding) -> String {
    format!(
        "A secret or an assertion came in the URL of a request {} times, last on {} from {}: proxies and logs keep URLs. Have that program send it in the body.",
        found.times,
        moment(found.last_at),
        found.caller.network,
    )
}

fn table(console: &Console, callers: &Callers) -> CallersTable {
    let grant = match callers.grant {
        Grant::ClientCredentials => "OAuth",
        Grant::JwtExchange => "JWT",
    };
    let title = match &callers.service {
        None => format!("Who asks for tokens ({grant})"),
        Some(code) => format!("Who calls {} with tokens ({grant})", name(console, code)),
    };
    CallersTable {
        title,
        rows: callers.seen.iter().map(row).collect(),
    }
}

fn row(seen: &Seen) -> CallerRow {
    let of_trace = seen.trace.as_ref().map(|trace| {
        let caller = &trace.caller;
        let consumer = caller.consumer.as_ref().map(|name| name.as_str());
        (
            consumer.unwrap_or_default().to_owned(),
            caller.agent.to_string(),
            caller.network.to_string(),
            trace.minted_by.to_string(),
        )
    });
    let (who, program, network, minted_by) = of_trace.unwrap_or_else(|| {
        let nothing = String::new;
        ("all others".to_owned(), nothing(), nothing(), nothing())
    });
    CallerRow {
        who,
        program,
        network,
        minted_by,
        first: moment(seen.first_at),
        last: moment(seen.last_at),
        uses: seen.uses,
    }
}
