//! The binary as a server that can be killed.

use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

/// A running server. It dies with this value, so also when a test panics.
pub struct Server {
    pub child: Child,
    pub origin: String,
    http: reqwest::Client,
    /// What it has said since it listens.
    pub said: Arc<Mutex<String>>,
}

/// A caller of a server, which may be gone.
#[derive(Clone)]
pub struct Caller {
    pub origin: String,
    pub http: reqwest::Client,
}

/// Status and body.
pub type Answer = (u16, Value);

impl Server {
    /// Starts it by the binary with its settings, and waits until its port is open.
    pub async fn start(mut binary: Command) -> Self {
        let mut child = binary
            .args(["serve", "--listen", "127.0.0.1:0"])
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
        let mut said = said.lock().unwrap();
        said.push_str(&line);
        said.push('\n');
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
