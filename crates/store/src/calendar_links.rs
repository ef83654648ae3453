//! The addresses by which calendar programs read the dates of organizations.

use countersign_wire::{OrgId, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::{Row, storable};

const TABLE: &str = "calendar_links";

/// The address of an organization's calendar, without what makes it secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CalendarLink {
    /// By whom it was made, as in the activity log.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// The link of an organization.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, org_id: &OrgId) -> Result<Option<CalendarLink>, Error> {
    const FIND: &str = "
        SELECT org_id, created_by, created_at
        FROM calendar_links
        WHERE org_id = $1";
    let link = |row: &Row<'_>| {
        Ok(CalendarLink {
            created_by: row.text("created_by")?,
            created_at: row.at("created_at")?,
        })
    };
    let found = query(FIND).bind(org_id.as_str());
    r.session().find(TABLE, found, link).await
}

/// Whose link has this digest.
///
/// # Errors
/// [`Error`].
pub async fn find_organization(r: &mut impl Reads, digest: &str) -> Result<Option<OrgId>, Error> {
    const FIND: &str = "SELECT org_id FROM calendar_links WHERE digest = $1";
    let found = query(FIND).bind(digest.to_owned());
    r.session()
        .find(TABLE, found, |row| row.parsed("org_id"))
        .await
}

/// Gives an organization a link, instead of the one that it had.
///
/// # Errors
/// [`Error`].
pub async fn put(
    w: &mut Write,
    org_id: &OrgId,
    digest: &str,
    link: &CalendarLink,
) -> Result<(), Error> {
    const PUT: &str = "
        INSERT INTO calendar_links (org_id, digest, created_by, created_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (org_id) DO UPDATE
        SET digest = excluded.digest, created_by = excluded.created_by,
            created_at = excluded.created_at";
    let put = query(PUT)
        .bind(org_id.as_str())
        .bind(digest.to_owned())
        .bind(storable(&link.created_by))
        .bind(link.created_at.as_millis());
    w.session().execute(put).await.map(|_| ())
}

/// Takes the link of an organization away.
///
/// # Errors
/// [`Error`].
pub async fn remove(w: &mut Write, org_id: &OrgId) -> Result<(), Error> {
    const REMOVE: &str = "DELETE FROM calendar_links WHERE org_id = $1";
    let remove = query(REMOVE).bind(org_id.as_str());
    w.session().execute(remove).await.map(|_| ())
}
