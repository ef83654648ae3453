//! Evidence of use: how many tokens and calls of a credential there were on each day.

use std::sync::LazyLock;

use countersign_wire::{CredentialId, Timestamp};
use sqlx::query;

use crate::db::{Query, Reads, Sealed as _, Write};
use crate::error::Error;
use crate::many::{filled, of_many};
use crate::row::{Row, stored_count};
use crate::usage::Grant;

/// Uses of a credential on one day.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Day {
    /// Whose.
    pub credential_id: CredentialId,
    /// The first instant of the day, in UTC.
    pub day_at: Timestamp,
    /// What was counted.
    pub kind: DayKind,
    /// By which grant the tokens came.
    pub grant: Grant,
    /// How many.
    pub uses: u64,
}

/// What is counted by day.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum DayKind {
    /// Tokens that were issued.
    Token,
    /// Calls of services behind the gateway.
    Call,
}

impl DayKind {
    /// The word for it in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Call => "call",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Token, Self::Call]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// Adds to what is recorded. Days of a credential that was deleted meanwhile are left out. No two
/// may be of the same thing.
///
/// Nodes add at the same time: bring the rows in a fixed order, or they wait for each other.
///
/// # Errors
/// [`Error`].
pub async fn add(w: &mut Write, days: &[Day]) -> Result<(), Error> {
    static ADD: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 5));
    const TEXT: &str = "
        INSERT INTO daily_usage (credential_id, day_at, kind, grant_type, uses)
        SELECT c.id, used.column2, used.column3, used.column4, used.column5
        FROM (VALUES $rows) AS used
        JOIN credentials c ON c.id = used.column1
        ORDER BY used.column1, used.column2, used.column3, used.column4
        ON CONFLICT (credential_id, day_at, kind, grant_type) DO UPDATE
        SET uses = CASE WHEN daily_usage.uses > 9223372036854775807 - excluded.uses
                THEN 9223372036854775807 ELSE daily_usage.uses + excluded.uses END";
    for rows in filled(days) {
        let add = rows.fold(query(ADD.as_str()), bind);
        w.session().execute(add).await?;
    }
    Ok(())
}

fn bind(add: Query, day: Option<&Day>) -> Query {
    add.bind(day.map_or("", |day| day.credential_id.as_str()))
        .bind(day.map_or(0, |day| day.day_at.as_millis()))
        .bind(day.map_or("", |day| day.kind.as_str()))
        .bind(day.map_or("", |day| day.grant.as_str()))
        .bind(day.map_or(0, |day| stored_count(day.uses)))
}

/// Days of a credential from `since` on, the first one first.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    credential: &CredentialId,
    since: Timestamp,
) -> Result<Vec<Day>, Error> {
    const LIST: &str = "
        SELECT credential_id, day_at, kind, grant_type, uses
        FROM daily_usage
        WHERE credential_id = $1 AND day_at >= $2
        ORDER BY day_at, kind, grant_type";
    let listed = query(LIST)
        .bind(credential.as_str())
        .bind(since.as_millis());
    r.session().list("daily_usage", listed, read).await
}

/// Removes days before `older_than`, of up to `limit` credentials; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, older_than: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM daily_usage
        WHERE day_at < $1 AND credential_id IN
            (SELECT credential_id FROM daily_usage WHERE day_at < $1 LIMIT $2)";
    let trim = query(TRIM)
        .bind(older_than.as_millis())
        .bind(i64::from(limit));
    w.session().execute(trim).await
}

fn read(row: &Row<'_>) -> Result<Day, Error> {
    Ok(Day {
        credential_id: row.parsed("credential_id")?,
        day_at: row.at("day_at")?,
        kind: row.word("kind", DayKind::parse)?,
        grant: row.word("grant_type", Grant::parse)?,
        uses: row.count("uses")?,
    })
}
