//! Sessions of people, by the digest of what their browsers show.

use countersign_wire::{OrgId, PersonId, SessionId, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::{Row, storable};

const TABLE: &str = "sessions";

/// A session as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionRecord {
    /// Names it where its person sees it.
    pub id: SessionId,
    /// Whose it is.
    pub person_id: PersonId,
    /// The organization that the person works in.
    pub org_id: Option<OrgId>,
    /// Whether the code of the second factor is still to come.
    pub stage: Stage,
    /// The address it began at.
    pub source: String,
    /// The program it began in.
    pub agent: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to a minute.
    pub seen_at: Timestamp,
    /// When the person last proved who she is.
    pub confirmed_at: Timestamp,
}

/// How far a sign-in has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// The password was right; a code is still to come.
    Half,
    /// Signed in.
    Whole,
}

impl Stage {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Half => "half",
            Self::Whole => "whole",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Half, Self::Whole]
            .into_iter()
            .find(|stage| stage.as_str() == word)
    }
}

/// The session of that digest.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, digest: &str) -> Result<Option<SessionRecord>, Error> {
    const FIND: &str = "
        SELECT id, person_id, org_id, state, source, agent, created_at, seen_at, confirmed_at
        FROM sessions
        WHERE digest = $1";
    let found = query(FIND).bind(digest.to_owned());
    r.session().find(TABLE, found, read).await
}

/// The sessions of a person.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, person: &PersonId) -> Result<Vec<SessionRecord>, Error> {
    const LIST: &str = "
        SELECT id, person_id, org_id, state, source, agent, created_at, seen_at, confirmed_at
        FROM sessions
        WHERE person_id = $1
        ORDER BY id
        LIMIT 500";
    let listed = query(LIST).bind(person.as_str());
    r.session().list(TABLE, listed, read).await
}

/// Adds a session.
///
/// # Errors
/// [`Error`].
pub async fn insert(w: &mut Write, session: &SessionRecord, digest: &str) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO sessions
            (id, digest, person_id, org_id, state, source, agent, created_at, seen_at,
             confirmed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let insert = query(INSERT)
        .bind(session.id.as_str())
        .bind(digest.to_owned())
        .bind(session.person_id.as_str())
        .bind(session.org_id.as_ref().map(OrgId::as_str))
        .bind(session.stage.as_str())
        .bind(storable(&session.source))
        .bind(storable(&session.agent))
        .bind(session.created_at.as_millis())
        .bind(session.seen_at.as_millis())
        .bind(session.confirmed_at.as_millis());
    w.session().execute(insert).await.map(|_| ())
}

/// Notes that a session was used, proved again, or moved to another organization.
///
/// # Errors
/// [`Error::Conflict`] when it has ended.
pub async fn save(w: &mut Write, session: &SessionRecord) -> Result<(), Error> {
    const SAVE: &str = "
        UPDATE sessions
        SET org_id = $2, seen_at = $3, confirmed_at = $4
        WHERE id = $1";
    let save = query(SAVE)
        .bind(session.id.as_str())
        .bind(session.org_id.as_ref().map(OrgId::as_str))
        .bind(session.seen_at.as_millis())
        .bind(session.confirmed_at.as_millis());
    w.session().change_one(save).await
}

/// Ends a session of a person.
///
/// # Errors
/// [`Error::Conflict`] when the person has no such session.
pub async fn delete(w: &mut Write, person: &PersonId, id: &SessionId) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM sessions WHERE id = $1 AND person_id = $2";
    let delete = query(DELETE).bind(id.as_str()).bind(person.as_str());
    w.session().change_one(delete).await
}

/// Ends every session of a person; gives how many there were.
///
/// # Errors
/// [`Error`].
pub async fn delete_all(w: &mut Write, person: &PersonId) -> Result<u64, Error> {
    const DELETE: &str = "DELETE FROM sessions WHERE person_id = $1";
    w.session()
        .execute(query(DELETE).bind(person.as_str()))
        .await
}

/// Removes up to `limit` sessions that began before `older_than`; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, older_than: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM sessions
        WHERE id IN (SELECT id FROM sessions WHERE created_at < $1 LIMIT $2)";
    let trim = query(TRIM)
        .bind(older_than.as_millis())
        .bind(i64::from(limit));
    w.session().execute(trim).await
}

fn read(row: &Row<'_>) -> Result<SessionRecord, Error> {
    Ok(SessionRecord {
        id: row.parsed("id")?,
        person_id: row.parsed("person_id")?,
        org_id: row.maybe_parsed("org_id")?,
        stage: row.word("state", Stage::parse)?,
        source: row.text("source")?,
        agent: row.text("agent")?,
        created_at: row.at("created_at")?,
        seen_at: row.at("seen_at")?,
        confirmed_at: row.at("confirmed_at")?,
    })
}
