//! Technical accounts. They are never removed: they outlive their credentials.

use countersign_model::TechnicalAccount;
use countersign_wire::TechnicalAccountId;
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::Row;

/// The technical account of that id.
///
/// # Errors
/// [`Error`].
pub async fn find(
    r: &mut impl Reads,
    id: &TechnicalAccountId,
) -> Result<Option<TechnicalAccount>, Error> {
    const FIND: &str = "
        SELECT id, email, org_id, created_at
        FROM technical_accounts
        WHERE id = $1";
    let found = query(FIND).bind(id.as_str());
    r.session().find("technical_accounts", found, read).await
}

/// Adds a technical account.
///
/// # Errors
/// [`Error::Duplicate`] when its id or mail address exists, or a client id is the same.
pub async fn insert(w: &mut Write, account: &TechnicalAccount) -> Result<(), Error> {
    // One space with the client ids: no client id ever equals a technical account id (ORG-05).
    const USE_ID: &str = "INSERT INTO used_ids (space, id) VALUES ('identity', $1)";
    const INSERT: &str = "
        INSERT INTO technical_accounts (id, email, org_id, created_at)
        VALUES ($1, $2, $3, $4)";
    let insert = query(INSERT)
        .bind(account.id.as_str())
        .bind(account.email.as_str())
        .bind(account.org_id.as_str())
        .bind(account.created_at.as_millis());
    let used = query(USE_ID).bind(account.id.as_str());
    w.session().execute(used).await?;
    w.session().execute(insert).await.map(|_| ())
}

pub(crate) fn read(row: &Row<'_>) -> Result<TechnicalAccount, Error> {
    Ok(TechnicalAccount {
        id: row.parsed("id")?,
        email: row.parsed("email")?,
        org_id: row.parsed("org_id")?,
        created_at: row.at("created_at")?,
    })
}
