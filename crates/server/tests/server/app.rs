//! A server with test routes, and a caller that speaks bytes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use axum::routing::post;
use countersign_server::health::Condition;
use countersign_server::health::Readiness;
use countersign_server::kit::access_log::Cause;
use countersign_server::kit::client_ip::Source;
use countersign_server::kit::stack;
use countersign_server::kit::stack::Surroundings;
use countersign_server::listen::Drained;
use countersign_server::listen::Listener;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub struct TestServer {
    pub address: SocketAddr,
    pub drain: CancellationToken,
    pub served: JoinHandle<Drained>,
    /// Told when `/wait` has been reached.
    pub reached: Arc<Notify>,
    /// Lets `/wait` go on.
    pub go: Arc<Notify>,
    /// What the server was asked to remember.
    pub explained: Arc<Mutex<Vec<String>>>,
}

impl TestServer {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Listener)) -> Self {
        let mut listener = Listener {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            ..Listener::default()
        };
        change(&mut listener);
        let (reached, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let drain = CancellationToken::new();
        let routes = routes(&reached, &go).merge(readiness().routes(drain.clone()));
        let explained = Arc::new(Mutex::new(Vec::new()));
        let router = stack::surround(routes, surroundings(&listener, &explained));
        let bound = listener.bind().await.unwrap();
        Self {
            address: bound.address(),
            served: tokio::spawn(bound.serve(router, drain.clone())),
            drain,
            reached,
            go,
            explained,
        }
    }

    pub async fn connect(&self) -> Caller {
        Caller(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends `bytes` on a new connection and reads until the server closes it.
    pub async fn send(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut caller = self.connect().await;
        caller.write(bytes).await;
        caller.rest().await
    }

    /// One request that asks for the connection to be closed.
    pub async fn get(&self, target: &str) -> String {
        self.send(format!(
            "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ))
        .await
    }
}

pub struct Caller(TcpStream);

impl Caller {
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        // The server may have closed already; what it said is what counts.
        drop(self.0.write_all(bytes.as_ref()).await);
    }

    /// Reads text until the server closes.
    pub async fn rest(&mut self) -> String {
        String::from_utf8_lossy(&self.closed().await).into_owned()
    }

    /// Reads bytes until the server closes.
    pub async fn closed(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes);
        drop(
            tokio::time::timeout(BOUND, read)
                .await
                .expect("the server closes in time"),
        );
        bytes
    }

    /// Reads one answer that ends with `end`.
    pub async fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            let byte = tokio::time::timeout(BOUND, self.0.read_u8()).await;
            let answer = String::from_utf8_lossy(&bytes).into_owned();
            bytes.push(
                byte.expect(&answer)
                    .unwrap_or_else(|_| panic!("closed after {answer:?}")),
            );
        }
        String::from_utf8(bytes).unwrap()
    }
}

fn surroundings(listener: &Listener, explained: &Arc<Mutex<Vec<String>>>) -> Surroundings {
    let explained = Arc::clone(explained);
    Surroundings {
        limits: listener.requests.clone(),
        proxies: listener.trusted_proxies.clone(),
        explain: Some(Box::new(move |event| {
            let line = format!("{} {} {}", event.id, event.path, event.cause.code);
            explained.lock().unwrap().push(line);
        })),
        ..Surroundings::default()
    }
}

fn routes(reached: &Arc<Notify>, go: &Arc<Notify>) -> Router {
    let (reached, go) = (Arc::clone(reached), Arc::clone(go));
    let wait = async move || {
        reached.notify_one();
        go.notified().await;
        "done"
    };
    Router::new()
        .route("/hello", get(async || "hello"))
        .route("/items/{id}", get(async || "item"))
        .route("/echo", post(async |body: Bytes| body))
        .route(
            "/source",
            get(async |source: axum::Extension<Source>| source.0.0.to_string()),
        )
        .route("/panic", get(async || broken()))
        .route("/cause", get(async || (axum::Extension(cause()), "no")))
        .route("/wait", get(wait))
}

fn broken() -> &'static str {
    panic!("test panic")
}

fn cause() -> Cause {
    Cause {
        code: "wrong_secret",
        detail: "secret `abcd` matches\nno live secret".to_owned(),
        client: Some("client-7".to_owned()),
    }
}

fn readiness() -> Readiness {
    Readiness::default()
        .with("keys", || Condition::Fine)
        .with("clock", || Condition::Degraded("skewed by 6 s".to_owned()))
}

pub fn status(answer: &str) -> u16 {
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

pub fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

pub fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// Longer than any timeout that a test configures.
pub const BOUND: Duration = Duration::from_secs(8);
