//! A database of its own for each test.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Once;

use countersign_authority::{Authority, Config as AuthorityConfig, MasterKey};
use countersign_model::Catalogue;
use countersign_store::{Config, Store};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::TestClock;
use crate::app::START;

/// Names an administrator's URL of a throw-away PostgreSQL on loopback.
const ADMIN_URL: &str = "COUNTERSIGN_TEST_POSTGRES";

/// A database, removed with the test.
pub struct TestDatabase {
    config: Config,
    folder: Option<TempDir>,
    /// Administrator's URL and name of the database.
    server: Option<(String, String)>,
}

impl TestDatabase {
    /// A new SQLite file: a copy of one that has its schema and its first signing key, because
    /// making a key costs more than most tests.
    pub async fn sqlite() -> Self {
        static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
        let template = TEMPLATE.get_or_init(make_template).await;
        let database = Self::empty_sqlite();
        std::fs::write(database.file().unwrap(), template).unwrap();
        database
    }

    /// A SQLite file that is not there yet.
    #[must_use]
    pub fn empty_sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let config = Config {
            url,
            max_connections: 4,
            ..Config::default()
        };
        Self {
            config,
            folder: Some(folder),
            server: None,
        }
    }

    /// A new PostgreSQL database. Nothing where there is no PostgreSQL; that is an error in
    /// continuous integration.
    pub async fn postgres() -> Option<Self> {
        let Ok(admin) = std::env::var(ADMIN_URL) else {
            say_that_postgres_is_missing();
            return None;
        };
        Some(Self::on_postgres(admin).await)
    }

    /// A new database on the PostgreSQL with this administrator's URL.
    pub async fn on_postgres(admin: String) -> Self {
        let name = format!("countersign_{}", uuid::Uuid::new_v4().simple());
        execute(
            &admin,
            format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"),
        )
        .await;
        let mut url = url::Url::parse(&admin).unwrap();
        url.set_path(&name);
        // Tests with waiting writers share a small machine.
        let config = Config {
            url: url.to_string(),
            acquire_timeout_ms: 15_000,
            ..Config::default()
        };
        Self {
            config,
            folder: None,
            server: Some((admin, name)),
        }
    }

    /// Where it is, for processes of their own.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.config.url
    }

    /// Opens it, as every node does for itself.
    pub async fn open(&self) -> Store {
        Store::open(&self.config).await.unwrap()
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        let rows = self
            .query(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}"))
            .await;
        rows.first().unwrap().parse().unwrap()
    }

    /// The first column, which is text, of every row.
    pub async fn query(&self, sql: &str) -> Vec<String> {
        query(&self.config.url, sql.to_owned()).await
    }

    /// Changes it by hand, past the product.
    pub async fn change(&self, sql: &str) {
        execute(&self.config.url, sql.to_owned()).await;
    }

    /// Every byte that SQLite has on disk, the log of changes included.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let folder = self.folder.as_ref().unwrap();
        let files = std::fs::read_dir(folder.path()).unwrap();
        files
            .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect()
    }

    /// Removes it; nobody may use it any more.
    pub async fn remove(self) {
        if let Some((admin, name)) = self.server {
            execute(&admin, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    fn file(&self) -> Option<PathBuf> {
        self.folder
            .as_ref()
            .map(|folder| folder.path().join("test.db"))
    }
}

/// The master key of every test.
#[must_use]
pub fn master_key() -> MasterKey {
    MasterKey::parse(&"A".repeat(43)).unwrap()
}

async fn make_template() -> Vec<u8> {
    let database = TestDatabase::empty_sqlite();
    let store = database.open().await;
    let catalogue = Catalogue::parse(Catalogue::BUILT_IN).unwrap();
    let clock = TestClock::at(START).clock();
    let config = AuthorityConfig::default();
    Authority::open(store.clone(), master_key(), config, catalogue, clock)
        .await
        .unwrap();
    store.close().await;
    std::fs::read(database.file().unwrap()).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the text is the test's own, and names cannot be bound"
)]
pub(crate) async fn execute(url: &str, text: String) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    connection.execute(AssertSqlSafe(text)).await.unwrap();
    connection.close().await.unwrap();
}

/// Asks any database what stands in the first column, as text.
#[expect(clippy::disallowed_methods, reason = "the text is the test's own")]
pub async fn query(url: &str, text: String) -> Vec<String> {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let rows = connection.fetch_all(AssertSqlSafe(text)).await.unwrap();
    connection.close().await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn say_that_postgres_is_missing() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Past the test harness, which keeps what `eprintln!` says of tests that pass.
        let _ = writeln!(
            std::io::stderr(),
            "\n*** THE POSTGRESQL HALF OF THE PROTOCOL TESTS DID NOT RUN: set {ADMIN_URL} to an administrator's URL ***\n"
        );
    });
    assert!(
        std::env::var_os("CI").is_none(),
        "{ADMIN_URL} is not set, and continuous integration must run both engines"
    );
}
