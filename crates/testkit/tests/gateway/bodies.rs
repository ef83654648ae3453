//! Bodies stream both ways, within limits, and what was cut looks cut.

use std::time::{Duration, Instant};

use countersign_testkit::gateway::{Gateway, get, post};
use countersign_testkit::upstream::{RawUpstream, Then, Upstream};

#[tokio::test]
async fn large_bodies_pass_both_ways() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    let size = 20 << 20;

    let down = gateway.get(&format!("/bytes/{size}"), &headers).await;
    assert_eq!(
        (down.status, down.body.len(), down.complete),
        (200, size, true)
    );
    let up = gateway.send(post("/x", &headers, &"x".repeat(size))).await;
    assert_eq!(up.json()["body"]["length"], size);
}

#[tokio::test]
async fn pieces_pass_as_they_come() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    let began = Instant::now();
    let mut connection = gateway.connect().await;
    connection.write(get("/stream/3/400", &headers)).await;
    let reply = connection.reply().await;
    assert!(began.elapsed() >= Duration::from_millis(800));
    reply.must_be(200, &"0123456789".repeat(3));
    assert!(reply.complete);
}

#[tokio::test]
async fn an_answer_before_its_time_does_not_stop_the_body() {
    let early = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly";
    let mut upstream = RawUpstream::start(Then::Hang(early)).await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    let half = format!("POST /x HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: 8\r\n\r\nhalf");
    let mut connection = gateway.connect().await;
    connection.write(half).await;
    connection.reply().await.must_be(200, "early");
    connection.write("rest").await;
    assert!(upstream.received().await.ends_with("halfrest"));
}

#[tokio::test]
async fn encoded_bodies_pass_as_they_are() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = format!(
        "{}Content-Encoding: gzip\r\n",
        gateway.member().await.headers()
    );
    let reply = gateway.send(post("/x", &headers, "not really gzip")).await;
    assert_eq!(reply.seen("content-encoding"), ["gzip"]);
    assert_eq!(reply.json()["body"]["text"], "not really gzip");
}

#[tokio::test]
async fn a_body_is_longer_than_the_service_takes_before_or_while_it_comes() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "max_body_bytes = 10").await;
    let headers = gateway.member().await.headers();

    let fits = gateway.send(post("/x", &headers, "0123456789")).await;
    assert_eq!(fits.status, 200);
    let chunked =
        format!("POST /x HTTP/1.1\r\nHost: a\r\n{headers}Transfer-Encoding: chunked\r\n\r\n");
    let fits = gateway
        .send(format!("{chunked}a\r\n0123456789\r\n0\r\n\r\n"))
        .await;
    assert_eq!(fits.json()["body"]["length"], 10);

    let asked = upstream.asked();
    let declared =
        format!("POST /x HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: 1073741824\r\n");
    gateway
        .send(format!("{declared}\r\n"))
        .await
        .must_be_refused(413, "413000");
    let expecting = format!("{declared}Expect: 100-continue\r\n\r\n");
    let mut connection = gateway.connect().await;
    connection.write(expecting).await;
    let answers = connection.rest().await;
    assert!(
        answers.starts_with("HTTP/1.1 413 "),
        "no 100 before it: {answers}"
    );
    assert_eq!(upstream.asked(), asked);

    let counted = gateway
        .send(format!("{chunked}a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n"))
        .await;
    counted.must_be_refused(413, "413000");
}

#[tokio::test]
async fn a_caller_who_waits_is_told_to_go_on_once_he_may_call() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    let head = |headers: &str| {
        format!(
            "POST /x HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
    };
    let mut refused = gateway.connect().await;
    refused.write(head(&member.api_key())).await;
    let answers = refused.rest().await;
    assert!(answers.starts_with("HTTP/1.1 403 "), "{answers}");

    let mut passed = gateway.connect().await;
    passed.write(head(&member.headers())).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    passed.write("ok").await;
    assert_eq!(passed.reply().await.json()["body"]["text"], "ok");
}

#[tokio::test]
async fn a_cut_answer_does_not_look_complete() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
    ] {
        let upstream = RawUpstream::start(Then::Close(answer)).await;
        let gateway = Gateway::publishing(&upstream.origin(), "").await;
        let headers = gateway.member().await.headers();
        let mut connection = gateway.connect().await;
        connection.write(get("/", &headers)).await;
        let bytes = connection.rest().await;
        assert!(
            bytes.starts_with("HTTP/1.1 200 ") && !bytes.ends_with("0\r\n\r\n"),
            "{bytes}"
        );
    }
}

#[tokio::test]
async fn a_body_that_stops_is_cut_on_either_side() {
    let hanging = RawUpstream::start(Then::Hang(
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    ))
    .await;
    let gateway = Gateway::publishing(&hanging.origin(), "idle_timeout_ms = 150").await;
    let headers = gateway.member().await.headers();
    let began = Instant::now();
    let mut connection = gateway.connect().await;
    connection.write(get("/", &headers)).await;
    let reply = connection.reply().await;
    assert!(!reply.complete && reply.body == b"half", "{reply:?}");
    assert!((Duration::from_millis(140)..Duration::from_secs(5)).contains(&began.elapsed()));

    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "idle_timeout_ms = 150").await;
    let headers = gateway.member().await.headers();
    let half = format!("POST /x HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: 10\r\n\r\nhalf");
    gateway.send(half).await.must_be_refused(408, "408000");
}

#[tokio::test]
async fn answers_to_head_and_without_bodies_keep_their_meaning() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    let mut connection = gateway.connect().await;
    connection
        .write(get("/bytes/7", &headers).replacen("GET", "HEAD", 1))
        .await;
    connection.write(get("/status/204", &headers)).await;
    connection.write(get("/status/304", &headers)).await;
    let head = format!("{headers}Connection: close\r\n");
    connection.write(get("/bytes/3", &head)).await;
    let answers = connection.rest().await;
    let heads: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).collect();
    assert_eq!(heads.len(), 4, "{answers}");
    assert!(
        heads[0].starts_with("200") && heads[0].contains("content-length: 7\r\n"),
        "{answers}"
    );
    assert!(
        heads[1].starts_with("204") && heads[2].starts_with("304"),
        "{answers}"
    );
    assert!(heads[3].ends_with("\r\n\r\nxxx"), "{answers}");
}
