//! Waves of a migration, and the credentials in them.

use std::sync::LazyLock;

use countersign_model::Wave;
use countersign_model::wave::Tally;
use countersign_wire::{CredentialId, OrgId, ProjectId, WaveName};
use sqlx::query;

use crate::db::{Query, Reads, Sealed as _, Write};
use crate::error::Error;
use crate::many::{filled, of_many};
use crate::migration_progress::stage;
use crate::page::Page;
use crate::row::{Row, millis, storable};

const TABLE: &str = "waves";
const MEMBERS: &str = "wave_credentials";

/// Where a credential that was created with Service Account (JWT) is planned.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Planned {
    /// The credential.
    pub credential: CredentialId,
    /// The project it is in.
    pub project: ProjectId,
    /// The wave that it is in.
    pub wave: Option<WaveName>,
}

/// The waves of an organization, by name; the name is the key of the page.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, org: &OrgId, page: &Page) -> Result<Vec<Wave>, Error> {
    const LIST: &str = "
        SELECT name, org_id, note, start_on, disable_on, created_by, created_at, revision
        FROM waves
        WHERE org_id = $1 AND name > $2
        ORDER BY name
        LIMIT $3";
    let listed = query(LIST)
        .bind(org.as_str())
        .bind(page.start())
        .bind(page.size());
    r.session().list(TABLE, listed, read).await
}

/// The wave of that name.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, org: &OrgId, name: &WaveName) -> Result<Option<Wave>, Error> {
    const FIND: &str = "
        SELECT name, org_id, note, start_on, disable_on, created_by, created_at, revision
        FROM waves
        WHERE org_id = $1 AND name = $2";
    let found = query(FIND).bind(org.as_str()).bind(name.as_str());
    r.session().find(TABLE, found, read).await
}

/// Adds a wave.
///
/// # Errors
/// [`Error::Duplicate`] when the organization has one of its name.
pub async fn insert(w: &mut Write, wave: &Wave) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO waves
            (org_id, name, note, start_on, disable_on, created_by, created_at, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 0)";
    let insert = query(INSERT)
        .bind(wave.org_id.as_str())
        .bind(wave.name.as_str())
        .bind(storable(&wave.note))
        .bind(millis(wave.start_on))
        .bind(millis(wave.disable_on))
        .bind(storable(&wave.created_by))
        .bind(wave.created_at.as_millis());
    w.session().execute(insert).await.map(|_| ())
}

/// Saves what may change of a wave, and counts its revision up by one.
///
/// # Errors
/// [`Error::Conflict`] unless `wave.revision` is the stored one.
pub async fn save(w: &mut Write, wave: &Wave) -> Result<(), Error> {
    const SAVE: &str = "
        UPDATE waves
        SET note = $4, start_on = $5, disable_on = $6, revision = revision + 1
        WHERE org_id = $1 AND name = $2 AND revision = $3";
    let save = query(SAVE)
        .bind(wave.org_id.as_str())
        .bind(wave.name.as_str())
        .bind(wave.revision)
        .bind(storable(&wave.note))
        .bind(millis(wave.start_on))
        .bind(millis(wave.disable_on));
    w.session().change_one(save).await
}

/// Removes a wave; its credentials are in none then.
///
/// # Errors
/// [`Error::Conflict`] unless it is stored with this revision.
pub async fn delete(w: &mut Write, wave: &Wave) -> Result<(), Error> {
    const DELETE: &str = "
        DELETE FROM waves
        WHERE org_id = $1 AND name = $2 AND revision = $3";
    let delete = query(DELETE)
        .bind(wave.org_id.as_str())
        .bind(wave.name.as_str())
        .bind(wave.revision);
    w.session().change_one(delete).await
}

/// Makes whoever deletes the wave, or fills it at the same time, wait or try again. Gives whether
/// there is such a wave.
///
/// # Errors
/// [`Error::Busy`] when somebody else was here first.
pub async fn hold(w: &mut Write, org: &OrgId, name: &WaveName) -> Result<bool, Error> {
    const HOLD: &str = "
        UPDATE waves
        SET revision = revision
        WHERE org_id = $1 AND name = $2";
    let hold = query(HOLD).bind(org.as_str()).bind(name.as_str());
    Ok(w.session().execute(hold).await? > 0)
}

/// SQL text is static, and one query is better than two.
macro_rules! tallies {
    ($which:literal) => {
        concat!(
            "SELECT w.wave AS wave, ",
            stage!(),
            " AS stage, COUNT(*) AS credentials
            FROM wave_credentials w
            JOIN credentials c ON c.id = w.credential_id
            WHERE w.org_id = $1",
            $which,
            " GROUP BY 1, 2 ORDER BY 1, 2"
        )
    };
}

/// How far the waves of an organization are, by name; those without credentials are left out.
///
/// # Errors
/// [`Error`].
pub async fn tallies(r: &mut impl Reads, org: &OrgId) -> Result<Vec<(WaveName, Tally)>, Error> {
    const TALLIES: &str = tallies!("");
    let counted = query(TALLIES).bind(org.as_str());
    Ok(joined(r.session().list(MEMBERS, counted, count).await?))
}

/// How far a wave is.
///
/// # Errors
/// [`Error`].
pub async fn tally(r: &mut impl Reads, org: &OrgId, name: &WaveName) -> Result<Tally, Error> {
    const TALLY: &str = tallies!(" AND w.wave = $2");
    let counted = query(TALLY).bind(org.as_str()).bind(name.as_str());
    let found = joined(r.session().list(MEMBERS, counted, count).await?);
    Ok(found.first().map(|(_, tally)| *tally).unwrap_or_default())
}

fn count(row: &Row<'_>) -> Result<(WaveName, String, u64), Error> {
    Ok((
        row.parsed("wave")?,
        row.text("stage")?,
        row.count("credentials")?,
    ))
}

fn joined(counts: Vec<(WaveName, String, u64)>) -> Vec<(WaveName, Tally)> {
    let mut all: Vec<(WaveName, Tally)> = Vec::new();
    for (wave, stage, credentials) in counts {
        match all.last_mut() {
            Some((last, tally)) if *last == wave => tally.count(&stage, credentials),
            _ => {
                let mut tally = Tally::default();
                tally.count(&stage, credentials);
                all.push((wave, tally));
            }
        }
    }
    all
}

/// Where those of `credentials` are planned that are in the organization and were created with
/// Service Account (JWT); in any order.
///
/// # Errors
/// [`Error`].
pub async fn planned(
    r: &mut impl Reads,
    org: &OrgId,
    credentials: &[CredentialId],
) -> Result<Vec<Planned>, Error> {
    static PLANNED: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 1));
    const TEXT: &str = "
        SELECT c.id AS id, c.org_id AS org_id, c.project_id AS project_id, w.wave AS wave
        FROM credentials c
        LEFT JOIN wave_credentials w ON w.credential_id = c.id
        WHERE c.grants <> 'oauth' AND c.id IN (VALUES $rows)";
    let mut all = Vec::new();
    for ids in filled(credentials) {
        let listed = ids.fold(query(PLANNED.as_str()), bind_id);
        let found = r.session().list("credentials", listed, |row| {
            let org: OrgId = row.parsed("org_id")?;
            let planned = Planned {
                credential: row.parsed("id")?,
                project: row.parsed("project_id")?,
                wave: row.maybe_parsed("wave")?,
            };
            Ok((org, planned))
        });
        let of_org = found.await?.into_iter().filter(|(found, _)| found == org);
        all.extend(of_org.map(|(_, planned)| planned));
    }
    Ok(all)
}

/// Puts credentials of the organization into a wave, out of any other.
///
/// # Errors
/// [`Error::Refused`] when there is no such wave or credential.
pub async fn put(
    w: &mut Write,
    org: &OrgId,
    name: &WaveName,
    credentials: &[CredentialId],
) -> Result<(), Error> {
    static PUT: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 3));
    const TEXT: &str = "
        INSERT INTO wave_credentials (credential_id, org_id, wave)
        SELECT n.column1, n.column2, n.column3
        FROM (VALUES $rows) AS n
        WHERE n.column1 <> ''
        ON CONFLICT (credential_id) DO UPDATE SET org_id = excluded.org_id, wave = excluded.wave";
    for ids in filled(credentials) {
        let put = ids.fold(query(PUT.as_str()), |put, id| {
            bind_id(put, id)
                .bind(org.as_str().to_owned())
                .bind(name.as_str().to_owned())
        });
        w.session().execute(put).await?;
    }
    Ok(())
}

/// Takes credentials out of whatever wave they are in; gives how many were in one.
///
/// # Errors
/// [`Error`].
pub async fn take_out(w: &mut Write, credentials: &[CredentialId]) -> Result<u64, Error> {
    static TAKE_OUT: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 1));
    const TEXT: &str = "
        DELETE FROM wave_credentials
        WHERE credential_id IN (VALUES $rows)";
    let mut taken = 0;
    for ids in filled(credentials) {
        let take = ids.fold(query(TAKE_OUT.as_str()), bind_id);
        taken += w.session().execute(take).await?;
    }
    Ok(taken)
}

fn bind_id(query: Query, id: Option<&CredentialId>) -> Query {
    query.bind(id.map_or("", |id| id.as_str()).to_owned())
}

fn read(row: &Row<'_>) -> Result<Wave, Error> {
    Ok(Wave {
        org_id: row.parsed("org_id")?,
        name: row.parsed("name")?,
        note: row.text("note")?,
        start_on: row.maybe_at("start_on")?,
        disable_on: row.maybe_at("disable_on")?,
        created_by: row.text("created_by")?,
        created_at: row.at("created_at")?,
        revision: row.number("revision")?,
    })
}
