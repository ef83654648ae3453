//! Who people are at OpenID providers.

use countersign_wire::{IdentityId, PersonId, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::{Row, storable};

const TABLE: &str = "identities";

/// An identity of a person at a provider, as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdentityRecord {
    /// Names it among those of its person.
    pub id: IdentityId,
    /// Whose it is.
    pub person_id: PersonId,
    /// The provider's issuer.
    pub issuer: String,
    /// The provider's name for the person, which never changes.
    pub subject: String,
    /// A mail address or a name, to recognize it by; nothing to decide with.
    pub shown: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When the person last signed in with it.
    pub used_at: Timestamp,
}

/// The identity of that subject of a provider.
///
/// # Errors
/// [`Error`].
pub async fn find(
    r: &mut impl Reads,
    issuer: &str,
    subject: &str,
) -> Result<Option<IdentityRecord>, Error> {
    const FIND: &str = "
        SELECT id, person_id, issuer, subject, shown, created_at, used_at
        FROM identities
        WHERE issuer = $1 AND subject = $2";
    let found = query(FIND).bind(storable(issuer)).bind(storable(subject));
    r.session().find(TABLE, found, read).await
}

/// The identities of a person, by id.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, person: &PersonId) -> Result<Vec<IdentityRecord>, Error> {
    const LIST: &str = "
        SELECT id, person_id, issuer, subject, shown, created_at, used_at
        FROM identities
        WHERE person_id = $1
        ORDER BY id
        LIMIT 100";
    let listed = query(LIST).bind(person.as_str());
    r.session().list(TABLE, listed, read).await
}

/// Adds an identity.
///
/// # Errors
/// [`Error::Duplicate`] when it is somebody's already.
pub async fn insert(w: &mut Write, identity: &IdentityRecord) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO identities (id, person_id, issuer, subject, shown, created_at, used_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let insert = query(INSERT)
        .bind(identity.id.as_str())
        .bind(identity.person_id.as_str())
        .bind(storable(&identity.issuer))
        .bind(storable(&identity.subject))
        .bind(storable(&identity.shown))
        .bind(identity.created_at.as_millis())
        .bind(identity.used_at.as_millis());
    w.session().execute(insert).await.map(|_| ())
}

/// Notes that a person signed in with an identity, and what the provider calls her now.
///
/// # Errors
/// [`Error::Conflict`] when it was taken away.
pub async fn note_use(
    w: &mut Write,
    id: &IdentityId,
    shown: &str,
    at: Timestamp,
) -> Result<(), Error> {
    const NOTE: &str = "UPDATE identities SET shown = $2, used_at = $3 WHERE id = $1";
    let note = query(NOTE)
        .bind(id.as_str())
        .bind(storable(shown))
        .bind(at.as_millis());
    w.session().change_one(note).await
}

/// Takes an identity from a person.
///
/// # Errors
/// [`Error::Conflict`] when the person has no such identity.
pub async fn delete(w: &mut Write, person: &PersonId, id: &IdentityId) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM identities WHERE id = $1 AND person_id = $2";
    let delete = query(DELETE).bind(id.as_str()).bind(person.as_str());
    w.session().change_one(delete).await
}

fn read(row: &Row<'_>) -> Result<IdentityRecord, Error> {
    Ok(IdentityRecord {
        id: row.parsed("id")?,
        person_id: row.parsed("person_id")?,
        issuer: row.text("issuer")?,
        subject: row.text("subject")?,
        shown: row.text("shown")?,
        created_at: row.at("created_at")?,
        used_at: row.at("used_at")?,
    })
}
