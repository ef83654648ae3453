//! Leases: background work runs on one node at a time (`spec/security.md` KEY-06, REL-56).

use std::time::Duration;

use countersign_wire::Timestamp;
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;

const TABLE: &str = "leases";

/// More than the clocks of nodes that work together may differ by (`spec/security.md` REL-24).
const CLOCKS_DIFFER: Duration = Duration::from_secs(300);

/// Takes the lease `name` for `owner`, or renews it; gives its fencing number, or nothing while
/// somebody else holds it. The number is greater with every change of hands and stays the same
/// when a live lease is renewed.
///
/// A lease that ends long after `until` was taken by a clock that was ahead; it counts as over,
/// or nobody could take it until that time comes.
///
/// # Errors
/// [`Error::Busy`] when others reach for it at the same moment.
pub async fn acquire(
    w: &mut Write,
    name: &str,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<i64>, Error> {
    const ACQUIRE: &str = "
        INSERT INTO leases (name, owner, until_at, fencing)
        VALUES ($1, $2, $4, 1)
        ON CONFLICT (name) DO UPDATE
        SET owner = excluded.owner, until_at = excluded.until_at,
            fencing = CASE WHEN leases.owner = excluded.owner AND leases.until_at > $3
                THEN leases.fencing ELSE leases.fencing + 1 END
        WHERE leases.owner = excluded.owner OR leases.until_at <= $3 OR leases.until_at > $5
        RETURNING fencing";
    let acquire = query(ACQUIRE)
        .bind(name)
        .bind(owner)
        .bind(now.as_millis())
        .bind(until.as_millis())
        .bind(until.plus(CLOCKS_DIFFER).as_millis());
    w.session()
        .find(TABLE, acquire, |row| row.number("fencing"))
        .await
}

/// Gives a lease back early, if `owner` still holds it. The fencing number stays: the next holder
/// has a greater one.
///
/// # Errors
/// [`Error`].
pub async fn release(w: &mut Write, name: &str, owner: &str) -> Result<(), Error> {
    // No time is before the least one: the lease is free for anybody.
    const RELEASE: &str = "
        UPDATE leases
        SET owner = '', until_at = $3
        WHERE name = $1 AND owner = $2";
    let release = query(RELEASE).bind(name).bind(owner).bind(i64::MIN);
    w.session().execute(release).await.map(|_| ())
}

/// Whether nobody took the lease over since it was acquired with this fencing number.
///
/// Says nothing about the next moment: a write that must not come from a stale holder calls
/// [`hold`] in its own transaction.
///
/// # Errors
/// [`Error`].
pub async fn check(r: &mut impl Reads, name: &str, fencing: i64) -> Result<bool, Error> {
    const CHECK: &str = "
        SELECT fencing
        FROM leases
        WHERE name = $1 AND fencing = $2 AND owner <> ''";
    let check = query(CHECK).bind(name).bind(fencing);
    let held = r
        .session()
        .find(TABLE, check, |row| row.number("fencing"))
        .await?;
    Ok(held.is_some())
}

/// Like [`check`], and nobody can take the lease over until this transaction ends.
///
/// # Errors
/// [`Error`].
pub async fn hold(w: &mut Write, name: &str, fencing: i64) -> Result<bool, Error> {
    const HOLD: &str = "
        UPDATE leases
        SET fencing = fencing
        WHERE name = $1 AND fencing = $2 AND owner <> ''";
    let hold = query(HOLD).bind(name).bind(fencing);
    Ok(w.session().execute(hold).await? == 1)
}
