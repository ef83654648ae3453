//! A node: a server, and what callers and operators ask of it.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::support::installation::Installation;
use crate::support::server::{Caller, Server};

/// Settings of a process that differ from the installation's.
pub type Settings<'a> = &'a [(&'a str, &'a str)];

/// A running node. It dies with this value.
pub struct Node {
    pub server: Server,
    pub caller: Caller,
}

/// What an operator's command said.
pub struct Ran {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Node {
    pub async fn start(installation: &Installation, settings: Settings<'_>) -> Self {
        let mut binary = installation.command();
        binary.envs(settings.iter().copied());
        let server = Server::start(binary).await;
        Self {
            caller: server.caller(),
            server,
        }
    }

    /// A token of a client, by its first secret.
    pub async fn token(&self, installation: &Installation, client: usize) -> String {
        let form = installation.token_form(client, installation.secret(client));
        let (status, body) = self.caller.post("/ims/token/v3", &form).await.unwrap();
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    /// Whether a token of a client holds here.
    pub async fn holds(&self, installation: &Installation, client: usize, token: &str) -> bool {
        let form = installation.validation_form(client, token);
        let (status, body) = self
            .caller
            .post("/ims/validate_token/v1", &form)
            .await
            .unwrap();
        assert_eq!(status, 200, "{body}");
        body["valid"].as_bool().unwrap()
    }

    /// Status and body of a `GET`.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.caller.origin);
        let reply = self.caller.http.get(url).send().await.unwrap();
        let status = reply.status().as_u16();
        (status, reply.json().await.unwrap())
    }

    /// What it has said, when it says `text`.
    pub async fn wait_for_saying(&self, text: &str, longest: Duration) {
        let said = || self.server.said.lock().unwrap().clone();
        let has_said = async || said().contains(text);
        assert!(
            wait_until(longest, has_said).await,
            "no `{text}`: {}",
            said()
        );
    }

    /// Sends a signal to the process, as in `STOP`.
    pub async fn signal(&self, name: &str) {
        signal(name, &[self.server.child.id().unwrap()]).await;
    }
}

/// Runs `countersign admin --json` on the installation.
pub async fn admin(installation: &Installation, args: &[&str]) -> Ran {
    let mut command = installation.command();
    command.args(["admin", "--json"]).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let output = child.wait_with_output().await.unwrap();
    Ran {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What a command of an operator answers.
pub async fn answer(installation: &Installation, args: &[&str]) -> Value {
    let ran = admin(installation, args).await;
    assert_eq!(ran.exit, 0, "{args:?}: {}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Sends a signal to processes that this test started.
pub async fn signal(name: &str, processes: &[u32]) {
    let mut kill = tokio::process::Command::new("kill");
    kill.arg(format!("-{name}"))
        .args(processes.iter().map(u32::to_string));
    assert!(kill.status().await.unwrap().success());
}

/// Asks again until it is so; whether it became so in time.
pub async fn wait_until(longest: Duration, is_so: impl AsyncFn() -> bool) -> bool {
    let asked = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(longest, asked).await.is_ok()
}
