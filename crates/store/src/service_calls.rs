//! Evidence of use: who calls which service, with tokens of which credential.

use countersign_model::evidence::{Seen, Trace};
use countersign_wire::{CredentialId, ServiceCode, Timestamp};
use sqlx::query;

use crate::callers::{self, kind, save_differences, with_caller};
use crate::db::{Query, Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::stored_count;
use crate::usage::Grant;

/// Calls of one service, with tokens of one credential that came by one grant.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Calls {
    /// Whose tokens.
    pub credential_id: CredentialId,
    /// Which service.
    pub service: ServiceCode,
    /// By which grant they came.
    pub grant: Grant,
}

/// How often something was called, and when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Count {
    /// The first time.
    pub first_at: Timestamp,
    /// The last time.
    pub last_at: Timestamp,
    /// How often.
    pub uses: u64,
}

/// Adds calls to what is recorded: the earliest first, the latest last, the sum. Calls with tokens
/// of a credential that was deleted meanwhile are left out.
///
/// Nodes that come to the same calls wait for each other here, in the order in which they come: add
/// first, then [`list`] and [`save`].
///
/// # Errors
/// [`Error`].
pub async fn add(w: &mut Write, calls: &Calls, count: &Count) -> Result<(), Error> {
    const ADD: &str = "
        INSERT INTO service_usage (credential_id, service, grant_type, first_used_at,
            last_used_at, uses)
        SELECT id, $2, $3, $4, $5, $6
        FROM credentials
        WHERE id = $1
        ON CONFLICT (credential_id, service, grant_type) DO UPDATE
        SET first_used_at = CASE WHEN excluded.first_used_at < service_usage.first_used_at
                THEN excluded.first_used_at ELSE service_usage.first_used_at END,
            last_used_at = CASE WHEN excluded.last_used_at > service_usage.last_used_at
                THEN excluded.last_used_at ELSE service_usage.last_used_at END,
            uses = CASE WHEN service_usage.uses > 9223372036854775807 - excluded.uses
                THEN 9223372036854775807 ELSE service_usage.uses + excluded.uses END";
    let add = named(ADD, calls)
        .bind(count.first_at.as_millis())
        .bind(count.last_at.as_millis())
        .bind(stored_count(count.uses));
    w.session().execute(add).await.map(|_| ())
}

/// What was called with tokens of a credential, by service and grant.
///
/// # Errors
/// [`Error`].
pub async fn of_credential(
    r: &mut impl Reads,
    credential: &CredentialId,
) -> Result<Vec<(Calls, Count)>, Error> {
    const LIST: &str = "
        SELECT credential_id, service, grant_type, first_used_at, last_used_at, uses
        FROM service_usage
        WHERE credential_id = $1
        ORDER BY service, grant_type";
    let listed = query(LIST).bind(credential.as_str());
    r.session()
        .list("service_usage", listed, |row| {
            let calls = Calls {
                credential_id: row.parsed("credential_id")?,
                service: row.parsed("service")?,
                grant: row.word("grant_type", Grant::parse)?,
            };
            let count = Count {
                first_at: row.at("first_used_at")?,
                last_at: row.at("last_used_at")?,
                uses: row.count("uses")?,
            };
            Ok((calls, count))
        })
        .await
}

/// Everybody who made these calls.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, calls: &Calls) -> Result<Vec<Seen>, Error> {
    const LIST: &str = "
        SELECT credential_id, kind, network, agent, consumer, '' AS secret_id, minted_by,
            first_used_at, last_used_at, uses, hours, days, weeks
        FROM service_callers
        WHERE credential_id = $1 AND service = $2 AND grant_type = $3
        ORDER BY last_used_at DESC, kind, network, agent, consumer, minted_by";
    let listed = named(LIST, calls);
    r.session()
        .list("service_callers", listed, callers::read)
        .await
}

/// Makes what is stored, which is `before`, into `after`; as [`callers::save`].
///
/// # Errors
/// [`Error`].
pub async fn save(
    w: &mut Write,
    calls: &Calls,
    before: &[Seen],
    after: &[Seen],
) -> Result<(), Error> {
    const DELETE: &str = "
        DELETE FROM service_callers
        WHERE credential_id = $1 AND service = $2 AND grant_type = $3 AND kind = $4
            AND network = $5 AND agent = $6 AND consumer = $7 AND minted_by = $8";
    const PUT: &str = "
        INSERT INTO service_callers (credential_id, service, grant_type, kind, network, agent,
            consumer, minted_by, first_used_at, last_used_at, uses, hours, days, weeks)
        SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14
        FROM credentials
        WHERE id = $1
        ON CONFLICT (credential_id, service, grant_type, kind, network, agent, consumer, minted_by)
        DO UPDATE
        SET first_used_at = excluded.first_used_at, last_used_at = excluded.last_used_at,
            uses = excluded.uses, hours = excluded.hours, days = excluded.days,
            weeks = excluded.weeks";
    let by_name = |text| move |trace: Option<&Trace>| of_caller(text, calls, trace);
    save_differences(w, (before, after), by_name(DELETE), by_name(PUT)).await
}

fn named(text: &'static str, calls: &Calls) -> Query {
    query(text)
        .bind(calls.credential_id.as_str())
        .bind(calls.service.as_str())
        .bind(calls.grant.as_str())
}

fn of_caller(text: &'static str, calls: &Calls, trace: Option<&Trace>) -> Query {
    let query = named(text, calls).bind(kind(trace));
    with_caller(query, trace.map(|trace| &trace.caller))
        .bind(trace.map_or("", |trace| &*trace.minted_by))
}
