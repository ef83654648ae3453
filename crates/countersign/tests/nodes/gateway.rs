//! The gateways of several nodes: what is published on one is published on all, and callers go on
//! without the database (`spec/security.md` REL-10, REL-50).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use countersign_testkit::upstream::Upstream;
use reqwest::Method;
use serde_json::{Value, json};

use crate::figures::Figures;
use crate::load::Load;
use crate::node::{Node, Settings, answer, wait_until};
use crate::support::installation::Installation;
use crate::{installation, say};

/// A gateway on a port that is free.
pub const GATEWAY: Settings<'static> = &[("COUNTERSIGN__GATEWAY__ADDRESS", "127.0.0.1:0")];
/// Services that are published, changed and taken back, one after the other.
const TRIES: usize = 30;
/// A change that has not arrived by then never does.
const LONGEST: Duration = Duration::from_secs(10);
/// Callers of each gateway.
const CALLERS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_on_one_node_is_served_by_both_within_a_second() {
    let Some(installation) = installation().await else {
        return;
    };
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let a = Node::start(&installation, GATEWAY).await;
    let b = Node::start(&installation, GATEWAY).await;
    let nodes = [&a, &b];
    let token = operators_token(&installation).await;
    let caller = Caller::new(&installation, &a, 0).await;
    let gateways = [gateway(&a).await, gateway(&b).await];
    let mut lags = Vec::new();
    for number in 0..TRIES {
        let (here, there) = (number % 2, (number + 1) % 2);
        let path = format!("/s{number}/x");
        let manage = async |method: Method, path: &str, upstream: &Upstream| {
            let body = service(&format!("s{number}"), upstream);
            manage(nodes[here], &token, method, path, &body).await
        };
        let one = format!("/s{number}");
        // Over the API at one node; there at once, at the other one soon.
        for (method, path_of, upstream, expected) in [
            (Method::POST, "", &first, Served::By(&first)),
            (Method::PUT, one.as_str(), &second, Served::By(&second)),
            (Method::DELETE, one.as_str(), &second, Served::ByNobody),
        ] {
            let sent = Instant::now();
            let status = manage(method.clone(), path_of, upstream).await;
            assert!((200..300).contains(&status), "{method} {one}: {status}");
            let served = caller.call(&gateways[here], &path).await;
            assert!(expected.is(&served), "{method} {one}, at once: {served:?}");
            let arrived = async || expected.is(&caller.call(&gateways[there], &path).await);
            assert!(
                wait_until(LONGEST, arrived).await,
                "{method} {one} does not arrive"
            );
            lags.push(sent.elapsed());
        }
    }
    let lags = Figures::new(lags);
    say(&format!("lag of published services: {lags}"));
    assert!(lags.percentile(99) < Duration::from_secs(1), "{lags}");
    drop((a, b));
    installation.database.remove().await;
}

/// Who should answer a call.
enum Served<'u> {
    By(&'u Upstream),
    ByNobody,
}

impl Served<'_> {
    fn is(&self, (status, body): &(u16, Value)) -> bool {
        match self {
            Self::By(upstream) => {
                let host = json!(["host", upstream.address.to_string()]);
                let headers = body["headers"].as_array();
                *status == 200 && headers.is_some_and(|headers| headers.contains(&host))
            }
            Self::ByNobody => *status == 404 && body["error_code"] == "404000",
        }
    }
}

/// Publishes what [`load`] calls.
pub async fn publish(installation: &Installation, node: &Node, upstream: &Upstream) {
    let token = operators_token(installation).await;
    let body = service("load", upstream);
    assert_eq!(manage(node, &token, Method::POST, "", &body).await, 201);
}

/// Lets callers of each gateway go on: every call gets its own answer.
pub async fn load(installation: &Installation, nodes: &[&Node], load: &mut Load) {
    for node in nodes {
        let origin = gateway(node).await;
        for client in 3..3 + CALLERS {
            let caller = Arc::new(Caller::new(installation, node, client).await);
            let there = async || caller.call(&origin, "/load").await.0 == 200;
            assert!(
                wait_until(LONGEST, there).await,
                "the gateway has no service"
            );
            let (origin, calls) = (origin.clone(), AtomicUsize::new(0));
            load.spawn("gateway", move || {
                let path = format!("/load/{client}/{}", calls.fetch_add(1, Ordering::Relaxed));
                let (caller, origin) = (Arc::clone(&caller), origin.clone());
                async move {
                    let (status, body) = caller.call(&origin, &path).await;
                    let is_own = status == 200 && body["target"] == path;
                    is_own.then_some(()).ok_or(format!("{status} {body}"))
                }
            });
        }
    }
}

/// A call by a client that this gateway has not seen and cannot ask about.
pub async fn refuses_unknown(node: &Node) {
    let url = format!("{}/load", gateway(node).await);
    let unknown = uuid::Uuid::new_v4().simple().to_string();
    let call = node.caller.http.get(url).header("x-api-key", unknown);
    let sent = Instant::now();
    let reply = call.send().await.unwrap();
    let retry_after = reply.headers().contains_key("retry-after");
    let status = reply.status().as_u16();
    let body: Value = reply.json().await.unwrap();
    assert_eq!((status, body["error_code"].as_str()), (503, Some("503000")));
    assert!(retry_after && sent.elapsed() < Duration::from_secs(1));
}

/// A client that calls with its three headers.
pub struct Caller {
    http: reqwest::Client,
    headers: [(&'static str, String); 3],
}

impl Caller {
    pub async fn new(installation: &Installation, node: &Node, client: usize) -> Self {
        let token = node.token(installation, client).await;
        let organization = &installation.clients[client].credential.org_id;
        Self {
            http: node.caller.http.clone(),
            headers: [
                ("authorization", format!("Bearer {token}")),
                ("x-api-key", installation.client_id(client)),
                ("x-gw-ims-org-id", organization.to_string()),
            ],
        }
    }

    /// What it shows.
    pub fn token(&self) -> &str {
        self.headers[0].1.trim_start_matches("Bearer ")
    }

    /// Status and body; no answer is status 0.
    pub async fn call(&self, origin: &str, path: &str) -> (u16, Value) {
        let call = self.http.get(format!("{origin}{path}"));
        let headers = self.headers.iter();
        let call = headers.fold(call, |call, (name, value)| call.header(*name, value));
        let Ok(reply) = call.send().await else {
            return (0, Value::Null);
        };
        let status = reply.status().as_u16();
        (status, reply.json().await.unwrap_or_default())
    }
}

/// Where the gateway of a node listens.
pub async fn gateway(node: &Node) -> String {
    node.wait_for_saying("gateway  ", LONGEST).await;
    let said = node.server.said.lock().unwrap();
    let mut lines = said.lines();
    let origin = lines
        .find_map(|line| line.strip_prefix("gateway  "))
        .unwrap();
    origin.trim().to_owned()
}

async fn operators_token(installation: &Installation) -> String {
    let made = answer(installation, &["access-tokens", "create", "--name", "test"]).await;
    made["token"].as_str().unwrap().to_owned()
}

fn service(name: &str, upstream: &Upstream) -> Value {
    json!({
        "name": name, "service": "CloudManagerSDK", "prefix": format!("/{name}"),
        "upstreams": [upstream.origin()], "profile_required": false,
    })
}

/// Status of a call of the management API.
async fn manage(node: &Node, token: &str, method: Method, path: &str, body: &Value) -> u16 {
    let url = format!("{}/api/v1/published-services{path}", node.caller.origin);
    let call = node.caller.http.request(method, url).bearer_auth(token);
    let call = call.header("content-type", "application/json");
    let reply = call.body(body.to_string()).send().await.unwrap();
    reply.status().as_u16()
}
