//! Evidence of use: who still tries a JWT half that does not work any more.

use std::collections::HashMap;
use std::sync::LazyLock;

use countersign_model::evidence::{Seen, Trace};
use countersign_wire::CredentialId;
use sqlx::query;

use crate::callers::{self, kind, save_differences, with_caller};
use crate::db::{Query, Reads, Sealed as _, Write};
use crate::error::Error;
use crate::many::{filled, of_many};
use crate::row::{Row, stored_count};
use crate::service_calls::Count;

const TABLE: &str = "attempts";

/// Adds attempts to what is recorded: the earliest first, the latest last, the sum. Those of a
/// credential that was deleted meanwhile are left out.
///
/// Nodes that come to the same credential wait for each other here: add first, then [`list`] and
/// [`save`].
///
/// # Errors
/// [`Error`].
pub async fn add(w: &mut Write, credential: &CredentialId, count: &Count) -> Result<(), Error> {
    const ADD: &str = "
        INSERT INTO attempts (credential_id, first_at, last_at, times)
        SELECT id, $2, $3, $4
        FROM credentials
        WHERE id = $1
        ON CONFLICT (credential_id) DO UPDATE
        SET first_at = CASE WHEN excluded.first_at < attempts.first_at
                THEN excluded.first_at ELSE attempts.first_at END,
            last_at = CASE WHEN excluded.last_at > attempts.last_at
                THEN excluded.last_at ELSE attempts.last_at END,
            times = CASE WHEN attempts.times > 9223372036854775807 - excluded.times
                THEN 9223372036854775807 ELSE attempts.times + excluded.times END";
    let add = query(ADD)
        .bind(credential.as_str())
        .bind(count.first_at.as_millis())
        .bind(count.last_at.as_millis())
        .bind(stored_count(count.uses));
    w.session().execute(add).await.map(|_| ())
}

/// How often each of `credentials` was tried, of those that were.
///
/// # Errors
/// [`Error`].
pub async fn of_credentials(
    r: &mut impl Reads,
    credentials: &[CredentialId],
) -> Result<HashMap<CredentialId, Count>, Error> {
    static LIST: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 1));
    const TEXT: &str = "
        SELECT credential_id, first_at, last_at, times
        FROM attempts
        WHERE credential_id IN (VALUES $rows)";
    let mut all = HashMap::new();
    for ids in filled(credentials) {
        let bind =
            |list: Query, id: Option<&CredentialId>| list.bind(id.map_or("", |id| id.as_str()));
        let listed = ids.fold(query(LIST.as_str()), bind);
        all.extend(r.session().list(TABLE, listed, count).await?);
    }
    Ok(all)
}

fn count(row: &Row<'_>) -> Result<(CredentialId, Count), Error> {
    let count = Count {
        first_at: row.at("first_at")?,
        last_at: row.at("last_at")?,
        uses: row.count("times")?,
    };
    Ok((row.parsed("credential_id")?, count))
}

/// Everybody who tried, the last one first.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, credential: &CredentialId) -> Result<Vec<Seen>, Error> {
    const LIST: &str = "
        SELECT credential_id, kind, network, agent, consumer, '' AS secret_id, '' AS minted_by,
            first_used_at, last_used_at, uses, hours, days, weeks
        FROM attempt_callers
        WHERE credential_id = $1
        ORDER BY last_used_at DESC, kind, network, agent, consumer";
    let listed = query(LIST).bind(credential.as_str());
    r.session()
        .list("attempt_callers", listed, callers::read)
        .await
}

/// Makes what is stored, which is `before`, into `after`; as [`callers::save`].
///
/// # Errors
/// [`Error`].
pub async fn save(
    w: &mut Write,
    credential: &CredentialId,
    before: &[Seen],
    after: &[Seen],
) -> Result<(), Error> {
    const DELETE: &str = "
        DELETE FROM attempt_callers
        WHERE credential_id = $1 AND kind = $2 AND network = $3 AND agent = $4 AND consumer = $5";
    const PUT: &str = "
        INSERT INTO attempt_callers (credential_id, kind, network, agent, consumer, first_used_at,
            last_used_at, uses, hours, days, weeks)
        SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
        FROM credentials
        WHERE id = $1
        ON CONFLICT (credential_id, kind, network, agent, consumer) DO UPDATE
        SET first_used_at = excluded.first_used_at, last_used_at = excluded.last_used_at,
            uses = excluded.uses, hours = excluded.hours, days = excluded.days,
            weeks = excluded.weeks";
    let by_name = |text| {
        move |trace: Option<&Trace>| {
            let named = query(text).bind(credential.as_str()).bind(kind(trace));
            with_caller(named, trace.map(|trace| &trace.caller))
        }
    };
    save_differences(w, (before, after), by_name(DELETE), by_name(PUT)).await
}

/// Forgets what was tried so far: a quarantine begins.
///
/// # Errors
/// [`Error`].
pub async fn clear(w: &mut Write, credential: &CredentialId) -> Result<(), Error> {
    const CLEAR: &str = "DELETE FROM attempts WHERE credential_id = $1";
    const CLEAR_CALLERS: &str = "DELETE FROM attempt_callers WHERE credential_id = $1";
    for text in [CLEAR, CLEAR_CALLERS] {
        let clear = query(text).bind(credential.as_str());
        w.session().execute(clear).await?;
    }
    Ok(())
}
