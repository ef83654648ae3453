//! What is special about PostgreSQL: how it is connected to, and when it is refused.

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, Executor as _, Row as _};
use url::Url;

use crate::config::Config;
use crate::db::{Engine, Store, bounded, pool};
use crate::error::Error;
use crate::health::Health;
use crate::migrate;

/// Settings travel with each transaction, not with the connection: a pooler in transaction mode
/// gives every transaction another one. Writers, too, see one moment of the database: a row that
/// somebody else changed since then is a serialization failure, which `retry` repeats.
pub(crate) const BEGIN_WRITE: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE;
    SET LOCAL lock_timeout = '2s';
    SET LOCAL statement_timeout = '5s';
    SET LOCAL idle_in_transaction_session_timeout = '30s'";

/// Lists have conditions that are left out by their parameters, so a plan is made for the parameters
/// of each: one for all would read all there is. Compiling a plan takes longer than it saves.
pub(crate) const BEGIN_READ: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
    SET LOCAL plan_cache_mode = 'force_custom_plan';
    SET LOCAL jit = 'off';
    SET LOCAL statement_timeout = '5s';
    SET LOCAL idle_in_transaction_session_timeout = '30s'";

/// Migrations may take their time, but not wait for ever. READ COMMITTED: whoever waited for the
/// lease row must see what its holder did.
const BEGIN_MIGRATION: &str = "
    BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE;
    SET LOCAL lock_timeout = '2s';
    SET LOCAL client_min_messages = 'warning'";

const CHECK: &str = "
    SELECT current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('server_encoding') AS server_encoding";

pub(crate) async fn open(config: &Config) -> Result<Store, Error> {
    let options = AnyConnectOptions::from_url(&url(config)?)?;
    // Nobody waits for a process that starts: it may take longer than a request.
    let patience = config.acquire_timeout().saturating_mul(2);
    let connected = bounded(patience, options.connect()).await;
    let mut connection = connected.map_err(Error::at_begin)?;
    check(&mut connection).await?;
    migrate::run(&mut connection, BEGIN_MIGRATION).await?;
    connection.close().await?;

    let limit = config.statement_timeout();
    let pool =
        pool(config.max_connections, config.acquire_timeout(), limit).connect_lazy_with(options);
    Ok(Store {
        engine: Engine::Postgres,
        readers: pool.clone(),
        writers: pool,
        // Beginning waits for nobody but the network: a connection that hangs is no reason to let
        // callers wait for longer than one that is not to be had.
        begin_limit: config.acquire_timeout(),
        statement_limit: limit,
        place: None,
        health: Health::default(),
        _temporary: None,
    })
}

fn url(config: &Config) -> Result<Url, Error> {
    let mut url = Url::parse(&config.url)
        .map_err(|_| Error::Unusable("the database URL cannot be read".to_owned()))?;
    let named = url.query_pairs().any(|(key, _)| key == "application_name");
    let mut pairs = url.query_pairs_mut();
    pairs.append_pair(
        "statement-cache-capacity",
        &config.statement_cache.to_string(),
    );
    if !named {
        pairs.append_pair("application_name", "countersign");
    }
    drop(pairs);
    Ok(url)
}

/// Refuses what would lose acknowledged changes (`spec/security.md` REL-01) or cannot hold them.
async fn check(connection: &mut AnyConnection) -> Result<(), Error> {
    let row = connection.fetch_one(CHECK).await?;
    let commit: String = row.try_get("synchronous_commit")?;
    if !["on", "remote_apply"].contains(&commit.as_str()) {
        return Err(Error::Unusable(format!(
            "PostgreSQL runs with `synchronous_commit = {commit}`, which loses acknowledged changes when it stops suddenly: set it to `on` for this database or role"
        )));
    }
    let encoding: String = row.try_get("server_encoding")?;
    if encoding != "UTF8" {
        return Err(Error::Unusable(format!(
            "the PostgreSQL database has the encoding `{encoding}`: create one with `ENCODING 'UTF8'`"
        )));
    }
    Ok(())
}

/// Reads whole rows, also the parts of them that are stored apart.
macro_rules! read_all {
    ($($table:literal),+) => {
        &[$((
            $table,
            concat!("SELECT CAST(COALESCE(SUM(LENGTH(CAST(t AS TEXT))), 0) AS BIGINT) FROM ", $table, " t"),
        )),+]
    };
}

/// Every table; a test holds it against the migrations.
const READ_ALL: &[(&str, &str)] = read_all!(
    "access_tokens",
    "attempt_callers",
    "attempts",
    "audit",
    "audit_chains",
    "brownout_credentials",
    "brownout_refusals",
    "brownouts",
    "calendar_links",
    "callers",
    "certificates",
    "changes",
    "credentials",
    "daily_usage",
    "findings",
    "idempotency_keys",
    "identities",
    "invitations",
    "leases",
    "membership_profiles",
    "memberships",
    "messages",
    "migration_progress",
    "nodes",
    "notices",
    "organizations",
    "people",
    "policies",
    "profiles",
    "project_alerts",
    "projects",
    "published_services",
    "refusals",
    "revocations",
    "secrets",
    "service_callers",
    "service_usage",
    "sessions",
    "settings",
    "signing_keys",
    "subscription_profiles",
    "subscriptions",
    "technical_accounts",
    "usage",
    "used_assertions",
    "used_ids",
    "used_states",
    "wave_credentials",
    "waves",
    "workspaces"
);

const INVALID_INDEXES: &str = "
    SELECT CAST(c.relname AS TEXT)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT i.indisvalid AND c.relnamespace = CAST(current_schema() AS regnamespace)";

/// What a PostgreSQL server can say about its database; see [`check`](crate::check()).
pub(crate) async fn check_whole(config: &Config) -> Result<Vec<String>, Error> {
    let options = AnyConnectOptions::from_url(&url(config)?)?;
    let mut connection = bounded(config.acquire_timeout(), options.connect()).await?;
    let mut found = Vec::new();
    for &(table, text) in READ_ALL {
        match connection.fetch_one(text).await.map_err(Error::from) {
            Ok(_) => {}
            Err(error @ (Error::Unavailable(_) | Error::Lost(_))) => return Err(error),
            Err(error) => found.push(format!("table `{table}` cannot be read: {}", told(&error))),
        }
    }
    for row in connection.fetch_all(INVALID_INDEXES).await? {
        let index: String = row.try_get(0)?;
        found.push(format!(
            "index `{index}` is not valid: rebuild it with REINDEX"
        ));
    }
    connection.close().await?;
    Ok(found)
}

fn told(error: &Error) -> String {
    let cause = std::error::Error::source(error);
    cause.map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_is_left_unread() {
        let migrations = migrate::migrations();
        let texts = migrations.iter().map(|migration| migration.sql.as_str());
        let made: Vec<_> = texts
            .flat_map(|text| text.split("CREATE TABLE ").skip(1))
            .filter_map(|rest| rest.split([' ', '(']).next())
            // Made anew, and given the name of the old one.
            .filter(|table| !table.starts_with("new_"))
            .collect();
        assert!(made.len() > 20, "{made:?}");
        for table in made {
            assert!(
                READ_ALL.iter().any(|(read, _)| *read == table),
                "add `{table}` to READ_ALL"
            );
        }
    }
}
