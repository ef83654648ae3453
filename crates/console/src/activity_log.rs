//! The activity log: what happened in an organization, a project or with a credential, filtered, and
//! as CSV.

use askama::Template;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use countersign_authority::{Entry, Filter, Page as Rows};
use countersign_server::kit::csv;
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::Value;

use crate::Console;
use crate::error::PageError;
use crate::page::{self, Page};
use crate::query::Query;
use crate::session::Member;
use crate::text::moment;

/// Whose events, and where they are shown.
pub(crate) struct Log {
    pub(crate) page: Page,
    pub(crate) member: Member,
    pub(crate) path: String,
    /// What of all there is: everything of a project, for example.
    pub(crate) of: Filter,
}

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityPage {
    page: Page,
    events: Vec<EventRow>,
    filter: Filter,
    is_filtered: bool,
    path: String,
    first: String,
    csv: String,
    next: Option<String>,
}

struct EventRow {
    at: String,
    actor: String,
    action: String,
    subject: String,
    source: String,
    details: Vec<(String, String)>,
}

impl Log {
    /// The events that the query asks for, the newest first.
    pub(crate) async fn show(
        self,
        console: &Console,
        query: &Query,
    ) -> Result<Response, PageError> {
        let filter = narrowed(&self.of, query);
        let (org, actor) = (&self.member.organization.id, &self.member.actor);
        let rows = query.rows();
        let found = console.authority.list_activity(org, &filter, &rows, actor);
        let mut found = found.await?;
        let (path, page) = (self.path, self.page);
        let next = query.cut(&path, &mut found, |one| &one.id);
        page::render(&ActivityPage {
            page,
            events: found.into_iter().map(row).collect(),
            is_filtered: filter != self.of,
            first: match query.get("after") {
                "" => String::new(),
                _ => query.without(&path, "after"),
            },
            csv: query.without(&format!("{path}.csv"), "after"),
            filter,
            path,
            next,
        })
    }

    /// Everything that the query asks for, as a file of comma-separated values.
    pub(crate) async fn export(
        self,
        console: Console,
        query: &Query,
    ) -> Result<Response, PageError> {
        let export = Export {
            filter: narrowed(&self.of, query),
            rows: Rows::first(),
            console,
            member: self.member,
        };
        // The first piece decides whether this is answered with a page that says why not.
        let (first, rest) = export.piece().await?;
        let head = csv::line(["Time", "Who", "From", "What", "Of", "Details"]);
        let pieces = stream::try_unfold((Some(head + &first), rest), |(ready, rest)| async {
            match (ready, rest) {
                (Some(text), rest) => Ok(Some((text, (None, rest)))),
                (None, None) => Ok::<_, std::io::Error>(None),
                (None, Some(export)) => match export.piece().await {
                    Ok((text, rest)) => Ok(Some((text, (None, rest)))),
                    // Cut off: whoever saves the file is told that it is not whole.
                    Err(_) => Err(std::io::Error::other("the activity log cannot be read")),
                },
            }
        });
        let headers = [
            (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
            (CONTENT_DISPOSITION, "attachment; filename=\"activity.csv\""),
        ];
        Ok((headers, Body::from_stream(pieces)).into_response())
    }
}

/// An export on its way: what is asked for next.
struct Export {
    console: Console,
    member: Member,
    filter: Filter,
    rows: Rows,
}

impl Export {
    /// The next lines, and what comes after them.
    async fn piece(mut self) -> Result<(String, Option<Self>), PageError> {
        let found = self
            .console
            .authority
            .list_activity(
                &self.member.organization.id,
                &self.filter,
                &self.rows,
                &self.member.actor,
            )
            .await?;
        let text = found.iter().map(line).collect();
        let is_last = found.len() < Rows::MAX as usize;
        self.rows.after = found.last().map(|entry| entry.id.clone());
        Ok((text, (!is_last).then_some(self)))
    }
}

fn narrowed(of: &Filter, query: &Query) -> Filter {
    let asked = |name| query.get(name).trim().to_owned();
    Filter {
        actor: asked("actor"),
        action: asked("action"),
        subject: asked("subject"),
        ..of.clone()
    }
}

fn line(entry: &Entry) -> String {
    let event = &entry.event;
    csv::line([
        event.at.to_string().as_str(),
        &event.actor,
        event.source.as_deref().unwrap_or_default(),
        &event.action,
        &event.subject,
        &event.detail,
    ])
}

fn row(entry: Entry) -> EventRow {
    let event = entry.event;
    EventRow {
        at: moment(event.at),
        details: details(&event.detail),
        source: event.source.unwrap_or_default(),
        actor: event.actor,
        action: event.action,
        subject: event.subject,
    }
}

/// The members of the event's JSON, as names and texts.
fn details(text: &str) -> Vec<(String, String)> {
    let members = match serde_json::from_str(text) {
        Ok(Value::Object(members)) => members,
        _ => return Vec::new(),
    };
    let shown = members.into_iter().filter(|(_, value)| !value.is_null());
    let text = |value: Value| match value {
        Value::String(text) => text,
        value => value.to_string(),
    };
    shown.map(|(name, value)| (name, text(value))).collect()
}
