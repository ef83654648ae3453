//! Looks at every page and every row, for an operator who wants to know whether the database is
//! sound. A start looks at less: it must not take as long as reading gigabytes.

use crate::config::Config;
use crate::error::Error;
use crate::{postgres, sqlite};

/// Reads the whole database and says what is wrong with it, one sentence each; nothing when it is
/// sound. Changes nothing, also where [`Store::open`](crate::Store::open) refuses to go on.
///
/// SQLite: the structure of the file, its indexes and its constraints. PostgreSQL: every row of
/// every table is read, and indexes that the server itself holds for invalid are named; pages
/// are checked as far as the server has checksums.
///
/// # Errors
/// The database cannot be looked at.
pub async fn check(config: &Config) -> Result<Vec<String>, Error> {
    sqlx::any::install_default_drivers();
    let checked = if config.url.starts_with("sqlite:") {
        sqlite::check_whole(config).await
    } else {
        postgres::check_whole(config).await
    };
    match checked {
        Err(Error::Damaged(what)) => Ok(vec![what]),
        other => other,
    }
}
