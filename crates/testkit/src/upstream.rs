//! What stands behind the gateway in tests: an application that says what it was asked, and a
//! socket that does worse.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use countersign_server::listen::{Listener, TlsFiles};
use http::{HeaderMap, StatusCode, header};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// An application on a port of its own, gone when dropped. What it does, the path says:
///
/// | path | answer |
/// |---|---|
/// | `/status/{code}` | that status |
/// | `/wait/{milliseconds}` | what was asked, after so long |
/// | `/stream/{pieces}/{milliseconds}` | so many pieces of ten bytes, so long apart, and a trailer |
/// | `/bytes/{count}` | so many bytes |
/// | `/redirect` | a redirect to `/elsewhere` of itself |
/// | `/headers` | headers that belong to the connection |
/// | `/gate` | what was asked, once [`Upstream::open_gate`] was called |
/// | any other | what was asked, as JSON |
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<AtomicUsize>,
    gate: Arc<Notify>,
    _served: AbortOnDropHandle<()>,
}

impl Upstream {
    /// On a free port.
    pub async fn start() -> Self {
        Self::at(FREE).await
    }

    /// On a free port, in TLS.
    pub async fn with_tls(files: TlsFiles) -> Self {
        Self::on(Listener {
            address: FREE,
            tls: Some(files),
            ..Listener::default()
        })
        .await
    }

    /// At a certain address: where another one was before.
    pub async fn at(address: SocketAddr) -> Self {
        Self::on(Listener {
            address,
            max_connections_per_source: 8192,
            ..Listener::default()
        })
        .await
    }

    async fn on(listener: Listener) -> Self {
        let (asked, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (counter, notify) = (Arc::clone(&asked), Arc::clone(&gate));
        let handler = async move |request: Request| {
            counter.fetch_add(1, Ordering::SeqCst);
            answer(request, &notify).await
        };
        let bound = listener.bind().await.unwrap();
        let address = bound.address();
        let router = Router::new().fallback(handler);
        let served = async move {
            bound.serve(router, CancellationToken::new()).await;
        };
        Self {
            address,
            asked,
            gate,
            _served: AbortOnDropHandle::new(tokio::spawn(served)),
        }
    }

    /// As a service names it.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests it had.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Lets one request to `/gate` go on.
    pub fn open_gate(&self) {
        self.gate.notify_one();
    }
}

const FREE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn answer(request: Request, gate: &Notify) -> Response {
    let path = request.uri().path().to_owned();
    let mut parts = path.trim_start_matches('/').split('/');
    let word = parts.next().unwrap_or_default();
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap_or(0);
    let (first, second): (u64, u64) = (number(parts.next()), number(parts.next()));
    match word {
        "status" => {
            let code = u16::try_from(first).unwrap_or(500);
            reply(StatusCode::from_u16(code).unwrap(), Body::empty())
        }
        "wait" => {
            let echoed = echo(request).await;
            tokio::time::sleep(Duration::from_millis(first)).await;
            echoed
        }
        "stream" => reply(StatusCode::OK, stream(first, Duration::from_millis(second))),
        "bytes" => {
            let count = usize::try_from(first).unwrap();
            reply(StatusCode::OK, Body::from(vec![b'x'; count]))
        }
        "redirect" => {
            let mut answer = reply(StatusCode::FOUND, Body::empty());
            let elsewhere = "/elsewhere".parse().unwrap();
            answer.headers_mut().insert(header::LOCATION, elsewhere);
            answer
        }
        "headers" => {
            let mut answer = reply(StatusCode::OK, Body::from("x"));
            let headers = answer.headers_mut();
            for (name, value) in [
                ("connection", "x-private"),
                ("x-private", "1"),
                ("keep-alive", "timeout=5"),
                ("proxy-authenticate", "Basic"),
                ("upgrade", "h2c"),
                ("x-request-id", "of-the-upstream"),
                ("x-public", "1"),
            ] {
                headers.insert(name, value.parse().unwrap());
            }
            answer
        }
        "gate" => {
            gate.notified().await;
            echo(request).await
        }
        _ => echo(request).await,
    }
}

async fn echo(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await;
    let body = match &body {
        Ok(body) => {
            json!({"length": body.len(), "text": String::from_utf8_lossy(&body[..body.len().min(256)])})
        }
        Err(error) => json!({"error": error.to_string()}),
    };
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = head.headers.iter();
    let headers: Vec<Value> = headers
        .map(|(name, value)| json!([name.as_str(), text(value)]))
        .collect();
    let asked = json!({
        "method": head.method.as_str(),
        "target": head.uri.path_and_query().map(ToString::to_string),
        "version": format!("{:?}", head.version),
        "headers": headers,
        "body": body,
    });
    let mut answer = reply(StatusCode::OK, Body::from(asked.to_string()));
    let json = "application/json".parse().unwrap();
    answer.headers_mut().insert(header::CONTENT_TYPE, json);
    answer
}

fn reply(status: StatusCode, body: Body) -> Response {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer
}

fn stream(pieces: u64, pause: Duration) -> Body {
    let (send, mut pieces_sent) = mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(1);
    tokio::spawn(async move {
        for _ in 0..pieces {
            if send
                .send(Ok(Frame::data("0123456789".into())))
                .await
                .is_err()
            {
                return;
            }
            tokio::time::sleep(pause).await;
        }
        let trailers =
            HeaderMap::from_iter([("x-checksum".parse().unwrap(), "1".parse().unwrap())]);
        _ = send.send(Ok(Frame::trailers(trailers))).await;
    });
    let frames = futures_util::stream::poll_fn(move |context| pieces_sent.poll_recv(context));
    Body::new(StreamBody::new(frames))
}

/// A socket that answers every request with the same bytes, whatever they are, and keeps what it
/// was sent. Gone when dropped.
pub struct RawUpstream {
    /// Where it listens.
    pub address: SocketAddr,
    received: mpsc::UnboundedReceiver<Vec<u8>>,
    connections: Arc<AtomicUsize>,
    _served: AbortOnDropHandle<()>,
}

/// What a [`RawUpstream`] does once it has read a head.
#[derive(Clone, Copy, Debug)]
pub enum Then {
    /// Writes these bytes and closes.
    Close(&'static [u8]),
    /// Writes these bytes and says nothing more.
    Hang(&'static [u8]),
}

impl RawUpstream {
    /// On a free port.
    pub async fn start(then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (send, received) = mpsc::unbounded_channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let served = async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(misbehave(stream, then, send.clone()));
            }
        };
        Self {
            address,
            received,
            connections,
            _served: AbortOnDropHandle::new(tokio::spawn(served)),
        }
    }

    /// As a service names it.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections it had.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Everything that came over its next connection, from whoever closed it.
    pub async fn received(&mut self) -> String {
        let bytes = self.received.recv().await.unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

async fn misbehave(mut stream: TcpStream, then: Then, send: mpsc::UnboundedSender<Vec<u8>>) {
    let mut bytes = Vec::new();
    while !bytes.windows(4).any(|window| window == b"\r\n\r\n") {
        if !matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {
            break;
        }
    }
    let (Then::Close(answer) | Then::Hang(answer)) = then;
    _ = stream.write_all(answer).await;
    if matches!(then, Then::Close(_)) {
        // What is still to come of the request is read, so that closing is no reset.
        _ = stream.shutdown().await;
        let rest = stream.read_to_end(&mut bytes);
        _ = tokio::time::timeout(Duration::from_millis(100), rest).await;
    } else {
        while matches!(stream.read_buf(&mut bytes).await, Ok(1..)) {}
    }
    _ = send.send(bytes);
}
