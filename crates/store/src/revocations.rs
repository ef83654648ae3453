//! What was revoked before its time: single tokens, or everything minted by a secret, a
//! certificate, a key or a credential.

use countersign_wire::{CertificateId, CredentialId, KeyThumbprint, SecretId, Timestamp, TokenId};
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::page::Page;
use crate::row::Row;

const TABLE: &str = "revocations";

/// A revocation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revocation {
    /// What was revoked.
    pub subject: Subject,
    /// Since when: tokens issued up to here are refused.
    pub revoked_at: Timestamp,
    /// When nothing that it concerns can be alive any more.
    pub expires_at: Timestamp,
}

/// What can be revoked.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Subject {
    /// One access token.
    Token(TokenId),
    /// All tokens that a secret minted.
    Secret(SecretId),
    /// All tokens that a certificate minted.
    Certificate(CertificateId),
    /// All tokens that a registered key minted.
    Key(KeyThumbprint),
    /// All tokens of a credential.
    Credential(CredentialId),
}

impl Subject {
    pub(crate) fn stored(&self) -> (&'static str, &str) {
        match self {
            Self::Token(id) => ("token", id.as_str()),
            Self::Secret(id) => ("secret", id.as_str()),
            Self::Certificate(id) => ("certificate", id.as_str()),
            Self::Key(id) => ("key", id.as_str()),
            Self::Credential(id) => ("credential", id.as_str()),
        }
    }

    pub(crate) fn parse(kind: &str, id: &str) -> Option<Self> {
        match kind {
            "token" => id.parse().ok().map(Self::Token),
            "secret" => id.parse().ok().map(Self::Secret),
            "certificate" => id.parse().ok().map(Self::Certificate),
            "key" => id.parse().ok().map(Self::Key),
            "credential" => id.parse().ok().map(Self::Credential),
            _ => None,
        }
    }
}

/// Records a revocation. Of two for one subject the later times win.
///
/// # Errors
/// [`Error`].
pub async fn insert(w: &mut Write, revocation: &Revocation) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO revocations (kind, subject_id, revoked_at, expires_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (kind, subject_id) DO UPDATE
        SET revoked_at = CASE WHEN excluded.revoked_at > revocations.revoked_at
                THEN excluded.revoked_at ELSE revocations.revoked_at END,
            expires_at = CASE WHEN excluded.expires_at > revocations.expires_at
                THEN excluded.expires_at ELSE revocations.expires_at END";
    let (kind, id) = revocation.subject.stored();
    let insert = query(INSERT)
        .bind(kind)
        .bind(id)
        .bind(revocation.revoked_at.as_millis())
        .bind(revocation.expires_at.as_millis());
    w.session().execute(insert).await.map(|_| ())
}

/// Every revocation that has not expired, of the kinds that this release knows.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, now: Timestamp) -> Result<Vec<Revocation>, Error> {
    const LIST: &str = "
        SELECT subject_id, kind, revoked_at, expires_at
        FROM revocations
        WHERE (kind, subject_id) > ($1, $2) AND expires_at > $3
            AND kind IN ('token', 'secret', 'certificate', 'key', 'credential')
        ORDER BY kind, subject_id
        LIMIT $4";
    let mut all: Vec<Revocation> = Vec::new();
    loop {
        let (kind, id) = all.last().map_or(("", ""), |last| last.subject.stored());
        let listed = query(LIST)
            .bind(kind)
            .bind(id)
            .bind(now.as_millis())
            .bind(i64::from(Page::MAX));
        let page = r.session().list(TABLE, listed, read).await?;
        let is_last = page.len() < Page::MAX as usize;
        all.extend(page);
        if is_last {
            return Ok(all);
        }
    }
}

/// The revocation of a subject, expired or not.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, subject: &Subject) -> Result<Option<Revocation>, Error> {
    const FIND: &str = "
        SELECT subject_id, kind, revoked_at, expires_at
        FROM revocations
        WHERE kind = $1 AND subject_id = $2";
    let (kind, id) = subject.stored();
    let found = query(FIND).bind(kind).bind(id);
    r.session().find(TABLE, found, read).await
}

/// Removes up to `limit` expired revocations; gives how many.
///
/// # Errors
/// [`Error`].
pub async fn trim(w: &mut Write, now: Timestamp, limit: u32) -> Result<u64, Error> {
    const TRIM: &str = "
        DELETE FROM revocations
        WHERE (kind, subject_id) IN (
            SELECT kind, subject_id
            FROM revocations
            WHERE expires_at <= $1
            ORDER BY expires_at
            LIMIT $2)";
    let trim = query(TRIM).bind(now.as_millis()).bind(i64::from(limit));
    w.session().execute(trim).await
}

fn read(row: &Row<'_>) -> Result<Revocation, Error> {
    Ok(Revocation {
        subject: Subject::parse(&row.text("kind")?, &row.text("subject_id")?)
            .ok_or_else(|| row.corrupt("subject_id"))?,
        revoked_at: row.at("revoked_at")?,
        expires_at: row.at("expires_at")?,
    })
}
