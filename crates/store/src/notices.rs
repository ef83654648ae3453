//! Notices: what somebody is told, by which channel, once.

use std::sync::LazyLock;

use countersign_model::notice::Kind;
use countersign_wire::{ClientId, CredentialId, OrgId, ProjectId, Timestamp};
use sqlx::query;

use crate::db::{Query, Reads, Sealed as _, Write};
use crate::error::Error;
use crate::event_id;
use crate::many::{filled, of_many};
use crate::messages::{self, Address, State};
use crate::page::Page;
use crate::row::{Row, storable};

const TABLE: &str = "notices";
/// Behind every id, which is hexadecimal.
const NEWEST: &str = "g";

/// One thing to tell one recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// Names it for ever, for whomever it is: see `model/src/notice.rs`.
    pub key: String,
    /// To whom.
    pub address: Address,
    /// What ends.
    pub kind: Kind,
    /// Its id.
    pub subject: String,
    /// What people call it.
    pub name: String,
    /// When it ends.
    pub ends_at: Timestamp,
    /// The window in which it is told, by the days before the end at which that opens.
    pub days_before: u32,
    /// The credential concerned, if it is about one.
    pub credential: Option<About>,
}

/// What is shown of a credential that a notice is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct About {
    /// Its id.
    pub id: CredentialId,
    /// What it calls itself.
    pub client_id: ClientId,
    /// Its project.
    pub project_id: ProjectId,
    /// Its name.
    pub name: String,
}

/// A notice, and what became of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Noted {
    /// Names it in lists; sorts by time.
    pub id: String,
    /// What it says.
    pub notice: Notice,
    /// When it came up.
    pub created_at: Timestamp,
    /// How far the message is that carries it.
    pub state: State,
    /// How often that was tried.
    pub attempts: u64,
    /// Why the last try failed.
    pub trouble: Option<String>,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
}

/// Adds those notices that were not there; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn insert(w: &mut Write, notices: &[Notice], now: Timestamp) -> Result<u64, Error> {
    static INSERT: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 15));
    const TEXT: &str = "
        INSERT INTO notices
            (id, notice_key, org_id, kind, subject_id, name, ends_at, days_before, credential_id,
             client_id, project_id, credential_name, channel, recipient, created_at)
        SELECT n.column1, n.column2, n.column3, n.column4, n.column5, n.column6, n.column7,
            n.column8, NULLIF(n.column9, ''), NULLIF(n.column10, ''), NULLIF(n.column11, ''),
            NULLIF(n.column12, ''), n.column13, n.column14, n.column15
        FROM (VALUES $rows) AS n
        WHERE n.column1 <> ''
        ON CONFLICT (notice_key, channel, recipient) DO NOTHING";
    let mut inserted = 0;
    for rows in filled(notices) {
        let mut insert = query(INSERT.as_str());
        for notice in rows {
            let id = notice.map(|_| event_id::next(w.session(), now));
            insert = bind(insert, id, notice, now);
        }
        inserted += w.session().execute(insert).await?;
    }
    Ok(inserted)
}

fn bind(insert: Query, id: Option<String>, notice: Option<&Notice>, now: Timestamp) -> Query {
    let text = |of: fn(&Notice) -> String| notice.map(of).unwrap_or_default();
    let about = |of: fn(&About) -> String| {
        let credential = notice.and_then(|notice| notice.credential.as_ref());
        credential.map(of).unwrap_or_default()
    };
    insert
        .bind(id.unwrap_or_default())
        .bind(text(|notice| storable(&notice.key)))
        .bind(text(|notice| notice.address.org_id.to_string()))
        .bind(text(|notice| notice.kind.as_str().to_owned()))
        .bind(text(|notice| storable(&notice.subject)))
        .bind(text(|notice| storable(&notice.name)))
        .bind(notice.map_or(0, |notice| notice.ends_at.as_millis()))
        .bind(notice.map_or(0, |notice| i64::from(notice.days_before)))
        .bind(about(|credential| credential.id.to_string()))
        .bind(about(|credential| credential.client_id.to_string()))
        .bind(about(|credential| credential.project_id.to_string()))
        .bind(about(|credential| storable(&credential.name)))
        .bind(text(|notice| notice.address.channel.as_str().to_owned()))
        .bind(text(|notice| storable(&notice.address.recipient)))
        .bind(now.as_millis())
}

/// Addresses with notices that no message carries yet.
///
/// # Errors
/// [`Error`].
pub async fn unbundled(r: &mut impl Reads, most: u32) -> Result<Vec<Address>, Error> {
    const UNBUNDLED: &str = "
        SELECT DISTINCT org_id, channel, recipient
        FROM notices
        WHERE message_id IS NULL
        ORDER BY org_id, channel, recipient
        LIMIT $1";
    let unbundled = query(UNBUNDLED).bind(i64::from(most));
    r.session().list(TABLE, unbundled, messages::address).await
}

/// Gives a message up to `most` of the notices for its address that none carries yet, the oldest
/// first; says how many.
///
/// # Errors
/// [`Error`].
pub async fn bundle(
    w: &mut Write,
    message_id: &str,
    to: &Address,
    most: u32,
) -> Result<u64, Error> {
    const BUNDLE: &str = "
        UPDATE notices
        SET message_id = $1
        WHERE id IN (
            SELECT id
            FROM notices
            WHERE org_id = $2 AND channel = $3 AND recipient = $4 AND message_id IS NULL
            ORDER BY id
            LIMIT $5)";
    let bundle = query(BUNDLE)
        .bind(message_id.to_owned())
        .bind(to.org_id.as_str())
        .bind(to.channel.as_str())
        .bind(storable(&to.recipient))
        .bind(i64::from(most));
    w.session().execute(bundle).await
}

/// What a message carries: those first that end first, and how many there are.
///
/// # Errors
/// [`Error`].
pub async fn of_message(
    r: &mut impl Reads,
    message_id: &str,
    most: u32,
) -> Result<(Vec<Notice>, u64), Error> {
    const LIST: &str = "
        SELECT id, notice_key, org_id, kind, subject_id, name, ends_at, days_before, credential_id,
            client_id, project_id, credential_name, channel, recipient
        FROM notices
        WHERE message_id = $1
        ORDER BY ends_at, id
        LIMIT $2";
    const COUNT: &str = "
        SELECT 'all' AS id, COUNT(*) AS carried
        FROM notices
        WHERE message_id = $1";
    let listed = query(LIST)
        .bind(message_id.to_owned())
        .bind(i64::from(most));
    let listed = r.session().list(TABLE, listed, read).await?;
    let count = query(COUNT).bind(message_id.to_owned());
    let count = r.session().find(TABLE, count, |row| row.count("carried"));
    Ok((listed, count.await?.unwrap_or_default()))
}

/// Notices of an organization, the newest first, or only those in one state; the id is the key of
/// the page.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    org_id: &OrgId,
    state: Option<State>,
    page: &Page,
) -> Result<Vec<Noted>, Error> {
    const LIST: &str = "
        SELECT n.id AS id, n.notice_key AS notice_key, n.org_id AS org_id, n.kind AS kind,
            n.subject_id AS subject_id, n.name AS name, n.ends_at AS ends_at,
            n.days_before AS days_before, n.credential_id AS credential_id,
            n.client_id AS client_id, n.project_id AS project_id,
            n.credential_name AS credential_name, n.channel AS channel,
            n.recipient AS recipient, n.created_at AS created_at,
            COALESCE(m.state, 'pending') AS state, COALESCE(m.attempts, 0) AS attempts,
            m.trouble AS trouble, m.sent_at AS sent_at
        FROM notices n
        LEFT JOIN messages m ON m.id = n.message_id
        WHERE n.org_id = $1 AND n.id < $2 AND ($3 = '' OR COALESCE(m.state, 'pending') = $3)
        ORDER BY n.id DESC
        LIMIT $4";
    let listed = query(LIST)
        .bind(org_id.as_str())
        .bind(page.after.as_deref().unwrap_or(NEWEST))
        .bind(state.map_or("", State::as_str))
        .bind(page.size());
    r.session()
        .list(TABLE, listed, |row| {
            Ok(Noted {
                id: row.text("id")?,
                notice: read(row)?,
                created_at: row.at("created_at")?,
                state: row.word("state", State::parse)?,
                attempts: row.count("attempts")?,
                trouble: row.maybe_text("trouble")?,
                sent_at: row.maybe_at("sent_at")?,
            })
        })
        .await
}

/// Removes up to `limit` notices from before `older_than`; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, older_than: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM notices
        WHERE id IN (SELECT id FROM notices WHERE created_at < $1 LIMIT $2)";
    let trim = query(TRIM)
        .bind(older_than.as_millis())
        .bind(i64::from(limit));
    w.session().execute(trim).await
}

fn read(row: &Row<'_>) -> Result<Notice, Error> {
    let days_before = u32::try_from(row.number("days_before")?);
    Ok(Notice {
        key: row.text("notice_key")?,
        address: messages::address(row)?,
        kind: row.word("kind", Kind::parse)?,
        subject: row.text("subject_id")?,
        name: row.text("name")?,
        ends_at: row.at("ends_at")?,
        days_before: days_before.map_err(|_| row.corrupt("days_before"))?,
        credential: about(row)?,
    })
}

fn about(row: &Row<'_>) -> Result<Option<About>, Error> {
    let Some(id) = row.maybe_parsed("credential_id")? else {
        return Ok(None);
    };
    Ok(Some(About {
        id,
        client_id: row.parsed("client_id")?,
        project_id: row.parsed("project_id")?,
        name: row.maybe_text("credential_name")?.unwrap_or_default(),
    }))
}
