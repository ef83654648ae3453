//! Ids of assertions that may be used once (`spec/security.md` RPL-01 to RPL-05).

use countersign_wire::{OrgId, Timestamp};
use sqlx::query;

use crate::db::{Sealed as _, Write};
use crate::error::Error;
use crate::row::storable;

/// Records that the assertion `jti` of an organization was used; false when it was before. The
/// unique key decides, so of any number of simultaneous uses on any number of nodes one is first.
///
/// # Errors
/// [`Error::Busy`] when a simultaneous use was recorded a moment ago; repeated, it gives false.
pub async fn insert(
    w: &mut Write,
    org_id: &OrgId,
    jti: &str,
    expires_at: Timestamp,
) -> Result<bool, Error> {
    const INSERT: &str = "
        INSERT INTO used_assertions (org_id, jti, expires_at)
        VALUES ($1, $2, $3)
        ON CONFLICT (org_id, jti) DO NOTHING";
    let insert = query(INSERT)
        .bind(org_id.as_str())
        .bind(storable(jti))
        .bind(expires_at.as_millis());
    Ok(w.session().execute(insert).await? == 1)
}

/// Forgets up to `limit` ids whose assertions have expired; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, now: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM used_assertions
        WHERE (org_id, jti) IN (
            SELECT org_id, jti
            FROM used_assertions
            WHERE expires_at <= $1
            ORDER BY expires_at
            LIMIT $2)";
    let trim = query(TRIM).bind(now.as_millis()).bind(i64::from(limit));
    w.session().execute(trim).await
}
