//! Unmodified client libraries, as their users install them: what the table says of each, and how
//! one is run. `clients/README.md` here says the rest.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Once;

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Semaphore;

/// One line of `clients.json`.
#[derive(Clone, Debug, Deserialize)]
pub struct Client {
    /// How `run` there calls it.
    #[serde(rename = "client")]
    pub name: String,
    /// What it can ask by.
    pub grants: Vec<Grant>,
    /// Ways to send id and secret.
    pub send: Vec<String>,
    /// Where it can be pointed.
    pub host: Host,
    /// What its caller sees of a refusal.
    pub refusal: Refusal,
}

/// How a client asks for a token.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// The exchange of a signed assertion.
    Jwt,
    /// Client credentials.
    ClientCredentials,
}

impl Grant {
    /// The word for it in a job.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

/// Where a client can be pointed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Host {
    /// Nowhere but at the host name it was built for.
    Fixed,
    /// At any origin.
    Any,
    /// At any origin with TLS.
    Https,
    /// At any origin without TLS.
    Http,
}

/// How much of a refusal a client shows its caller.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Refusal {
    /// The `error` code as a field.
    Code,
    /// The server's words.
    Words,
    /// The HTTP status.
    Status,
    /// Nothing.
    Nothing,
}

/// What a client handed to its caller.
#[derive(Debug, Deserialize)]
pub struct Outcome {
    /// Whether it did what it was asked.
    pub ok: bool,
    /// The token.
    pub access_token: Option<String>,
    /// In the unit that the server sent.
    pub expires_in: Option<i64>,
    /// How long the client believes its token lives, where it computes that.
    pub lifetime_seconds: Option<i64>,
    /// What its user reads.
    pub error_text: Option<String>,
    /// What its user's program reads.
    pub error_code: Option<String>,
    /// What it was told of a token.
    pub validation: Option<Value>,
    /// What it was told when it ended a token.
    pub invalidation: Option<Value>,
    /// The organizations of a token.
    pub organizations: Option<Value>,
    /// What each call of a client of an API gave.
    pub results: Option<Value>,
    /// What a protected API answered to each token.
    pub statuses: Option<BTreeMap<String, u16>>,
}

/// What a client process finds in its environment.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Stands for port 443 of the fixed hosts.
    pub tls_port: u16,
    /// The certificate authority that it trusts, in PEM.
    pub authority: PathBuf,
    /// Moves the client's clock.
    pub clock_offset_seconds: i64,
}

/// All clients; none where they are not installed. That is an error in continuous integration.
pub fn installed() -> Vec<Client> {
    if std::env::var_os("COUNTERSIGN_TEST_CLIENTS").is_none() {
        say_that_clients_are_missing();
        return Vec::new();
    }
    let table = std::fs::read(folder().join("clients.json")).unwrap();
    serde_json::from_slice(&table).unwrap()
}

/// Runs one client, a few of them at a time.
pub async fn run(name: &str, job: &Value, surroundings: &Surroundings) -> Outcome {
    static AT_ONCE: Semaphore = Semaphore::const_new(3);
    let permit = AT_ONCE.acquire().await.unwrap();
    let (client, job, surroundings) = (name.to_owned(), job.to_string(), surroundings.clone());
    let ran = tokio::task::spawn_blocking(move || run_now(&client, &job, &surroundings));
    let outcome = ran.await.unwrap();
    drop(permit);
    outcome
}

fn run_now(client: &str, job: &str, surroundings: &Surroundings) -> Outcome {
    let mut child = Command::new(folder().join("run"))
        .arg(client)
        .env("COUNTERSIGN_TLS_PORT", surroundings.tls_port.to_string())
        .env("COUNTERSIGN_TLS_CA", &surroundings.authority)
        .env(
            "COUNTERSIGN_CLOCK_OFFSET_SECONDS",
            surroundings.clock_offset_seconds.to_string(),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A client that fails before it has read its job says why on stderr.
    _ = child.stdin.take().unwrap().write_all(job.as_bytes());
    // `run` ends by itself: it gives a client one minute.
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{client}: {}: {told}",
        output.status
    );
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{client}: {error}: {}{told}",
            String::from_utf8_lossy(&output.stdout)
        )
    })
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/clients"))
}

fn say_that_clients_are_missing() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Past the test harness, which keeps what `eprintln!` says of tests that pass.
        _ = writeln!(
            io::stderr(),
            "\n*** THE REAL CLIENTS DID NOT RUN: `./test clients` installs and runs them ***\n"
        );
    });
    assert!(
        std::env::var_os("CI").is_none(),
        "COUNTERSIGN_TEST_CLIENTS is not set, and continuous integration must run the real clients"
    );
}
