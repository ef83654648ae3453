//! Personal access tokens, by their digests.

use countersign_model::Role;
use countersign_model::member::{AccessToken, Acts};
use countersign_wire::{AccessTokenId, OrgId, PersonId, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::page::Page;
use crate::row::{Row, millis};

const TABLE: &str = "access_tokens";

/// The token of that digest.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, digest: &str) -> Result<Option<AccessToken>, Error> {
    const FIND: &str = "
        SELECT id, hint, name, org_id, person_id, role, created_at, expires_at, last_used_at
        FROM access_tokens
        WHERE digest = $1";
    let found = query(FIND).bind(digest.to_owned());
    r.session().find(TABLE, found, read).await
}

/// The token of that id.
///
/// # Errors
/// [`Error`].
pub async fn find_by_id(
    r: &mut impl Reads,
    id: &AccessTokenId,
) -> Result<Option<AccessToken>, Error> {
    const FIND: &str = "
        SELECT id, hint, name, org_id, person_id, role, created_at, expires_at, last_used_at
        FROM access_tokens
        WHERE id = $1";
    let found = query(FIND).bind(id.as_str());
    r.session().find(TABLE, found, read).await
}

/// The tokens of a member, or those of the operator, by id, which is the key of the page.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    member: Option<(&OrgId, &PersonId)>,
    page: &Page,
) -> Result<Vec<AccessToken>, Error> {
    const OF_MEMBER: &str = "
        SELECT id, hint, name, org_id, person_id, role, created_at, expires_at, last_used_at
        FROM access_tokens
        WHERE org_id = $3 AND person_id = $4 AND id > $1
        ORDER BY id
        LIMIT $2";
    const OF_OPERATOR: &str = "
        SELECT id, hint, name, org_id, person_id, role, created_at, expires_at, last_used_at
        FROM access_tokens
        WHERE org_id IS NULL AND id > $1
        ORDER BY id
        LIMIT $2";
    let bind = |text| query(text).bind(page.start()).bind(page.size());
    let listed = match member {
        Some((org, person)) => bind(OF_MEMBER).bind(org.as_str()).bind(person.as_str()),
        None => bind(OF_OPERATOR),
    };
    r.session().list(TABLE, listed, read).await
}

/// Adds a token under its digest.
///
/// # Errors
/// [`Error`].
pub async fn insert(w: &mut Write, token: &AccessToken, digest: &str) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO access_tokens
            (id, digest, hint, name, org_id, person_id, role, created_at, expires_at, last_used_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let (org, person, role) = match &token.acts {
        Acts::Operator => (None, None, None),
        Acts::Member { org, person, role } => (Some(org), Some(person), Some(role.as_str())),
    };
    let insert = query(INSERT)
        .bind(token.id.as_str())
        .bind(digest.to_owned())
        .bind(&*token.hint)
        .bind(&*token.name)
        .bind(org.map(OrgId::as_str))
        .bind(person.map(PersonId::as_str))
        .bind(role)
        .bind(token.created_at.as_millis())
        .bind(token.expires_at.as_millis())
        .bind(millis(token.last_used_at));
    w.session().execute(insert).await.map(|_| ())
}

/// Notes that a token was used.
///
/// # Errors
/// [`Error::Conflict`] when it is gone.
pub async fn note_use(w: &mut Write, id: &AccessTokenId, at: Timestamp) -> Result<(), Error> {
    const NOTE: &str = "UPDATE access_tokens SET last_used_at = $2 WHERE id = $1";
    let note = query(NOTE).bind(id.as_str()).bind(at.as_millis());
    w.session().change_one(note).await
}

/// Ends a token.
///
/// # Errors
/// [`Error::Conflict`] when it is gone.
pub async fn delete(w: &mut Write, id: &AccessTokenId) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM access_tokens WHERE id = $1";
    w.session()
        .change_one(query(DELETE).bind(id.as_str()))
        .await
}

/// Ends every token of a person, in one organization or in all; gives how many there were.
///
/// # Errors
/// [`Error`].
pub async fn delete_all(
    w: &mut Write,
    person: &PersonId,
    org: Option<&OrgId>,
) -> Result<u64, Error> {
    const EVERYWHERE: &str = "DELETE FROM access_tokens WHERE person_id = $1";
    const THERE: &str = "DELETE FROM access_tokens WHERE person_id = $1 AND org_id = $2";
    let delete = match org {
        None => query(EVERYWHERE).bind(person.as_str()),
        Some(org) => query(THERE).bind(person.as_str()).bind(org.as_str()),
    };
    w.session().execute(delete).await
}

fn read(row: &Row<'_>) -> Result<AccessToken, Error> {
    let (org, person) = (row.maybe_parsed("org_id")?, row.maybe_parsed("person_id")?);
    let role = row.maybe_text("role")?;
    let acts = match (org, person, role) {
        (None, None, None) => Acts::Operator,
        (Some(org), Some(person), Some(role)) => Acts::Member {
            org,
            person,
            role: Role::parse(&role).ok_or_else(|| row.corrupt("role"))?,
        },
        _ => return Err(row.corrupt("role")),
    };
    Ok(AccessToken {
        id: row.parsed("id")?,
        hint: row.text("hint")?,
        name: row.text("name")?,
        acts,
        created_at: row.at("created_at")?,
        expires_at: row.at("expires_at")?,
        last_used_at: row.maybe_at("last_used_at")?,
    })
}
