//! Why requests were refused, for `admin explain`: the caller saw the generic text only.

use countersign_wire::{CredentialId, Timestamp};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::{Row, storable, stored_count};

const TABLE: &str = "refusals";

/// One refused request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefusalRecord {
    /// `x-debug-id` of the answer.
    pub debug_id: String,
    /// When.
    pub at: Timestamp,
    /// The path asked.
    pub endpoint: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// `error` of the answer.
    pub error: String,
    /// The credential, if it was found.
    pub credential_id: Option<CredentialId>,
    /// The client id as it came, if any.
    pub client_id: Option<String>,
    /// The full reason, for the owner.
    pub cause: String,
    /// The network it came from.
    pub source: String,
}

/// Records refusals. Of two with one debug id the first stays.
///
/// # Errors
/// [`Error`].
pub async fn insert(w: &mut Write, refusals: &[RefusalRecord]) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO refusals (debug_id, refused_at, endpoint, status, error, credential_id,
            client_id, cause, source)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (debug_id) DO NOTHING";
    for refusal in refusals {
        let insert = query(INSERT)
            .bind(storable(&refusal.debug_id))
            .bind(refusal.at.as_millis())
            .bind(storable(&refusal.endpoint))
            .bind(i64::from(refusal.status))
            .bind(storable(&refusal.error))
            .bind(refusal.credential_id.as_ref().map(CredentialId::as_str))
            .bind(refusal.client_id.as_deref().map(storable))
            .bind(storable(&refusal.cause))
            .bind(storable(&refusal.source));
        w.session().execute(insert).await?;
    }
    Ok(())
}

/// The refusal that was answered with this debug id.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, debug_id: &str) -> Result<Option<RefusalRecord>, Error> {
    const FIND: &str = "
        SELECT debug_id, refused_at, endpoint, status, error, credential_id, client_id, cause,
            source
        FROM refusals
        WHERE debug_id = $1";
    let found = query(FIND).bind(storable(debug_id));
    r.session().find(TABLE, found, read).await
}

/// Removes refusals from before `older_than`, and the oldest beyond `keep_most`: up to `limit` in
/// all. Gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(
    w: &mut Write,
    older_than: Timestamp,
    keep_most: u64,
    limit: u32,
) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM refusals
        WHERE debug_id IN (
            SELECT debug_id
            FROM refusals
            WHERE (refused_at, debug_id) <= ($1, $2)
            ORDER BY refused_at, debug_id
            LIMIT $3)";
    // No debug id is empty: this key lies before all of that instant, behind all of earlier ones.
    let too_old = (older_than.as_millis(), String::new());
    let (at, debug_id) = match newest_beyond(w, keep_most).await? {
        Some(too_many) => too_many.max(too_old),
        None => too_old,
    };
    let trim = query(TRIM).bind(at).bind(debug_id).bind(i64::from(limit));
    w.session().execute(trim).await
}

/// Key of the newest refusal that is one too many.
async fn newest_beyond(w: &mut Write, keep_most: u64) -> Result<Option<(i64, String)>, Error> {
    const CUT: &str = "
        SELECT debug_id, refused_at
        FROM refusals
        ORDER BY refused_at DESC, debug_id DESC
        LIMIT 1 OFFSET $1";
    let cut = query(CUT).bind(stored_count(keep_most));
    w.session()
        .find(TABLE, cut, |row| {
            Ok((row.number("refused_at")?, row.text("debug_id")?))
        })
        .await
}

fn read(row: &Row<'_>) -> Result<RefusalRecord, Error> {
    Ok(RefusalRecord {
        debug_id: row.text("debug_id")?,
        at: row.at("refused_at")?,
        endpoint: row.text("endpoint")?,
        status: u16::try_from(row.number("status")?).map_err(|_| row.corrupt("status"))?,
        error: row.text("error")?,
        credential_id: row.maybe_parsed("credential_id")?,
        client_id: row.maybe_text("client_id")?,
        cause: row.text("cause")?,
        source: row.text("source")?,
    })
}
