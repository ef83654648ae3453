//! A JWT half that is disabled or restored on one node follows on the other within a second, and is
//! as it should be at once where it was asked for. The lag is counted from sending the request.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::figures::Figures;
use crate::node::{Node, answer, wait_until};
use crate::support::installation::Installation;
use crate::{installation, say};

/// How often it is disabled and restored.
const TRIES: usize = 100;
/// A change that has not arrived by then never does.
const LONGEST: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_half_is_restored_on_the_other_node_within_a_second() {
    let Some(installation) = installation().await else {
        return;
    };
    let half = Half::paired(&installation).await;
    let a = Node::start(&installation, &[]).await;
    let b = Node::start(&installation, &[]).await;
    assert_eq!(half.exchange(&b).await, 200);

    let (mut disabled, mut restored) = (Vec::new(), Vec::new());
    for number in 0..TRIES {
        let [here, there] = match number % 2 {
            0 => [&a, &b],
            _ => [&b, &a],
        };
        disabled.push(half.lag("disable", 400, here, there).await);
        restored.push(half.lag("restore", 200, here, there).await);
    }

    for (what, lags) in [("disabled", disabled), ("restored", restored)] {
        let lags = Figures::new(lags);
        say(&format!("lag of JWT halves {what}: {lags}"));
        assert_eq!(lags.len(), TRIES);
        assert!(
            lags.percentile(99) < Duration::from_secs(1),
            "{what}: {lags}"
        );
    }
    drop((a, b));
    installation.database.remove().await;
}

/// A credential with both halves, and a program that may change it.
struct Half<'a> {
    installation: &'a Installation,
    path: String,
    token: String,
}

impl<'a> Half<'a> {
    async fn paired(installation: &'a Installation) -> Self {
        let [(_, client_id), ..] = installation.exchange_form("");
        answer(installation, &["credentials", "add-oauth-half", &client_id]).await;
        let shown = answer(installation, &["credentials", "show", &client_id]).await;
        let (org, id) = (text(&shown, "org_id"), text(&shown, "id"));
        let args = ["access-tokens", "create", "--name", "test"];
        Self {
            installation,
            path: format!("/api/v1/organizations/{org}/credentials/{id}/migration"),
            token: text(&answer(installation, &args).await, "token"),
        }
    }

    /// Takes a step on one node; how long until the other one answers exchanges so.
    async fn lag(&self, step: &str, status: u16, here: &Node, there: &Node) -> Duration {
        let mut body = json!({"step": step});
        if step == "disable" {
            body["force"] = json!({"project": "jwt", "reason": "a test wants it"});
        }
        let url = format!("{}{}", here.caller.origin, self.path);
        let call = here.caller.http.post(url).bearer_auth(&self.token);
        let sent = Instant::now();
        let reply = call.json(&body).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), 200, "{step}");
        assert_eq!(self.exchange(here).await, status, "{step}");
        let has_arrived = async || self.exchange(there).await == status;
        assert!(wait_until(LONGEST, has_arrived).await, "{step}");
        sent.elapsed()
    }

    /// Status of an exchange.
    async fn exchange(&self, node: &Node) -> u16 {
        let form = self
            .installation
            .exchange_form(&self.installation.assertion());
        let answered = node.caller.post("/ims/exchange/jwt", &form).await;
        answered.unwrap().0
    }
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap().to_owned()
}
