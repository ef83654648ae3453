//! Facts about the installation: its id, the name of its master key.

use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;

/// The setting of that name.
///
/// # Errors
/// [`Error`].
pub async fn get(r: &mut impl Reads, name: &str) -> Result<Option<String>, Error> {
    const GET: &str = "
        SELECT name, value
        FROM settings
        WHERE name = $1";
    let get = query(GET).bind(name);
    r.session()
        .find("settings", get, |row| row.text("value"))
        .await
}

/// Sets what was not set before; gives the value that holds now, which is the first one ever put.
///
/// # Errors
/// [`Error::Busy`] when somebody else sets it at the same moment.
pub async fn put_if_absent(w: &mut Write, name: &str, value: &str) -> Result<String, Error> {
    const PUT: &str = "
        INSERT INTO settings (name, value)
        VALUES ($1, $2)
        ON CONFLICT (name) DO NOTHING";
    w.session()
        .execute(query(PUT).bind(name).bind(value))
        .await?;
    let stored = get(w, name).await?;
    Ok(stored.unwrap_or_else(|| value.to_owned()))
}
