//! Creations that were asked for with a key of the caller's, and what they were answered.

use countersign_wire::Timestamp;
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::Row;

/// A request as it is remembered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remembered {
    /// Digest of the request.
    pub request: String,
    /// What it was answered; `None` while it is worked on, or when that never ended.
    pub reply: Option<Reply>,
}

/// An answer without its secrets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers worth giving again, as JSON.
    pub headers: String,
    /// The body.
    pub body: String,
}

/// What is remembered under a key of its owner.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, owner: &str, key: &str) -> Result<Option<Remembered>, Error> {
    const FIND: &str = "
        SELECT idempotency_key, request, status, headers, body
        FROM idempotency_keys
        WHERE owner = $1 AND idempotency_key = $2";
    let found = query(FIND).bind(owner.to_owned()).bind(key.to_owned());
    r.session().find("idempotency_keys", found, read).await
}

/// Remembers that a request is worked on.
///
/// # Errors
/// [`Error::Duplicate`] when the key was used before.
pub async fn begin(
    w: &mut Write,
    owner: &str,
    key: &str,
    request: &str,
    now: Timestamp,
) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO idempotency_keys (owner, idempotency_key, request, created_at)
        VALUES ($1, $2, $3, $4)";
    let insert = query(INSERT)
        .bind(owner.to_owned())
        .bind(key.to_owned())
        .bind(request.to_owned())
        .bind(now.as_millis());
    w.session().execute(insert).await.map(|_| ())
}

/// Remembers what a request was answered.
///
/// # Errors
/// [`Error::Conflict`] when it is not remembered any more.
pub async fn finish(w: &mut Write, owner: &str, key: &str, reply: &Reply) -> Result<(), Error> {
    const FINISH: &str = "
        UPDATE idempotency_keys
        SET status = $3, headers = $4, body = $5
        WHERE owner = $1 AND idempotency_key = $2";
    let finish = query(FINISH)
        .bind(owner.to_owned())
        .bind(key.to_owned())
        .bind(i64::from(reply.status))
        .bind(reply.headers.clone())
        .bind(reply.body.clone());
    w.session().change_one(finish).await
}

/// Forgets a request that did nothing.
///
/// # Errors
/// [`Error`].
pub async fn forget(w: &mut Write, owner: &str, key: &str) -> Result<(), Error> {
    const FORGET: &str = "DELETE FROM idempotency_keys WHERE owner = $1 AND idempotency_key = $2";
    let forget = query(FORGET).bind(owner.to_owned()).bind(key.to_owned());
    w.session().execute(forget).await.map(|_| ())
}

/// Removes up to `limit` requests from before `older_than`; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, older_than: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM idempotency_keys
        WHERE (owner, idempotency_key) IN (
            SELECT owner, idempotency_key
            FROM idempotency_keys
            WHERE created_at < $1
            LIMIT $2)";
    let trim = query(TRIM)
        .bind(older_than.as_millis())
        .bind(i64::from(limit));
    w.session().execute(trim).await
}

fn read(row: &Row<'_>) -> Result<Remembered, Error> {
    let reply = match (row.maybe_text("headers")?, row.maybe_text("body")?) {
        (Some(headers), Some(body)) => {
            let status = u16::try_from(row.number("status")?);
            Some(Reply {
                status: status.map_err(|_| row.corrupt("status"))?,
                headers,
                body,
            })
        }
        _ => None,
    };
    Ok(Remembered {
        request: row.text("request")?,
        reply,
    })
}
