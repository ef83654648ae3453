//! Organizations.

use countersign_model::{Organization, Quarantine, ReplayPolicy, SecretsInQuery};
use countersign_wire::{NumericOrgId, OrgId, PersonId};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::page::Page;
use crate::row::{Row, disabled_at};

const TABLE: &str = "organizations";

/// The organization of that id.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, id: &OrgId) -> Result<Option<Organization>, Error> {
    const FIND: &str = "
        SELECT id, numeric_id, name, replay, secrets_in_query, quarantine_days, disabled_at,
            created_at, revision
        FROM organizations
        WHERE id = $1";
    let found = query(FIND).bind(id.as_str());
    r.session().find(TABLE, found, read).await
}

/// The organization of that numeric id.
///
/// # Errors
/// [`Error`].
pub async fn find_by_number(
    r: &mut impl Reads,
    number: &NumericOrgId,
) -> Result<Option<Organization>, Error> {
    const FIND: &str = "
        SELECT id, numeric_id, name, replay, secrets_in_query, quarantine_days, disabled_at,
            created_at, revision
        FROM organizations
        WHERE numeric_id = $1";
    let found = query(FIND).bind(number.as_str());
    r.session().find(TABLE, found, read).await
}

/// Organizations by id; the id is the key of the page.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, page: &Page) -> Result<Vec<Organization>, Error> {
    const LIST: &str = "
        SELECT id, numeric_id, name, replay, secrets_in_query, quarantine_days, disabled_at,
            created_at, revision
        FROM organizations
        WHERE id > $1
        ORDER BY id
        LIMIT $2";
    let listed = query(LIST).bind(page.start()).bind(page.size());
    r.session().list(TABLE, listed, read).await
}

/// The organizations that a person is a member of, by id.
///
/// # Errors
/// [`Error`].
pub async fn of_person(r: &mut impl Reads, id: &PersonId) -> Result<Vec<Organization>, Error> {
    const LIST: &str = "
        SELECT o.id, o.numeric_id, o.name, o.replay, o.secrets_in_query, o.quarantine_days,
            o.disabled_at, o.created_at, o.revision
        FROM memberships m
        JOIN organizations o ON o.id = m.org_id
        WHERE m.person_id = $1
        ORDER BY o.id";
    let listed = query(LIST).bind(id.as_str());
    r.session().list(TABLE, listed, read).await
}

/// Adds an organization.
///
/// # Errors
/// [`Error::Duplicate`] when its id or numeric id exists.
pub async fn insert(w: &mut Write, organization: &Organization) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO organizations
            (id, numeric_id, name, replay, secrets_in_query, quarantine_days, disabled_at,
             created_at, revision)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let insert = query(INSERT)
        .bind(organization.id.as_str())
        .bind(organization.numeric_id.as_str())
        .bind(&*organization.name)
        .bind(organization.replay.as_str())
        .bind(organization.secrets_in_query.as_str())
        .bind(quarantine_days(organization))
        .bind(disabled_at(organization.state))
        .bind(organization.created_at.as_millis())
        .bind(organization.revision);
    w.session().execute(insert).await.map(|_| ())
}

/// Saves name, state and rules, and counts the revision up by one.
///
/// # Errors
/// [`Error::Conflict`] unless `organization.revision` is the stored one.
pub async fn save(w: &mut Write, organization: &Organization) -> Result<(), Error> {
    const SAVE: &str = "
        UPDATE organizations
        SET name = $3, replay = $4, secrets_in_query = $5, quarantine_days = $6, disabled_at = $7,
            revision = revision + 1
        WHERE id = $1 AND revision = $2";
    let save = query(SAVE)
        .bind(organization.id.as_str())
        .bind(organization.revision)
        .bind(&*organization.name)
        .bind(organization.replay.as_str())
        .bind(organization.secrets_in_query.as_str())
        .bind(quarantine_days(organization))
        .bind(disabled_at(organization.state));
    w.session().change_one(save).await
}

fn quarantine_days(organization: &Organization) -> Option<i64> {
    organization
        .quarantine
        .map(|quarantine| i64::from(quarantine.days()))
}

fn quarantine(row: &Row<'_>) -> Result<Option<Quarantine>, Error> {
    const COLUMN: &str = "quarantine_days";
    let days = row.maybe_number(COLUMN)?;
    let quarantine = |days| u32::try_from(days).ok().and_then(Quarantine::of_days);
    days.map(|days| quarantine(days).ok_or_else(|| row.corrupt(COLUMN)))
        .transpose()
}

pub(crate) fn read(row: &Row<'_>) -> Result<Organization, Error> {
    Ok(Organization {
        id: row.parsed("id")?,
        numeric_id: row.parsed("numeric_id")?,
        name: row.text("name")?,
        state: row.state()?,
        replay: row.word("replay", ReplayPolicy::parse)?,
        secrets_in_query: row.word("secrets_in_query", SecretsInQuery::parse)?,
        quarantine: quarantine(row)?,
        created_at: row.at("created_at")?,
        revision: row.number("revision")?,
    })
}
