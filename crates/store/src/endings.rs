//! What ends when: certificates and secrets of all credentials by their ends, and credentials by
//! what a policy ends.

use countersign_model::Owner;
use countersign_wire::{ClientId, CredentialId, OrgId, ProjectId, Timestamp};
use sqlx::query;

use crate::db::{Query, Reads};
use crate::error::Error;
use crate::page::Page;
use crate::row::Row;

/// What of a credential ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// Its certificates.
    Certificates,
    /// Its secrets.
    Secrets,
}

/// The end of one part of a credential; also the key of a page.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// Of which credential.
    pub credential_id: CredentialId,
}

/// Ends from `since` on and before `until` of enabled credentials, the first one first, behind the
/// last one of the page before. One credential may have several.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    part: Part,
    (since, until): (Timestamp, Timestamp),
    after: Option<&End>,
) -> Result<Vec<End>, Error> {
    const CERTIFICATES: &str = "
        SELECT k.credential_id AS id, k.not_after AS ends_at
        FROM certificates k
        JOIN credentials c ON c.id = k.credential_id
        WHERE (k.not_after, k.credential_id) > ($1, $2) AND k.not_after < $3
            AND c.disabled_at IS NULL AND c.jwt_disabled_at IS NULL
        ORDER BY k.not_after, k.credential_id
        LIMIT $4";
    const SECRETS: &str = "
        SELECT s.credential_id AS id, s.expires_at AS ends_at
        FROM secrets s
        JOIN credentials c ON c.id = s.credential_id
        WHERE s.expires_at IS NOT NULL AND (s.expires_at, s.credential_id) > ($1, $2)
            AND s.expires_at < $3 AND c.disabled_at IS NULL
        ORDER BY s.expires_at, s.credential_id
        LIMIT $4";
    let text = match part {
        Part::Certificates => CERTIFICATES,
        Part::Secrets => SECRETS,
    };
    // Every id is greater than the empty text.
    let (at, id) = after.map_or((since, ""), |last| (last.at, last.credential_id.as_str()));
    let listed = query(text)
        .bind(at.as_millis())
        .bind(id)
        .bind(until.as_millis())
        .bind(Page::first().size());
    r.session().list("credentials", listed, end).await
}

/// The first five hundred ends from `since` on and before `until` of an organization's enabled
/// credentials.
///
/// # Errors
/// [`Error`].
pub async fn of_organization(
    r: &mut impl Reads,
    part: Part,
    org_id: &OrgId,
    (since, until): (Timestamp, Timestamp),
) -> Result<Vec<End>, Error> {
    const CERTIFICATES: &str = "
        SELECT c.id AS id, k.not_after AS ends_at
        FROM credentials c
        JOIN certificates k ON k.credential_id = c.id
        WHERE c.org_id = $1 AND c.disabled_at IS NULL AND c.jwt_disabled_at IS NULL
            AND k.not_after >= $2 AND k.not_after < $3
        ORDER BY k.not_after, c.id
        LIMIT $4";
    const SECRETS: &str = "
        SELECT c.id AS id, s.expires_at AS ends_at
        FROM credentials c
        JOIN secrets s ON s.credential_id = c.id
        WHERE c.org_id = $1 AND c.disabled_at IS NULL AND s.expires_at >= $2 AND s.expires_at < $3
        ORDER BY s.expires_at, c.id
        LIMIT $4";
    let text = match part {
        Part::Certificates => CERTIFICATES,
        Part::Secrets => SECRETS,
    };
    let listed = query(text)
        .bind(org_id.as_str())
        .bind(since.as_millis())
        .bind(until.as_millis())
        .bind(Page::first().size());
    r.session().list("credentials", listed, end).await
}

/// How many ends there are from `since` on and before `until`, of enabled credentials.
///
/// # Errors
/// [`Error`].
pub async fn count(
    r: &mut impl Reads,
    part: Part,
    (since, until): (Timestamp, Timestamp),
) -> Result<u64, Error> {
    const CERTIFICATES: &str = "
        SELECT 'all' AS id, COUNT(*) AS ends
        FROM certificates k
        JOIN credentials c ON c.id = k.credential_id
        WHERE k.not_after >= $1 AND k.not_after < $2 AND c.disabled_at IS NULL
            AND c.jwt_disabled_at IS NULL";
    const SECRETS: &str = "
        SELECT 'all' AS id, COUNT(*) AS ends
        FROM secrets s
        JOIN credentials c ON c.id = s.credential_id
        WHERE s.expires_at IS NOT NULL AND s.expires_at >= $1 AND s.expires_at < $2
            AND c.disabled_at IS NULL";
    let text = match part {
        Part::Certificates => CERTIFICATES,
        Part::Secrets => SECRETS,
    };
    let counted = query(text).bind(since.as_millis()).bind(until.as_millis());
    one_count(r, counted, "ends").await
}

/// Enabled credentials of an organization whose JWT half works, by id, which is the key of the
/// page.
///
/// # Errors
/// [`Error`].
pub async fn with_jwt_half(
    r: &mut impl Reads,
    org_id: &OrgId,
    page: &Page,
) -> Result<Vec<CredentialId>, Error> {
    const LIST: &str = "
        SELECT id
        FROM credentials
        WHERE org_id = $1 AND id > $2 AND disabled_at IS NULL
            AND grants IN ('jwt', 'jwt_paired', 'jwt_cancelled') AND jwt_disabled_at IS NULL
        ORDER BY id
        LIMIT $3";
    let listed = query(LIST)
        .bind(org_id.as_str())
        .bind(page.start())
        .bind(page.size());
    r.session()
        .list("credentials", listed, |row| row.parsed("id"))
        .await
}

/// Enabled credentials with both halves that somebody may have to be told of, by id, which is the
/// key of the page: where the JWT half works, and where it is in quarantine and was tried.
///
/// # Errors
/// [`Error`].
pub async fn migrating(r: &mut impl Reads, page: &Page) -> Result<Vec<CredentialId>, Error> {
    const LIST: &str = "
        SELECT c.id AS id
        FROM credentials c
        LEFT JOIN attempts a ON a.credential_id = c.id
        WHERE c.grants = 'jwt_paired' AND c.id > $1 AND c.disabled_at IS NULL
            AND (c.jwt_disabled_at IS NULL OR a.credential_id IS NOT NULL)
        ORDER BY c.id
        LIMIT $2";
    let listed = query(LIST).bind(page.start()).bind(page.size());
    r.session()
        .list("credentials", listed, |row| row.parsed("id"))
        .await
}

/// The first five hundred enabled credentials of an organization whose JWT half is in quarantine
/// and was tried, by id.
///
/// # Errors
/// [`Error`].
pub async fn tried(r: &mut impl Reads, org_id: &OrgId) -> Result<Vec<CredentialId>, Error> {
    const LIST: &str = "
        SELECT c.id AS id
        FROM credentials c
        JOIN attempts a ON a.credential_id = c.id
        WHERE c.org_id = $1 AND c.jwt_disabled_at IS NOT NULL AND c.disabled_at IS NULL
        ORDER BY c.id
        LIMIT $2";
    let listed = query(LIST).bind(org_id.as_str()).bind(Page::first().size());
    r.session()
        .list("credentials", listed, |row| row.parsed("id"))
        .await
}

/// How many credentials with a JWT half there are, by how far their migration is: the words of
/// `grants` in the store, and `jwt_disabled` for those in quarantine.
///
/// # Errors
/// [`Error`].
pub async fn count_jwt_halves(r: &mut impl Reads) -> Result<Vec<(String, u64)>, Error> {
    const COUNT: &str = "
        SELECT state AS id, COUNT(*) AS credentials
        FROM (
            SELECT CASE WHEN jwt_disabled_at IS NULL THEN grants ELSE 'jwt_disabled' END AS state
            FROM credentials
            WHERE grants IN ('jwt', 'jwt_paired', 'jwt_cancelled')) AS halves
        GROUP BY state";
    let both = |row: &Row<'_>| Ok((row.text("id")?, row.count("credentials")?));
    r.session().list("credentials", query(COUNT), both).await
}

/// A credential, and whom warnings about it reach.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owned {
    /// Its id.
    pub id: CredentialId,
    /// Its client id.
    pub client_id: ClientId,
    /// Its project.
    pub project_id: ProjectId,
    /// Its name.
    pub name: String,
    /// Who looks after it.
    pub owner: Owner,
}

/// Credentials of an organization with their owners, by id, which is the key of the page.
///
/// # Errors
/// [`Error`].
pub async fn owned(r: &mut impl Reads, org_id: &OrgId, page: &Page) -> Result<Vec<Owned>, Error> {
    const LIST: &str = "
        SELECT id, client_id, project_id, name, owner_team, owner_contact
        FROM credentials
        WHERE org_id = $1 AND id > $2
        ORDER BY id
        LIMIT $3";
    let listed = query(LIST)
        .bind(org_id.as_str())
        .bind(page.start())
        .bind(page.size());
    let owned = |row: &Row<'_>| {
        Ok(Owned {
            id: row.parsed("id")?,
            client_id: row.parsed("client_id")?,
            project_id: row.parsed("project_id")?,
            name: row.text("name")?,
            owner: Owner {
                team: row.text("owner_team")?,
                contact: row.text("owner_contact")?,
            },
        })
    };
    r.session().list("credentials", listed, owned).await
}

fn end(row: &Row<'_>) -> Result<End, Error> {
    Ok(End {
        at: row.at("ends_at")?,
        credential_id: row.parsed("id")?,
    })
}

async fn one_count(r: &mut impl Reads, counted: Query, column: &str) -> Result<u64, Error> {
    let found = r
        .session()
        .find("credentials", counted, |row| row.count(column))
        .await?;
    Ok(found.unwrap_or_default())
}
