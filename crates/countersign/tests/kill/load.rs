//! Writers, which go on until the server is gone, and write down what was answered.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::acknowledged::{Acknowledged, Write};
use crate::support::installation::Installation;
use crate::support::server::{Caller, Server};

/// Lets all writers work for this long and kills the server. Which client is given secrets by
/// the command line depends on the round.
pub async fn until_killed(
    installation: &Installation,
    server: Server,
    round: usize,
    after: Duration,
) -> Acknowledged {
    let client = round % installation.clients.len();
    let acknowledged = Mutex::new(Acknowledged::default());
    let writer = Writer {
        installation,
        caller: server.caller(),
        client,
        done: &acknowledged,
    };
    let gone = AtomicBool::new(false);
    let serving = async {
        let kill = async {
            tokio::time::sleep(after).await;
            server.kill().await;
        };
        tokio::join!(
            kill,
            writer.revoke(),
            writer.revoke(),
            writer.exchange(),
            writer.exchange()
        );
        gone.store(true, Ordering::Relaxed);
    };
    if round.is_multiple_of(2) {
        tokio::join!(serving, writer.add_secrets(&gone));
    } else {
        // Dropping the command kills it in the middle of its work, too.
        tokio::select! {
            () = serving => {}
            () = writer.add_secrets(&gone) => {}
        }
    }
    acknowledged.into_inner().unwrap()
}

struct Writer<'a> {
    installation: &'a Installation,
    caller: Caller,
    client: usize,
    done: &'a Mutex<Acknowledged>,
}

impl Writer<'_> {
    /// Gets tokens and revokes them.
    async fn revoke(&self) {
        let secret = self.installation.secret(self.client);
        loop {
            let form = self.installation.token_form(self.client, secret);
            let Some(reply) = self.post("/ims/token/v3", &form).await else {
                return;
            };
            let token = reply["access_token"].as_str().unwrap().to_owned();
            let client_id = self.installation.client_id(self.client);
            let form = [
                ("token", token.clone()),
                ("client_id", client_id),
                ("client_secret", secret.to_owned()),
            ];
            let Some(_) = self.post("/ims/revoke", &form).await else {
                return;
            };
            self.acknowledge(Write::Revoked {
                client: self.client,
                token,
            });
        }
    }

    /// Uses assertions that may be used once.
    async fn exchange(&self) {
        loop {
            let assertion = self.installation.assertion();
            let form = self.installation.exchange_form(&assertion);
            let Some(_) = self.post("/ims/exchange/jwt", &form).await else {
                return;
            };
            self.acknowledge(Write::Exchanged { assertion });
        }
    }

    async fn add_secrets(&self, gone: &AtomicBool) {
        while !gone.load(Ordering::Relaxed) {
            let secret = add_secret(self.installation, self.client).await;
            self.acknowledge(Write::Added {
                client: self.client,
                secret,
            });
        }
    }

    fn acknowledge(&self, write: Write) {
        self.done.lock().unwrap().push(write);
    }

    /// The answer, which is 200 as long as there is one.
    async fn post(&self, path: &str, form: &[(&str, String)]) -> Option<Value> {
        let (status, body) = self.caller.post(path, form).await?;
        assert_eq!(status, 200, "{path}: {body}");
        Some(body)
    }
}

/// Adds a secret from the command line, which kills the command when it is dropped.
async fn add_secret(installation: &Installation, client: usize) -> String {
    let output = installation
        .command()
        .args(["admin", "--json"])
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
