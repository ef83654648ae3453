//! What one node changes acts on the others within a second (`spec/security.md` REL-50).
//!
//! What clients change goes to one node over HTTP, and the lag is that of the other one, from
//! sending the request. What operators change is a process of its own: the lag is that of the
//! slower of two servers, from the time that the change log has, which is before the commit.

use std::time::Duration;

use countersign_authority::Clock;
use countersign_wire::Timestamp;
use futures_util::future::join_all;
use serde_json::Value;

use crate::figures::Figures;
use crate::node::{Node, answer, wait_until};
use crate::support::installation::Installation;
use crate::{installation, say};

/// Tries of what happens every day.
const TRIES: usize = 200;
/// Tries with signing keys: rare in life, and each one makes an RSA key.
const KEY_TRIES: usize = 20;
/// Tries at once, each with a client of its own.
const AT_ONCE: usize = 4;
/// A change that has not arrived by then never does.
const LONGEST: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn changes_act_on_the_other_node_within_a_second() {
    let Some(installation) = installation().await else {
        return;
    };
    let secrets = add_secrets(&installation).await;
    let a = Node::start(&installation, &[]).await;
    let b = Node::start(&installation, &[]).await;
    let pair = Pair {
        installation: &installation,
        nodes: [&a, &b],
    };

    let of = &secrets;
    let tokens = pair.each_client(async |client| pair.revoke_tokens(client).await);
    let tokens = tokens.await;
    let deleted = pair.each_client(async |client| pair.delete_secrets(client, &of[client]).await);
    let deleted = deleted.await;
    let (published, taken_out) = pair.change_keys().await;

    for (what, lags, tries) in [
        ("tokens revoked", tokens, TRIES),
        ("secrets deleted", deleted, TRIES),
        ("signing keys published", published, KEY_TRIES),
        ("signing keys taken out", taken_out, KEY_TRIES),
    ] {
        let lags = Figures::new(lags);
        say(&format!("lag of {what}: {lags}"));
        assert_eq!(lags.len(), tries);
        assert!(
            lags.percentile(99) < Duration::from_secs(1),
            "{what}: {lags}"
        );
    }
    drop((a, b));
    installation.database.remove().await;
}

/// Secrets to delete, with their ids, for each of the clients that are worked on.
async fn add_secrets(installation: &Installation) -> Vec<Vec<(String, String)>> {
    let of_client = async |client| {
        let id = installation.client_id(client);
        let mut added = Vec::new();
        for _ in 0..TRIES / AT_ONCE {
            let args = ["secrets", "add", "--label", "to be deleted", &id];
            let secret = answer(installation, &args).await;
            added.push((text(&secret, "id"), text(&secret, "client_secret")));
        }
        added
    };
    join_all((0..AT_ONCE).map(of_client)).await
}

struct Pair<'a> {
    installation: &'a Installation,
    nodes: [&'a Node; 2],
}

impl Pair<'_> {
    async fn each_client(&self, work: impl AsyncFn(usize) -> Vec<Duration>) -> Vec<Duration> {
        join_all((0..AT_ONCE).map(|client| work(client)))
            .await
            .concat()
    }

    async fn revoke_tokens(&self, client: usize) -> Vec<Duration> {
        let mut lags = Vec::new();
        for number in 0..TRIES / AT_ONCE {
            let [here, there] = match number % 2 {
                0 => self.nodes,
                _ => [self.nodes[1], self.nodes[0]],
            };
            let path = ["/ims/revoke", "/ims/invalidate_token/v2", "/oauth2/revoke"][number % 3];
            let token = here.token(self.installation, client).await;
            assert!(there.holds(self.installation, client, &token).await);
            let form = [
                ("token", token.clone()),
                ("client_id", self.installation.client_id(client)),
                ("client_secret", self.installation.secret(client).to_owned()),
            ];

            let sent = now();
            let (status, body) = here.caller.post(path, &form).await.unwrap();

            assert_eq!(status, 200, "{path}: {body}");
            assert!(
                !here.holds(self.installation, client, &token).await,
                "{path}"
            );
            let is_refused = async || !there.holds(self.installation, client, &token).await;
            lags.push(lag(sent, is_refused).await);
        }
        lags
    }

    async fn delete_secrets(&self, client: usize, secrets: &[(String, String)]) -> Vec<Duration> {
        let mut lags = Vec::new();
        let client_id = self.installation.client_id(client);
        for (id, secret) in secrets {
            for node in self.nodes {
                assert_eq!(self.ask(node, client, secret).await, 200);
            }

            answer(self.installation, &["secrets", "delete", &client_id, id]).await;

            let subject = format!("topic = 'client' AND subject_id = '{client_id}'");
            let written = self.last_change(&subject).await;
            let refuse = async |node| {
                let is_refused = async || self.ask(node, client, secret).await == 400;
                lag(written, is_refused).await
            };
            let both = tokio::join!(refuse(self.nodes[0]), refuse(self.nodes[1]));
            lags.push(both.0.max(both.1));
        }
        lags
    }

    /// Publishes a key and takes the one out that signs, so that the new one signs at once.
    async fn change_keys(&self) -> (Vec<Duration>, Vec<Duration>) {
        let (mut published, mut taken_out) = (Vec::new(), Vec::new());
        for _ in 0..KEY_TRIES {
            let [a, b] = self.nodes;
            let token = a.token(self.installation, 0).await;
            assert!(b.holds(self.installation, 0, &token).await);

            let rotated = answer(self.installation, &["keys", "rotate"]).await;
            let next = rotated["keys"][0].as_str().unwrap();
            published.push(
                self.both_after_key_change(async |node: &Node| has_key(node, next).await)
                    .await,
            );

            let old = kid(&token);
            let removed = answer(self.installation, &["keys", "remove", &old, "--force"]).await;
            assert_eq!(removed["replacement"], next);
            let refuses = async |node: &Node| {
                !node.holds(self.installation, 0, &token).await
                    && kid(&node.token(self.installation, 0).await) == next
                    && !has_key(node, &old).await
            };
            taken_out.push(self.both_after_key_change(refuses).await);
        }
        (published, taken_out)
    }

    async fn both_after_key_change(&self, is_so: impl AsyncFn(&Node) -> bool) -> Duration {
        let written = self.last_change("topic = 'signing_keys'").await;
        let [a, b] = self.nodes;
        let both = tokio::join!(
            lag(written, async || is_so(a).await),
            lag(written, async || is_so(b).await)
        );
        both.0.max(both.1)
    }

    /// Status of a token request.
    async fn ask(&self, node: &Node, client: usize, secret: &str) -> u16 {
        let form = self.installation.token_form(client, secret);
        node.caller.post("/ims/token/v3", &form).await.unwrap().0
    }

    async fn last_change(&self, subject: &str) -> Timestamp {
        let sql = format!("SELECT CAST(MAX(changed_at) AS TEXT) FROM changes WHERE {subject}");
        let rows = self.installation.database.query(&sql).await;
        Timestamp::from_millis(rows[0].parse().unwrap())
    }
}

/// How long after `since` it is so.
async fn lag(since: Timestamp, is_so: impl AsyncFn() -> bool) -> Duration {
    assert!(
        wait_until(LONGEST, is_so).await,
        "the change does not arrive"
    );
    now().since(since)
}

async fn has_key(node: &Node, id: &str) -> bool {
    let (_, set) = node.get("/ims/keys").await;
    set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .any(|key| key["kid"] == id)
}

/// The key that signed a token.
pub fn kid(token: &str) -> String {
    let unverified = countersign_jose::Unverified::parse(token).unwrap();
    unverified.header().string("kid").unwrap().to_owned()
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap().to_owned()
}

fn now() -> Timestamp {
    Clock::system().now()
}
