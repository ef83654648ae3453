//! Whom brown-outs refused.

use std::collections::HashMap;
use std::sync::LazyLock;

use countersign_model::brownout::Refused;
use countersign_wire::{BrownoutId, Caller, CredentialId};
use sqlx::query;

use super::bind_id;
use crate::callers::{caller, with_caller};
use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::many::{filled, of_many};
use crate::row::{Row, stored_count};

const TABLE: &str = "brownout_refusals";

/// Whom a brown-out refused, of which credential.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// Of which credential.
    pub credential_id: CredentialId,
    /// Whom, and how often.
    pub refused: Refused,
}

/// Adds to what is recorded: the earliest first, the latest last, the sum. What is of a credential
/// or a brown-out that was deleted meanwhile is left out.
///
/// Nodes that add to the same brown-out wait for each other here.
///
/// # Errors
/// [`Error`].
pub async fn add_refusals(
    w: &mut Write,
    brownout: &BrownoutId,
    news: &[Refusal],
) -> Result<(), Error> {
    const COUNT: &str = "
        UPDATE brownouts
        SET refusals = CASE WHEN refusals > 9223372036854775807 - $2
            THEN 9223372036854775807 ELSE refusals + $2 END
        WHERE id = $1";
    const ADD: &str = "
        INSERT INTO brownout_refusals (brownout_id, credential_id, network, agent, consumer,
            first_at, last_at, times)
        SELECT b.id, c.id, $3, $4, $5, $6, $7, $8
        FROM brownouts b
        JOIN credentials c ON c.id = $2
        WHERE b.id = $1
        ON CONFLICT (brownout_id, credential_id, network, agent, consumer) DO UPDATE
        SET first_at = CASE WHEN excluded.first_at < brownout_refusals.first_at
                THEN excluded.first_at ELSE brownout_refusals.first_at END,
            last_at = CASE WHEN excluded.last_at > brownout_refusals.last_at
                THEN excluded.last_at ELSE brownout_refusals.last_at END,
            times = CASE WHEN brownout_refusals.times > 9223372036854775807 - excluded.times
                THEN 9223372036854775807 ELSE brownout_refusals.times + excluded.times END";
    let sum = news
        .iter()
        .fold(0_u64, |sum, one| sum.saturating_add(one.refused.times));
    let count = query(COUNT).bind(brownout.as_str()).bind(stored_count(sum));
    w.session().execute(count).await?;
    for Refusal {
        credential_id,
        refused,
    } in news
    {
        let add = query(ADD)
            .bind(brownout.as_str())
            .bind(credential_id.as_str());
        let add = with_caller(add, Some(&refused.caller))
            .bind(refused.first_at.as_millis())
            .bind(refused.last_at.as_millis())
            .bind(stored_count(refused.times));
        w.session().execute(add).await?;
    }
    Ok(())
}

/// How many callers failed, each counted once for each credential.
///
/// # Errors
/// [`Error`].
pub async fn count_failed(r: &mut impl Reads, brownout: &BrownoutId) -> Result<u32, Error> {
    const COUNT: &str = "
        SELECT 'all' AS id, COUNT(*) AS callers
        FROM brownout_refusals
        WHERE brownout_id = $1 AND times > 0";
    let counted = query(COUNT).bind(brownout.as_str());
    let count = |row: &Row<'_>| row.count("callers");
    let found = r.session().find(TABLE, counted, count).await?;
    Ok(u32::try_from(found.unwrap_or(0)).unwrap_or(u32::MAX))
}

/// Everybody whom a brown-out refused or let through, the last one first.
///
/// # Errors
/// [`Error`].
pub async fn list_refusals(
    r: &mut impl Reads,
    brownout: &BrownoutId,
) -> Result<Vec<Refusal>, Error> {
    const LIST: &str = "
        SELECT brownout_id, credential_id, network, agent, consumer, first_at, last_at, times
        FROM brownout_refusals
        WHERE brownout_id = $1
        ORDER BY last_at DESC, credential_id, network, agent, consumer";
    let listed = query(LIST).bind(brownout.as_str());
    r.session().list(TABLE, listed, refusal).await
}

/// Who failed in each of these brown-outs, and with which credential.
///
/// # Errors
/// [`Error`].
pub async fn who_failed(
    r: &mut impl Reads,
    brownouts: &[BrownoutId],
) -> Result<HashMap<BrownoutId, Vec<(CredentialId, Caller)>>, Error> {
    static LIST: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 1));
    const TEXT: &str = "
        SELECT brownout_id, credential_id, network, agent, consumer
        FROM brownout_refusals
        WHERE times > 0 AND brownout_id IN (VALUES $rows)";
    let mut all: HashMap<_, Vec<_>> = HashMap::new();
    for ids in filled(brownouts) {
        let listed = ids.fold(query(LIST.as_str()), bind_id);
        let rows = r.session().list(TABLE, listed, |row| {
            let who = (row.parsed("credential_id")?, caller(row)?);
            Ok((row.parsed("brownout_id")?, who))
        });
        for (brownout, who) in rows.await? {
            let failed: &mut Vec<_> = all.entry(brownout).or_default();
            failed.push(who);
        }
    }
    Ok(all)
}

fn refusal(row: &Row<'_>) -> Result<Refusal, Error> {
    Ok(Refusal {
        credential_id: row.parsed("credential_id")?,
        refused: Refused {
            caller: caller(row)?,
            first_at: row.at("first_at")?,
            last_at: row.at("last_at")?,
            times: row.count("times")?,
        },
    })
}
