//! Caps and time limits of connections.

use std::time::Duration;
use std::time::Instant;

use countersign_server::listen::BindError;
use countersign_server::listen::Listener;

use crate::app::TestServer;
use crate::app::status;

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn peers_that_never_finish_a_head_are_dropped() {
    let server = TestServer::with(|listener| listener.first_request_timeout_seconds = 1).await;
    let http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for bytes in [
        "",
        "G",
        "GET /hello HTTP/1.1\r\nHost: a\r\n",
        &http2[..10],
        http2,
    ] {
        let began = Instant::now();
        let mut peer = server.connect().await;
        peer.write(bytes).await;

        let answer = peer.rest().await;

        assert!(!answer.contains("HTTP/1.1 2"), "{answer}");
        assert!(began.elapsed() >= Duration::from_millis(900), "{bytes:?}");
    }
}

#[tokio::test]
async fn one_byte_now_and_then_does_not_help() {
    let server = TestServer::with(|listener| {
        listener.first_request_timeout_seconds = 1;
        listener.header_timeout_seconds = 1;
    })
    .await;
    let mut peer = server.connect().await;
    peer.write(GET).await;
    peer.until("hello").await;

    let began = Instant::now();
    for byte in GET.bytes().take(12) {
        peer.write([byte]).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }

    assert_eq!(peer.rest().await, "");
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn connections_are_kept_alive_between_requests_longer_than_a_head_may_take() {
    let server = TestServer::with(|listener| {
        listener.first_request_timeout_seconds = 1;
        listener.header_timeout_seconds = 1;
        listener.idle_timeout_seconds = 2;
    })
    .await;
    let mut peer = server.connect().await;

    for _ in 0..2 {
        peer.write(GET).await;
        assert_eq!(status(&peer.until("hello").await), 200);
        tokio::time::sleep(Duration::from_millis(1300)).await;
    }

    assert_eq!(peer.rest().await, "");
}

#[tokio::test]
async fn connections_over_the_cap_wait_for_a_place() {
    let server = TestServer::with(|listener| listener.max_connections = 1).await;
    let mut first = server.connect().await;
    first.write(GET).await;
    first.until("hello").await;

    let mut second = server.connect().await;
    second.write(GET).await;
    let early = tokio::time::timeout(Duration::from_millis(200), second.until("hello")).await;
    assert!(early.is_err());
    drop(first);

    assert_eq!(status(&second.until("hello").await), 200);
}

#[tokio::test]
async fn a_source_over_its_share_is_refused_and_comes_back_later() {
    let server = TestServer::with(|listener| listener.max_connections_per_source = 1).await;
    let mut first = server.connect().await;
    first.write(GET).await;
    first.until("hello").await;

    assert_eq!(server.send(GET).await, "");
    first
        .write("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    first.rest().await;

    let mut answer = String::new();
    for _ in 0..100 {
        answer = server.get("/hello").await;
        if !answer.is_empty() {
            break;
        }
    }
    assert_eq!(status(&answer), 200);
}

#[tokio::test]
async fn plain_http_on_a_public_address_needs_the_ugly_flag() {
    let public = Listener {
        address: "0.0.0.0:0".parse().unwrap(),
        ..Listener::default()
    };

    let refused = public.clone().bind().await.err().unwrap();
    let flagged = Listener {
        danger_plain_http_on_public_address: true,
        ..public
    };

    assert!(matches!(refused, BindError::PlainPublic(_)));
    assert!(
        refused
            .to_string()
            .contains("danger_plain_http_on_public_address")
    );
    assert!(flagged.check().is_ok());
}

#[test]
fn unknown_settings_are_refused() {
    let read = |text| serde_json::from_str::<Listener>(text);
    assert_eq!(read("{}").unwrap().idle_timeout_seconds, 75);
    assert!(read(r#"{"idle_timeout": 75}"#).is_err());
    assert!(read(r#"{"requests": {"max_body": 1}}"#).is_err());
}

#[tokio::test]
async fn a_flood_of_resets_ends_its_connection_and_hurts_nobody_else() {
    let server = TestServer::new().await;
    let mut flood = server.connect().await;
    flood.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    flood.write([0, 0, 0, 4, 0, 0, 0, 0, 0]).await;

    // 10^5 requests, each taken back at once (CVE-2023-44487).
    for chunk in 0..1000_u32 {
        let streams = (0..100).map(|number| 2 * (100 * chunk + number) + 1);
        flood
            .write(streams.flat_map(opened_and_reset).collect::<Vec<u8>>())
            .await;
    }

    assert!(flood.rest().await.contains("too_many_resets"));
    assert_eq!(status(&server.get("/hello").await), 200);
}

/// HEADERS (`GET`, `https`, `/`, authority `a`) and RST_STREAM (`CANCEL`) of one stream.
fn opened_and_reset(stream: u32) -> Vec<u8> {
    const END_STREAM_AND_HEADERS: u8 = 0x5;
    let id = stream.to_be_bytes();
    let fields = [0x82, 0x87, 0x84, 0x01, 0x01, b'a'];
    let headers = [&[0, 0, 6, 1, END_STREAM_AND_HEADERS][..], &id, &fields].concat();
    [&headers[..], &[0, 0, 4, 3, 0], &id, &[0, 0, 0, 8]].concat()
}
