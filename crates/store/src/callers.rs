//! Evidence of use: who calls with each half of a credential, and what somebody should look at.

use std::collections::HashMap;
use std::sync::LazyLock;

use countersign_model::evidence::{Rhythm, Seen, Trace};
use countersign_wire::{Agent, Caller, CredentialId, Timestamp};
use sqlx::query;

use crate::db::{Query, Reads, Sealed as _, Write};
use crate::error::Error;
use crate::many::{filled, of_many};
use crate::row::{Row, stored_count};
use crate::usage::Grant;

const TABLE: &str = "callers";

/// Everybody who called with one half of a credential.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    credential: &CredentialId,
    grant: Grant,
) -> Result<Vec<Seen>, Error> {
    const LIST: &str = "
        SELECT credential_id, kind, network, agent, consumer, secret_id, minted_by, first_used_at,
            last_used_at, uses, hours, days, weeks
        FROM callers
        WHERE credential_id = $1 AND grant_type = $2
        ORDER BY last_used_at DESC, kind, network, agent, consumer, secret_id, minted_by";
    let listed = query(LIST).bind(credential.as_str()).bind(grant.as_str());
    r.session().list(TABLE, listed, read).await
}

/// Everybody who called with one of `credentials`, by its half.
///
/// # Errors
/// [`Error`].
pub async fn list_all(
    r: &mut impl Reads,
    credentials: &[CredentialId],
) -> Result<HashMap<(CredentialId, Grant), Vec<Seen>>, Error> {
    static LIST: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 1));
    const TEXT: &str = "
        SELECT credential_id, grant_type, kind, network, agent, consumer, secret_id, minted_by,
            first_used_at, last_used_at, uses, hours, days, weeks
        FROM callers
        WHERE credential_id IN (VALUES $rows)";
    let mut all: HashMap<_, Vec<Seen>> = HashMap::new();
    for ids in filled(credentials) {
        let bind =
            |list: Query, id: Option<&CredentialId>| list.bind(id.map_or("", |id| id.as_str()));
        let listed = ids.fold(query(LIST.as_str()), bind);
        let rows = r.session().list(TABLE, listed, |row| {
            let half = (
                row.parsed("credential_id")?,
                row.word("grant_type", Grant::parse)?,
            );
            Ok((half, read(row)?))
        });
        for (half, seen) in rows.await? {
            all.entry(half).or_default().push(seen);
        }
    }
    Ok(all)
}

/// Callers of one half of a credential, as they are stored and as they shall be.
#[derive(Clone, Debug)]
pub struct Sketched {
    /// Whose.
    pub credential_id: CredentialId,
    /// Which half.
    pub grant: Grant,
    /// What is stored.
    pub before: Vec<Seen>,
    /// What shall be.
    pub after: Vec<Seen>,
}

impl Sketched {
    fn gone(&self) -> impl Iterator<Item = &Seen> {
        let kept = |seen: &&Seen| self.after.iter().any(|other| other.trace == seen.trace);
        self.before.iter().filter(move |seen| !kept(seen))
    }

    fn changed(&self) -> impl Iterator<Item = (&Self, &Seen)> {
        let changed = self.after.iter().filter(|seen| !self.before.contains(seen));
        changed.map(move |seen| (self, seen))
    }
}

/// Makes what is stored into what shall be. Rows of a credential that was deleted meanwhile are
/// left out.
///
/// Nodes do this at the same time: the caller holds a row of each credential, such as that of its
/// usage, or what another node adds meanwhile is lost.
///
/// # Errors
/// [`Error`].
pub async fn save(w: &mut Write, sketched: &[Sketched]) -> Result<(), Error> {
    const DELETE: &str = "
        DELETE FROM callers
        WHERE credential_id = $1 AND grant_type = $2 AND kind = $3 AND network = $4 AND agent = $5
            AND consumer = $6 AND secret_id = $7 AND minted_by = $8";
    static PUT: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 14));
    const TEXT: &str = "
        INSERT INTO callers (credential_id, grant_type, kind, network, agent, consumer, secret_id,
            minted_by, first_used_at, last_used_at, uses, hours, days, weeks)
        SELECT c.id, seen.column2, seen.column3, seen.column4, seen.column5, seen.column6,
            seen.column7, seen.column8, seen.column9, seen.column10, seen.column11, seen.column12,
            seen.column13, seen.column14
        FROM (VALUES $rows) AS seen
        JOIN credentials c ON c.id = seen.column1
        ORDER BY seen.column1, seen.column2
        ON CONFLICT (credential_id, grant_type, kind, network, agent, consumer, secret_id, minted_by)
        DO UPDATE
        SET first_used_at = excluded.first_used_at, last_used_at = excluded.last_used_at,
            uses = excluded.uses, hours = excluded.hours, days = excluded.days,
            weeks = excluded.weeks";
    for of_half in sketched {
        for seen in of_half.gone() {
            let delete = named(query(DELETE), of_half, seen.trace.as_ref());
            w.session().execute(delete).await?;
        }
    }
    let changed: Vec<_> = sketched.iter().flat_map(Sketched::changed).collect();
    for rows in filled(&changed) {
        let put = rows.fold(query(PUT.as_str()), bind);
        w.session().execute(put).await?;
    }
    Ok(())
}

fn bind(put: Query, row: Option<&(&Sketched, &Seen)>) -> Query {
    let Some((of_half, seen)) = row else {
        let texts = (0..8).fold(put, |put, _| put.bind(""));
        return (0..6).fold(texts, |put, _| put.bind(0_i64));
    };
    with_counts(named(put, of_half, seen.trace.as_ref()), seen)
}

fn with_counts(put: Query, seen: &Seen) -> Query {
    put.bind(seen.first_at.as_millis())
        .bind(seen.last_at.as_millis())
        .bind(stored_count(seen.uses))
        .bind(stored_count(seen.rhythm.hours))
        .bind(stored_count(seen.rhythm.days))
        .bind(stored_count(seen.rhythm.weeks))
}

/// Deletes what is only in the first of two lists and puts what is only in the second. Each query
/// comes with what names the row; a put is given the counts behind that.
pub(crate) async fn save_differences(
    w: &mut Write,
    (before, after): (&[Seen], &[Seen]),
    delete: impl Fn(Option<&Trace>) -> Query,
    put: impl Fn(Option<&Trace>) -> Query,
) -> Result<(), Error> {
    let kept = |seen: &Seen| after.iter().any(|other| other.trace == seen.trace);
    for seen in before.iter().filter(|seen| !kept(seen)) {
        w.session().execute(delete(seen.trace.as_ref())).await?;
    }
    for seen in after.iter().filter(|seen| !before.contains(seen)) {
        let put = with_counts(put(seen.trace.as_ref()), seen);
        w.session().execute(put).await?;
    }
    Ok(())
}

/// Something that somebody should look at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What.
    pub kind: FindingKind,
    /// The first time.
    pub first_at: Timestamp,
    /// The last time.
    pub last_at: Timestamp,
    /// How often.
    pub times: u64,
    /// Who gave reason to it the last time.
    pub caller: Caller,
}

/// What can be found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FindingKind {
    /// A secret or an assertion travels in URLs, which proxies and logs keep (REQ-10).
    SecretInQuery,
}

impl FindingKind {
    /// The word for it in the store and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SecretInQuery => "secret_in_query",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        (word == Self::SecretInQuery.as_str()).then_some(Self::SecretInQuery)
    }
}

/// Adds a finding to what is recorded: the earliest first, the latest last with its caller, the
/// sum. One of a credential that was deleted meanwhile is left out.
///
/// # Errors
/// [`Error`].
pub async fn add_finding(
    w: &mut Write,
    credential: &CredentialId,
    found: &Finding,
) -> Result<(), Error> {
    const ADD: &str = "
        INSERT INTO findings (credential_id, finding, first_seen_at, last_seen_at, times, network,
            agent, consumer)
        SELECT id, $2, $3, $4, $5, $6, $7, $8
        FROM credentials
        WHERE id = $1
        ON CONFLICT (credential_id, finding) DO UPDATE
        SET first_seen_at = CASE WHEN excluded.first_seen_at < findings.first_seen_at
                THEN excluded.first_seen_at ELSE findings.first_seen_at END,
            network = CASE WHEN excluded.last_seen_at < findings.last_seen_at
                THEN findings.network ELSE excluded.network END,
            agent = CASE WHEN excluded.last_seen_at < findings.last_seen_at
                THEN findings.agent ELSE excluded.agent END,
            consumer = CASE WHEN excluded.last_seen_at < findings.last_seen_at
                THEN findings.consumer ELSE excluded.consumer END,
            last_seen_at = CASE WHEN excluded.last_seen_at < findings.last_seen_at
                THEN findings.last_seen_at ELSE excluded.last_seen_at END,
            times = CASE WHEN findings.times > 9223372036854775807 - excluded.times
                THEN 9223372036854775807 ELSE findings.times + excluded.times END";
    let add = query(ADD)
        .bind(credential.as_str())
        .bind(found.kind.as_str())
        .bind(found.first_at.as_millis())
        .bind(found.last_at.as_millis())
        .bind(stored_count(found.times));
    let add = with_caller(add, Some(&found.caller));
    w.session().execute(add).await.map(|_| ())
}

/// Everything that was found at a credential.
///
/// # Errors
/// [`Error`].
pub async fn findings(
    r: &mut impl Reads,
    credential: &CredentialId,
) -> Result<Vec<Finding>, Error> {
    const LIST: &str = "
        SELECT credential_id, finding, first_seen_at, last_seen_at, times, network, agent, consumer
        FROM findings
        WHERE credential_id = $1
        ORDER BY finding";
    let listed = query(LIST).bind(credential.as_str());
    r.session()
        .list("findings", listed, |row| {
            Ok(Finding {
                kind: row.word("finding", FindingKind::parse)?,
                first_at: row.at("first_seen_at")?,
                last_at: row.at("last_seen_at")?,
                times: row.count("times")?,
                caller: caller(row)?,
            })
        })
        .await
}

fn named(query: Query, of_half: &Sketched, trace: Option<&Trace>) -> Query {
    let secret = trace.and_then(|trace| trace.secret.as_ref());
    let query = query
        .bind(of_half.credential_id.as_str())
        .bind(of_half.grant.as_str())
        .bind(kind(trace));
    with_caller(query, trace.map(|trace| &trace.caller))
        .bind(secret.map_or("", |id| id.as_str()))
        .bind(trace.map_or("", |trace| &*trace.minted_by))
}

pub(crate) fn kind(trace: Option<&Trace>) -> &'static str {
    if trace.is_some() { "caller" } else { "others" }
}

pub(crate) fn with_caller(query: Query, caller: Option<&Caller>) -> Query {
    let consumer = caller.and_then(|caller| caller.consumer.as_ref());
    query
        .bind(caller.map_or_else(String::new, |caller| caller.network.to_string()))
        .bind(caller.map_or("", |caller| caller.agent.as_str()))
        .bind(consumer.map_or("", |consumer| consumer.as_str()))
}

pub(crate) fn read(row: &Row<'_>) -> Result<Seen, Error> {
    let trace = match row.text("kind")?.as_str() {
        "caller" => Some(Trace {
            caller: caller(row)?,
            secret: absent_if_empty(row, "secret_id")?,
            minted_by: row.text("minted_by")?.into(),
        }),
        "others" => None,
        _ => return Err(row.corrupt("kind")),
    };
    Ok(Seen {
        trace,
        first_at: row.at("first_used_at")?,
        last_at: row.at("last_used_at")?,
        uses: row.count("uses")?,
        rhythm: Rhythm {
            hours: row.count("hours")?,
            days: row.count("days")?,
            weeks: row.count("weeks")?,
        },
    })
}

pub(crate) fn caller(row: &Row<'_>) -> Result<Caller, Error> {
    Ok(Caller {
        network: row.parsed("network")?,
        agent: Agent::of(row.text("agent")?.as_bytes()),
        consumer: absent_if_empty(row, "consumer")?,
    })
}

fn absent_if_empty<T: std::str::FromStr>(row: &Row<'_>, column: &str) -> Result<Option<T>, Error> {
    if row.text(column)?.is_empty() {
        return Ok(None);
    }
    row.parsed(column).map(Some)
}
