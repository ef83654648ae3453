//! How far the migration of an organization's credentials was on which day. Credentials of the AEM
//! Developer Console have no need of it and are not counted.

use countersign_wire::{OrgId, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::Row;

/// How many credentials were in a stage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Count {
    /// The first instant of the day, in UTC.
    pub day_at: Timestamp,
    /// The word for the stage, as `Migration::as_str` has it.
    pub stage: String,
    /// How many.
    pub credentials: u64,
}

/// The word for the stage of a row of `credentials` that has or had a JWT half, as SQL.
macro_rules! stage {
    () => {
        "CASE grants WHEN 'jwt' THEN 'not_started' WHEN 'jwt_cancelled' THEN 'cancelled' \
            WHEN 'jwt_completed' THEN 'completed' \
            ELSE CASE WHEN quarantined_until IS NULL THEN 'started' ELSE 'disabled' END END"
    };
}
pub(crate) use stage;

/// The stage of a row of `credentials`, and what is counted at all.
macro_rules! counted {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " ",
            stage!(),
            " AS stage, COUNT(*) AS credentials
            FROM credentials
            WHERE grants <> 'oauth' AND origin <> 'aem_developer_console'",
            $after
        )
    };
}

/// Writes down how things stand on a day, for all organizations, instead of what was written for it
/// before.
///
/// # Errors
/// [`Error`].
pub async fn note(w: &mut Write, day_at: Timestamp) -> Result<(), Error> {
    const FORGET: &str = "DELETE FROM migration_progress WHERE day_at = $1";
    const NOTE: &str = counted!(
        "INSERT INTO migration_progress (org_id, day_at, stage, credentials)
        SELECT org_id, CAST($1 AS BIGINT) AS day_at,",
        " GROUP BY 1, 3"
    );
    let session = w.session();
    let forget = query(FORGET).bind(day_at.as_millis());
    session.execute(forget).await?;
    let note = query(NOTE).bind(day_at.as_millis());
    session.execute(note).await.map(|_| ())
}

/// How things stood on the days from `since` on, the first one first.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, org: &OrgId, since: Timestamp) -> Result<Vec<Count>, Error> {
    const LIST: &str = "
        SELECT org_id, day_at, stage, credentials
        FROM migration_progress
        WHERE org_id = $1 AND day_at >= $2
        ORDER BY day_at, stage";
    let listed = query(LIST).bind(org.as_str()).bind(since.as_millis());
    let read = |row: &Row<'_>| {
        Ok(Count {
            day_at: row.at("day_at")?,
            stage: row.text("stage")?,
            credentials: row.count("credentials")?,
        })
    };
    r.session().list("migration_progress", listed, read).await
}

/// How things stand now: stages that have credentials, and how many.
///
/// # Errors
/// [`Error`].
pub async fn now(r: &mut impl Reads, org: &OrgId) -> Result<Vec<(String, u64)>, Error> {
    const NOW: &str = counted!("SELECT org_id,", " AND org_id = $1 GROUP BY 1, 2");
    let counted = query(NOW).bind(org.as_str());
    let read = |row: &Row<'_>| Ok((row.text("stage")?, row.count("credentials")?));
    r.session().list("credentials", counted, read).await
}

/// Forgets days before `older_than`; gives how many rows.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, older_than: Timestamp) -> Result<u64, Error> {
    const TRIM: &str = "DELETE FROM migration_progress WHERE day_at < $1";
    w.session()
        .execute(query(TRIM).bind(older_than.as_millis()))
        .await
}
