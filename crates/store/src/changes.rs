//! The change log, by which nodes hear of each other's changes.
//!
//! Append-only, with ids that never collide: a counter row that every write touches would make
//! all writers wait for each other. The order of commits is not that of ids or times, so a reader
//! asks again for the last few seconds each time and skips what it has seen.

use countersign_wire::{ClientId, OrgId, ProjectId, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::event_id;
use crate::page::Page;
use crate::revocations::Subject;
use crate::row::Row;

/// What changed. It carries no values: whoever hears of it loads them.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Topic {
    /// A credential, known by its client id, or something below it.
    Client(ClientId),
    /// An organization.
    Organization(OrgId),
    /// A project.
    Project(ProjectId),
    /// Brown-outs, or who was refused in them.
    Brownouts,
    /// A deprecation policy.
    Policies,
    /// The services that the gateway publishes.
    PublishedServices,
    /// The signing keys.
    SigningKeys,
    /// Something was revoked.
    Revocation(Subject),
}

/// An entry of the change log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// By which a reader knows that it has seen it.
    pub id: String,
    /// When, by the clock of the node that wrote it.
    pub at: Timestamp,
    /// What; nothing if this release does not know it: a later one runs beside it.
    pub topic: Option<Topic>,
}

/// Adds a change, in the transaction that makes it.
///
/// # Errors
/// [`Error`].
pub async fn append(w: &mut Write, topic: &Topic, now: Timestamp) -> Result<(), Error> {
    const APPEND: &str = "
        INSERT INTO changes (id, changed_at, topic, subject_id)
        VALUES ($1, $2, $3, $4)";
    let id = event_id::next(w.session(), now);
    let (word, subject_id) = stored(topic);
    let append = query(APPEND)
        .bind(id)
        .bind(now.as_millis())
        .bind(word)
        .bind(subject_id);
    w.session().execute(append).await.map(|_| ())
}

/// Every change of `from` and later, oldest first.
///
/// # Errors
/// [`Error`].
pub async fn since(r: &mut impl Reads, from: Timestamp) -> Result<Vec<Change>, Error> {
    const SINCE: &str = "
        SELECT id, changed_at, topic, subject_id
        FROM changes
        WHERE (changed_at, id) > ($1, $2)
        ORDER BY changed_at, id
        LIMIT $3";
    let mut all: Vec<Change> = Vec::new();
    loop {
        let (at, id) = all.last().map_or((from, ""), |last| (last.at, &*last.id));
        let listed = query(SINCE)
            .bind(at.as_millis())
            .bind(id)
            .bind(i64::from(Page::MAX));
        let page = r.session().list("changes", listed, read).await?;
        let is_last = page.len() < Page::MAX as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// Removes up to `limit` changes from before `older_than`; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, older_than: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM changes
        WHERE id IN (
            SELECT id
            FROM changes
            WHERE changed_at < $1
            ORDER BY changed_at, id
            LIMIT $2)";
    let trim = query(TRIM)
        .bind(older_than.as_millis())
        .bind(i64::from(limit));
    w.session().execute(trim).await
}

fn stored(topic: &Topic) -> (&'static str, &str) {
    match topic {
        Topic::Client(id) => ("client", id.as_str()),
        Topic::Organization(id) => ("organization", id.as_str()),
        Topic::Project(id) => ("project", id.as_str()),
        Topic::Brownouts => ("brownouts", ""),
        Topic::Policies => ("policies", ""),
        Topic::PublishedServices => ("published_services", ""),
        Topic::SigningKeys => ("signing_keys", ""),
        Topic::Revocation(subject) => {
            let word = match subject {
                Subject::Token(_) => "revoked_token",
                Subject::Secret(_) => "revoked_secret",
                Subject::Certificate(_) => "revoked_certificate",
                Subject::Credential(_) => "revoked_credential",
                Subject::Key(_) => "revoked_key",
            };
            (word, subject.stored().1)
        }
    }
}

fn read(row: &Row<'_>) -> Result<Change, Error> {
    Ok(Change {
        id: row.text("id")?,
        at: row.at("changed_at")?,
        topic: topic(row)?,
    })
}

/// A later release may have other topics, and ids of another form.
fn topic(row: &Row<'_>) -> Result<Option<Topic>, Error> {
    let (word, id) = (row.text("topic")?, row.text("subject_id")?);
    Ok(match word.as_str() {
        "client" => id.parse().ok().map(Topic::Client),
        "organization" => id.parse().ok().map(Topic::Organization),
        "project" => id.parse().ok().map(Topic::Project),
        "brownouts" => Some(Topic::Brownouts),
        "policies" => Some(Topic::Policies),
        "published_services" => Some(Topic::PublishedServices),
        "signing_keys" => Some(Topic::SigningKeys),
        _ => word
            .strip_prefix("revoked_")
            .and_then(|kind| Subject::parse(kind, &id))
            .map(Topic::Revocation),
    })
}
