//! Signing keys. No row is ever removed: a `kid` is never used twice.

use countersign_model::{KeyState, SigningAlgorithm, SigningKeyRecord};
use countersign_wire::Timestamp;
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::row::Row;

/// All keys by sequence, removed ones, too.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads) -> Result<Vec<SigningKeyRecord>, Error> {
    const LIST: &str = "
        SELECT id, sequence, algorithm, sealed_private_key, certificate, state, state_since,
            created_at
        FROM signing_keys
        ORDER BY sequence";
    r.session().list("signing_keys", query(LIST), read).await
}

/// Adds a key.
///
/// # Errors
/// [`Error::Duplicate`] when its id or sequence exists, or it is active and another one of
/// its algorithm is.
pub async fn insert(w: &mut Write, key: &SigningKeyRecord) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO signing_keys
            (id, sequence, algorithm, sealed_private_key, certificate, state, state_since,
             active_marker, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let (state, since) = stored(&key.state);
    let insert = query(INSERT)
        .bind(key.id.as_str())
        .bind(key.sequence)
        .bind(key.algorithm.as_str())
        .bind(&*key.sealed_private_key)
        .bind(key.certificate.as_deref())
        .bind(state)
        .bind(since)
        .bind(marker(key))
        .bind(key.created_at.as_millis());
    w.session().execute(insert).await.map(|_| ())
}

/// Moves a key from the state `before` to that of `after`, and takes over its sealed private key,
/// which changes when the master key is replaced. To hand over, save the key that retires first.
///
/// # Errors
/// [`Error::Conflict`] when it is not in the state `before` any more; [`Error::Duplicate`] when
/// another key of its algorithm is active.
pub async fn save(w: &mut Write, before: &KeyState, after: &SigningKeyRecord) -> Result<(), Error> {
    const SAVE: &str = "
        UPDATE signing_keys
        SET state = $4, state_since = $5, active_marker = $6, sealed_private_key = $7
        WHERE id = $1 AND state = $2 AND state_since IS NOT DISTINCT FROM $3";
    let (old_state, old_since) = stored(before);
    let (state, since) = stored(&after.state);
    let save = query(SAVE)
        .bind(after.id.as_str())
        .bind(old_state)
        .bind(old_since)
        .bind(state)
        .bind(since)
        .bind(marker(after))
        .bind(&*after.sealed_private_key);
    w.session().change_one(save).await
}

fn stored(state: &KeyState) -> (&'static str, Option<i64>) {
    match state {
        KeyState::Next => ("next", None),
        KeyState::Active { since } => ("active", Some(since.as_millis())),
        KeyState::Retired { since } => ("retired", Some(since.as_millis())),
        KeyState::Removed { since } => ("removed", Some(since.as_millis())),
    }
}

/// Unique, so that one key of each algorithm is active at most.
fn marker(key: &SigningKeyRecord) -> Option<&'static str> {
    key.is_active().then_some(key.algorithm.as_str())
}

fn read(row: &Row<'_>) -> Result<SigningKeyRecord, Error> {
    Ok(SigningKeyRecord {
        id: row.parsed("id")?,
        sequence: row.number("sequence")?,
        algorithm: row.word("algorithm", SigningAlgorithm::parse)?,
        sealed_private_key: row.text("sealed_private_key")?,
        certificate: row.maybe_text("certificate")?,
        state: state(&row.text("state")?, row.maybe_at("state_since")?)
            .ok_or_else(|| row.corrupt("state"))?,
        created_at: row.at("created_at")?,
    })
}

fn state(word: &str, since: Option<Timestamp>) -> Option<KeyState> {
    match (word, since) {
        ("next", None) => Some(KeyState::Next),
        ("active", Some(since)) => Some(KeyState::Active { since }),
        ("retired", Some(since)) => Some(KeyState::Retired { since }),
        ("removed", Some(since)) => Some(KeyState::Removed { since }),
        _ => None,
    }
}
