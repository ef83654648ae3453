//! Several upstreams: turns, repetition, those that are out, and pools of their own (GWY-15).

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_testkit::gateway::{Gateway, get, post, service};
use countersign_testkit::upstream::{RawUpstream, Then, Upstream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";

#[tokio::test]
async fn upstreams_take_turns() {
    let upstreams = [Upstream::start().await, Upstream::start().await];
    let origins = upstreams.each_ref().map(Upstream::origin);
    let services = [service("cm", "/", &[&origins[0], &origins[1]], "")];
    let gateway = Gateway::with(&services, |_| {}).await;
    let headers = gateway.member().await.headers();
    for _ in 0..10 {
        assert_eq!(gateway.get("/", &headers).await.status, 200);
    }
    assert_eq!(upstreams.each_ref().map(Upstream::asked), [5, 5]);
}

#[tokio::test]
async fn a_dead_upstream_costs_nobody_an_answer_and_then_gets_no_calls() {
    let (alive, dead) = (Upstream::start().await, Upstream::start().await);
    let (origin, address) = (dead.origin(), dead.address);
    drop(dead);
    let keys = "eject_after_failures = 2\neject_seconds = 1";
    let services = [service("cm", "/", &[&origin, &alive.origin()], keys)];
    let gateway = Gateway::with(&services, |_| {}).await;
    let headers = gateway.member().await.headers();
    for n in 0..10 {
        let request = if n % 2 == 0 {
            get("/", &headers)
        } else {
            post("/", &headers, "x")
        };
        assert_eq!(
            gateway.send(request).await.status,
            200,
            "nothing was sent, so POST is repeated, too"
        );
    }
    assert_eq!(alive.asked(), 10);

    let back = Upstream::at(address).await;
    let began = Instant::now();
    while back.asked() == 0 && began.elapsed() < Duration::from_secs(10) {
        assert_eq!(gateway.get("/", &headers).await.status, 200);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(back.asked() > 0, "it gets calls again");
}

#[tokio::test]
async fn calls_one_after_the_other_share_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        // Whoever connects once more waits for ever.
        let (mut stream, _) = listener.accept().await.unwrap();
        for answer in [ANSWER, CHUNKED, ANSWER] {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                stream.read_buf(&mut head).await.unwrap();
            }
            stream.write_all(answer).await.unwrap();
        }
        (listener, stream)
    });
    let gateway = Gateway::publishing(&origin, "response_timeout_ms = 5000").await;
    let headers = gateway.member().await.headers();
    for _ in 0..3 {
        gateway.get("/", &headers).await.must_be(200, "ok");
    }
    drop(served.await.unwrap());
}

#[tokio::test]
async fn a_connection_that_the_upstream_closed_unsaid_carries_no_call() {
    let upstream = RawUpstream::start(Then::Close(ANSWER)).await;
    let gateway = Gateway::publishing(&upstream.origin(), "retries = 0").await;
    let headers = gateway.member().await.headers();
    for _ in 0..5 {
        let call = post("/", &headers, "x");
        gateway.send(call).await.must_be(200, "ok");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(upstream.connections(), 5);
}

#[tokio::test]
async fn only_what_does_no_harm_is_repeated() {
    let resetting = RawUpstream::start(Then::Close(b"")).await;
    let origin = resetting.origin();
    let services = [service(
        "cm",
        "/",
        &[&origin],
        "retries = 2\neject_after_failures = 0",
    )];
    let gateway = Gateway::with(&services, |_| {}).await;
    let headers = gateway.member().await.headers();
    let mut connections = 0;
    for (request, attempts) in [
        (get("/", &headers), 3),
        (get("/", &headers).replacen("GET", "DELETE", 1), 3),
        (get("/", &headers).replacen("GET", "POST", 1), 1),
        (post("/", &headers, "body"), 1),
        (post("/", &headers, "body").replacen("POST", "PUT", 1), 1),
    ] {
        gateway.send(&request).await.must_be_refused(502, "502000");
        connections += attempts;
        assert_eq!(resetting.connections(), connections, "{request}");
    }
}

#[tokio::test]
async fn an_upstream_that_hangs_takes_nothing_from_the_others() {
    let (hanging, alive) = (
        RawUpstream::start(Then::Hang(b"")).await,
        Upstream::start().await,
    );
    let services = [
        service(
            "slow",
            "/slow",
            &[&hanging.origin()],
            "max_concurrent_requests = 50\nresponse_timeout_ms = 60000",
        ),
        service("fast", "/fast", &[&alive.origin()], ""),
    ];
    let gateway = Arc::new(Gateway::with(&services, |_| {}).await);
    let headers = gateway.member().await.headers();
    let mut stuck = Vec::new();
    for _ in 0..50 {
        let mut connection = gateway.connect().await;
        connection.write(get("/slow", &headers)).await;
        stuck.push(connection);
    }
    while hanging.connections() < 50 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    gateway
        .get("/slow", &headers)
        .await
        .must_be_refused(503, "503001");
    let began = Instant::now();
    for _ in 0..100 {
        assert_eq!(gateway.get("/fast", &headers).await.status, 200);
    }
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    // Whoever goes away gives his place back.
    drop(stuck);
    let began = Instant::now();
    loop {
        let mut connection = gateway.connect().await;
        connection.write(get("/slow", &headers)).await;
        let refused = tokio::time::timeout(Duration::from_millis(100), connection.reply()).await;
        if refused.is_err() {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "places are not given back"
        );
    }
}

#[tokio::test]
async fn upstreams_are_spoken_to_in_http2_where_the_service_says_so() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "http2_upstream = true").await;
    let headers = gateway.member().await.headers();
    let reply = gateway.send(post("/x?a=1", &headers, "body")).await;
    let asked = reply.json();
    assert_eq!(
        (asked["version"].as_str(), asked["target"].as_str()),
        (Some("HTTP/2.0"), Some("/x?a=1"))
    );
    assert_eq!(asked["body"]["text"], "body");
    assert_eq!(reply.seen("x-ims-client-id").len(), 1);
}
