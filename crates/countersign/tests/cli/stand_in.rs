//! A server on this machine that answers as a test tells it to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub struct StandIn {
    pub origin: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Status, further header lines, body.
pub type Reply = (u16, String, String);

impl StandIn {
    /// `answer` is given path and body of each request.
    pub fn start(answer: impl Fn(&str, &str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&asked);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = serve(stream, &answer, &seen);
            }
        });
        Self { origin, asked }
    }

    /// Bodies of the requests for tokens.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// An IMS that gives a token for whatever it is asked.
pub fn generous() -> StandIn {
    StandIn::start(|path, _| {
        let id = "x-debug-id: debug-1\r\n".to_owned();
        let reply = match path {
            "/ims/token/v3" => {
                r#"{"access_token":"a.b.c","token_type":"bearer","expires_in":86399}"#
            }
            "/ims/exchange/jwt" => {
                r#"{"token_type":"bearer","access_token":"a.b.c","expires_in":86399998}"#
            }
            _ => return (404, String::new(), String::new()),
        };
        (200, id, reply.to_owned())
    })
}

/// An IMS that refuses everything with this.
pub fn refusing(status: u16, code: &'static str, description: &'static str) -> StandIn {
    StandIn::start(move |_, _| {
        let body = format!(r#"{{"error":"{code}","error_description":"{description}"}}"#);
        (status, "x-debug-id: debug-2\r\n".to_owned(), body)
    })
}

fn serve(
    stream: TcpStream,
    answer: &impl Fn(&str, &str) -> Reply,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let (status, headers, reply) = answer(&path, &body);
    if !body.is_empty() {
        seen.lock().unwrap().push(body);
    }
    write!(
        reader.into_inner(),
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{reply}",
        reply.len()
    )
}
