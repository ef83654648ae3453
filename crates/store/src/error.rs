//! What can go wrong with the database, sorted by what a caller can do about it.

use std::error::Error as StdError;

/// What the driver said, for the operator's log. Holds names and codes, no values of rows.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be reached, does not answer in time, or cannot write: full, read-only.
    #[error("the database is not available")]
    Unavailable(#[source] Cause),
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

/// Result codes of SQLite: <https://www.sqlite.org/rescode.html>. The low byte is the kind.
fn sqlite(code: u32, error: sqlx::Error) -> Error {
    const UNIQUE: [u32; 3] = [1555, 2067, 2579];
    match code & 0xff {
        5 | 6 => Error::Busy(error.into()),
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
        "25P03" | "57P01" | "57P02" | "57P03" | "57P05" => Error::Lost(error.into()),
        "XX001" | "XX002" => Error::Damaged(error.to_string()),
        _ => match code.get(..2) {
            Some("08") => Error::Lost(error.into()),
            Some("22" | "23" | "25" | "42") => Error::Refused(error.into()),
            _ => Error::Unavailable(error.into()),
        },
    }
}
