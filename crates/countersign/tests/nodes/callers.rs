//! What callers ask who are known: tokens by every face, and whether tokens hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::load::Load;
use crate::node::Node;
use crate::support::installation::Installation;
use crate::support::server::Caller;

/// Clients that ask; the others are for what is changed meanwhile.
const CLIENTS: std::ops::Range<usize> = 3..10;

/// Load on nodes that know all of the clients.
pub async fn load(installation: &Installation, nodes: &[&Node]) -> Load {
    let mut load = Load::new();
    for node in nodes {
        let mut known = Vec::new();
        for client in CLIENTS {
            known.push(Known::new(installation, node, client).await);
        }
        let known = Arc::new(known);
        let form = installation.exchange_form(&installation.assertion());
        let (status, _, body) = ask(&node.caller, "/ims/exchange/jwt", &form).await;
        assert_eq!(status, 200, "{body}");
        for what in [
            "token",
            "standard token",
            "validation",
            "introspection",
            "key set",
        ] {
            let (known, caller) = (Arc::clone(&known), node.caller.clone());
            let turn = AtomicUsize::new(0);
            load.spawn(what, move || {
                let client = turn.fetch_add(1, Ordering::Relaxed) % known.len();
                let (known, caller) = (Arc::clone(&known), caller.clone());
                async move { known[client].ask(&caller, what).await }
            });
        }
    }
    load
}

/// A client that a node knows.
struct Known {
    credentials: [(&'static str, String); 2],
    token: String,
}

impl Known {
    async fn new(installation: &Installation, node: &Node, client: usize) -> Self {
        Self {
            credentials: credentials(installation, client),
            token: node.token(installation, client).await,
        }
    }

    async fn ask(&self, caller: &Caller, what: &str) -> Result<(), String> {
        let grant = ("grant_type", "client_credentials");
        let scope = ("scope", "openid");
        let token = ("token", self.token.as_str());
        let (path, more, member) = match what {
            "token" => ("/ims/token/v3", vec![grant, scope], "access_token"),
            "standard token" => ("/oauth2/token", vec![grant, scope], "access_token"),
            "validation" => {
                let kind = ("type", "access_token");
                ("/ims/validate_token/v1", vec![kind, token], "valid")
            }
            "introspection" => ("/oauth2/introspect", vec![token], "active"),
            _ => return key_set(caller).await,
        };
        let mut form = self.credentials.to_vec();
        form.extend(
            more.into_iter()
                .map(|(name, value)| (name, value.to_owned())),
        );
        let Some((status, body)) = caller.post(path, &form).await else {
            return Err("no answer".to_owned());
        };
        let is_good = body[member] == true || body[member].is_string();
        (status == 200 && is_good)
            .then_some(())
            .ok_or(format!("{status} {body}"))
    }
}

async fn key_set(caller: &Caller) -> Result<(), String> {
    let sent = caller
        .http
        .get(format!("{}/ims/keys", caller.origin))
        .send()
        .await;
    let answer = sent.and_then(reqwest::Response::error_for_status);
    answer.map(drop).map_err(|error| error.to_string())
}

/// Status, `Retry-After` and body of an answer, which comes.
pub async fn ask(
    caller: &Caller,
    path: &str,
    form: &[(&str, String)],
) -> (u16, Option<String>, Value) {
    let url = format!("{}{path}", caller.origin);
    let reply = caller.http.post(url).form(form).send().await.unwrap();
    let status = reply.status().as_u16();
    let retry_after = reply.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    let body = reply.bytes().await.unwrap();
    (
        status,
        retry_after,
        serde_json::from_slice(&body).unwrap_or_default(),
    )
}

/// What a client authenticates with, in a form.
pub fn credentials(installation: &Installation, client: usize) -> [(&'static str, String); 2] {
    [
        ("client_id", installation.client_id(client)),
        ("client_secret", installation.secret(client).to_owned()),
    ]
}
