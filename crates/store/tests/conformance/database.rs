//! A database of its own for each test.

use std::io::Write as _;
use std::sync::Once;

use countersign_store::{Config, Store};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

/// Names an administrator's URL of a throw-away PostgreSQL on loopback.
const ADMIN_URL: &str = "COUNTERSIGN_TEST_POSTGRES";

pub struct TestDatabase {
    config: Config,
    store: Store,
    folder: Option<TempDir>,
    /// Administrator's URL and name of the database.
    server: Option<(String, String)>,
}

impl TestDatabase {
    pub async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("data/countersign.db");
        let config = Config {
            url: format!("sqlite://{}", path.display()),
            ..Config::default()
        };
        Self {
            store: Store::open(&config).await.unwrap(),
            config,
            folder: Some(folder),
            server: None,
        }
    }

    /// Nothing where there is no PostgreSQL; that is an error in continuous integration.
    pub async fn postgres() -> Option<Self> {
        let Ok(admin) = std::env::var(ADMIN_URL) else {
            say_that_postgres_is_missing();
            return None;
        };
        sqlx::any::install_default_drivers();
        let name = format!("countersign_{}", uuid::Uuid::new_v4().simple());
        execute(
            &admin,
            format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"),
        )
        .await;
        let mut url = url::Url::parse(&admin).unwrap();
        url.set_path(&name);
        let config = Config {
            url: url.to_string(),
            // Tests with waiting writers share a small machine.
            acquire_timeout_ms: 15_000,
            ..Config::default()
        };
        Some(Self {
            store: Store::open(&config).await.unwrap(),
            config,
            folder: None,
            server: Some((admin, name)),
        })
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub async fn remove(self) {
        self.store.close().await;
        if let Some((admin, name)) = self.server {
            execute(&admin, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
        drop(self.folder);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the name of a database cannot be bound"
)]
async fn execute(url: &str, text: String) {
    let mut connection = AnyConnection::connect(url).await.unwrap();
    connection.execute(AssertSqlSafe(text)).await.unwrap();
    connection.close().await.unwrap();
}

fn say_that_postgres_is_missing() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Past the test harness, which keeps what `eprintln!` says of tests that pass.
        let _ = writeln!(
            std::io::stderr(),
            "\n*** THE POSTGRESQL HALF OF THE CONFORMANCE SUITE DID NOT RUN: set {ADMIN_URL} to an administrator's URL ***\n"
        );
    });
    assert!(
        std::env::var_os("CI").is_none(),
        "{ADMIN_URL} is not set, and continuous integration must run both engines"
    );
}
