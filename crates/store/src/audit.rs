//! The activity log, written in the transaction of the change it tells of.

use countersign_model::AuditEvent;
use countersign_wire::OrgId;
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::event_id;
use crate::page::Page;
use crate::row::{Row, storable};

const TABLE: &str = "audit";
/// Behind every id, which is hexadecimal.
const NEWEST: &str = "g";

/// An event with its place in the log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Sorts by time; the key of a page.
    pub id: String,
    /// What happened.
    pub event: AuditEvent,
}

/// Adds an event to the log.
///
/// # Errors
/// [`Error`].
pub async fn append(w: &mut Write, event: &AuditEvent) -> Result<(), Error> {
    const APPEND: &str = "
        INSERT INTO audit (id, happened_at, org_id, actor, action, subject, detail, source)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let id = event_id::next(w.session(), event.at);
    let append = query(APPEND)
        .bind(id)
        .bind(event.at.as_millis())
        .bind(event.org_id.as_ref().map(OrgId::as_str))
        .bind(storable(&event.actor))
        .bind(storable(&event.action))
        .bind(storable(&event.subject))
        .bind(storable(&event.detail))
        .bind(event.source.as_deref().map(storable));
    w.session().execute(append).await.map(|_| ())
}

/// Events of an organization, or all of them, the newest first; the entry's id is the key of the
/// page.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    org_id: Option<&OrgId>,
    page: &Page,
) -> Result<Vec<Entry>, Error> {
    const LIST: &str = "
        SELECT id, happened_at, org_id, actor, action, subject, detail, source
        FROM audit
        WHERE id < $1
        ORDER BY id DESC
        LIMIT $2";
    const LIST_OF_ORG: &str = "
        SELECT id, happened_at, org_id, actor, action, subject, detail, source
        FROM audit
        WHERE id < $1 AND org_id = $3
        ORDER BY id DESC
        LIMIT $2";
    let text = if org_id.is_some() { LIST_OF_ORG } else { LIST };
    let listed = query(text)
        .bind(page.after.as_deref().unwrap_or(NEWEST))
        .bind(page.size());
    let listed = match org_id {
        Some(org_id) => listed.bind(org_id.as_str()),
        None => listed,
    };
    r.session().list(TABLE, listed, read).await
}

/// Which events; what is empty is not asked for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Filter {
    /// Exactly this actor.
    pub actor: String,
    /// Exactly this action.
    pub action: String,
    /// Exactly this subject.
    pub subject: String,
}

/// Events of an organization that a filter lets pass, the newest first; the entry's id is the key
/// of the page.
///
/// # Errors
/// [`Error`].
pub async fn search(
    r: &mut impl Reads,
    org_id: &OrgId,
    filter: &Filter,
    page: &Page,
) -> Result<Vec<Entry>, Error> {
    const SEARCH: &str = "
        SELECT id, happened_at, org_id, actor, action, subject, detail, source
        FROM audit
        WHERE org_id = $1 AND id < $2 AND ($4 = '' OR actor = $4) AND ($5 = '' OR action = $5)
            AND ($6 = '' OR subject = $6)
        ORDER BY id DESC
        LIMIT $3";
    let listed = query(SEARCH)
        .bind(org_id.as_str())
        .bind(page.after.as_deref().unwrap_or(NEWEST))
        .bind(page.size())
        .bind(storable(&filter.actor))
        .bind(storable(&filter.action))
        .bind(storable(&filter.subject));
    r.session().list(TABLE, listed, read).await
}

fn read(row: &Row<'_>) -> Result<Entry, Error> {
    Ok(Entry {
        id: row.text("id")?,
        event: AuditEvent {
            at: row.at("happened_at")?,
            org_id: row.maybe_parsed("org_id")?,
            actor: row.text("actor")?,
            source: row.maybe_text("source")?,
            action: row.text("action")?,
            subject: row.text("subject")?,
            detail: row.text("detail")?,
        },
    })
}
