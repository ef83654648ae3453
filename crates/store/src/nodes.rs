//! The processes that share the database, by which they compare their clocks
//! (`spec/security.md` REL-23).

use countersign_wire::Timestamp;
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::Row;

/// What a process wrote last.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Beat {
    /// Which process.
    pub node: String,
    /// When, by its own clock.
    pub at: Timestamp,
    /// Another number than that of its last one.
    pub number: i64,
}

/// Notes that a process runs and what time it has.
///
/// # Errors
/// [`Error`].
pub async fn beat(w: &mut Write, node: &str, now: Timestamp) -> Result<(), Error> {
    const BEAT: &str = "
        INSERT INTO nodes (id, written_at, beats)
        VALUES ($1, $2, 1)
        ON CONFLICT (id) DO UPDATE
        SET written_at = excluded.written_at, beats = nodes.beats + 1";
    let beat = query(BEAT).bind(node).bind(now.as_millis());
    w.session().execute(beat).await.map(|_| ())
}

/// The last beat of every process but one.
///
/// # Errors
/// [`Error`].
pub async fn others(r: &mut impl Reads, node: &str) -> Result<Vec<Beat>, Error> {
    const OTHERS: &str = "
        SELECT id, written_at, beats
        FROM nodes
        WHERE id <> $1
        ORDER BY id";
    let listed = query(OTHERS).bind(node);
    r.session().list("nodes", listed, read).await
}

/// Forgets up to `limit` processes that wrote last before `older_than`; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, older_than: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM nodes
        WHERE id IN (
            SELECT id
            FROM nodes
            WHERE written_at < $1
            ORDER BY id
            LIMIT $2)";
    let trim = query(TRIM)
        .bind(older_than.as_millis())
        .bind(i64::from(limit));
    w.session().execute(trim).await
}

fn read(row: &Row<'_>) -> Result<Beat, Error> {
    Ok(Beat {
        node: row.text("id")?,
        at: row.at("written_at")?,
        number: row.number("beats")?,
    })
}
