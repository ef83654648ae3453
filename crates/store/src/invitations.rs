//! Links that are used once: to become a member, or the first administrator.

use countersign_model::member::Invitation;
use countersign_model::{Role, SignInName};
use countersign_wire::{InvitationId, OrgId, ProfileId, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::page::Page;
use crate::row::{Row, storable};

const TABLE: &str = "invitations";

/// The invitation whose code has that digest.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, digest: &str) -> Result<Option<Invitation>, Error> {
    const FIND: &str = "
        SELECT id, org_id, sign_in_name, role, profiles, invited_by, created_at, expires_at
        FROM invitations
        WHERE digest = $1";
    let found = query(FIND).bind(digest.to_owned());
    r.session().find(TABLE, found, read).await
}

/// The invitation of that id.
///
/// # Errors
/// [`Error`].
pub async fn find_by_id(
    r: &mut impl Reads,
    id: &InvitationId,
) -> Result<Option<Invitation>, Error> {
    const FIND: &str = "
        SELECT id, org_id, sign_in_name, role, profiles, invited_by, created_at, expires_at
        FROM invitations
        WHERE id = $1";
    let found = query(FIND).bind(id.as_str());
    r.session().find(TABLE, found, read).await
}

/// The invitations of an organization by id, which is the key of the page.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    org_id: &OrgId,
    page: &Page,
) -> Result<Vec<Invitation>, Error> {
    const LIST: &str = "
        SELECT id, org_id, sign_in_name, role, profiles, invited_by, created_at, expires_at
        FROM invitations
        WHERE org_id = $1 AND id > $2
        ORDER BY id
        LIMIT $3";
    let listed = query(LIST)
        .bind(org_id.as_str())
        .bind(page.start())
        .bind(page.size());
    r.session().list(TABLE, listed, read).await
}

/// Adds an invitation under the digest of its code.
///
/// # Errors
/// [`Error`].
pub async fn insert(w: &mut Write, invitation: &Invitation, digest: &str) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO invitations
            (id, digest, org_id, sign_in_name, role, profiles, invited_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let profiles: Vec<&str> = invitation.profiles.iter().map(ProfileId::as_str).collect();
    let insert = query(INSERT)
        .bind(invitation.id.as_str())
        .bind(digest.to_owned())
        .bind(invitation.org_id.as_ref().map(OrgId::as_str))
        .bind(
            invitation
                .sign_in_name
                .as_ref()
                .map(|name| name.as_str().to_owned()),
        )
        .bind(invitation.role.as_str())
        .bind(profiles.join(","))
        .bind(storable(&invitation.invited_by))
        .bind(invitation.created_at.as_millis())
        .bind(invitation.expires_at.as_millis());
    w.session().execute(insert).await.map(|_| ())
}

/// Takes an invitation away because it is used; of two who do, one does.
///
/// # Errors
/// [`Error::Conflict`] when it is gone.
pub async fn use_up(w: &mut Write, id: &InvitationId) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM invitations WHERE id = $1";
    w.session()
        .change_one(query(DELETE).bind(id.as_str()))
        .await
}

/// Withdraws an invitation of an organization.
///
/// # Errors
/// [`Error::Conflict`] when the organization has no such invitation.
pub async fn delete(w: &mut Write, org_id: &OrgId, id: &InvitationId) -> Result<(), Error> {
    const DELETE: &str = "DELETE FROM invitations WHERE id = $1 AND org_id = $2";
    let delete = query(DELETE).bind(id.as_str()).bind(org_id.as_str());
    w.session().change_one(delete).await
}

/// Takes away every invitation to a name in an organization, or the links of the first
/// administrator: a later one replaces them.
///
/// # Errors
/// [`Error`].
pub async fn delete_earlier(
    w: &mut Write,
    org_id: Option<&OrgId>,
    name: Option<&SignInName>,
) -> Result<(), Error> {
    const OF_NAME: &str = "DELETE FROM invitations WHERE org_id = $1 AND sign_in_name = $2";
    const OF_FIRST: &str = "DELETE FROM invitations WHERE org_id IS NULL";
    let delete = match (org_id, name) {
        (Some(org), Some(name)) => query(OF_NAME)
            .bind(org.as_str())
            .bind(name.as_str().to_owned()),
        _ => query(OF_FIRST),
    };
    w.session().execute(delete).await.map(|_| ())
}

/// Removes up to `limit` invitations that ended before `older_than`; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, older_than: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM invitations
        WHERE id IN (SELECT id FROM invitations WHERE expires_at < $1 LIMIT $2)";
    let trim = query(TRIM)
        .bind(older_than.as_millis())
        .bind(i64::from(limit));
    w.session().execute(trim).await
}

fn read(row: &Row<'_>) -> Result<Invitation, Error> {
    let profiles = row.text("profiles")?;
    let profiles = profiles.split(',').filter(|id| !id.is_empty());
    let profiles: Result<_, _> = profiles.map(ProfileId::parse).collect();
    Ok(Invitation {
        id: row.parsed("id")?,
        org_id: row.maybe_parsed("org_id")?,
        sign_in_name: row.maybe_parsed("sign_in_name")?,
        role: row.word("role", Role::parse)?,
        profiles: profiles.map_err(|_| row.corrupt("profiles"))?,
        invited_by: row.text("invited_by")?,
        created_at: row.at("created_at")?,
        expires_at: row.at("expires_at")?,
    })
}
