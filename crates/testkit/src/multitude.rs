//! Very many credentials, made by the database itself: copies of the one that is there.

use countersign_wire::ClientId;

use crate::db;

/// Copies the only credential of a SQLite database with its project, account, secret and services,
/// until there are `copies` besides it. They all have its secret.
///
/// Nothing else may have the database open, and a crash leaves it damaged: durability is what
/// takes the time.
pub async fn multiply(url: &str, copies: u32) {
    db::execute(url, TEXT.replace("$copies", &copies.to_string())).await;
}

/// Lets projects that [`multiply`] copied differ in what people find and sort them by, gives every
/// fifth a JWT half with a certificate, and each an event of the activity log.
pub async fn vary(url: &str) {
    db::execute(url, VARIED.to_owned()).await;
}

/// The client id of a copy, counted from 0.
#[must_use]
pub fn client_id(copy: u32) -> ClientId {
    ClientId::parse(&format!("{:08x}{copy:024x}", scattered(copy))).unwrap()
}

/// Ids that follow each other would all fall on the same pages of an index; those of the product
/// are random.
fn scattered(copy: u32) -> u32 {
    copy.wrapping_mul(2_654_435_761)
}

/// `k` is [`scattered`] and different for each, `d` the same as a number that no id has yet.
const TEXT: &str = "
    PRAGMA wal_checkpoint(TRUNCATE);
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -1000000;

    CREATE TEMP TABLE copies AS
    WITH RECURSIVE count (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM count WHERE i + 1 < $copies)
    SELECT i,
        (i * 2654435761) & 4294967295 AS k,
        CAST(((i * 2654435761) & 4294967295) + 10000000000 AS TEXT) AS d,
        printf('%08x%024x', (i * 2654435761) & 4294967295, i) AS hex,
        printf('%08X%016X@techacct.adobe.com', (i * 2654435761) & 4294967295, i) AS account
    FROM count;
    CREATE TEMP TABLE original AS SELECT * FROM credentials;

    BEGIN;
    INSERT INTO projects
        (id, org_id, name, title, description, kind, disabled_at, created_at, revision)
    SELECT d, p.org_id, 'p' || k, p.title, p.description, p.kind, NULL, p.created_at, 0
    FROM copies, original o JOIN projects p ON p.id = o.project_id;

    INSERT INTO workspaces (id, project_id, name)
    SELECT d, d, w.name FROM copies, original o JOIN workspaces w ON w.id = o.workspace_id;

    INSERT INTO technical_accounts (id, email, org_id, created_at)
    SELECT account, printf('%08x-0000-4000-8000-%012x@techacct.adobe.com', k, i), org_id, created_at
    FROM copies, original;

    INSERT INTO credentials
        (id, client_id, org_id, project_id, workspace_id, technical_account_id, name, owner_team,
         owner_contact, origin, grants, migrated_at, token_kind, jwks, disabled_at, created_at,
         revision)
    SELECT d, hex, org_id, d, d, account, name, owner_team, owner_contact, origin, grants,
        migrated_at, token_kind, jwks, NULL, created_at, 0
    FROM copies, original;

    INSERT INTO secrets
        (id, credential_id, label, pepper, digest, hint, strength, created_at, expires_at)
    SELECT hex, d, s.label, s.pepper, s.digest, s.hint, s.strength, s.created_at, s.expires_at
    FROM copies, original o JOIN secrets s ON s.credential_id = o.id;

    INSERT INTO subscriptions (credential_id, service, position)
    SELECT d, s.service, s.position
    FROM copies, original o JOIN subscriptions s ON s.credential_id = o.id;

    INSERT INTO used_ids (space, id) SELECT 'credential', d FROM copies;
    INSERT INTO used_ids (space, id) SELECT 'identity', hex FROM copies;
    INSERT INTO used_ids (space, id) SELECT 'identity', account FROM copies;
    INSERT INTO used_ids (space, id) SELECT 'secret', hex FROM copies;
    COMMIT;
    PRAGMA journal_mode = DELETE";

/// One service is used by one in seven, one by a few.
const VARIED: &str = "
    BEGIN;
    UPDATE projects SET
        title = printf('Project %06d', rowid),
        description = 'What the nightly job of team ' || (rowid % 50) || ' needs, and why',
        created_at = created_at + rowid * 1000,
        changed_at = created_at + ((rowid * 7919) % 100000) * 1000,
        active_at = 86400000 * (20000 + rowid % 100),
        created_by = 'person:person' || (rowid % 500) || '@example.com',
        changed_by = 'person:person' || (rowid % 400) || '@example.com';
    UPDATE projects SET
        title_key = LOWER(title),
        search_text = LOWER(name || ' ' || title || ' ' || description);
    UPDATE subscriptions SET service = CASE
        WHEN rowid % 20000 = 7 THEN 'CampaignSDK'
        WHEN rowid % 7 = 0 THEN 'StockSDK'
        ELSE service END;
    UPDATE credentials SET grants = 'jwt' WHERE rowid % 5 = 0;
    INSERT INTO certificates
        (id, credential_id, pem, fingerprint, key_digest, subject, not_before, not_after, created_at)
    SELECT printf('%032x', rowid), id, printf('%1200s', 'pem'), printf('%040x', rowid),
        printf('%064x', rowid), 'CN=copy', created_at, created_at + (rowid % 800) * 86400000,
        created_at
    FROM credentials WHERE rowid % 5 = 0;
    INSERT INTO audit (id, happened_at, org_id, actor, action, subject, detail)
    SELECT printf('%016x%016x', 1, rowid), created_at, org_id,
        'person:person' || (rowid % 500) || '@example.com', 'credential.changed', id, '{}'
    FROM credentials;
    COMMIT";
