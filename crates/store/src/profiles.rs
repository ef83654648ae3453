//! Product profiles.

use countersign_model::ProductProfile;
use countersign_wire::OrgId;
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::Row;

/// All product profiles of an organization, by id.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, org_id: &OrgId) -> Result<Vec<ProductProfile>, Error> {
    const LIST: &str = "
        SELECT id, org_id, service, name, created_at
        FROM profiles
        WHERE org_id = $1
        ORDER BY id";
    let listed = query(LIST).bind(org_id.as_str());
    r.session().list("profiles", listed, read).await
}

/// Adds a product profile.
///
/// # Errors
/// [`Error::Duplicate`] when its id exists.
pub async fn insert(w: &mut Write, profile: &ProductProfile) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO profiles (id, org_id, service, name, created_at)
        VALUES ($1, $2, $3, $4, $5)";
    let insert = query(INSERT)
        .bind(profile.id.as_str())
        .bind(profile.org_id.as_str())
        .bind(profile.service.as_str())
        .bind(&*profile.name)
        .bind(profile.created_at.as_millis());
    w.session().execute(insert).await.map(|_| ())
}

fn read(row: &Row<'_>) -> Result<ProductProfile, Error> {
    Ok(ProductProfile {
        id: row.parsed("id")?,
        org_id: row.parsed("org_id")?,
        service: row.parsed("service")?,
        name: row.text("name")?,
        created_at: row.at("created_at")?,
    })
}
