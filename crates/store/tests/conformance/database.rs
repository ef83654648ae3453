//! A database of its own for each test.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Once;

use countersign_store::{Config, Error, Store};
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

/// Names an administrator's URL of a throw-away PostgreSQL on loopback.
const ADMIN_URL: &str = "COUNTERSIGN_TEST_POSTGRES";

/// An opened database.
pub struct TestDatabase {
    empty: Empty,
    store: Store,
}

/// A database that nobody has opened.
pub struct Empty {
    config: Config,
    folder: Option<TempDir>,
    /// Administrator's URL and name of the database.
    server: Option<(String, String)>,
}

impl TestDatabase {
    pub async fn sqlite() -> Self {
        sqlx::any::install_default_drivers();
        Empty::in_a_folder().open().await
    }

    /// Nothing where there is no PostgreSQL; that is an error in continuous integration.
    pub async fn postgres() -> Option<Self> {
        let Ok(admin) = std::env::var(ADMIN_URL) else {
            say_that_postgres_is_missing();
            return None;
        };
        sqlx::any::install_default_drivers();
        Some(Empty::on_server(&admin).await.open().await)
    }

    /// Another one, of the same engine, that nobody has opened.
    pub async fn empty(&self) -> Empty {
        match &self.empty.server {
            None => Empty::in_a_folder(),
            Some((admin, _)) => Empty::on_server(admin).await,
        }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A second process on the same database.
    pub async fn open_again(&self) -> Result<Store, Error> {
        Store::open(&self.empty.config).await
    }

    pub fn config(&self) -> &Config {
        &self.empty.config
    }

    /// Does to the database what our own code never would.
    pub async fn tamper(&self, text: &'static str) {
        let mut connection = AnyConnection::connect(&self.empty.config.url)
            .await
            .unwrap();
        connection.execute(text).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Where the server listens; PostgreSQL only.
    pub fn server_address(&self) -> SocketAddr {
        let url = url::Url::parse(&self.empty.config.url).unwrap();
        url.socket_addrs(|| Some(5432)).unwrap()[0]
    }

    /// The URL of the database as it is reached through `address`; PostgreSQL only.
    pub fn url_through(&self, address: SocketAddr) -> String {
        let mut url = url::Url::parse(&self.empty.config.url).unwrap();
        url.set_ip_host(address.ip()).unwrap();
        url.set_port(Some(address.port())).unwrap();
        url.to_string()
    }

    /// Sets what new connections to this database begin with; PostgreSQL only.
    pub async fn set_on_database(&self, setting: &str, value: &str) {
        if let Some((admin, name)) = &self.empty.server {
            let text = format!("ALTER DATABASE {name} SET {setting} = {value}");
            execute(admin, text).await;
        }
    }

    pub async fn remove(self) {
        self.store.close().await;
        self.empty.remove().await;
    }
}

impl Empty {
    fn in_a_folder() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("data/countersign.db");
        Self {
            config: Config {
                url: format!("sqlite://{}", path.display()),
                ..Config::default()
            },
            folder: Some(folder),
            server: None,
        }
    }

    async fn on_server(admin: &str) -> Self {
        let name = format!("countersign_{}", uuid::Uuid::new_v4().simple());
        let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
        execute(admin, create).await;
        let mut url = url::Url::parse(admin).unwrap();
        url.set_path(&name);
        Self {
            config: Config {
                url: url.to_string(),
                // Many tests with many writers share a small machine.
                acquire_timeout_ms: 15_000,
                ..Config::default()
            },
            folder: None,
            server: Some((admin.to_owned(), name)),
        }
    }

    async fn open(self) -> TestDatabase {
        TestDatabase {
            store: Store::open(&self.config).await.unwrap(),
            empty: self,
        }
    }

    /// Brings it to the schema of an earlier release, with that release's rows in it.
    pub async fn fill_by_hand(&self, migrator: &Migrator, rows: &'static str) {
        let url = match &self.folder {
            Some(folder) => {
                std::fs::create_dir(folder.path().join("data")).unwrap();
                format!("{}?mode=rwc", self.config.url)
            }
            None => self.config.url.clone(),
        };
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        let applied = migrator.run_direct(None, &mut connection, false).await;
        applied.unwrap();
        connection.execute(rows).await.unwrap();
        connection.close().await.unwrap();
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub async fn remove(self) {
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
        // Past the test harness, which keeps what `eprintln!` says in tests that pass.
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
