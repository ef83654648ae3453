//! Deprecation policies: one of the installation, and those of organizations that override it.

use countersign_model::DeprecationPolicy;
use countersign_wire::OrgId;
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::{Row, millis};

/// All policies; that of the installation (`None`) comes first.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads) -> Result<Vec<(Option<OrgId>, DeprecationPolicy)>, Error> {
    const LIST: &str = "
        SELECT id, org_id, deprecated_on, no_new_on, end_of_life_on, final_on
        FROM policies
        ORDER BY CASE WHEN org_id IS NULL THEN 0 ELSE 1 END, id";
    r.session().list("policies", query(LIST), read).await
}

/// Sets the policy of an organization, or that of the installation.
///
/// # Errors
/// [`Error`].
pub async fn put(
    w: &mut Write,
    org_id: Option<&OrgId>,
    policy: &DeprecationPolicy,
) -> Result<(), Error> {
    const PUT: &str = "
        INSERT INTO policies (id, org_id, deprecated_on, no_new_on, end_of_life_on, final_on)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO UPDATE
        SET deprecated_on = excluded.deprecated_on, no_new_on = excluded.no_new_on,
            end_of_life_on = excluded.end_of_life_on, final_on = excluded.final_on";
    let put = query(PUT)
        .bind(org_id.map_or("*", OrgId::as_str))
        .bind(org_id.map(OrgId::as_str))
        .bind(millis(policy.deprecated_on))
        .bind(millis(policy.no_new_on))
        .bind(millis(policy.end_of_life_on))
        .bind(millis(policy.final_on));
    w.session().execute(put).await.map(|_| ())
}

/// Takes an organization's own policy away: that of the installation holds for it again.
///
/// # Errors
/// [`Error`].
pub async fn remove(w: &mut Write, org_id: &OrgId) -> Result<(), Error> {
    const REMOVE: &str = "DELETE FROM policies WHERE id = $1";
    let remove = query(REMOVE).bind(org_id.as_str());
    w.session().execute(remove).await.map(|_| ())
}

fn read(row: &Row<'_>) -> Result<(Option<OrgId>, DeprecationPolicy), Error> {
    let policy = DeprecationPolicy {
        deprecated_on: row.maybe_at("deprecated_on")?,
        no_new_on: row.maybe_at("no_new_on")?,
        end_of_life_on: row.maybe_at("end_of_life_on")?,
        final_on: row.maybe_at("final_on")?,
    };
    Ok((row.maybe_parsed("org_id")?, policy))
}
