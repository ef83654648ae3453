//! What can go wrong with the database, sorted by what a caller can do about it.

use std::error::Error as StdError;
use std::io;

use crate::health::Trouble;

/// What the driver said, for the operator's log. Holds names and codes, no values of rows.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, or does not answer in time.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] Cause),
    /// There is no room for what was to be saved. Reading goes on.
    #[error("the disk of the database is full, nothing was saved: free space on it")]
    Full(#[source] Cause),
    /// Somebody made it read-only. Reading goes on.
    #[error(
        "the database cannot be written, nothing was saved: look whether its file system is mounted read-only, and whether this user may write to the file and its folder"
    )]
    ReadOnly(#[source] Cause),
    /// The file is not where it was opened: what is saved now would be lost with it.
    #[error(
        "the database file was moved or deleted while it was in use, nothing was saved: put the same file back in its place, or stop the server and restore the last backup"
    )]
    Gone(#[source] Cause),
    /// The disk refuses to read or write, for another reason than those above.
    #[error(
        "the disk of the database fails, so what was to be saved may be lost; the log of the operating system says why: {0}"
    )]
    Disk(#[source] Cause),
    /// Another transaction was in the way: the same work may succeed when it is done again.
    #[error("the database is busy with other changes")]
    Busy(#[source] Cause),
    /// The connection broke before the commit: nothing was saved, doing it again may help.
    #[error("the connection to the database was lost; nothing was saved")]
    Lost(#[source] Cause),
    /// The connection broke during the commit: whether the change was saved is not known, so it
    /// must not be repeated blindly.
    #[error("the connection to the database was lost while saving: look whether it was saved")]
    InDoubt(#[source] Cause),
    /// The revision that the change was made from is not the stored one any more.
    #[error("somebody else changed it in the meantime: load it again, then repeat the change")]
    Conflict,
    /// A value that must be unique exists already, or existed before (`spec/security.md` ORG-05).
    #[error("it exists already, or an id of it was used before")]
    Duplicate,
    /// A row breaks a rule of the schema; a mistake in our own code.
    #[error("the database refused a row that breaks a rule of its schema")]
    Refused(#[source] Cause),
    /// The transaction failed earlier and cannot be committed.
    #[error("the transaction failed before and was not saved")]
    Failed,
    /// A stored row cannot be read as what it should be.
    #[error("row `{id}` of table `{table}` is damaged at `{column}`: restore it from a backup")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// Value of the row's first column, as far as it can be read.
        id: String,
        /// The column.
        column: String,
    },
    /// A later release changed the schema in a way that this one cannot live with.
    #[error(
        "the database belongs to a later release: its schema needs at least migration {needed}, this release knows {known}. Start the later release, or restore a backup made before the upgrade"
    )]
    NewerSchema {
        /// The oldest migration that a release must know.
        needed: i64,
        /// The last one that this release knows.
        known: i64,
    },
    /// The database itself is damaged.
    #[error(
        "the database is damaged ({0}): stop every server that uses it, keep the file, and restore the last backup in its place"
    )]
    Damaged(String),
    /// The configuration, or the database's own, cannot be worked with.
    #[error("{0}")]
    Unusable(String),
}

/// Whether an error means that the same work, done again from the start, may succeed.
///
/// For errors of callers that wrap ours; see [`retry`](crate::retry).
pub trait Retryable {
    /// Whether to do it again.
    fn is_retryable(&self) -> bool;
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Lost(_))
    }
}

impl Error {
    /// What is wrong with the database itself, if that is what it says: not with one request,
    /// and not with the way to the database.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Full(_) | Self::ReadOnly(_) | Self::Gone(_) | Self::Disk(_) => {
                Some(Trouble::Failing(self.to_string()))
            }
            Self::Damaged(_) | Self::Corrupt { .. } => Some(Trouble::Damaged(self.to_string())),
            _ => None,
        }
    }

    /// The same failure, met while beginning: no connection is to be had, and work that is repeated
    /// would only let its caller wait.
    pub(crate) fn at_begin(self) -> Self {
        match self {
            Self::Lost(cause) => Self::Unavailable(cause),
            other => other,
        }
    }

    /// The same failure, met while committing: what was only lost is in doubt there.
    pub(crate) fn at_commit(self) -> Self {
        match self {
            Self::Lost(cause) => Self::InDoubt(cause),
            other => other,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                // Codes of SQLSTATE have five characters, those of SQLite fewer.
                match code.parse::<u32>() {
                    Ok(number) if code.len() < 5 => sqlite(number, error),
                    _ => postgres(&code, error),
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Lost(error.into()),
            sqlx::Error::ColumnDecode { index, .. } => Self::Corrupt {
                table: "?",
                id: "?".to_owned(),
                column: index.clone(),
            },
            sqlx::Error::Configuration(_) => {
                Self::Unusable("the database URL cannot be read".to_owned())
            }
            _ => Self::Unavailable(error.into()),
        }
    }
}

/// What files do; the database is one.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full(error.into()),
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Self::ReadOnly(error.into())
            }
            io::ErrorKind::NotFound => Self::Gone(error.into()),
            _ => Self::Disk(error.into()),
        }
    }
}

/// Result codes of SQLite: <https://www.sqlite.org/rescode.html>. The low byte is the kind.
fn sqlite(code: u32, error: sqlx::Error) -> Error {
    const UNIQUE: [u32; 3] = [1555, 2067, 2579];
    /// The index of the write-ahead log could not be made larger: that is how a full disk shows
    /// where it is made.
    const SHARED_MEMORY_SIZE: u32 = 4874;
    match code & 0xff {
        5 | 6 => Error::Busy(error.into()),
        8 => Error::ReadOnly(error.into()),
        13 => Error::Full(error.into()),
        _ if code == SHARED_MEMORY_SIZE => Error::Full(error.into()),
        10 | 14 => Error::Disk(error.into()),
        11 | 26 => Error::Damaged(error.to_string()),
        19 if UNIQUE.contains(&code) => Error::Duplicate,
        1 | 19 | 20 | 25 => Error::Refused(error.into()),
        _ => Error::Unavailable(error.into()),
    }
}

/// SQLSTATE: PostgreSQL manual, appendix A.
fn postgres(code: &str, error: sqlx::Error) -> Error {
    match code {
        "40001" | "40P01" | "55P03" => Error::Busy(error.into()),
        "23505" => Error::Duplicate,
        "42501" => Error::Unusable(format!(
            "the database user lacks a right ({error}): make it the owner of its database"
        )),
        "25006" => Error::ReadOnly(error.into()),
        "53100" => Error::Full(error.into()),
        "58030" => Error::Disk(error.into()),
        "25P03" | "57P01" | "57P02" | "57P03" | "57P05" => Error::Lost(error.into()),
        "XX001" | "XX002" => Error::Damaged(error.to_string()),
        _ => match code.get(..2) {
            Some("08") => Error::Lost(error.into()),
            Some("22" | "23" | "25" | "42") => Error::Refused(error.into()),
            _ => Error::Unavailable(error.into()),
        },
    }
}
