//! Middleware that nobody here wrote protects an API with standard tokens.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_authority::Clock;
use countersign_model::{SigningAlgorithm, TokenKind};
use countersign_testkit::app::operator;
use countersign_testkit::real_clients::{self, Surroundings, installed};
use countersign_testkit::{TestApp, TestClient};
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::product::listen;

/// The API that most tokens are for.
const API: &str = "https://api.example";

/// What a middleware can do.
struct Middleware {
    name: &'static str,
    algorithms: &'static [&'static str],
    /// Whether it asks the server about each token instead of verifying it.
    introspects: bool,
}

const ALL: [Middleware; 5] = [
    verifier("jose", &["RS256", "ES256", "EdDSA"]),
    verifier("express-oauth2-jwt-bearer", &["RS256", "ES256", "EdDSA"]),
    // Neither takes EdDSA unless told to, or at all.
    verifier("authlib-jwks", &["RS256", "ES256"]),
    verifier("haproxy", &["RS256", "ES256"]),
    Middleware {
        name: "authlib-introspection",
        algorithms: &["RS256", "ES256", "EdDSA"],
        introspects: true,
    },
];

const fn verifier(name: &'static str, algorithms: &'static [&'static str]) -> Middleware {
    Middleware {
        name,
        algorithms,
        introspects: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn are_accepted_by_foreign_middleware_and_refused_where_they_must_be() {
    if installed().is_empty() {
        return;
    }
    let api = Api::start().await;
    let mut failures = Vec::new();
    for middleware in &ALL {
        let found = api.ask(middleware.name).await;
        for (name, status) in &found {
            let expected = expected(middleware, name);
            if expected.is_some_and(|expected| expected != *status) {
                failures.push(format!("{}: {name}: {status}", middleware.name));
            }
        }
        assert_eq!(found.len(), api.tokens.len(), "{}", middleware.name);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What a middleware must answer to the token of that name, as in `ES256 good`.
fn expected(middleware: &Middleware, token: &str) -> Option<u16> {
    let (algorithm, kind) = token.split_once(' ')?;
    let known = middleware.algorithms.contains(&algorithm);
    match (kind, middleware.introspects) {
        _ if !known => Some(401),
        ("good", _) => Some(200),
        ("altered" | "expired", _) | ("ims" | "for another", false) | ("revoked", true) => {
            Some(401)
        }
        // The server tells of both kinds.
        ("ims", true) => Some(200),
        // A verified signature says nothing of revocation, and Authlib leaves the audience of an
        // introspected token to the application.
        _ => None,
    }
}

/// The product with tokens that an API may meet.
struct Api {
    app: TestApp,
    issuer: String,
    client: TestClient,
    tokens: BTreeMap<String, String>,
    _stop: DropGuard,
}

impl Api {
    async fn start() -> Self {
        let listener = listen(None).await;
        let issuer = format!("http://127.0.0.1:{}", listener.address().port());
        let own = issuer.clone();
        let app = TestApp::with(|setup| setup.config.issuer = own).await;
        let stop = CancellationToken::new();
        tokio::spawn(listener.serve(app.router(), stop.clone()));
        let organization = app.organization().await;
        let client = app.oauth(&organization, &["DocCloudSDK"]).await;
        let mut api = Self {
            app,
            issuer,
            client,
            tokens: BTreeMap::new(),
            _stop: stop.drop_guard(),
        };
        for algorithm in SigningAlgorithm::ALL {
            api.mint_all(algorithm).await;
        }
        api.set_kind(TokenKind::Ims).await;
        api.mint("RS256 ims", API).await;
        api
    }

    async fn mint_all(&mut self, algorithm: SigningAlgorithm) {
        let name = algorithm.as_str();
        let now = Clock::system().now();
        self.set_kind(TokenKind::Standard { algorithm }).await;
        self.app.clock.set(now.minus(Duration::from_hours(48)));
        self.mint(&format!("{name} expired"), API).await;
        self.app.clock.set(now);
        self.mint(&format!("{name} good"), API).await;
        self.mint(&format!("{name} for another"), "https://other.example")
            .await;
        let revoked = self.mint(&format!("{name} revoked"), API).await;
        let answer = self.app.anonymous().revoke(&self.client, &revoked).await;
        answer.must_be(200, "");
        let altered = altered(&self.tokens[&format!("{name} good")]);
        self.tokens.insert(format!("{name} altered"), altered);
    }

    async fn set_kind(&self, kind: TokenKind) {
        let set = self
            .app
            .authority
            .set_token_kind(&self.client.id, kind, &operator())
            .await;
        set.unwrap();
    }

    async fn mint(&mut self, name: &str, resource: &str) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "openid"),
            ("resource", resource),
        ];
        let call = self.app.anonymous().post("/oauth2/token").form(&form);
        let call = call.basic(self.client.client_id.as_str(), &self.client.secret);
        let token = call.send().await.token();
        self.tokens.insert(name.to_owned(), token.clone());
        token
    }

    /// What an API behind this middleware answers to each token.
    async fn ask(&self, middleware: &str) -> BTreeMap<String, u16> {
        let job = json!({
            "operation": "protect",
            "issuer": self.issuer,
            "audience": API,
            "client_id": self.client.client_id,
            "client_secret": self.client.secret,
            "tokens": self.tokens,
        });
        let surroundings = Surroundings {
            tls_port: 0,
            authority: "/dev/null".into(),
            clock_offset_seconds: 0,
        };
        let outcome = real_clients::run(middleware, &job, &surroundings).await;
        assert!(outcome.ok, "{middleware}: {:?}", outcome.error_text);
        outcome.statuses.unwrap()
    }
}

/// The token with another payload under the same signature.
fn altered(token: &str) -> String {
    let parts: Vec<_> = token.split('.').collect();
    let payload = parts[1].replacen('0', "1", 1);
    let payload = if payload == parts[1] {
        parts[1].replacen('J', "K", 1)
    } else {
        payload
    };
    assert_ne!(payload, parts[1]);
    [parts[0], &payload, parts[2]].join(".")
}
