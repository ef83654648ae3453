//! The binary: as a server that can be killed, and as the command beside it.

use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::installation::{ISSUER, Installation};

/// A running server. It dies with this value, so also when a test panics.
pub struct Server {
    child: Child,
    origin: String,
    http: reqwest::Client,
    /// What it has said since it listens.
    said: Arc<Mutex<String>>,
}

/// A caller of a server, which may be gone.
#[derive(Clone)]
pub struct Caller {
    origin: String,
    http: reqwest::Client,
}

/// Status and body.
pub type Answer = (u16, Value);

impl Server {
    /// Starts it and waits until its port is open.
    pub async fn start(installation: &Installation) -> Self {
        let mut child = command(installation)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--issuer",
                ISSUER,
                "--data",
            ])
            .arg(installation.data())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let started = tokio::time::timeout(Duration::from_secs(20), address(&mut lines)).await;
        let origin = started.expect("the server starts in time");
        let said = Arc::default();
        tokio::spawn(listen(lines, Arc::clone(&said)));
        Self {
            child,
            origin,
            http: http(),
            said,
        }
    }

    pub fn caller(&self) -> Caller {
        Caller {
            origin: self.origin.clone(),
            http: self.http.clone(),
        }
    }

    /// SIGKILL, at whatever it does.
    pub async fn kill(mut self) {
        let ended = self.child.try_wait().unwrap();
        assert_eq!(
            ended,
            None,
            "it ended by itself: {}",
            self.said.lock().unwrap()
        );
        self.child.kill().await.unwrap();
    }
}

impl Caller {
    /// The answer, or nothing when the server is gone.
    pub async fn post(&self, path: &str, form: &[(&str, String)]) -> Option<Answer> {
        let sent = self
            .http
            .post(format!("{}{path}", self.origin))
            .form(form)
            .send()
            .await;
        let reply = sent.ok()?;
        let status = reply.status().as_u16();
        let body = reply.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}

/// Adds a secret from the command line, which kills the command when it is dropped.
pub async fn add_secret(installation: &Installation, client: usize) -> String {
    let output = command(installation)
        .args(["admin", "--json", "--data"])
        .arg(installation.data())
        .args(["secrets", "add", "--label", "added under load"])
        .arg(installation.client_id(client))
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {told}", output.status);
    let added: Value = serde_json::from_slice(&output.stdout).unwrap();
    added["client_secret"].as_str().unwrap().to_owned()
}

fn command(installation: &Installation) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command
        .env("COUNTERSIGN__STORE__URL", installation.database.url())
        .env("COUNTERSIGN__IMS__TOKENS_PER_MINUTE", "0")
        .env("COUNTERSIGN__IMS__MAX_SECRETS", "100")
        .env("COUNTERSIGN__LOG__FILTER", "warn")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Reads until the server says where it listens.
async fn address(lines: &mut Lines<BufReader<ChildStderr>>) -> String {
    let mut said = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some(origin) = line.strip_prefix("listening on ") {
            return origin.to_owned();
        }
        said = said + &line + "\n";
    }
    panic!("the server did not start: {said}");
}

async fn listen(mut lines: Lines<BufReader<ChildStderr>>, said: Arc<Mutex<String>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        said.lock().unwrap().push_str(&line);
    }
}

fn http() -> reqwest::Client {
    static PROVIDER: OnceLock<()> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        // Nothing here speaks TLS, but the library wants to know with what it would.
        _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    let builder = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20));
    builder.build().unwrap()
}
