//! Services that the gateway publishes.

use countersign_model::PublishedService;
use countersign_wire::{PublishedName, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::Row;

const TABLE: &str = "published_services";

/// A service as it is stored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredService {
    /// Its name.
    pub name: PublishedName,
    /// JSON. Not read any further: one that a later release wrote must not hide the others.
    pub definition: String,
    /// Counts its changes.
    pub revision: i64,
}

/// All of them, by name.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads) -> Result<Vec<StoredService>, Error> {
    const LIST: &str = "
        SELECT name, definition, revision
        FROM published_services
        ORDER BY name";
    r.session().list(TABLE, query(LIST), read).await
}

/// The one of that name.
///
/// # Errors
/// [`Error`].
pub async fn find(
    r: &mut impl Reads,
    name: &PublishedName,
) -> Result<Option<StoredService>, Error> {
    const FIND: &str = "
        SELECT name, definition, revision
        FROM published_services
        WHERE name = $1";
    let find = query(FIND).bind(name.as_str());
    r.session().find(TABLE, find, read).await
}

/// Makes whoever comes second wait, or try again: which services fit beside each other is decided
/// over all of them.
///
/// # Errors
/// [`Error::Busy`] when somebody else was here first.
pub async fn lock(w: &mut Write) -> Result<(), Error> {
    const LOCK: &str = "
        INSERT INTO settings (name, value)
        VALUES ('published_services', '1')
        ON CONFLICT (name) DO UPDATE SET value = '1'";
    w.session().execute(query(LOCK)).await.map(|_| ())
}

/// Adds one.
///
/// # Errors
/// [`Error::Duplicate`] when its name is taken.
pub async fn insert(
    w: &mut Write,
    service: &PublishedService,
    now: Timestamp,
) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO published_services (name, definition, created_at, revision)
        VALUES ($1, $2, $3, 0)";
    let insert = query(INSERT)
        .bind(service.name.as_str())
        .bind(service.to_json())
        .bind(now.as_millis());
    w.session().execute(insert).await.map(|_| ())
}

/// Replaces the one of the same name, and counts its revision up by one.
///
/// # Errors
/// [`Error::Conflict`] unless `revision` is the stored one.
pub async fn replace(
    w: &mut Write,
    service: &PublishedService,
    revision: i64,
) -> Result<(), Error> {
    const REPLACE: &str = "
        UPDATE published_services
        SET definition = $3, revision = revision + 1
        WHERE name = $1 AND revision = $2";
    let replace = query(REPLACE)
        .bind(service.name.as_str())
        .bind(revision)
        .bind(service.to_json());
    w.session().change_one(replace).await
}

/// Removes one.
///
/// # Errors
/// [`Error::Conflict`] unless it is stored with this revision.
pub async fn delete(w: &mut Write, stored: &StoredService) -> Result<(), Error> {
    const DELETE: &str = "
        DELETE FROM published_services
        WHERE name = $1 AND revision = $2";
    let delete = query(DELETE)
        .bind(stored.name.as_str())
        .bind(stored.revision);
    w.session().change_one(delete).await
}

fn read(row: &Row<'_>) -> Result<StoredService, Error> {
    Ok(StoredService {
        name: row.parsed("name")?,
        definition: row.text("definition")?,
        revision: row.number("revision")?,
    })
}
