//! APIs behind middleware that nobody here wrote, which stay alive until the test ends them.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::say;

/// What a protected API calls itself.
pub const API: &str = "https://api.example";

/// Every middleware that can protect an API; `crates/testkit/clients/README.md` says what each does.
pub const ALL: [&str; 5] = [
    "jose",
    "express-oauth2-jwt-bearer",
    "authlib-jwks",
    "authlib-introspection",
    "haproxy",
];

/// A protected API. It ends with this value, which closes its input.
pub struct Middleware {
    pub name: &'static str,
    pub url: String,
    _process: Child,
    _input: ChildStdin,
}

impl Middleware {
    /// Starts it. It keeps the key set for as long as it may.
    pub async fn start(
        name: &'static str,
        issuer: &str,
        [client_id, client_secret]: [(&str, String); 2],
        key_set_seconds: u64,
    ) -> Self {
        let job = json!({
            "operation": "serve",
            "issuer": issuer,
            "audience": API,
            "client_id": client_id.1,
            "client_secret": client_secret.1,
            "key_set_seconds": key_set_seconds,
        });
        let mut process = Command::new(folder().join("run"))
            .arg(name)
            .env("COUNTERSIGN_CLIENT_SECONDS", "7200")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = process.stdin.take().unwrap();
        input
            .write_all(format!("{job}\n").as_bytes())
            .await
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap_or_default();
        let answer: Value = serde_json::from_str(&line).unwrap_or_default();
        let url = answer["url"]
            .as_str()
            .unwrap_or_else(|| panic!("{name}: {line}"));
        Self {
            name,
            url: url.to_owned(),
            _process: process,
            _input: input,
        }
    }
}

/// Whether they are installed. That they are not is an error in continuous integration.
pub fn are_installed() -> bool {
    let installed = std::env::var_os("COUNTERSIGN_TEST_CLIENTS").is_some();
    if !installed {
        say("NO FOREIGN MIDDLEWARE MET A ROTATION: `./test clients` installs it");
        assert!(
            std::env::var_os("CI").is_none(),
            "COUNTERSIGN_TEST_CLIENTS is not set, and continuous integration must run the middleware"
        );
    }
    installed
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/clients"))
}
