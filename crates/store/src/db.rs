//! Connections and transactions.

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::{Any, AnyPool, Connection as _, Executor as _, Transaction};
use tempfile::TempDir;

use crate::config::Config;
use crate::error::Error;
use crate::health::{Health, Trouble};
use crate::row::Row;
use crate::sqlite::Place;
use crate::{postgres, sqlite};

/// The database engines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// SQLite, one file on this machine.
    Sqlite,
    /// PostgreSQL, which several nodes can share.
    Postgres,
}

/// A database, opened and at the schema of this release. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) engine: Engine,
    pub(crate) readers: AnyPool,
    pub(crate) writers: AnyPool,
    /// Longest time to begin a transaction, the wait for a connection included.
    pub(crate) begin_limit: Duration,
    /// Longest time of one statement.
    pub(crate) statement_limit: Duration,
    /// Where its file was when it was opened; SQLite only.
    pub(crate) place: Option<Arc<Place>>,
    pub(crate) health: Health,
    /// Keeps the folder of a temporary database as long as the store.
    pub(crate) _temporary: Option<Arc<TempDir>>,
}

impl Store {
    /// Connects, checks that the database is sound and safe to use, and brings its schema up to
    /// date; several processes may do so at once.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::NewerSchema`], [`Error::Unusable`] with what to do;
    /// [`Error::Unavailable`] within the configured time.
    pub async fn open(config: &Config) -> Result<Self, Error> {
        sqlx::any::install_default_drivers();
        match config.url.split(':').next() {
            Some("sqlite") => sqlite::open(config).await,
            Some("postgres" | "postgresql") => postgres::open(config).await,
            _ => Err(Error::Unusable(
                "the database URL must begin with `sqlite:` or `postgres:`".to_owned(),
            )),
        }
    }

    /// Which engine it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Begins to read: everything read through it is of one moment.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection comes in the configured time.
    pub async fn read(&self) -> Result<Read, Error> {
        let begin = match self.engine {
            Engine::Sqlite => sqlite::BEGIN_READ,
            Engine::Postgres => postgres::BEGIN_READ,
        };
        self.begin(&self.readers, begin).await.map(Read)
    }

    /// Begins to write. On SQLite there is one writer at a time; on PostgreSQL, a transaction
    /// whose rows somebody else changed since it read them fails with [`Error::Busy`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection comes in time; [`Error::Busy`]; [`Error::Gone`].
    pub async fn write(&self) -> Result<Write, Error> {
        if let Some(place) = &self.place {
            place.check().inspect_err(|error| self.health.note(error))?;
        }
        let begin = match self.engine {
            Engine::Sqlite => sqlite::BEGIN_WRITE,
            Engine::Postgres => postgres::BEGIN_WRITE,
        };
        self.begin(&self.writers, begin).await.map(Write)
    }

    async fn begin(&self, pool: &AnyPool, text: &'static str) -> Result<Session, Error> {
        let begin = async || match pool.begin_with(text).await {
            // It may have been closed since the pool tried it; the next one is new.
            Err(sqlx::Error::Io(_)) => pool.begin_with(text).await,
            begun => begun,
        };
        let begun = bounded(self.begin_limit, begin()).await;
        let begun = begun.map_err(Error::at_begin);
        Ok(Session {
            transaction: begun.inspect_err(|error| self.health.note(error))?,
            limit: self.statement_limit,
            health: self.health.clone(),
            failed: false,
            events: 0,
        })
    }

    /// What is wrong with the database itself: each trouble from when it is first met until
    /// [`try_writing`](Self::try_writing) succeeds; damage, for as long as the process runs.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        self.health.troubles()
    }

    /// Saves something that changes nothing. When it is saved, the database does not fail any more.
    ///
    /// # Errors
    /// What still is in the way.
    pub async fn try_writing(&self) -> Result<(), Error> {
        const TOUCH: &str = "
            UPDATE leases
            SET fencing = fencing
            WHERE name = 'schema'";
        if let Some(place) = &self.place {
            let room = place.check_room().await;
            room.inspect_err(|error| self.health.note(error))?;
        }
        let mut write = self.write().await?;
        write.0.execute(sqlx::query(TOUCH)).await?;
        write.commit().await?;
        self.health.works();
        Ok(())
    }

    /// Waits for what is under way, but not longer than ten seconds, and closes every connection.
    pub async fn close(&self) {
        const LONGEST: Duration = Duration::from_secs(10);
        let both = async {
            self.readers.close().await;
            self.writers.close().await;
        };
        // What is still under way then is cut off, as by a crash; a stop must not hang on it.
        let _ = tokio::time::timeout(LONGEST, both).await;
    }
}

/// A read transaction: one snapshot of the database. Ends when dropped.
#[derive(Debug)]
pub struct Read(Session);

/// A write transaction. Commits as a whole or leaves nothing: dropping it rolls back.
#[derive(Debug)]
pub struct Write(Session);

impl Write {
    /// Saves everything written through it; when this returns, it survives a power failure.
    ///
    /// # Errors
    /// [`Error::InDoubt`] when the connection breaks meanwhile; [`Error::Failed`] when a statement
    /// failed before.
    pub async fn commit(self) -> Result<(), Error> {
        let Session {
            transaction,
            limit,
            health,
            failed,
            ..
        } = self.0;
        // PostgreSQL answers the commit of a failed transaction with a silent rollback.
        if failed {
            return Err(Error::Failed);
        }
        match tokio::time::timeout(limit, transaction.commit()).await {
            Ok(done) => done
                .map_err(|error| Error::from(error).at_commit())
                .inspect_err(|error| health.note(error)),
            Err(_) => Err(Error::InDoubt("no answer in time".into())),
        }
    }
}

/// What can be read from: [`Read`] and [`Write`], nothing else.
pub trait Reads: sealed::Sealed + Send {}

impl Reads for Read {}
impl Reads for Write {}

mod sealed {
    use super::Session;

    pub trait Sealed {
        fn session(&mut self) -> &mut Session;
    }

    impl Sealed for super::Read {
        fn session(&mut self) -> &mut Session {
            &mut self.0
        }
    }

    impl Sealed for super::Write {
        fn session(&mut self) -> &mut Session {
            &mut self.0
        }
    }
}

pub(crate) use sealed::Sealed;

pub(crate) type Query = sqlx::query::Query<'static, Any, AnyArguments>;

/// A transaction, and what is known of its health.
#[derive(Debug)]
pub struct Session {
    transaction: Transaction<'static, Any>,
    limit: Duration,
    health: Health,
    failed: bool,
    /// How many event ids were made in it; keeps events of one millisecond in their order.
    pub(crate) events: u16,
}

impl Session {
    /// Runs a statement; gives the number of rows it touched.
    pub(crate) async fn execute(&mut self, query: Query) -> Result<u64, Error> {
        let done = bounded(self.limit, query.execute(&mut *self.transaction)).await;
        self.noted(done).map(|result| result.rows_affected())
    }

    /// Changes the row of a known revision; whoever else changed it was faster.
    pub(crate) async fn change_one(&mut self, query: Query) -> Result<(), Error> {
        match self.execute(query).await? {
            0 => Err(Error::Conflict),
            _ => Ok(()),
        }
    }

    /// Every row, read by `read`, which takes them as rows of `table`.
    pub(crate) async fn list<T>(
        &mut self,
        table: &'static str,
        query: Query,
        read: impl Fn(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let rows = bounded(self.limit, query.fetch_all(&mut *self.transaction)).await;
        let rows: Vec<AnyRow> = self.noted(rows).map_err(|error| in_table(error, table))?;
        let read = rows.iter().map(|row| read(&Row::new(row, table)));
        let read: Result<_, Error> = read.collect();
        read.inspect_err(|error| self.health.note(error))
    }

    /// The first row, if there is one.
    pub(crate) async fn find<T>(
        &mut self,
        table: &'static str,
        query: Query,
        read: impl Fn(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        Ok(self.list(table, query, read).await?.into_iter().next())
    }

    fn noted<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.failed |= result.is_err();
        result.inspect_err(|error| self.health.note(error))
    }
}

/// A row that the driver itself could not take apart is corrupt, too.
fn in_table(error: Error, table: &'static str) -> Error {
    match error {
        Error::Corrupt { id, column, .. } => Error::Corrupt { table, id, column },
        other => other,
    }
}

/// A pool whose connections are given up when they do not answer: one that hangs while it is
/// returned would otherwise take its place in the pool until TCP notices, a quarter of an hour.
///
/// One that counts as within a transaction is given up, too: SQLite rolls back by itself when the
/// disk is full, the driver's own rollback then fails, and it would begin nothing any more.
pub(crate) fn pool(max_connections: u32, acquire: Duration, limit: Duration) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(max_connections.max(1))
        .acquire_timeout(acquire)
        .after_release(move |connection, _| {
            Box::pin(async move {
                match tokio::time::timeout(limit, connection.ping()).await {
                    Ok(answered) => answered.map(|()| !connection.is_in_transaction()),
                    Err(_) => Err(sqlx::Error::PoolTimedOut),
                }
            })
        })
}

/// Runs the statements that every new connection of a pool begins with.
pub(crate) fn with_settings(options: AnyPoolOptions, text: &'static str) -> AnyPoolOptions {
    options.after_connect(move |connection, _| {
        Box::pin(async move { connection.execute(text).await.map(|_| ()) })
    })
}

/// `work`, given up after `limit`.
pub(crate) async fn bounded<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done.map_err(Error::from),
        Err(_) => Err(Error::Unavailable("no answer in time".into())),
    }
}
