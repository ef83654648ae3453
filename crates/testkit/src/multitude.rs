//! Very many credentials, made by the database itself: copies of the one that is there.

use countersign_wire::ClientId;

use crate::db;

/// Copies the only credential of a database with its project, account, secret and services, until
/// there are `copies` besides it. They all have its secret.
///
/// Nothing else may have a SQLite database open, and a crash leaves it damaged: durability is what
/// takes the time.
pub async fn multiply(url: &str, copies: u32) {
    let (before, numbers, after) = match is_sqlite(url) {
        true => (CARELESS, NUMBERS_OF_SQLITE, CAREFUL),
        false => ("", NUMBERS_OF_POSTGRES, "; ANALYZE"),
    };
    let numbers = numbers.replace("$copies", &copies.to_string());
    db::execute(url, format!("{before}{numbers}{COPIES}{after}")).await;
}

/// Lets projects that [`multiply`] copied differ in what people find and sort them by, gives every
/// fifth a JWT half with a certificate, and each an event of the activity log.
pub async fn vary(url: &str) {
    let after = if is_sqlite(url) { "" } else { "; ANALYZE" };
    db::execute(url, format!("{VARIED}{after}")).await;
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

fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

const CARELESS: &str = "
    PRAGMA wal_checkpoint(TRUNCATE);
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -1000000;";

const CAREFUL: &str = ";
    PRAGMA journal_mode = DELETE";

/// `k` is [`scattered`] and different for each, `d` the same as a number that no id has yet.
const NUMBERS_OF_SQLITE: &str = "
    CREATE TEMP TABLE copies AS
    WITH RECURSIVE count (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM count WHERE i + 1 < $copies)
    SELECT i,
        (i * 2654435761) & 4294967295 AS k,
        CAST(((i * 2654435761) & 4294967295) + 10000000000 AS TEXT) AS d,
        printf('%08x%024x', (i * 2654435761) & 4294967295, i) AS hex,
        printf('%08X%016X@techacct.adobe.com', (i * 2654435761) & 4294967295, i) AS account,
        printf('%08x-0000-4000-8000-%012x@techacct.adobe.com', (i * 2654435761) & 4294967295, i)
            AS email
    FROM count;";

const NUMBERS_OF_POSTGRES: &str = "
    CREATE TEMP TABLE copies AS
    SELECT i, k, CAST(k + 10000000000 AS TEXT) AS d,
        LPAD(TO_HEX(k), 8, '0') || LPAD(TO_HEX(i), 24, '0') AS hex,
        UPPER(LPAD(TO_HEX(k), 8, '0') || LPAD(TO_HEX(i), 16, '0')) || '@techacct.adobe.com'
            AS account,
        LPAD(TO_HEX(k), 8, '0') || '-0000-4000-8000-' || LPAD(TO_HEX(i), 12, '0')
            || '@techacct.adobe.com' AS email
    FROM (SELECT i, (i * 2654435761) & 4294967295 AS k
        FROM GENERATE_SERIES(CAST(0 AS BIGINT), $copies - 1) AS i) AS numbers;";

const COPIES: &str = "
    CREATE TEMP TABLE original AS SELECT * FROM credentials;

    BEGIN;
    INSERT INTO projects
        (id, org_id, name, title, description, kind, disabled_at, created_at, revision)
    SELECT d, p.org_id, 'p' || k, p.title, p.description, p.kind, NULL, p.created_at, 0
    FROM copies, original o JOIN projects p ON p.id = o.project_id;

    INSERT INTO workspaces (id, project_id, name)
    SELECT d, d, w.name FROM copies, original o JOIN workspaces w ON w.id = o.workspace_id;

    INSERT INTO technical_accounts (id, email, org_id, created_at)
    SELECT account, email, org_id, created_at
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
    COMMIT";

/// One service is used by one in seven, one by a few. Numbers follow the ends of ids, which are
/// scattered; `padded` has them with noughts before them.
const VARIED: &str = "
    BEGIN;
    CREATE TEMP TABLE numbered (
        id TEXT NOT NULL PRIMARY KEY, project_id TEXT NOT NULL, n BIGINT NOT NULL, padded TEXT NOT NULL
    );
    INSERT INTO numbered (id, project_id, n, padded)
    SELECT id, project_id, n,
        SUBSTR('0000000000000000000000000000000000000000000000000000000000000000' || n,
            LENGTH(CAST(n AS TEXT)) + 1)
    FROM (SELECT id, project_id, ROW_NUMBER() OVER (ORDER BY SUBSTR(id, 6), id) AS n
        FROM credentials) AS counted;
    CREATE UNIQUE INDEX numbered_by_project ON numbered (project_id);
    UPDATE projects SET
        title = 'Project ' || SUBSTR(o.padded, 59),
        description = 'What the nightly job of team ' || (o.n % 50) || ' needs, and why',
        created_at = created_at + o.n * 1000,
        changed_at = created_at + ((o.n * 7919) % 100000) * 1000,
        active_at = 86400000 * (20000 + o.n % 100),
        created_by = 'person:person' || (o.n % 500) || '@example.com',
        changed_by = 'person:person' || (o.n % 400) || '@example.com'
    FROM numbered o
    WHERE o.project_id = projects.id;
    UPDATE projects SET
        title_key = LOWER(title),
        search_text = LOWER(name || ' ' || title || ' ' || description);
    UPDATE subscriptions SET service = CASE
        WHEN o.n % 20000 = 7 THEN 'CampaignSDK'
        WHEN o.n % 7 = 0 THEN 'StockSDK'
        ELSE service END
    FROM numbered o
    WHERE o.id = subscriptions.credential_id;
    UPDATE credentials SET grants = 'jwt'
    FROM numbered o
    WHERE o.id = credentials.id AND o.n % 5 = 0;
    INSERT INTO certificates
        (id, credential_id, pem, fingerprint, key_digest, subject, not_before, not_after, created_at)
    SELECT SUBSTR(o.padded, 33), c.id, o.padded || o.padded || o.padded || o.padded || o.padded
            || o.padded || o.padded || o.padded || o.padded || o.padded || o.padded || o.padded
            || o.padded || o.padded || o.padded || o.padded || o.padded || o.padded || o.padded,
        SUBSTR(o.padded, 25), o.padded, 'CN=copy', c.created_at,
        c.created_at + (o.n % 800) * 86400000, c.created_at
    FROM credentials c
    JOIN numbered o ON o.id = c.id
    WHERE o.n % 5 = 0;
    INSERT INTO audit
        (id, happened_at, org_id, actor, action, subject, detail, project_id, credential_id)
    SELECT '0000000000000001' || SUBSTR(o.padded, 49), c.created_at, c.org_id,
        'person:person' || (o.n % 500) || '@example.com', 'credential.changed', c.id, '{}',
        c.project_id, c.id
    FROM credentials c
    JOIN numbered o ON o.id = c.id;
    COMMIT";
