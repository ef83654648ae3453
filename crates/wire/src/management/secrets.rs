//! Client secrets. Times are milliseconds since 1970, as text.

use serde::Serialize;

use crate::id::{ClientId, SecretId};
use crate::time::Timestamp;

/// `expires_at` of a secret that does not end.
pub const PERMANENT: &str = "PERMANENT";

/// The secrets of a credential, without the secrets.
#[derive(Clone, Debug, Serialize)]
pub struct SecretList {
    /// Whose.
    pub client_id: ClientId,
    /// The oldest first.
    pub client_secrets: Vec<SecretRecord>,
}

/// What is known of a secret.
#[derive(Clone, Debug, Serialize)]
pub struct SecretRecord {
    /// From when on it is refused, or [`PERMANENT`].
    pub expires_at: String,
    /// The same, for people.
    pub expires_at_str: String,
    /// When it was made.
    pub created_at: String,
    /// The same, for people.
    pub created_at_str: String,
    /// Names it.
    pub uuid: SecretId,
    /// Its last use by each grant; `null`, if there was none.
    pub secret_usages: Option<Vec<SecretUsage>>,
}

impl SecretRecord {
    /// A record of those times and uses.
    #[must_use]
    pub fn new(
        uuid: SecretId,
        created_at: Timestamp,
        expires_at: Option<Timestamp>,
        usages: Vec<SecretUsage>,
    ) -> Self {
        let permanent = || PERMANENT.to_owned();
        Self {
            expires_at: expires_at.map_or_else(permanent, millis),
            expires_at_str: expires_at.map_or_else(permanent, Timestamp::console_text),
            created_at: millis(created_at),
            created_at_str: created_at.console_text(),
            uuid,
            secret_usages: (!usages.is_empty()).then_some(usages),
        }
    }
}

/// The last use of a secret by one grant.
#[derive(Clone, Debug, Serialize)]
pub struct SecretUsage {
    /// When.
    pub last_used_at: String,
    /// `client_credentials` or the exchange.
    pub grant_type: &'static str,
}

impl SecretUsage {
    /// A use.
    #[must_use]
    pub fn new(last_used_at: Timestamp, grant_type: &'static str) -> Self {
        Self {
            last_used_at: millis(last_used_at),
            grant_type,
        }
    }
}

/// A secret that was made. The one answer that has it in clear, and so no `Debug`.
#[derive(Clone, Serialize)]
pub struct CreatedSecret<'a> {
    /// Everything else of it.
    #[serde(flatten)]
    pub record: SecretRecord,
    /// The secret.
    pub client_secret: &'a str,
}

fn millis(at: Timestamp) -> String {
    at.as_millis().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_look_as_in_the_reference() {
        let created = Timestamp::from_millis(1_682_448_485_000);
        let used = SecretUsage::new(
            Timestamp::from_millis(1_682_448_999_000),
            "client_credentials",
        );
        let id = SecretId::from_random([0x11; 16]);
        let record = SecretRecord::new(id.clone(), created, None, vec![used]);
        let body = serde_json::to_string(&record).expect("writes");
        assert_eq!(
            body,
            concat!(
                r#"{"expires_at":"PERMANENT","expires_at_str":"PERMANENT","#,
                r#""created_at":"1682448485000","created_at_str":"Tue, Apr 25 2023 18:48:05.000 UTC","#,
                r#""uuid":"11111111111111111111111111111111","#,
                r#""secret_usages":[{"last_used_at":"1682448999000","grant_type":"client_credentials"}]}"#
            )
        );
        let unused = SecretRecord::new(id, created, Some(created), Vec::new());
        assert!(unused.secret_usages.is_none());
        assert_eq!(unused.expires_at, "1682448485000");
    }
}
