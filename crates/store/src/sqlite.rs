//! What is special about SQLite: its file, its settings, its single writer.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tempfile::TempDir;

use crate::config::Config;
use crate::db::{Engine, Store, pool, with_settings};
use crate::error::Error;
use crate::health::Health;
use crate::{migrate, retry};

/// IMMEDIATE: a deferred transaction that reads and then writes fails at once when another wrote
/// in between, whatever the busy timeout.
pub(crate) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";
pub(crate) const BEGIN_READ: &str = "BEGIN DEFERRED";

/// FULL: with NORMAL, the newest commits may be gone after a power failure (REL-01). The log is
/// cut back to 64 MiB after a checkpoint (REL-72). A large batch of evidence stays in memory until it
/// is committed, beyond the size of the cache, instead of being spilled into the log in the middle.
const WRITER: &str = "
    PRAGMA busy_timeout = 5000;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA cache_spill = OFF;
    PRAGMA journal_size_limit = 67108864";

const READER: &str = "
    PRAGMA busy_timeout = 5000;
    PRAGMA query_only = ON";

/// Kept by the file itself, once set.
const WAL: &str = "PRAGMA journal_mode = WAL";

/// A local file answers, or the machine is in trouble; writers of other processes are waited for.
const STATEMENT_LIMIT: Duration = Duration::from_secs(30);
/// As long as a process waits for another one's transaction.
const WRITER_TIMEOUT: Duration = Duration::from_secs(5);

/// Files up to this size are checked whole at start, larger ones in the tables that everything
/// depends on: a start must not take as long as reading a database of gigabytes.
const CHECKED_WHOLE: u64 = 32 << 20;

const QUICK_CHECKS: [&str; 4] = [
    "PRAGMA quick_check('sqlite_schema')",
    "PRAGMA quick_check('settings')",
    "PRAGMA quick_check('signing_keys')",
    "PRAGMA quick_check('organizations')",
];

pub(crate) async fn open(config: &Config) -> Result<Store, Error> {
    let (path, temporary) = place(&config.url)?;
    make_private(&path)?;
    check_writable(&path)?;
    let options = options(&path)?;
    prepare(&options, &path).await?;

    let readers = pool(
        config.max_connections,
        config.acquire_timeout(),
        STATEMENT_LIMIT,
    );
    let writers = pool(1, WRITER_TIMEOUT, STATEMENT_LIMIT);
    Ok(Store {
        engine: Engine::Sqlite,
        readers: with_settings(readers, READER).connect_lazy_with(options.clone()),
        writers: with_settings(writers, WRITER).connect_lazy_with(options),
        begin_limit: STATEMENT_LIMIT,
        statement_limit: STATEMENT_LIMIT,
        place: Some(Arc::new(Place::of(path)?)),
        health: Health::default(),
        _temporary: temporary.map(Arc::new),
    })
}

/// Where the file of a database was found when it was opened.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    file: FileId,
}

type FileId = (u64, u64);

impl Place {
    fn of(path: PathBuf) -> Result<Self, Error> {
        let file = file_id(&path)?;
        Ok(Self { path, file })
    }

    /// Whether the file is still there: SQLite goes on writing to one that was deleted, and what it
    /// saves is gone when the process ends (REL-37). Looks only at the name, which takes a
    /// microsecond.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if file_id(&self.path)? == self.file {
            Ok(())
        } else {
            Err(Error::Gone("another file is in its place".into()))
        }
    }

    /// Whether the folder takes a new file with some pages in it. Tells a full disk from a
    /// read-only one where SQLite only says that the disk fails; and the log of changes may have
    /// room for a small write that the next one finds used up.
    pub(crate) async fn check_room(&self) -> Result<(), Error> {
        let path = self.path.clone();
        match tokio::task::spawn_blocking(move || take_room(&path)).await {
            Ok(taken) => Ok(taken?),
            Err(_stopping) => Ok(()),
        }
    }
}

fn take_room(path: &Path) -> io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    tempfile::tempfile_in(folder)?.write_all(&[0; ROOM])
}

/// More than any change writes.
const ROOM: usize = 256 << 10;

#[cfg(unix)]
fn file_id(path: &Path) -> Result<FileId, Error> {
    use std::os::unix::fs::MetadataExt as _;
    let file = path.metadata()?;
    Ok((file.dev(), file.ino()))
}

/// Elsewhere a file that is open cannot be deleted.
#[cfg(not(unix))]
fn file_id(path: &Path) -> Result<FileId, Error> {
    path.metadata()?;
    Ok((0, 0))
}

/// Where the file is; for `sqlite::memory:`, in a folder of its own that goes with the store: each
/// connection of a pool would otherwise have a memory of its own.
fn place(url: &str) -> Result<(PathBuf, Option<TempDir>), Error> {
    let rest = url.strip_prefix("sqlite:").unwrap_or(url);
    if rest == ":memory:" || rest == "//:memory:" {
        let folder = TempDir::with_prefix("countersign-")?;
        return Ok((folder.path().join("memory.db"), Some(folder)));
    }
    let encoded = rest.strip_prefix("//").unwrap_or(rest);
    let path = percent_decode_str(encoded).decode_utf8().ok();
    match path {
        Some(path) if !path.is_empty() && !encoded.contains('?') => {
            let path = std::path::absolute(path.as_ref())?;
            Ok((path, None))
        }
        _ => Err(Error::Unusable(
            "a SQLite URL is `sqlite:///path/to/file.db`, without parameters".to_owned(),
        )),
    }
}

/// Makes the folder with mode 0700 and the file with 0600; SQLite gives its side files the mode
/// of the file. What exists is left as it is.
fn make_private(path: &Path) -> Result<(), Error> {
    let mut folders = DirBuilder::new();
    let mut file = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        folders.mode(0o700);
        file.mode(0o600);
    }
    if let Some(folder) = path.parent() {
        folders.recursive(true).create(folder)?;
    }
    match file.write(true).create_new(true).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        _ => check_header(path),
    }
}

/// SQLite opens a file that it may not write as one to be read, and fails later, in another way.
fn check_writable(path: &Path) -> Result<(), Error> {
    OpenOptions::new().write(true).open(path)?;
    Ok(take_room(path)?)
}

/// A file of another kind is refused before SQLite touches it.
fn check_header(path: &Path) -> Result<(), Error> {
    const HEADER: &[u8] = b"SQLite format 3\0";
    let mut start = Vec::new();
    let file = File::open(path)?;
    file.take(16).read_to_end(&mut start)?;
    if start.is_empty() || start == HEADER {
        Ok(())
    } else {
        Err(Error::Damaged(
            "the file does not begin like a SQLite database".to_owned(),
        ))
    }
}

fn options(path: &Path) -> Result<AnyConnectOptions, Error> {
    let encoded = utf8_percent_encode(&path.to_string_lossy(), NON_ALPHANUMERIC)
        .to_string()
        .replace("%2F", "/");
    let url = format!("sqlite://{encoded}?mode=rw");
    let url = url::Url::parse(&url).map_err(|error| Error::Unavailable(error.into()))?;
    Ok(AnyConnectOptions::from_url(&url)?)
}

/// Looks at the file before a pool does: a pool would repeat a failure until its time is over,
/// and then only say that it is.
async fn prepare(options: &AnyConnectOptions, path: &Path) -> Result<(), Error> {
    let mut connection = options.connect().await?;
    // Changing the journal mode does not wait for others, whatever the busy timeout.
    retry(|| async {
        let mut connection = options.connect().await?;
        let mode: String = connection.fetch_one(WAL).await?.try_get(0)?;
        connection.close().await?;
        match mode.as_str() {
            "wal" => Ok(()),
            _ => Err(Error::Unusable(
                "the database file cannot have a write-ahead log here: put it on a local file system".to_owned(),
            )),
        }
    })
    .await?;
    connection.execute(WRITER).await?;
    let size = path.metadata()?.len();
    check(&mut connection, size).await?;
    migrate::run(&mut connection, BEGIN_WRITE).await?;
    Ok(connection.close().await?)
}

/// REL-07: a damaged database is found at start, not by the first who needs the damaged page.
async fn check(connection: &mut AnyConnection, size: u64) -> Result<(), Error> {
    if size <= CHECKED_WHOLE {
        return quick_check(connection, "PRAGMA quick_check(1)").await;
    }
    for check in QUICK_CHECKS {
        quick_check(connection, check).await?;
    }
    Ok(())
}

/// Everything that SQLite can say about a file; see [`check`](crate::check()).
pub(crate) async fn check_whole(config: &Config) -> Result<Vec<String>, Error> {
    let (path, _temporary) = place(&config.url)?;
    if !path.exists() {
        let path = path.display();
        return Err(Error::Unusable(format!("there is no file `{path}`")));
    }
    check_header(&path)?;
    let mut connection = options(&path)?.connect().await?;
    connection.execute(READER).await?;
    let rows = connection.fetch_all("PRAGMA integrity_check").await?;
    let found: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    let mut found = found?;
    found.retain(|line| line != "ok");
    for row in connection.fetch_all("PRAGMA foreign_key_check").await? {
        let (table, parent): (String, String) = (row.try_get(0)?, row.try_get(2)?);
        found.push(format!(
            "a row of `{table}` names a row of `{parent}` that is not there"
        ));
    }
    connection.close().await?;
    Ok(found)
}

async fn quick_check(connection: &mut AnyConnection, pragma: &'static str) -> Result<(), Error> {
    let found: String = connection.fetch_one(pragma).await?.try_get(0)?;
    if found == "ok" {
        Ok(())
    } else {
        Err(Error::Damaged(found))
    }
}
