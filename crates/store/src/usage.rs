//! Evidence of use: when a secret, a certificate or a grant was used first and last, how often.

use std::sync::LazyLock;

use countersign_wire::{CertificateId, CredentialId, KeyThumbprint, SecretId, Timestamp};
use sqlx::query;

use crate::db::{Query, Reads, Sealed as _, Write};
use crate::error::Error;
use crate::many::{filled, of_many};
use crate::row::{Row, stored_count};

/// Uses of one thing by one grant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Usage {
    /// Whose.
    pub credential_id: CredentialId,
    /// What was used.
    pub subject: UsageSubject,
    /// By which grant.
    pub grant: Grant,
    /// The first use.
    pub first_used_at: Timestamp,
    /// The last use.
    pub last_used_at: Timestamp,
    /// How often.
    pub uses: u64,
}

/// What is used.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum UsageSubject {
    /// The grant itself.
    Grant,
    /// A client secret.
    Secret(SecretId),
    /// A certificate, whose key signed an assertion.
    Certificate(CertificateId),
    /// A registered key, which signed an assertion.
    Key(KeyThumbprint),
}

impl UsageSubject {
    /// The word for the kind of thing, and the thing's id; the grant has none of its own.
    #[must_use]
    pub fn named(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Grant => ("grant", None),
            Self::Secret(id) => ("secret", Some(id.as_str())),
            Self::Certificate(id) => ("certificate", Some(id.as_str())),
            Self::Key(id) => ("key", Some(id.as_str())),
        }
    }
}

/// The grants.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Grant {
    /// `client_credentials`.
    ClientCredentials,
    /// The JWT exchange.
    JwtExchange,
}

impl Grant {
    /// The word for it in the store and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::JwtExchange => "jwt_exchange",
        }
    }

    /// The grant of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::ClientCredentials, Self::JwtExchange]
            .into_iter()
            .find(|grant| grant.as_str() == word)
    }
}

/// Adds uses to what is recorded: the earliest first, the latest last, the sum. Uses of a
/// credential that was deleted meanwhile are left out. No two may be of the same thing.
///
/// Nodes add at the same time: bring the rows in a fixed order, or they wait for each other.
///
/// # Errors
/// [`Error`].
pub async fn add(w: &mut Write, uses: &[Usage]) -> Result<(), Error> {
    static ADD: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 7));
    const TEXT: &str = "
        INSERT INTO usage (credential_id, subject, subject_id, grant_type, first_used_at,
            last_used_at, uses)
        SELECT c.id, used.column2, used.column3, used.column4, used.column5, used.column6,
            used.column7
        FROM (VALUES $rows) AS used
        JOIN credentials c ON c.id = used.column1
        ORDER BY used.column1, used.column2, used.column3, used.column4
        ON CONFLICT (credential_id, subject, subject_id, grant_type) DO UPDATE
        SET first_used_at = CASE WHEN excluded.first_used_at < usage.first_used_at
                THEN excluded.first_used_at ELSE usage.first_used_at END,
            last_used_at = CASE WHEN excluded.last_used_at > usage.last_used_at
                THEN excluded.last_used_at ELSE usage.last_used_at END,
            uses = CASE WHEN usage.uses > 9223372036854775807 - excluded.uses
                THEN 9223372036854775807 ELSE usage.uses + excluded.uses END";
    for rows in filled(uses) {
        let add = rows.fold(query(ADD.as_str()), bind);
        w.session().execute(add).await?;
    }
    Ok(())
}

fn bind(add: Query, usage: Option<&Usage>) -> Query {
    let (subject, id) = usage.map_or(("", ""), |usage| stored(&usage.subject));
    add.bind(usage.map_or("", |usage| usage.credential_id.as_str()))
        .bind(subject)
        .bind(id)
        .bind(usage.map_or("", |usage| usage.grant.as_str()))
        .bind(usage.map_or(0, |usage| usage.first_used_at.as_millis()))
        .bind(usage.map_or(0, |usage| usage.last_used_at.as_millis()))
        .bind(usage.map_or(0, |usage| stored_count(usage.uses)))
}

/// Everything recorded for a credential.
///
/// # Errors
/// [`Error`].
pub async fn list(r: &mut impl Reads, credential: &CredentialId) -> Result<Vec<Usage>, Error> {
    const LIST: &str = "
        SELECT credential_id, subject, subject_id, grant_type, first_used_at, last_used_at, uses
        FROM usage
        WHERE credential_id = $1
        ORDER BY subject, subject_id, grant_type";
    let listed = query(LIST).bind(credential.as_str());
    r.session().list("usage", listed, read).await
}

fn stored(subject: &UsageSubject) -> (&'static str, &str) {
    let (word, id) = subject.named();
    (word, id.unwrap_or_default())
}

fn read(row: &Row<'_>) -> Result<Usage, Error> {
    Ok(Usage {
        credential_id: row.parsed("credential_id")?,
        subject: subject(row)?,
        grant: row.word("grant_type", Grant::parse)?,
        first_used_at: row.at("first_used_at")?,
        last_used_at: row.at("last_used_at")?,
        uses: row.count("uses")?,
    })
}

fn subject(row: &Row<'_>) -> Result<UsageSubject, Error> {
    match row.text("subject")?.as_str() {
        "grant" => Ok(UsageSubject::Grant),
        "secret" => row.parsed("subject_id").map(UsageSubject::Secret),
        "certificate" => row.parsed("subject_id").map(UsageSubject::Certificate),
        "key" => row.parsed("subject_id").map(UsageSubject::Key),
        _ => Err(row.corrupt("subject")),
    }
}
