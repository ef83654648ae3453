//! The activity log, written in the transaction of the change it tells of.

use countersign_model::AuditEvent;
use countersign_wire::{CredentialId, OrgId, ProjectId};
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
        INSERT INTO audit
            (id, happened_at, org_id, actor, action, subject, detail, source, project_id,
            credential_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let id = event_id::next(w.session(), event.at);
    let append = query(APPEND)
        .bind(id)
        .bind(event.at.as_millis())
        .bind(event.org_id.as_ref().map(OrgId::as_str))
        .bind(storable(&event.actor))
        .bind(storable(&event.action))
        .bind(storable(&event.subject))
        .bind(storable(&event.detail))
        .bind(event.source.as_deref().map(storable))
        .bind(event.project_id.as_ref().map(ProjectId::as_str))
        .bind(event.credential_id.as_ref().map(CredentialId::as_str));
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
        SELECT id, happened_at, org_id, project_id, credential_id, actor, action, subject, detail,
            source
        FROM audit
        WHERE id < $1
        ORDER BY id DESC
        LIMIT $2";
    const LIST_OF_ORG: &str = "
        SELECT id, happened_at, org_id, project_id, credential_id, actor, action, subject, detail,
            source
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
    /// In the project of this id; also in one that was deleted.
    pub project: String,
    /// About the credential of this id; also about one that was deleted.
    pub credential: String,
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
    const OF_ORG: &str = "
        SELECT id, happened_at, org_id, project_id, credential_id, actor, action, subject, detail,
            source
        FROM audit
        WHERE org_id = $1 AND id < $2 AND ($4 = '' OR actor = $4) AND ($5 = '' OR action = $5)
            AND ($6 = '' OR subject = $6) AND ($7 = '' OR credential_id = $7)
        ORDER BY id DESC
        LIMIT $3";
    const OF_PROJECT: &str = "
        SELECT id, happened_at, org_id, project_id, credential_id, actor, action, subject, detail,
            source
        FROM audit
        WHERE project_id = $8 AND id < $2 AND org_id = $1 AND ($4 = '' OR actor = $4)
            AND ($5 = '' OR action = $5) AND ($6 = '' OR subject = $6)
            AND ($7 = '' OR credential_id = $7)
        ORDER BY id DESC
        LIMIT $3";
    let text = match filter.project.is_empty() {
        true => OF_ORG,
        false => OF_PROJECT,
    };
    let listed = query(text)
        .bind(org_id.as_str())
        .bind(page.after.as_deref().unwrap_or(NEWEST))
        .bind(page.size())
        .bind(storable(&filter.actor))
        .bind(storable(&filter.action))
        .bind(storable(&filter.subject))
        .bind(storable(&filter.credential));
    let listed = match filter.project.is_empty() {
        true => listed,
        false => listed.bind(storable(&filter.project)),
    };
    r.session().list(TABLE, listed, read).await
}

/// An event in its chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// The event.
    pub entry: Entry,
    /// Its place in the chain, from 1 on.
    pub sequence: i64,
    /// The digest of its content and of the link before it.
    pub digest: String,
}

/// The end of a chain, as it was written with its last link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head {
    /// Which chain: an organization's id, or `*`.
    pub chain: String,
    /// Place of the last link.
    pub sequence: i64,
    /// Digest of the last link.
    pub digest: String,
    /// The head under a key that is not in the database.
    pub mac: String,
}

/// Events that are in no chain yet, oldest first.
///
/// # Errors
/// [`Error`].
pub async fn unsealed(r: &mut impl Reads, limit: u32) -> Result<Vec<Entry>, Error> {
    const LIST: &str = "
        SELECT id, happened_at, org_id, project_id, credential_id, actor, action, subject, detail,
            source
        FROM audit
        WHERE sequence IS NULL
        ORDER BY id
        LIMIT $1";
    let listed = query(LIST).bind(i64::from(limit));
    r.session().list(TABLE, listed, read).await
}

/// How many events are in no chain yet.
///
/// # Errors
/// [`Error`].
pub async fn count_unsealed(r: &mut impl Reads) -> Result<u64, Error> {
    const COUNT: &str = "
        SELECT 'unsealed' AS id, COUNT(*) AS events
        FROM audit
        WHERE sequence IS NULL";
    let counted = r
        .session()
        .list(TABLE, query(COUNT), |row| row.count("events"));
    Ok(counted.await?.into_iter().sum())
}

/// Puts an event into its chain. Whoever does is alone: he holds the lease of background work.
///
/// # Errors
/// [`Error::Conflict`] when it is in a chain already; [`Error::Duplicate`] when its place is taken.
pub async fn seal(w: &mut Write, chain: &str, link: &Link) -> Result<(), Error> {
    const SEAL: &str = "
        UPDATE audit
        SET chain = $2, sequence = $3, digest = $4
        WHERE id = $1 AND sequence IS NULL";
    let seal = query(SEAL)
        .bind(link.entry.id.clone())
        .bind(chain.to_owned())
        .bind(link.sequence)
        .bind(link.digest.clone());
    w.session().change_one(seal).await
}

/// The head of a chain.
///
/// # Errors
/// [`Error`].
pub async fn find_head(r: &mut impl Reads, chain: &str) -> Result<Option<Head>, Error> {
    const FIND: &str = "SELECT chain, sequence, digest, mac FROM audit_chains WHERE chain = $1";
    let found = query(FIND).bind(chain.to_owned());
    r.session().find("audit_chains", found, read_head).await
}

/// All heads, by chain.
///
/// # Errors
/// [`Error`].
pub async fn list_heads(r: &mut impl Reads) -> Result<Vec<Head>, Error> {
    const LIST: &str = "SELECT chain, sequence, digest, mac FROM audit_chains ORDER BY chain";
    r.session()
        .list("audit_chains", query(LIST), read_head)
        .await
}

/// Chains that events say they are in, by name.
///
/// # Errors
/// [`Error`].
pub async fn list_chains(r: &mut impl Reads) -> Result<Vec<String>, Error> {
    const LIST: &str = "
        SELECT DISTINCT chain
        FROM audit
        WHERE chain IS NOT NULL
        ORDER BY chain";
    r.session()
        .list(TABLE, query(LIST), |row| row.text("chain"))
        .await
}

/// Moves the head of a chain on.
///
/// # Errors
/// [`Error`].
pub async fn put_head(w: &mut Write, head: &Head) -> Result<(), Error> {
    const PUT: &str = "
        INSERT INTO audit_chains (chain, sequence, digest, mac)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (chain) DO UPDATE
        SET sequence = excluded.sequence, digest = excluded.digest, mac = excluded.mac";
    let put = query(PUT)
        .bind(head.chain.clone())
        .bind(head.sequence)
        .bind(head.digest.clone())
        .bind(head.mac.clone());
    w.session().execute(put).await.map(|_| ())
}

/// Links of a chain behind `after`, in their order.
///
/// # Errors
/// [`Error`].
pub async fn links(
    r: &mut impl Reads,
    chain: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<Link>, Error> {
    const LIST: &str = "
        SELECT id, happened_at, org_id, project_id, credential_id, actor, action, subject, detail,
            source, sequence, digest
        FROM audit
        WHERE chain = $1 AND sequence > $2
        ORDER BY sequence
        LIMIT $3";
    let listed = query(LIST)
        .bind(chain.to_owned())
        .bind(after)
        .bind(i64::from(limit));
    let link = |row: &Row<'_>| {
        Ok(Link {
            entry: read(row)?,
            sequence: row.number("sequence")?,
            digest: row.text("digest")?,
        })
    };
    r.session().list(TABLE, listed, link).await
}

fn read_head(row: &Row<'_>) -> Result<Head, Error> {
    Ok(Head {
        chain: row.text("chain")?,
        sequence: row.number("sequence")?,
        digest: row.text("digest")?,
        mac: row.text("mac")?,
    })
}

fn read(row: &Row<'_>) -> Result<Entry, Error> {
    Ok(Entry {
        id: row.text("id")?,
        event: AuditEvent {
            at: row.at("happened_at")?,
            org_id: row.maybe_parsed("org_id")?,
            project_id: row.maybe_parsed("project_id")?,
            credential_id: row.maybe_parsed("credential_id")?,
            actor: row.text("actor")?,
            source: row.maybe_text("source")?,
            action: row.text("action")?,
            subject: row.text("subject")?,
            detail: row.text("detail")?,
        },
    })
}
