//! An OpenID provider: a real HTTP server with keys of its own, which misbehaves where a test wants
//! it to. It checks what it is sent as strictly as it can.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use countersign_jose::{Algorithm, JwkSet, SigningKey};
use countersign_server::listen::Listener;
use http::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::TestClock;
use crate::app::START;

mod token;

/// Our name there; both need encoding where they travel by HTTP Basic.
pub const CLIENT_ID: &str = "developer console";
/// What we prove it by.
pub const CLIENT_SECRET: &str = "CANARY:secret/of+the console";

/// A provider on a port of its own, gone when dropped.
#[derive(Clone)]
pub struct TestProvider {
    /// Its issuer.
    pub issuer: String,
    inner: Arc<Inner>,
    _served: Arc<AbortOnDropHandle<()>>,
}

struct Inner {
    issuer: String,
    clock: Mutex<TestClock>,
    key: Mutex<(String, Arc<SigningKey>)>,
    claims: Mutex<Value>,
    fault: Mutex<Fault>,
    codes: Mutex<HashMap<String, Url>>,
    key_sets: Mutex<u32>,
}

/// What a provider does wrong, each by itself.
#[derive(Clone, Copy)]
pub enum Fault {
    /// Nothing.
    None,
    /// Its metadata says something else.
    Metadata(fn(&mut Value)),
    /// What the browser comes back with.
    Answer(fn(&mut Vec<(String, String)>)),
    /// What the token endpoint answers.
    Tokens(fn(&mut Value)),
    /// What the ID token says.
    Claims(fn(&mut Value)),
    /// How the ID token is signed.
    Signature(Signature),
    /// The token endpoint answers so.
    Endpoint(fn() -> Response),
    /// The token endpoint does not answer.
    Silence,
}

/// How an ID token is signed wrongly.
#[derive(Clone, Copy)]
pub enum Signature {
    /// Not at all: `alg` is `none`.
    Absent,
    /// With the client secret, by HMAC, as if it were a key.
    ClientSecret,
    /// By a key that is not in the key set, under the name of one that is.
    OtherKey,
    /// Under a name that is not in the key set.
    UnknownName,
    /// By an algorithm that the metadata does not offer.
    OtherAlgorithm,
}

impl TestProvider {
    /// Signs with a key of that algorithm, whom it signs in is Ada.
    pub async fn start(algorithm: Algorithm) -> Self {
        let listener = Listener {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            ..Listener::default()
        };
        let bound = listener.bind().await.unwrap();
        let issuer = format!("http://{}/tenant/", bound.address());
        let key = SigningKey::generate(algorithm).unwrap();
        let inner = Arc::new(Inner {
            issuer: issuer.clone(),
            clock: Mutex::new(TestClock::at(START)),
            key: Mutex::new(("key-1".to_owned(), Arc::new(key))),
            claims: Mutex::new(json!({
                "sub": "ada-at-the-provider", "email": "ada@example.com",
                "email_verified": true, "name": "Ada Example",
            })),
            fault: Mutex::new(Fault::None),
            codes: Mutex::default(),
            key_sets: Mutex::default(),
        });
        let router = Router::new()
            .route("/tenant/.well-known/openid-configuration", get(metadata))
            .route("/tenant/authorize", get(authorize))
            .route("/tenant/token", post(token::answer))
            .route("/tenant/elsewhere", post(token::give))
            .route("/tenant/keys", get(keys))
            .with_state(Arc::clone(&inner));
        let served = async move {
            bound.serve(router, CancellationToken::new()).await;
        };
        Self {
            issuer,
            inner,
            _served: Arc::new(AbortOnDropHandle::new(tokio::spawn(served))),
        }
    }

    /// Goes by this clock from now on.
    pub fn follow(&self, clock: &TestClock) {
        *self.inner.clock.lock().unwrap() = clock.clone();
    }

    /// Does this wrong from now on.
    pub fn misbehave(&self, fault: Fault) {
        *self.inner.fault.lock().unwrap() = fault;
    }

    /// Signs in somebody with these claims from now on, besides those that every ID token has.
    pub fn signs_in(&self, claims: Value) {
        *self.inner.claims.lock().unwrap() = claims;
    }

    /// Signs with another key from now on.
    pub fn change_key(&self, name: &str) {
        let mut key = self.inner.key.lock().unwrap();
        let algorithm = key.1.algorithm();
        *key = (
            name.to_owned(),
            Arc::new(SigningKey::generate(algorithm).unwrap()),
        );
    }

    /// How often the key set was asked for.
    #[must_use]
    pub fn key_sets(&self) -> u32 {
        *self.inner.key_sets.lock().unwrap()
    }

    /// Where a browser is sent back to that was sent to this address, once its person has agreed.
    #[must_use]
    pub fn approve(&self, address: &str) -> String {
        self.inner.approve(&Url::parse(address).unwrap())
    }
}

impl Inner {
    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    fn now(&self) -> i64 {
        self.clock.lock().unwrap().now().as_seconds()
    }

    fn metadata(&self) -> Value {
        let below = |path: &str| format!("{}{path}", self.issuer);
        let algorithm = self.key.lock().unwrap().1.algorithm();
        let mut metadata = json!({
            "issuer": self.issuer,
            "authorization_endpoint": below("authorize?from=metadata"),
            "token_endpoint": below("token"),
            "jwks_uri": below("keys"),
            "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": [algorithm.name()],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        if let Fault::Metadata(change) = self.fault() {
            change(&mut metadata);
        }
        metadata
    }

    /// Refuses what no relying party may send (OpenID Connect Core 3.1.2.2).
    fn approve(&self, address: &Url) -> String {
        let asked: HashMap<_, _> = address.query_pairs().into_owned().collect();
        assert_eq!(asked.len(), address.query_pairs().count(), "nothing twice");
        assert!(
            address
                .as_str()
                .starts_with(&format!("{}authorize?from=metadata&", self.issuer))
        );
        for (name, value) in [
            ("response_type", "code"),
            ("client_id", CLIENT_ID),
            ("scope", "openid email profile"),
            ("code_challenge_method", "S256"),
        ] {
            assert_eq!(asked[name], value);
        }
        for name in ["state", "nonce", "code_challenge"] {
            assert!(asked[name].len() >= 43, "{name}");
        }
        let code = uuid::Uuid::new_v4().simple().to_string();
        self.codes
            .lock()
            .unwrap()
            .insert(code.clone(), address.clone());
        let mut answer = vec![
            ("code".to_owned(), code),
            ("state".to_owned(), asked["state"].clone()),
            ("iss".to_owned(), self.issuer.clone()),
        ];
        if let Fault::Answer(change) = self.fault() {
            change(&mut answer);
        }
        let mut back = Url::parse(&asked["redirect_uri"]).unwrap();
        back.query_pairs_mut().extend_pairs(&answer);
        back.into()
    }
}

async fn metadata(State(inner): State<Arc<Inner>>) -> Response {
    json_answer(&inner.metadata())
}

/// A page as people see it; the redirect comes when they press.
async fn authorize(State(inner): State<Arc<Inner>>, request: Request) -> Html<String> {
    let query = request.uri().query().unwrap();
    let address = Url::parse(&format!("{}authorize?{query}", inner.issuer)).unwrap();
    let back = inner.approve(&address).replace('&', "&amp;");
    Html(format!(
        "<!doctype html><html lang=en><title>Provider</title><h1>Sign in at the provider</h1>\
        <a href=\"{back}\">Continue as Ada</a>"
    ))
}

async fn keys(State(inner): State<Arc<Inner>>) -> String {
    *inner.key_sets.lock().unwrap() += 1;
    let (name, key) = inner.key.lock().unwrap().clone();
    let mut set = JwkSet::new();
    set.insert(&name, key.verifying_key().clone()).unwrap();
    set.to_json()
}

fn json_answer(value: &Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

/// A redirect to a place that answers as the token endpoint should: whoever follows it is signed in.
#[must_use]
pub fn redirect() -> Response {
    Redirect::temporary("/tenant/elsewhere").into_response()
}

/// An error of the token endpoint (RFC 6749 section 5.2).
fn refuse(error: &str) -> Response {
    let body = json!({"error": error, "error_description": CLIENT_SECRET});
    (StatusCode::BAD_REQUEST, json_answer(&body)).into_response()
}
