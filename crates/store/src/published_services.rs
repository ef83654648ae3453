//! Services that the gateway publishes.

use countersign_model::PublishedService;
use countersign_wire::{PublishedName, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::Row;

const TABLE: &str = "published_services";

/// All of them as JSON, by name. Not read any further: one that a later release wrote must not hide
/// the others.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads) -> Result<Vec<(PublishedName, String)>, Error> {
    const LIST: &str = "
        SELECT name, definition
        FROM published_services
        ORDER BY name";
    r.session().list(TABLE, query(LIST), read).await
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
        INSERT INTO published_services (name, definition, created_at)
        VALUES ($1, $2, $3)";
    let insert = query(INSERT)
        .bind(service.name.as_str())
        .bind(service.to_json())
        .bind(now.as_millis());
    w.session().execute(insert).await.map(|_| ())
}

/// Removes one; says whether it was there.
///
/// # Errors
/// [`Error`].
pub async fn delete(w: &mut Write, name: &PublishedName) -> Result<bool, Error> {
    const DELETE: &str = "DELETE FROM published_services WHERE name = $1";
    let delete = query(DELETE).bind(name.as_str());
    Ok(w.session().execute(delete).await? > 0)
}

fn read(row: &Row<'_>) -> Result<(PublishedName, String), Error> {
    Ok((row.parsed("name")?, row.text("definition")?))
}
