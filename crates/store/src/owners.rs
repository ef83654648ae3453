//! Whose a secret or a certificate is, asked by its id alone.

use countersign_wire::{CertificateId, CredentialId, OrgId, SecretId};
use sqlx::query;

use crate::db::{Query, Reads};
use crate::error::Error;

/// Whose something is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Owner {
    /// A credential that is there.
    Credential(CredentialId, OrgId),
    /// It was deleted. Its id is never given out again.
    Deleted,
    /// There was never any of that id.
    Nobody,
}

/// Whose secret it is.
///
/// # Errors
/// [`Error`].
pub async fn of_secret(r: &mut impl Reads, id: &SecretId) -> Result<Owner, Error> {
    const OWNER: &str = "
        SELECT s.id, c.id AS credential_id, c.org_id AS org_id
        FROM secrets s
        JOIN credentials c ON c.id = s.credential_id
        WHERE s.id = $1";
    const USED: &str = "SELECT id FROM used_ids WHERE space = 'secret' AND id = $1";
    let bound = |text| query(text).bind(id.as_str());
    find(r, "secrets", bound(OWNER), bound(USED)).await
}

/// Whose certificate it is.
///
/// # Errors
/// [`Error`].
pub async fn of_certificate(r: &mut impl Reads, id: &CertificateId) -> Result<Owner, Error> {
    const OWNER: &str = "
        SELECT s.id, c.id AS credential_id, c.org_id AS org_id
        FROM certificates s
        JOIN credentials c ON c.id = s.credential_id
        WHERE s.id = $1";
    const USED: &str = "SELECT id FROM used_ids WHERE space = 'certificate' AND id = $1";
    let bound = |text| query(text).bind(id.as_str());
    find(r, "certificates", bound(OWNER), bound(USED)).await
}

async fn find(
    r: &mut impl Reads,
    table: &'static str,
    owner: Query,
    used: Query,
) -> Result<Owner, Error> {
    let found = r
        .session()
        .find(table, owner, |row| {
            let (credential, org) = (row.parsed("credential_id")?, row.parsed("org_id")?);
            Ok(Owner::Credential(credential, org))
        })
        .await?;
    if let Some(owner) = found {
        return Ok(owner);
    }
    let used = r.session().find("used_ids", used, |_| Ok(())).await?;
    Ok(used.map_or(Owner::Nobody, |()| Owner::Deleted))
}
