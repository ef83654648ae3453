//! Brown-outs: planned short refusals of JWT halves.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use countersign_model::brownout::{Brownout, CallerPattern, Fate, Member, Repeat, Share, Windows};
use countersign_wire::{Agent, BrownoutId, CredentialId, OrgId, Timestamp};
use sqlx::query;

use crate::db::{Query, Reads, Sealed as _, Write};
use crate::error::Error;
use crate::many::{filled, of_many};
use crate::page::Page;
use crate::row::{Row, storable};

mod refusals;

pub use refusals::{Refusal, add_refusals, count_failed, list_refusals, who_failed};

const TABLE: &str = "brownouts";
/// Greater than every id.
const NEWEST: &str = "~";

/// Lets one plan at a time: how many there may be is decided over all of an organization.
///
/// # Errors
/// [`Error::Busy`] when somebody else was here first.
pub async fn lock(w: &mut Write) -> Result<(), Error> {
    const LOCK: &str = "
        INSERT INTO settings (name, value)
        VALUES ('brownouts', '1')
        ON CONFLICT (name) DO UPDATE SET value = '1'";
    w.session().execute(query(LOCK)).await.map(|_| ())
}

/// Adds one, under the digest of what its undo link carries.
///
/// # Errors
/// [`Error::Duplicate`] when the organization has one of this name.
pub async fn insert(w: &mut Write, brownout: &Brownout, digest: &str) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO brownouts (id, org_id, name, first_at, window_ms, repeats, times, ends_at,
            per_cent, callers, allowed, fate, planned_by, planned_at, undo_digest, refusals)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'scheduled', $12, $13, $14, 0)";
    let windows = &brownout.windows;
    let (per_cent, callers) = stored_share(&brownout.share);
    let insert = query(INSERT)
        .bind(brownout.id.as_str())
        .bind(brownout.org_id.as_str())
        .bind(storable(&brownout.name))
        .bind(windows.first_at.as_millis())
        .bind(i64::try_from(windows.lasts.as_millis()).unwrap_or(i64::MAX))
        .bind(windows.repeat.as_str())
        .bind(i64::from(windows.times))
        .bind(windows.ends_at().as_millis())
        .bind(per_cent)
        .bind(callers)
        .bind(i64::from(brownout.allowed))
        .bind(storable(&brownout.planned_by))
        .bind(brownout.planned_at.as_millis())
        .bind(digest.to_owned());
    w.session().execute(insert).await?;
    insert_members(w, brownout).await
}

async fn insert_members(w: &mut Write, brownout: &Brownout) -> Result<(), Error> {
    static INSERT: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 2));
    const TEXT: &str = "
        INSERT INTO brownout_credentials (brownout_id, credential_id)
        SELECT b.id, c.id
        FROM (VALUES $rows) AS member
        JOIN brownouts b ON b.id = member.column1
        JOIN credentials c ON c.id = member.column2";
    for rows in filled(&brownout.members) {
        let bind = |insert: Query, member: Option<&Member>| match member {
            Some(member) => insert.bind(brownout.id.as_str()).bind(member.id.as_str()),
            None => insert.bind("").bind(""),
        };
        let insert = rows.fold(query(INSERT.as_str()), bind);
        w.session().execute(insert).await?;
    }
    Ok(())
}

/// The one of that id.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, id: &BrownoutId) -> Result<Option<Brownout>, Error> {
    const FIND: &str = "
        SELECT id, org_id, name, first_at, window_ms, repeats, times, per_cent, callers, allowed,
            fate, ended_at, ended_by, failed, planned_by, planned_at
        FROM brownouts
        WHERE id = $1";
    find_one(r, query(FIND).bind(id.as_str())).await
}

/// The one of that name.
///
/// # Errors
/// [`Error`].
pub async fn find_by_name(
    r: &mut impl Reads,
    org_id: &OrgId,
    name: &str,
) -> Result<Option<Brownout>, Error> {
    const FIND: &str = "
        SELECT id, org_id, name, first_at, window_ms, repeats, times, per_cent, callers, allowed,
            fate, ended_at, ended_by, failed, planned_by, planned_at
        FROM brownouts
        WHERE org_id = $1 AND name = $2";
    let found = query(FIND).bind(org_id.as_str()).bind(storable(name));
    find_one(r, found).await
}

/// The one whose undo link carries what has that digest.
///
/// # Errors
/// [`Error`].
pub async fn find_by_digest(r: &mut impl Reads, digest: &str) -> Result<Option<Brownout>, Error> {
    const FIND: &str = "
        SELECT id, org_id, name, first_at, window_ms, repeats, times, per_cent, callers, allowed,
            fate, ended_at, ended_by, failed, planned_by, planned_at
        FROM brownouts
        WHERE undo_digest = $1";
    find_one(r, query(FIND).bind(digest.to_owned())).await
}

async fn find_one(r: &mut impl Reads, found: Query) -> Result<Option<Brownout>, Error> {
    let found = r.session().find(TABLE, found, read).await?;
    let all = with_members(r, found.into_iter().collect()).await?;
    Ok(all.into_iter().next())
}

/// Those of an organization, the newest first, or only those of one credential; the id is the key
/// of the page.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    org_id: &OrgId,
    credential: Option<&CredentialId>,
    page: &Page,
) -> Result<Vec<Brownout>, Error> {
    const LIST: &str = "
        SELECT id, org_id, name, first_at, window_ms, repeats, times, per_cent, callers, allowed,
            fate, ended_at, ended_by, failed, planned_by, planned_at
        FROM brownouts
        WHERE org_id = $1 AND id < $2 AND ($3 = '' OR id IN (
            SELECT brownout_id FROM brownout_credentials WHERE credential_id = $3))
        ORDER BY id DESC
        LIMIT $4";
    let listed = query(LIST)
        .bind(org_id.as_str())
        .bind(page.after.as_deref().unwrap_or(NEWEST))
        .bind(credential.map_or("", CredentialId::as_str))
        .bind(page.size());
    let found = r.session().list(TABLE, listed, read).await?;
    with_members(r, found).await
}

/// Those of every organization that go by their windows, and whose last one ends after `since`.
///
/// # Errors
/// [`Error`].
pub async fn scheduled(r: &mut impl Reads, since: Timestamp) -> Result<Vec<Brownout>, Error> {
    const LIST: &str = "
        SELECT id, org_id, name, first_at, window_ms, repeats, times, per_cent, callers, allowed,
            fate, ended_at, ended_by, failed, planned_by, planned_at
        FROM brownouts
        WHERE fate = 'scheduled' AND ends_at > $1
        ORDER BY id";
    let listed = query(LIST).bind(since.as_millis());
    let found = r.session().list(TABLE, listed, read).await?;
    with_members(r, found).await
}

/// How many of an organization go by their windows, and end after `since`.
///
/// # Errors
/// [`Error`].
pub async fn count_scheduled(
    r: &mut impl Reads,
    org_id: &OrgId,
    since: Timestamp,
) -> Result<u64, Error> {
    const COUNT: &str = "
        SELECT 'all' AS id, COUNT(*) AS brownouts
        FROM brownouts
        WHERE org_id = $1 AND fate = 'scheduled' AND ends_at > $2";
    let counted = query(COUNT).bind(org_id.as_str()).bind(since.as_millis());
    let count = |row: &Row<'_>| row.count("brownouts");
    Ok(r.session().find(TABLE, counted, count).await?.unwrap_or(0))
}

/// Saves that one was aborted or undone.
///
/// # Errors
/// [`Error::Conflict`] when it was before.
pub async fn save_end(w: &mut Write, brownout: &Brownout) -> Result<(), Error> {
    const SAVE: &str = "
        UPDATE brownouts
        SET fate = $2, ended_at = $3, ended_by = $4, failed = $5
        WHERE id = $1 AND fate = 'scheduled'";
    let (fate, at, by, failed) = match &brownout.fate {
        Fate::Scheduled => return Ok(()),
        Fate::Aborted { at, failed } => ("aborted", at, None, Some(i64::from(*failed))),
        Fate::Undone { at, by } => ("undone", at, Some(storable(by)), None),
    };
    let save = query(SAVE)
        .bind(brownout.id.as_str())
        .bind(fate)
        .bind(at.as_millis())
        .bind(by)
        .bind(failed);
    w.session().change_one(save).await
}

/// Takes a credential out of everything that would refuse it after `now`; gives of how many.
///
/// # Errors
/// [`Error`].
pub async fn leave(w: &mut Write, credential: &CredentialId, now: Timestamp) -> Result<u64, Error> {
    const LEAVE: &str = "
        UPDATE brownout_credentials
        SET left_at = $2
        WHERE credential_id = $1 AND left_at IS NULL AND brownout_id IN (
            SELECT id FROM brownouts WHERE fate = 'scheduled' AND ends_at > $2)";
    let leave = query(LEAVE).bind(credential.as_str()).bind(now.as_millis());
    w.session().execute(leave).await
}

/// Removes up to `limit` whose last window ended before `older_than`; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, older_than: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM brownouts
        WHERE id IN (SELECT id FROM brownouts WHERE ends_at < $1 ORDER BY ends_at LIMIT $2)";
    let trim = query(TRIM)
        .bind(older_than.as_millis())
        .bind(i64::from(limit));
    w.session().execute(trim).await
}

async fn with_members(
    r: &mut impl Reads,
    mut found: Vec<Brownout>,
) -> Result<Vec<Brownout>, Error> {
    static LIST: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 1));
    const TEXT: &str = "
        SELECT brownout_id, credential_id, left_at
        FROM brownout_credentials
        WHERE brownout_id IN (VALUES $rows)
        ORDER BY brownout_id, credential_id";
    let ids: Vec<_> = found.iter().map(|one| one.id.clone()).collect();
    let mut members: HashMap<BrownoutId, Vec<Member>> = HashMap::new();
    for ids in filled(&ids) {
        let listed = ids.fold(query(LIST.as_str()), bind_id);
        let rows = r.session().list("brownout_credentials", listed, member);
        for (brownout, member) in rows.await? {
            members.entry(brownout).or_default().push(member);
        }
    }
    for one in &mut found {
        one.members = members.remove(&one.id).unwrap_or_default();
    }
    Ok(found)
}

fn bind_id(list: Query, id: Option<&BrownoutId>) -> Query {
    list.bind(id.map_or("", |id| id.as_str()))
}

fn member(row: &Row<'_>) -> Result<(BrownoutId, Member), Error> {
    let member = Member {
        id: row.parsed("credential_id")?,
        left_at: row.maybe_at("left_at")?,
    };
    Ok((row.parsed("brownout_id")?, member))
}

fn read(row: &Row<'_>) -> Result<Brownout, Error> {
    Ok(Brownout {
        id: row.parsed("id")?,
        org_id: row.parsed("org_id")?,
        name: row.text("name")?,
        members: Vec::new(),
        windows: Windows {
            first_at: row.at("first_at")?,
            lasts: Duration::from_millis(row.count("window_ms")?),
            repeat: row.word("repeats", Repeat::parse)?,
            times: small(row, "times")?,
        },
        share: share(row)?,
        allowed: small(row, "allowed")?,
        fate: fate(row)?,
        planned_by: row.text("planned_by")?,
        planned_at: row.at("planned_at")?,
    })
}

fn small<T: TryFrom<u64>>(row: &Row<'_>, column: &str) -> Result<T, Error> {
    T::try_from(row.count(column)?).map_err(|_| row.corrupt(column))
}

fn fate(row: &Row<'_>) -> Result<Fate, Error> {
    Ok(match row.text("fate")?.as_str() {
        "scheduled" => Fate::Scheduled,
        "aborted" => Fate::Aborted {
            at: row.at("ended_at")?,
            failed: small(row, "failed")?,
        },
        "undone" => Fate::Undone {
            at: row.at("ended_at")?,
            by: row.text("ended_by")?,
        },
        _ => return Err(row.corrupt("fate")),
    })
}

fn share(row: &Row<'_>) -> Result<Share, Error> {
    let (per_cent, callers) = (small(row, "per_cent")?, row.text("callers")?);
    match (per_cent, callers.is_empty()) {
        (100, true) => Ok(Share::All),
        (share, true) => Ok(Share::PerCent(share)),
        (_, false) => {
            let patterns: Option<_> = callers.lines().map(pattern).collect();
            Ok(Share::Callers(
                patterns.ok_or_else(|| row.corrupt("callers"))?,
            ))
        }
    }
}

fn stored_share(share: &Share) -> (i64, String) {
    match share {
        Share::All => (100, String::new()),
        Share::PerCent(share) => ((*share).into(), String::new()),
        Share::Callers(patterns) => {
            let lines: Vec<_> = patterns.iter().map(line).collect();
            (100, lines.join("\n"))
        }
    }
}

/// Neither a program nor a consumer has a tab or an end of line in it.
fn line(pattern: &CallerPattern) -> String {
    let network = pattern.network.map(|network| network.to_string());
    let agent = pattern.agent.as_ref().map_or("", Agent::as_str);
    let consumer = pattern.consumer.as_ref().map_or("", |one| one.as_str());
    format!("{}\t{agent}\t{consumer}", network.unwrap_or_default())
}

fn pattern(line: &str) -> Option<CallerPattern> {
    let mut parts = line.split('\t');
    let (network, agent, consumer) = (parts.next()?, parts.next()?, parts.next()?);
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Some(CallerPattern {
        network: some(network).map(|text| text.parse()).transpose().ok()?,
        agent: some(agent).map(|text| Agent::of(text.as_bytes())),
        consumer: some(consumer).map(|text| text.parse()).transpose().ok()?,
    })
}
