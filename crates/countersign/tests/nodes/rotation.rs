//! Signing keys rotate under load, and not one validation fails (`spec/security.md` REL-43).
//!
//! Verifiers keep the key set as they are told; that time is shortened here, and with it the time
//! for which a new key is published before it signs, so that several rotations fit into a test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_authority::Clock;
use countersign_wire::Timestamp;
use serde_json::Value;

use crate::callers::credentials;
use crate::changes::kid;
use crate::load::Load;
use crate::middleware::{self, API, Middleware};
use crate::node::{Node, answer};
use crate::relay::Relay;
use crate::support::installation::Installation;
use crate::support::server::Caller;
use crate::{installation, say};

/// Says how long verifiers keep the key set, in seconds; 300 is what an installation begins with.
const VARIABLE: &str = "COUNTERSIGN_TEST_KEY_SET_SECONDS";
const SECONDS: u64 = 3;
const ROTATIONS: usize = 3;
/// What keys are in use; every middleware takes both.
const ALGORITHMS: [&str; 2] = ["RS256", "ES256"];
/// Between the last rotation and the end.
const AFTERWARDS: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn no_validation_fails_while_keys_rotate() {
    let Some(installation) = installation().await else {
        return;
    };
    let place = Place::start(&installation).await;
    let mut load = Load::new();
    let mut names = vec!["node a", "node b"];
    for (name, at) in [("node a", 0), ("node b", 1)] {
        let verifier = Verifier::Node(place.nodes[at].caller.clone());
        load_on(&mut load, &place, name, verifier);
    }
    let mut apis = Vec::new();
    if middleware::are_installed() {
        for name in middleware::ALL {
            apis.push(place.protect(name).await);
        }
    }
    for api in &apis {
        names.push(api.name);
        load_on(&mut load, &place, api.name, Verifier::Api(api.url.clone()));
    }

    place.rotate().await;

    let answers = load.end().await;
    let seen = place.seen.lock().unwrap().clone();
    for name in names {
        let keys = &seen[name];
        let count = answers.count(name);
        say(&format!(
            "rotation: {name} validated {count} tokens of {} keys",
            keys.len()
        ));
        assert!(
            keys.len() >= ALGORITHMS.len() * (ROTATIONS + 1),
            "{name}: {keys:?}"
        );
    }
    answers.must_be_good();
    drop(apis);
    drop(place);
    installation.database.remove().await;
}

/// Two nodes behind one address.
struct Place<'a> {
    installation: &'a Installation,
    nodes: [Node; 2],
    issuer: String,
    _balancer: Relay,
    /// Which keys each verifier met.
    seen: Arc<Mutex<BTreeMap<&'static str, BTreeSet<String>>>>,
}

impl<'a> Place<'a> {
    async fn start(installation: &'a Installation) -> Self {
        let balancer = Relay::start().await;
        let issuer = format!("http://{}", balancer.address());
        let life = seconds().to_string();
        let settings = [
            ("COUNTERSIGN__IMS__ISSUER", issuer.as_str()),
            ("COUNTERSIGN__IMS__KEY_SET_LIFE_SECONDS", life.as_str()),
        ];
        let a = Node::start(installation, &settings).await;
        let b = Node::start(installation, &settings).await;
        let addresses = [&a, &b].map(|node| {
            let address = node.caller.origin.strip_prefix("http://").unwrap();
            address.parse().unwrap()
        });
        balancer.lead_to(&addresses);
        for (client, algorithm) in ALGORITHMS.into_iter().enumerate() {
            let id = installation.client_id(client);
            let args = [
                "credentials",
                "set-token-kind",
                &id,
                "standard",
                "--algorithm",
                algorithm,
            ];
            answer(installation, &args).await;
        }
        Self {
            installation,
            nodes: [a, b],
            issuer,
            _balancer: balancer,
            seen: Arc::default(),
        }
    }

    async fn protect(&self, name: &'static str) -> Middleware {
        let client = credentials(self.installation, 0);
        Middleware::start(name, &self.issuer, client, seconds()).await
    }

    /// Several rotations, each as soon as it may be.
    async fn rotate(&self) {
        let mut rotated = self.rotate_once().await;
        for _ in 0..ROTATIONS {
            let ready: Timestamp = rotated["ready_at"].as_str().unwrap().parse().unwrap();
            let wait = ready.since(Clock::system().now()) + Duration::from_millis(50);
            tokio::time::sleep(wait).await;
            rotated = self.rotate_once().await;
            // Unless the nodes did that themselves and this is the next publication already.
            if rotated["done"] == "activated" {
                rotated = self.rotate_once().await;
            }
        }
        tokio::time::sleep(AFTERWARDS).await;
    }

    async fn rotate_once(&self) -> Value {
        let life = seconds().to_string();
        let mut command = self.installation.command();
        command.env("COUNTERSIGN__IMS__KEY_SET_LIFE_SECONDS", life);
        let output = command
            .args(["admin", "--json", "keys", "rotate"])
            .output()
            .await
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Who says whether a token holds.
#[derive(Clone)]
enum Verifier {
    /// One of ours.
    Node(Caller),
    /// A protected API at this URL.
    Api(String),
}

/// Lets a verifier meet tokens of every age, from either node, as fast as it answers.
fn load_on(load: &mut Load, place: &Place<'_>, name: &'static str, verifier: Verifier) {
    let shared = Arc::new(Meeting {
        verifier,
        issuers: place.nodes.each_ref().map(|node| node.caller.clone()),
        clients: [0, 1].map(|client| credentials(place.installation, client)),
        minted: Mutex::default(),
        turn: AtomicUsize::new(0),
        http: http(),
    });
    let seen = Arc::clone(&place.seen);
    load.spawn(name, move || {
        let (shared, seen) = (Arc::clone(&shared), Arc::clone(&seen));
        async move {
            let token = shared.next_token().await?;
            shared
                .check(&token)
                .await
                .map_err(|error| format!("{}: {error}", kid(&token)))?;
            seen.lock()
                .unwrap()
                .entry(name)
                .or_default()
                .insert(kid(&token));
            Ok(())
        }
    });
}

struct Meeting {
    verifier: Verifier,
    issuers: [Caller; 2],
    clients: [[(&'static str, String); 2]; 2],
    minted: Mutex<Vec<String>>,
    turn: AtomicUsize,
    http: reqwest::Client,
}

impl Meeting {
    /// A new one, or in every third turn one that was minted any time before.
    async fn next_token(&self) -> Result<String, String> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        if let Some(old) = self.old_token(turn).filter(|_| turn % 3 == 2) {
            return Ok(old);
        }
        let mut form = self.clients[turn % 2].to_vec();
        form.push(("grant_type", "client_credentials".to_owned()));
        form.push(("scope", "openid".to_owned()));
        form.push(("resource", API.to_owned()));
        let issuer = &self.issuers[turn / 2 % 2];
        let (status, body) = issuer
            .post("/oauth2/token", &form)
            .await
            .ok_or("no answer")?;
        let token = body["access_token"]
            .as_str()
            .ok_or(format!("minting: {status} {body}"))?;
        self.minted.lock().unwrap().push(token.to_owned());
        Ok(token.to_owned())
    }

    /// Any one of those that were minted: steps of a prime number go through all of them.
    fn old_token(&self, turn: usize) -> Option<String> {
        let minted = self.minted.lock().unwrap();
        let at = (turn * 7919).checked_rem(minted.len())?;
        Some(minted[at].clone())
    }

    async fn check(&self, token: &str) -> Result<(), String> {
        match &self.verifier {
            Verifier::Node(caller) => {
                let mut form = self.clients[0].to_vec();
                form.push(("token", token.to_owned()));
                form.push(("type", "access_token".to_owned()));
                for (path, member) in [
                    ("/ims/validate_token/v1", "valid"),
                    ("/oauth2/introspect", "active"),
                ] {
                    let (status, body) = caller.post(path, &form).await.ok_or("no answer")?;
                    (body[member] == true)
                        .then_some(())
                        .ok_or(format!("{path}: {status} {body}"))?;
                }
                Ok(())
            }
            Verifier::Api(url) => {
                let sent = self.http.get(url).bearer_auth(token).send().await;
                let status = sent.map_err(|error| error.to_string())?.status();
                (status == 200).then_some(()).ok_or(status.to_string())
            }
        }
    }
}

/// A connection for each request: an API that takes up new keys may close those that are idle.
fn http() -> reqwest::Client {
    let builder = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0);
    builder.timeout(Duration::from_secs(20)).build().unwrap()
}

fn seconds() -> u64 {
    let named = std::env::var(VARIABLE).ok();
    named.map_or(SECONDS, |text| text.parse().unwrap())
}
