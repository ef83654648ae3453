//! What came back from an OpenID provider with an answer, each once (`spec/security.md` RPL-01).

use countersign_wire::Timestamp;
use sqlx::query;

use crate::db::{Sealed as _, Write};
use crate::error::Error;

/// Records that the state of that digest came back; false when it did before. The unique key
/// decides, on any number of nodes.
///
/// # Errors
/// [`Error::Busy`] when it came back a moment ago, too; repeated, it gives false.
pub async fn insert(w: &mut Write, digest: &str, expires_at: Timestamp) -> Result<bool, Error> {
    const INSERT: &str = "
        INSERT INTO used_states (digest, expires_at)
        VALUES ($1, $2)
        ON CONFLICT (digest) DO NOTHING";
    let insert = query(INSERT)
        .bind(digest.to_owned())
        .bind(expires_at.as_millis());
    Ok(w.session().execute(insert).await? == 1)
}

/// Forgets up to `limit` of those that ended; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, now: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM used_states
        WHERE digest IN (
            SELECT digest
            FROM used_states
            WHERE expires_at <= $1
            ORDER BY expires_at
            LIMIT $2)";
    let trim = query(TRIM).bind(now.as_millis()).bind(i64::from(limit));
    w.session().execute(trim).await
}
