//! Brings the schema up to date, under a row of our own lease table.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _, SqlSafeStr as _};

use crate::error::{Error, Retryable as _};

/// Exists before the first migration: that runs under a row of it.
const LEASES: &str = "
    CREATE TABLE IF NOT EXISTS leases (
        name TEXT NOT NULL PRIMARY KEY,
        owner TEXT NOT NULL,
        until_at BIGINT NOT NULL,
        fencing BIGINT NOT NULL
    )";

/// Takes the row, and with it the lock that the row's other writers wait for.
const TAKE: &str = "
    INSERT INTO leases (name, owner, until_at, fencing) VALUES ('schema', '', 0, 1)
    ON CONFLICT (name) DO UPDATE SET fencing = leases.fencing + 1";

const READABLE_SINCE: &str = "SELECT value FROM settings WHERE name = 'schema.readable_since'";

/// Tries while another process migrates: each waits as long as the engine waits for a lock.
const TRIES: u32 = 30;

/// Applies what is missing of the migrations of this release.
///
/// All of it is one transaction that begins by updating the lease row: whoever comes second waits
/// for that row, and a crash leaves neither a half schema nor a lease to clean up. A time-limited
/// lease would need a clock that all agree on, before there is anything to compare clocks with.
pub(crate) async fn run(connection: &mut AnyConnection, begin: &'static str) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        match attempt(connection, begin).await {
            // Two that create the lease table at once collide in PostgreSQL's own catalogue.
            Err(error) if tries < TRIES && is_transient(&error) => tries += 1,
            done => return done,
        }
    }
}

fn is_transient(error: &Error) -> bool {
    matches!(error, Error::Duplicate | Error::Lost(_)) || error.is_retryable()
}

async fn attempt(connection: &mut AnyConnection, begin: &'static str) -> Result<(), Error> {
    let mut transaction = connection.begin_with(begin).await?;
    transaction.execute(LEASES).await?;
    transaction.execute(TAKE).await?;
    // Not `run`: the compiler cannot show that a future which holds one is `Send`.
    let applied = migrator().run_direct(None, &mut *transaction, false).await;
    applied.map_err(refused)?;
    check_readable(&mut transaction).await?;
    transaction.commit().await?;
    Ok(())
}

pub(crate) fn migrations() -> Vec<Migration> {
    const TEXTS: &[(i64, &str, &str)] = &[
        (1, "core", include_str!("../migrations/0001_core.sql")),
        (
            2,
            "standard tokens",
            include_str!("../migrations/0002_standard_tokens.sql"),
        ),
        (
            3,
            "evidence",
            include_str!("../migrations/0003_evidence.sql"),
        ),
        (4, "nodes", include_str!("../migrations/0004_nodes.sql")),
        (
            5,
            "published services",
            include_str!("../migrations/0005_published_services.sql"),
        ),
        (6, "people", include_str!("../migrations/0006_people.sql")),
        (
            7,
            "revision of published services",
            include_str!("../migrations/0007_revision_of_published_services.sql"),
        ),
        (
            8,
            "projects and days",
            include_str!("../migrations/0008_projects_and_days.sql"),
        ),
        (
            9,
            "subscriptions of services",
            include_str!("../migrations/0009_subscriptions_of_services.sql"),
        ),
        (
            10,
            "identities",
            include_str!("../migrations/0010_identities.sql"),
        ),
        (
            11,
            "quarantine",
            include_str!("../migrations/0011_quarantine.sql"),
        ),
        (
            12,
            "credentials to migrate",
            include_str!("../migrations/0012_credentials_to_migrate.sql"),
        ),
        (
            13,
            "events of projects",
            include_str!("../migrations/0013_events_of_projects.sql"),
        ),
        (
            14,
            "exemptions",
            include_str!("../migrations/0014_exemptions.sql"),
        ),
        (
            15,
            "notices",
            include_str!("../migrations/0015_notices.sql"),
        ),
        (
            16,
            "migration progress",
            include_str!("../migrations/0016_migration_progress.sql"),
        ),
        (
            17,
            "brown-outs",
            include_str!("../migrations/0017_brownouts.sql"),
        ),
        (18, "waves", include_str!("../migrations/0018_waves.sql")),
        (
            20,
            "workspaces",
            include_str!("../migrations/0020_workspaces.sql"),
        ),
        (21, "alerts", include_str!("../migrations/0021_alerts.sql")),
    ];
    let migration = |&(version, name, text): &(i64, &'static str, &'static str)| {
        let kind = MigrationType::Simple;
        Migration::new(version, name.into(), kind, text.into_sql_str(), false)
    };
    TEXTS.iter().map(migration).collect()
}

fn migrator() -> Migrator {
    let mut migrator = Migrator::with_migrations(migrations());
    // Not an engine's advisory lock, but our lease. A later release's migrations are no fault as
    // long as they say that we can read what they made: old and new run side by side (REL-06).
    migrator.set_locking(false).set_ignore_missing(true);
    migrator
}

async fn check_readable(connection: &mut AnyConnection) -> Result<(), Error> {
    let known = migrations().last().map_or(0, |last| last.version);
    let row = connection.fetch_optional(READABLE_SINCE).await?;
    let needed = row
        .and_then(|row| row.try_get::<String, _>(0).ok())
        .and_then(|value| value.parse().ok());
    match needed {
        Some(needed) if needed <= known => Ok(()),
        Some(needed) => Err(Error::NewerSchema { needed, known }),
        None => Err(Error::Damaged(
            "its setting `schema.readable_since` is missing".to_owned(),
        )),
    }
}

fn refused(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        MigrateError::VersionMismatch(version) => Error::Unusable(format!(
            "migration {version} was applied to the database in another form than this release has it: the database was made by a modified program"
        )),
        other => Error::Unusable(format!("the schema cannot be brought up to date: {other}")),
    }
}
