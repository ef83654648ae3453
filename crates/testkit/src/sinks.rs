//! Where notices arrive in tests: a webhook that checks signatures, and a mail server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

/// The bytes of the secret that webhooks of tests share.
const SECRET: [u8; 32] = [7; 32];

/// That secret as it is configured.
#[must_use]
pub fn webhook_secret() -> String {
    format!("whsec_{}", STANDARD.encode(SECRET))
}

/// A webhook on a port of its own, gone when dropped.
pub struct WebhookSink {
    /// Where it listens.
    pub address: SocketAddr,
    heard: Heard,
    _served: AbortOnDropHandle<()>,
}

#[derive(Clone, Default)]
struct Heard {
    received: Arc<Mutex<Vec<Received>>>,
    status: Arc<AtomicU16>,
}

/// A message that came to a webhook, whatever it was answered.
#[derive(Clone, Debug)]
pub struct Received {
    /// Header `webhook-id`.
    pub id: String,
    /// Seconds of the header `webhook-timestamp`.
    pub timestamp: i64,
    /// Whether the header `webhook-signature` is that of the secret of tests.
    pub is_signed: bool,
    /// What it was answered.
    pub answered: u16,
    /// The message.
    pub body: Value,
}

impl WebhookSink {
    /// On a free port; answers 204.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Heard::default();
        heard.status.store(204, Ordering::Relaxed);
        let router = Router::new().fallback(receive).with_state(heard.clone());
        let served = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            heard,
            _served: AbortOnDropHandle::new(served),
        }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/hook?for=tests", self.address)
    }

    /// Answers this from now on.
    pub fn answer(&self, status: u16) {
        self.heard.status.store(status, Ordering::Relaxed);
    }

    /// Everything that came.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.heard.received.lock().unwrap().clone()
    }

    /// The notices of all messages that were taken.
    #[must_use]
    pub fn notices(&self) -> Vec<Value> {
        let taken = self.received().into_iter().filter(|one| one.answered < 300);
        let notices = taken.map(|one| one.body["data"]["notices"].as_array().unwrap().clone());
        notices.flatten().collect()
    }
}

async fn receive(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let status = heard.status.load(Ordering::Relaxed);
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
    let signature = header("webhook-signature");
    let tag = signature
        .strip_prefix("v1,")
        .map(|tag| STANDARD.decode(tag));
    let is_signed = match tag {
        Some(Ok(tag)) => hmac::verify(&key, &signed, &tag).is_ok(),
        _ => false,
    };
    heard.received.lock().unwrap().push(Received {
        id,
        timestamp: timestamp.parse().unwrap(),
        is_signed,
        answered: status,
        body: serde_json::from_slice(&body).unwrap(),
    });
    StatusCode::from_u16(status).unwrap()
}

/// A mail server on a port of its own, without TLS, gone when dropped.
pub struct MailSink {
    /// Where it listens.
    pub address: SocketAddr,
    post: Post,
    _served: AbortOnDropHandle<()>,
}

#[derive(Clone, Default)]
struct Post {
    mails: Arc<Mutex<Vec<Mail>>>,
    /// What recipients are answered, where it is not that they are welcome.
    refusal: Arc<Mutex<Option<&'static str>>>,
}

/// A mail that was taken.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// What the client proved itself by, as it was sent: base64.
    pub login: Option<String>,
    /// The sender of the envelope.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// Head and body.
    pub text: String,
}

impl Mail {
    /// A line of the head, without its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut head = self.text.lines().take_while(|line| !line.is_empty());
        head.find_map(|line| line.strip_prefix(&format!("{name}: ")))
    }
}

impl MailSink {
    /// On a free port; takes every mail.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let post = Post::default();
        let taken = post.clone();
        let served = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, taken.clone()));
            }
        });
        Self {
            address,
            post,
            _served: AbortOnDropHandle::new(served),
        }
    }

    /// Answers recipients with this line from now on, or takes them.
    pub fn refuse(&self, line: Option<&'static str>) {
        *self.post.refusal.lock().unwrap() = line;
    }

    /// Everything that was taken.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.post.mails.lock().unwrap().clone()
    }
}

/// Enough of RFC 5321 for a client that does nothing unusual. Ends with the connection.
async fn talk(stream: TcpStream, post: Post) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut mail = Mail::default();
    let mut say = "220 sink ready".to_owned();
    loop {
        if write
            .write_all(format!("{say}\r\n").as_bytes())
            .await
            .is_err()
        {
            return;
        }
        let Ok(Some(line)) = lines.next_line().await else {
            return;
        };
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        say = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => "250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN".to_owned(),
            "AUTH" => {
                mail.login = line.rsplit(' ').next().map(str::to_owned);
                "235 welcome".to_owned()
            }
            "MAIL" => {
                let login = mail.login.take();
                mail = Mail {
                    login,
                    from: path(&line),
                    ..Mail::default()
                };
                "250 ok".to_owned()
            }
            "RCPT" => match *post.refusal.lock().unwrap() {
                Some(refusal) => refusal.to_owned(),
                None => {
                    mail.to.push(path(&line));
                    "250 ok".to_owned()
                }
            },
            "DATA" => {
                if write.write_all(b"354 go on\r\n").await.is_err() {
                    return;
                }
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    mail.text += line.strip_prefix('.').unwrap_or(&line);
                    mail.text.push('\n');
                }
                post.mails.lock().unwrap().push(mail.clone());
                "250 taken".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
    }
}

/// What stands between angle brackets.
fn path(line: &str) -> String {
    let inside = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(path, _)| path.to_owned()).unwrap_or_default()
}
