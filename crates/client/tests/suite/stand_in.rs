//! A server that answers what a test tells it to, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Request, Response, StatusCode, Uri};
use countersign_client::credentials::Draft;
use countersign_client::{Http, HttpOptions, Origin, Retry, TokenSource};
use countersign_jose::{Algorithm, SigningKey};
use countersign_wire::credential_file::GrantName;
use countersign_wire::{ClientId, ClientSecret, Metascope, Opaque, OrgId, TechnicalAccountId};

pub const SECRET: &str = "c4n4ry-s3cret";
pub const ORG: &str = "0A1B2C3D4E5F60718293A4B5@AdobeOrg";
pub const ACCOUNT: &str = "1122334455667788990A0B0C@techacct.adobe.com";

/// One answer: status, headers, body, and how long to wait before it.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub after: Duration,
}

impl Reply {
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            after: Duration::ZERO,
        }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

/// Path and body of one request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub uri: Uri,
    pub body: String,
}

impl Asked {
    pub fn holds(&self, pair: &str) -> bool {
        self.body.split('&').any(|one| one == pair)
    }
}

#[derive(Clone)]
pub struct StandIn {
    pub origin: Origin,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl StandIn {
    /// Answers with `replies` in turn, and with the last one for ever.
    pub async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let this = Self {
            origin: Origin::parse(&format!("http://{address}")).unwrap(),
            replies: Arc::new(Mutex::new(replies.into_iter().collect())),
            asked: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        this
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub fn oauth(&self) -> Draft {
        Draft {
            ims: Some(self.origin.clone()),
            grant: Some(GrantName::ClientCredentials),
            client_id: Some(ClientId::parse("a-client").unwrap()),
            client_secret: ClientSecret::parse(SECRET),
            scopes: Some("openid,AdobeID".parse().unwrap()),
            ..Draft::default()
        }
    }

    pub fn jwt(&self) -> (Draft, SigningKey) {
        let key = SigningKey::generate(Algorithm::Rs256).unwrap();
        let pem = key.to_pem().unwrap().to_string();
        let draft = Draft {
            grant: Some(GrantName::Jwt),
            org_id: Some(OrgId::parse(ORG).unwrap()),
            technical_account_id: Some(TechnicalAccountId::parse(ACCOUNT).unwrap()),
            metascopes: Some(vec![Metascope::parse("ent_x").unwrap()]),
            private_key: Some(Opaque::new(pem)),
            ..self.oauth()
        };
        (draft, key)
    }
}

/// A source that tries again at once, so that tests need not wait.
pub fn source(draft: &Draft) -> TokenSource {
    let mut retry = Retry::default();
    retry.first_pause = Duration::from_millis(1);
    let credential = draft.credential().unwrap();
    let http = Http::new(credential.client.ims.clone(), &HttpOptions::default()).unwrap();
    TokenSource::new(credential, http).with_retry(retry)
}

pub fn token_reply() -> Reply {
    Reply::new(
        200,
        r#"{"access_token":"a-token","token_type":"bearer","expires_in":86399}"#,
    )
    .with("x-debug-id", "debug-1")
}

async fn answer(State(this): State<StandIn>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    this.asked.lock().unwrap().push(Asked {
        uri: parts.uri,
        body: String::from_utf8(body.to_vec()).unwrap(),
    });
    let reply = {
        let mut replies = this.replies.lock().unwrap();
        match replies.len() {
            0 => Reply::new(404, ""),
            1 => replies[0].clone(),
            _ => replies.pop_front().unwrap(),
        }
    };
    tokio::time::sleep(reply.after).await;
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}
