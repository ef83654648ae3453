//! What an operator can say about the database.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

/// Where the database is and how it is used.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `sqlite:///path/to/file.db` (made if absent, readable for its owner only),
    /// `sqlite::memory:` (a temporary file, gone when the store is closed), or
    /// `postgres://user:password@host/database`. Default `sqlite://countersign.db`.
    pub url: String,
    /// Connections at once. On SQLite these read, and one more writes. Default 10.
    pub max_connections: u32,
    /// Prepared statements kept per connection; PostgreSQL only. 0 for poolers in transaction
    /// mode that cannot keep them. Default 100.
    pub statement_cache: usize,
    /// Longest wait for a free connection, in milliseconds; on SQLite the one writing connection
    /// is waited for up to five seconds. Default 750: whoever needs a database that is away is told
    /// so within a second.
    pub acquire_timeout_ms: u64,
    /// Longest wait for the answer to one statement, in milliseconds; PostgreSQL only. After it,
    /// the connection is given up. Default 5000.
    pub statement_timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: "sqlite://countersign.db".to_owned(),
            max_connections: 10,
            statement_cache: 100,
            acquire_timeout_ms: 750,
            statement_timeout_ms: 5000,
        }
    }
}

impl Config {
    pub(crate) fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }

    pub(crate) fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms)
    }

    /// The URL as it may be shown: without password and parameters.
    #[must_use]
    pub fn shown_url(&self) -> String {
        let Ok(mut url) = url::Url::parse(&self.url) else {
            return "(not a URL)".to_owned();
        };
        url.set_query(None);
        url.set_fragment(None);
        if url.password().is_some() && url.set_password(Some("***")).is_err() {
            return "(not a URL)".to_owned();
        }
        url.to_string()
    }
}

/// Without the password, which the URL may hold in two places.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &self.shown_url())
            .field("max_connections", &self.max_connections)
            .field("statement_cache", &self.statement_cache)
            .field("acquire_timeout_ms", &self.acquire_timeout_ms)
            .field("statement_timeout_ms", &self.statement_timeout_ms)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_password_wherever_it_stands() {
        for url in [
            "postgres://ann:hunter2@db/x",
            "postgres://db/x?user=ann&password=hunter2",
            "hunter2",
        ] {
            let config = Config {
                url: url.to_owned(),
                ..Config::default()
            };
            assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
        }
    }
}
