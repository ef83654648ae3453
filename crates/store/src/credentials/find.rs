//! Reading credentials: one, or a page, with one query per kind of child.

use countersign_model::{Credential, SigningAlgorithm, TokenKind};
use countersign_wire::{ClientId, CredentialId, OrgId, ProjectId, Timestamp};
use sqlx::query;

use super::children::{Queries, attach};
use crate::db::{Query, Reads};
use crate::error::Error;
use crate::many::ROWS;
use crate::page::Page;
use crate::row::Row;

/// The four queries over the credentials whose ids `$ids` selects. SQL text is static, and one
/// list of columns is better than four of each.
macro_rules! queries {
    ($ids:literal) => {
        Queries {
            credentials: concat!(
                "SELECT id, client_id, org_id, project_id, workspace_id, technical_account_id, \
                    name, owner_team, owner_contact, origin, grants, migrated_at, \
                    jwt_disabled_at, quarantined_until, token_kind, jwks, disabled_at, \
                    exempt_until, exempt_reason, exempt_by, exempted_at, created_at, revision
                FROM credentials
                WHERE id IN (",
                $ids,
                ") ORDER BY id"
            ),
            secrets: concat!(
                "SELECT id, credential_id, label, pepper, digest, hint, strength, created_at, \
                    expires_at
                FROM secrets
                WHERE credential_id IN (",
                $ids,
                ") ORDER BY created_at, id"
            ),
            certificates: concat!(
                "SELECT id, credential_id, pem, fingerprint, key_digest, subject, not_before, \
                    not_after, created_at
                FROM certificates
                WHERE credential_id IN (",
                $ids,
                ") ORDER BY created_at, id"
            ),
            subscriptions: concat!(
                "SELECT s.credential_id AS credential_id, s.service AS service, \
                    p.profile_id AS profile_id
                FROM subscriptions s
                LEFT JOIN subscription_profiles p
                    ON p.credential_id = s.credential_id AND p.service = s.service
                WHERE s.credential_id IN (",
                $ids,
                ") ORDER BY s.credential_id, s.position, p.position"
            ),
        }
    };
}

/// Children by the id of one credential.
pub(super) const BY_ID: Queries = queries!("$1");
const BY_CLIENT_ID: Queries = queries!("SELECT id FROM credentials WHERE client_id = $1");
const OF_ORG: Queries =
    queries!("SELECT id FROM credentials WHERE org_id = $1 AND id > $2 ORDER BY id LIMIT $3");
const OF_PROJECT: Queries = queries!(
    "SELECT id FROM credentials WHERE org_id = $1 AND project_id = $4 AND id > $2 \
        ORDER BY id LIMIT $3"
);
const MIGRATIONS: Queries = queries!(
    "SELECT id FROM credentials WHERE org_id = $1 AND grants <> 'oauth' AND id > $2 \
        ORDER BY id LIMIT $3"
);
const MIGRATIONS_OF_PROJECT: Queries = queries!(
    "SELECT id FROM credentials WHERE org_id = $1 AND project_id = $4 AND grants <> 'oauth' \
        AND id > $2 ORDER BY id LIMIT $3"
);
const TO_MIGRATE: Queries = queries!(
    "SELECT id FROM credentials WHERE grants IN ('jwt', 'jwt_paired', 'jwt_cancelled') \
        AND jwt_disabled_at IS NULL AND origin <> 'aem_developer_console' AND id > $1 \
        ORDER BY id LIMIT $2"
);
const OF_IDS: Queries = queries!(
    "SELECT id FROM credentials WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
        $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, \
        $30, $31, $32)"
);
const OF_PROJECTS: Queries = queries!(
    "SELECT id FROM credentials WHERE project_id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
        $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, \
        $30, $31, $32)"
);

/// The credential of that id.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, id: &CredentialId) -> Result<Option<Credential>, Error> {
    let found = load(r, &BY_ID, |query| query.bind(id.as_str())).await?;
    Ok(found.into_iter().next())
}

/// The credential of that client id; exactly as it was given out, case counts.
///
/// # Errors
/// [`Error`].
pub async fn find_by_client_id(
    r: &mut impl Reads,
    client_id: &ClientId,
) -> Result<Option<Credential>, Error> {
    let found = load(r, &BY_CLIENT_ID, |query| query.bind(client_id.as_str())).await?;
    Ok(found.into_iter().next())
}

/// Credentials of an organization, or of one project of it, by id; the id is the key of the page.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    org_id: &OrgId,
    project_id: Option<&ProjectId>,
    page: &Page,
) -> Result<Vec<Credential>, Error> {
    let of_org = |query: Query| {
        query
            .bind(org_id.as_str())
            .bind(page.start())
            .bind(page.size())
    };
    match project_id {
        None => load(r, &OF_ORG, of_org).await,
        Some(project) => load(r, &OF_PROJECT, |q| of_org(q).bind(project.as_str())).await,
    }
}

/// Credentials of an organization, or of one project of it, that have or had a JWT half, by id;
/// the id is the key of the page.
///
/// # Errors
/// [`Error`].
pub async fn list_migrations(
    r: &mut impl Reads,
    org_id: &OrgId,
    project_id: Option<&ProjectId>,
    page: &Page,
) -> Result<Vec<Credential>, Error> {
    let of_org = |query: Query| {
        query
            .bind(org_id.as_str())
            .bind(page.start())
            .bind(page.size())
    };
    match project_id {
        None => load(r, &MIGRATIONS, of_org).await,
        Some(project) => {
            let of_project = |query| of_org(query).bind(project.as_str());
            load(r, &MIGRATIONS_OF_PROJECT, of_project).await
        }
    }
}

/// Credentials whose JWT half was in quarantine until `now` or before, those first that wait
/// longest; at most `limit`.
///
/// # Errors
/// [`Error`].
pub async fn overdue(
    r: &mut impl Reads,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<CredentialId>, Error> {
    const OVERDUE: &str = "
        SELECT id
        FROM credentials
        WHERE quarantined_until <= $1
        ORDER BY quarantined_until, id
        LIMIT $2";
    let found = query(OVERDUE).bind(now.as_millis()).bind(i64::from(limit));
    let found = r
        .session()
        .list("credentials", found, |row| row.parsed("id"));
    found.await
}

/// Credentials of all organizations whose JWT half works and is under a policy, by id, behind
/// `after`; at most `limit`.
///
/// # Errors
/// [`Error`].
pub async fn to_migrate(
    r: &mut impl Reads,
    after: Option<&CredentialId>,
    limit: u32,
) -> Result<Vec<Credential>, Error> {
    let after = after.map_or("", |id| id.as_str());
    let bind = |query: Query| query.bind(after.to_owned()).bind(i64::from(limit));
    load(r, &TO_MIGRATE, bind).await
}

/// Credentials of several projects, by id.
///
/// # Errors
/// [`Error`].
pub async fn of_projects(
    r: &mut impl Reads,
    projects: &[ProjectId],
) -> Result<Vec<Credential>, Error> {
    load_many(r, &OF_PROJECTS, projects, ProjectId::as_str).await
}

/// The credentials of these ids that are there, each once if the ids are; by id within 32 of them.
///
/// # Errors
/// [`Error`].
pub async fn of_ids(r: &mut impl Reads, ids: &[CredentialId]) -> Result<Vec<Credential>, Error> {
    load_many(r, &OF_IDS, ids, CredentialId::as_str).await
}

/// How many credentials an organization has.
///
/// # Errors
/// [`Error`].
pub async fn count(r: &mut impl Reads, org_id: &OrgId) -> Result<u64, Error> {
    const COUNT: &str = "
        SELECT 'all' AS id, COUNT(*) AS credentials
        FROM credentials
        WHERE org_id = $1";
    let counted = query(COUNT).bind(org_id.as_str());
    let count = |row: &Row<'_>| row.count("credentials");
    let found = r.session().find("credentials", counted, count).await?;
    Ok(found.unwrap_or_default())
}

/// The key of a page that comes after `skip` credentials by id: `Some(None)` for the first one,
/// `None` where there are not so many.
///
/// # Errors
/// [`Error`].
pub async fn key_before(
    r: &mut impl Reads,
    org_id: &OrgId,
    skip: u32,
) -> Result<Option<Option<String>>, Error> {
    const KEY: &str = "
        SELECT id
        FROM credentials
        WHERE org_id = $1
        ORDER BY id
        LIMIT 1 OFFSET $2";
    let Some(last) = skip.checked_sub(1) else {
        return Ok(Some(None));
    };
    let found = query(KEY).bind(org_id.as_str()).bind(i64::from(last));
    let found = r.session().find("credentials", found, |row| row.text("id"));
    Ok(found.await?.map(Some))
}

/// Whose certificates hold the key of that digest: one key in two hands is worth a warning.
///
/// # Errors
/// [`Error`].
pub async fn owners_of_key(
    r: &mut impl Reads,
    key_digest: &str,
) -> Result<Vec<(OrgId, CredentialId)>, Error> {
    const OWNERS: &str = "
        SELECT DISTINCT c.id AS id, c.org_id AS org_id
        FROM certificates k
        JOIN credentials c ON c.id = k.credential_id
        WHERE k.key_digest = $1
        ORDER BY c.id";
    let owners = query(OWNERS).bind(key_digest);
    r.session()
        .list("credentials", owners, |row| {
            Ok((row.parsed("org_id")?, row.parsed("id")?))
        })
        .await
}

/// The algorithms that credentials want standard tokens signed with, in their order.
///
/// # Errors
/// [`Error`].
pub async fn standard_algorithms(r: &mut impl Reads) -> Result<Vec<SigningAlgorithm>, Error> {
    const USED: &str = "
        SELECT DISTINCT token_kind AS id
        FROM credentials
        WHERE token_kind <> 'ims'";
    let read = |row: &Row<'_>| row.word("id", TokenKind::parse);
    let kinds = r.session().list("credentials", query(USED), read).await?;
    let mut algorithms: Vec<_> = kinds.into_iter().map(TokenKind::algorithm).collect();
    algorithms.sort_unstable();
    Ok(algorithms)
}

async fn load_many<T>(
    r: &mut impl Reads,
    queries: &Queries,
    ids: &[T],
    text: impl Fn(&T) -> &str,
) -> Result<Vec<Credential>, Error> {
    let mut all = Vec::new();
    for ids in ids.chunks(ROWS) {
        let bind = |query: Query| {
            let ids = (0..ROWS).map(|at| ids.get(at).map_or("", &text));
            ids.fold(query, |query, id| query.bind(id.to_owned()))
        };
        all.extend(load(r, queries, bind).await?);
    }
    Ok(all)
}

async fn load(
    r: &mut impl Reads,
    queries: &Queries,
    bind: impl Fn(Query) -> Query,
) -> Result<Vec<Credential>, Error> {
    let found = bind(query(queries.credentials));
    let credentials = r.session().list("credentials", found, super::read).await?;
    attach(r.session(), queries, bind, credentials).await
}
