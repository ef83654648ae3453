//! What the access log holds, and what it must not.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::app::TestServer;
use crate::app::header;

/// Catches everything logged on this thread, at every level; the test's runtime has no other.
#[derive(Clone, Default)]
struct Caught(Arc<Mutex<Vec<u8>>>);

impl Caught {
    fn everything() -> (Self, DefaultGuard) {
        let caught = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(caught.clone())
            .finish();
        (caught, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn access_lines(&self) -> Vec<String> {
        let text = self.text();
        let lines = text
            .lines()
            .filter(|line| line.contains("countersign::access"));
        lines.map(ToOwned::to_owned).collect()
    }
}

impl io::Write for Caught {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Caught {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn one_line_per_request_without_its_query() {
    let (caught, _guard) = Caught::everything();
    let server = TestServer::new().await;

    let answer = server.get("/hello?client_secret=p8e-canary").await;

    let lines = caught.access_lines();
    assert_eq!(lines.len(), 1);
    for part in [
        r#""http.path":"/hello""#,
        r#""http.status":200"#,
        "duration_ms",
        "127.0.0.1",
    ] {
        assert!(lines[0].contains(part), "{part} in {}", lines[0]);
    }
    assert!(lines[0].contains(header(&answer, "x-debug-id").unwrap()));
    assert!(!lines[0].contains("canary"));
}

#[tokio::test]
async fn outside_text_is_escaped_and_cut() {
    let (caught, _guard) = Caught::everything();
    let server = TestServer::new().await;
    let agent = "m\u{e9}\u{202e}".repeat(400);

    server
        .send(format!(
            "GET /{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nUser-Agent: {agent}\r\nx-request-id: ok-1\r\n\r\n",
            "%0d%0a%1b".repeat(100)
        ))
        .await;
    server
        .send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\nx-request-id: not ok\r\n\r\n")
        .await;

    let lines = caught.access_lines();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].is_ascii());
    assert!(lines[0].len() < 4096);
    assert!(lines[0].contains(r#""request.inbound_id":"ok-1""#));
    assert!(!lines[1].contains("not ok"));
}

#[tokio::test]
async fn the_cause_is_logged_and_never_sent() {
    let (caught, _guard) = Caught::everything();
    let server = TestServer::new().await;

    let answer = server.get("/cause").await;

    let id = header(&answer, "x-debug-id").unwrap();
    assert_eq!(
        *server.explained.lock().unwrap(),
        [format!("{id} /cause wrong_secret")]
    );
    let lines = caught.access_lines();
    for part in ["wrong_secret", "matches\\\\u{a}no live secret", "client-7"] {
        assert!(lines[0].contains(part), "{part} in {}", lines[0]);
        assert!(!answer.contains(part));
    }
}

#[tokio::test]
async fn callers_who_go_away_leave_a_line() {
    let (caught, _guard) = Caught::everything();
    let server = TestServer::new().await;
    let mut caller = server.connect().await;
    caller.write("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await;
    server.reached.notified().await;

    drop(caller);
    for _ in 0..1000 {
        tokio::task::yield_now().await;
        if !caught.access_lines().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }

    assert!(caught.access_lines()[0].contains("unanswered"));
}
