//! Requests are framed anew, and what could be framed in two ways goes nowhere (HTP-04, GWY-11).

use countersign_testkit::gateway::{Gateway, post};
use countersign_testkit::upstream::{RawUpstream, Then};

const OK: Then = Then::Close(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

#[tokio::test]
async fn ambiguous_framing_is_refused_once_and_nothing_reaches_the_upstream() {
    let upstream = RawUpstream::start(OK).await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let length = hidden.len();
    let lines = [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: {length}\r\nContent-Length: 0\r\n"),
        "Content-Length: +5\r\n".to_owned(),
        "Content-Length: 0x5\r\n".to_owned(),
        "Content-Length: 5, 6\r\n".to_owned(),
        "Content-Length: -1\r\n".to_owned(),
        "Content-Length : 5\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Transfer-Encoding: gzip\r\n".to_owned(),
        "X: 1\r\n folded: 2\r\n".to_owned(),
        "X: 1\nTransfer-Encoding: chunked\r\n".to_owned(),
        "X: a\0b\r\n".to_owned(),
    ];
    for line in lines {
        let request = format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}{line}\r\n0\r\n\r\n{hidden}");
        let mut connection = gateway.connect().await;
        connection.write(request).await;
        let answers = connection.rest().await;
        assert_eq!(
            answers.matches("HTTP/1.1 ").count(),
            1,
            "{line:?}: {answers}"
        );
        assert!(answers.starts_with("HTTP/1.1 400 "), "{line:?}: {answers}");
    }
    assert_eq!(upstream.connections(), 0);
}

#[tokio::test]
async fn what_goes_on_has_one_framing_of_ours() {
    let mut upstream = RawUpstream::start(OK).await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();

    let chunked = format!(
        "POST /a HTTP/1.1\r\nHost: a\r\n{headers}Transfer-Encoding: chunked\r\nTrailer: x-ims-user-id\r\n\r\n\
         3;x=\"y\"\r\nabc\r\n0\r\nx-ims-user-id: evil\r\n\r\n"
    );
    gateway.send(chunked).await.must_be(200, "ok");
    let received = upstream.received().await;
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert_eq!(
        head.matches("transfer-encoding: chunked").count(),
        1,
        "{head}"
    );
    assert!(!head.contains("content-length"), "{head}");
    assert_eq!(body, "3\r\nabc\r\n0\r\n\r\n");

    gateway
        .send(post("/b", &headers, "abcd"))
        .await
        .must_be(200, "ok");
    let received = upstream.received().await;
    let head = received.to_ascii_lowercase();
    assert_eq!(head.matches("content-length: 4").count(), 1, "{head}");
    assert!(
        !head.contains("transfer-encoding") && received.ends_with("\r\n\r\nabcd"),
        "{head}"
    );

    gateway.get("/c", &headers).await.must_be(200, "ok");
    let head = upstream.received().await.to_ascii_lowercase();
    assert!(
        head.starts_with("get /c http/1.1\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    assert!(
        !head.contains("content-length") && !head.contains("transfer-encoding"),
        "{head}"
    );
}

#[tokio::test]
async fn an_answer_with_two_framings_has_one_behind_us() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let upstream = RawUpstream::start(Then::Close(answer)).await;
        let gateway = Gateway::publishing(&upstream.origin(), "").await;
        let reply = gateway.get("/", &gateway.member().await.headers()).await;
        if reply.status == 200 {
            reply.must_be(200, "ok");
            let both = [reply.header("content-length"), reply.header("transfer-encoding")];
            assert_eq!(both.iter().flatten().count(), 1, "{reply:?}");
        } else {
            reply.must_be_refused(502, "502000");
        }
    }
}

#[tokio::test]
async fn what_follows_an_answer_is_not_the_next_ones() {
    let smuggling = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let upstream = RawUpstream::start(Then::Hang(smuggling)).await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    for _ in 0..5 {
        gateway.get("/", &headers).await.must_be(200, "ok");
    }
}
