//! The gateway on a port, over the product in this process, and callers that write bytes.

use std::net::SocketAddr;
use std::time::Duration;

use countersign_authority::GatewayConfig;
use countersign_model::{Catalogue, PublishedService};
use countersign_server::gateway;
use countersign_server::listen::{Drained, Listener};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::{Setup, TestApp};
use crate::clients::TestClient;

/// The gateway on a port of its own.
pub struct Gateway {
    /// The product behind it.
    pub app: TestApp,
    /// Where it listens.
    pub address: SocketAddr,
    /// Ends it in order.
    pub drain: CancellationToken,
    /// How it ended.
    pub served: JoinHandle<Drained>,
}

/// A client with a token, and the three headers that belong together.
#[derive(Clone)]
pub struct Member {
    /// Its credential.
    pub client: TestClient,
    /// A token for [`SCOPES`].
    pub token: String,
}

/// What a [`Member`]'s token may do.
pub const SCOPES: &str = "openid,AdobeID,read_organizations";

impl Gateway {
    /// Publishes Cloud Manager from `upstream`, in addition with these TOML keys.
    pub async fn publishing(upstream: &str, keys: &str) -> Self {
        Self::with(&[service("cm", "/", &[upstream], keys)], |_| {}).await
    }

    /// Publishes `services`, behind a listener of the test's settings.
    pub async fn with(services: &[PublishedService], change: impl FnOnce(&mut Listener)) -> Self {
        let app = TestApp::with(|setup| setup.config.gateway = checks(services)).await;
        Self::of(app, change).await
    }

    /// In front of a product that was set up with [`checks`].
    pub async fn of(app: TestApp, change: impl FnOnce(&mut Listener)) -> Self {
        let mut listener = Listener {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            max_connections_per_source: 8192,
            ..Listener::default()
        };
        change(&mut listener);
        let face = gateway::face(app.authority.clone(), &listener, Some(app.explainer()));
        let bound = listener.bind().await.unwrap();
        let (address, drain) = (bound.address(), CancellationToken::new());
        Self {
            address,
            served: tokio::spawn(bound.serve(face, drain.clone())),
            drain,
            app,
        }
    }

    /// A member of a new organization, subscribed to Cloud Manager.
    pub async fn member(&self) -> Member {
        let org = self.app.organization().await;
        let client = self.app.oauth(&org, &["CloudManagerSDK"]).await;
        let token = self.token(&client, SCOPES).await;
        Member { client, token }
    }

    /// A token of `client`.
    pub async fn token(&self, client: &TestClient, scopes: &str) -> String {
        self.app.anonymous().token(client, scopes).await.token()
    }

    /// A new connection.
    pub async fn connect(&self) -> Connection {
        Connection::to(self.address).await
    }

    /// Sends the bytes of one request and reads one answer.
    pub async fn send(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut connection = self.connect().await;
        connection.write(request).await;
        connection.reply().await
    }

    /// Sends a GET with these header lines.
    pub async fn get(&self, target: &str, headers: &str) -> Reply {
        self.send(get(target, headers)).await
    }
}

impl Member {
    /// Its three headers.
    #[must_use]
    pub fn headers(&self) -> String {
        format!(
            "{}{}{}",
            self.authorization(),
            self.api_key(),
            self.organization()
        )
    }

    /// `Authorization`.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.token)
    }

    /// `x-api-key`.
    #[must_use]
    pub fn api_key(&self) -> String {
        format!("x-api-key: {}\r\n", self.client.client_id)
    }

    /// `x-gw-ims-org-id`.
    #[must_use]
    pub fn organization(&self) -> String {
        format!("x-gw-ims-org-id: {}\r\n", self.client.org_id)
    }
}

/// Settings of the authority that publish `services`.
#[must_use]
pub fn checks(services: &[PublishedService]) -> GatewayConfig {
    let catalogue = Catalogue::parse(Catalogue::BUILT_IN).unwrap();
    let checks = GatewayConfig::default();
    checks.with_services(services.to_vec(), &catalogue).unwrap()
}

/// Publishes [`checks`] in a product that is still to start.
pub fn publish(setup: &mut Setup, services: &[PublishedService]) {
    setup.config.gateway = checks(services);
}

/// Cloud Manager under `name` at `prefix`, without profiles, and with further TOML keys, which win.
#[must_use]
pub fn service(name: &str, prefix: &str, upstreams: &[&str], keys: &str) -> PublishedService {
    let mut table: toml::Table = toml::toml! {
        service = "CloudManagerSDK"
        profile_required = false
    };
    table.insert("name".to_owned(), name.into());
    table.insert("prefix".to_owned(), prefix.into());
    let upstreams = upstreams.iter().map(|origin| (*origin).into());
    table.insert(
        "upstreams".to_owned(),
        toml::Value::Array(upstreams.collect()),
    );
    table.extend(keys.parse::<toml::Table>().unwrap());
    table.try_into().unwrap()
}

/// The bytes of a GET that leaves the connection open.
#[must_use]
pub fn get(target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: api.example.com\r\n{headers}\r\n")
}

/// The bytes of a POST that leaves the connection open.
#[must_use]
pub fn post(target: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: api.example.com\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
}

/// A connection that a test writes bytes to.
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// To anybody.
    pub async fn to(address: SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            read: Vec::new(),
        }
    }

    /// Writes; whoever closed already has said what counts.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        drop(self.stream.write_all(bytes.as_ref()).await);
    }

    /// Reads one answer of HTTP/1.1.
    pub async fn reply(&mut self) -> Reply {
        tokio::time::timeout(PATIENCE, self.read_reply())
            .await
            .expect("an answer in time")
    }

    /// Reads until the other side closes.
    pub async fn rest(&mut self) -> String {
        let read = self.stream.read_to_end(&mut self.read);
        drop(
            tokio::time::timeout(PATIENCE, read)
                .await
                .expect("an end in time"),
        );
        String::from_utf8_lossy(&self.read).into_owned()
    }

    async fn read_reply(&mut self) -> Reply {
        let end = loop {
            match self
                .read
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                Some(at) => break at + 4,
                None if self.more().await => {}
                None => return Reply::none(),
            }
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut reply = Reply::of(&head);
        if reply.status == 100 {
            return Box::pin(self.read_reply()).await;
        }
        match (
            reply.header("content-length"),
            reply.header("transfer-encoding"),
        ) {
            (Some(length), _) => {
                let length: usize = length.parse().unwrap();
                while self.read.len() < length && self.more().await {}
                reply.complete = self.read.len() >= length;
                reply.body = self.read.drain(..length.min(self.read.len())).collect();
            }
            (None, Some(_)) => self.read_chunks(&mut reply).await,
            (None, None) => {}
        }
        reply
    }

    async fn read_chunks(&mut self, reply: &mut Reply) {
        reply.complete = false;
        loop {
            let line = loop {
                match self.read.windows(2).position(|window| window == b"\r\n") {
                    Some(at) => break at,
                    None if self.more().await => {}
                    None => return,
                }
            };
            let size = std::str::from_utf8(&self.read[..line]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            while self.read.len() < line + 2 + size + 2 {
                if !self.more().await {
                    return;
                }
            }
            let chunk = self.read.drain(..line + 2 + size + 2);
            reply.body.extend(chunk.skip(line + 2).take(size));
            if size == 0 {
                reply.complete = true;
                return;
            }
        }
    }

    async fn more(&mut self) -> bool {
        matches!(self.stream.read_buf(&mut self.read).await, Ok(1..))
    }
}

/// One answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status; 0 where the connection closed without an answer.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// What came of the body.
    pub body: Vec<u8>,
    /// Whether all of it came.
    pub complete: bool,
}

impl Reply {
    fn none() -> Self {
        Self {
            status: 0,
            headers: Vec::new(),
            body: Vec::new(),
            complete: false,
        }
    }

    fn of(head: &str) -> Self {
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let fields = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.unwrap().parse().unwrap(),
            headers: fields
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect(),
            body: Vec::new(),
            complete: true,
        }
    }

    /// The value of a header, if it is there once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter().filter(|(own, _)| own == name);
        let first = all.next()?;
        assert!(all.next().is_none(), "{name} occurs twice: {self:?}");
        Some(&first.1)
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Compares status and body, byte for byte.
    #[track_caller]
    pub fn must_be(&self, status: u16, body: &str) {
        assert_eq!(
            (self.status, self.text().as_str()),
            (status, body),
            "{self:?}"
        );
    }

    /// Compares status and `error_code`, and checks what holds for every refusal.
    #[track_caller]
    pub fn must_be_refused(&self, status: u16, error_code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        let text = self.text();
        assert!(
            text.ends_with("}\n") && !text.trim_end().contains('\n'),
            "{text:?}"
        );
        assert_eq!(self.json()["error_code"], error_code, "{text}");
        assert!(self.header("x-request-id").is_some() && self.header("x-debug-id").is_some());
        assert_eq!(self.header("www-authenticate").is_some(), status == 401);
        let waits = status == 429 || status == 503;
        assert_eq!(self.header("retry-after").is_some(), waits, "{self:?}");
    }

    /// Values of a header as an [`Upstream`](crate::upstream::Upstream) saw them.
    #[track_caller]
    #[must_use]
    pub fn seen(&self, name: &str) -> Vec<String> {
        assert_eq!(self.status, 200, "{self:?}");
        let asked = self.json();
        let headers = asked["headers"].as_array().unwrap();
        let of_name = headers.iter().filter(|header| header[0] == name);
        of_name
            .map(|header| header[1].as_str().unwrap().to_owned())
            .collect()
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
