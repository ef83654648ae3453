//! Heads that two readers could read in two ways (HTP-04).

use crate::app::TestServer;
use crate::app::status;

/// What an attacker wants to have answered as a request of its own.
const HIDDEN: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn ambiguous_framing_gets_one_refusal_and_nothing_after_it() {
    let server = TestServer::with(|listener| {
        listener.first_request_timeout_seconds = 1;
        listener.idle_timeout_seconds = 1;
    })
    .await;
    let heads = [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length : 5\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "X: a\r\n folded\r\n",
        "X: a\nTransfer-Encoding: chunked\r\n",
        "X: a\0b\r\n",
        "X y: a\r\n",
    ];
    for lines in heads {
        let request = format!("POST /echo HTTP/1.1\r\nHost: a\r\n{lines}\r\n0\r\n\r\n{HIDDEN}");

        let answer = server.send(request).await;

        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "{lines:?}: {answer}"
        );
        assert_eq!(status(&answer), 400, "{lines:?}: {answer}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_all_looked_at() {
    let server = TestServer::new().await;
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na\nb";
    let last = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    let fine = server.send(format!("{HIDDEN}{post}{last}")).await;
    let bad = server
        .send(format!(
            "{HIDDEN}GET /hello HTTP/1.1\r\nX: a\nHost: a\r\n\r\n"
        ))
        .await;

    assert_eq!(fine.matches("HTTP/1.1 200").count(), 3, "{fine}");
    assert_eq!(
        status(bad.split_at(bad.rfind("HTTP/1.1 ").unwrap()).1),
        400,
        "{bad}"
    );
}

#[tokio::test]
async fn a_chunked_request_is_the_last_of_its_connection() {
    let server = TestServer::new().await;
    let chunked =
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";

    let answer = server.send(format!("{chunked}{HIDDEN}")).await;

    assert_eq!((status(&answer), crate::app::body(&answer)), (200, "ok"));
}
