//! What is special about PostgreSQL: how it is connected to, and when it is refused.

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, Executor as _, Row as _};
use url::Url;

use crate::config::Config;
use crate::db::{Engine, Store, bounded, pool};
use crate::error::Error;
use crate::migrate;

/// Settings travel with each transaction, not with the connection: a pooler in transaction mode
/// gives every transaction another one. Writers, too, see one moment of the database: a row that
/// somebody else changed since then is a serialization failure, which `retry` repeats.
pub(crate) const BEGIN_WRITE: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ, READ WRITE;
    SET LOCAL lock_timeout = '2s';
    SET LOCAL statement_timeout = '5s';
    SET LOCAL idle_in_transaction_session_timeout = '30s'";

pub(crate) const BEGIN_READ: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
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
    let mut connection = bounded(config.acquire_timeout(), options.connect()).await?;
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
        // Beginning waits for nobody but the network.
        begin_limit: config.acquire_timeout().saturating_mul(2),
        statement_limit: limit,
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
