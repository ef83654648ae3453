//! HTTP/2 on either side, trailers, and TLS to the upstream.

use std::net::SocketAddr;

use bytes::Bytes;
use countersign_server::listen::TlsFiles;
use countersign_testkit::gateway::{Gateway, Member};
use countersign_testkit::upstream::Upstream;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[tokio::test]
async fn callers_may_speak_http2_and_share_a_connection_without_mixing_answers() {
    let upstream = Upstream::start().await;
    for keys in ["", "http2_upstream = true"] {
        let gateway = Gateway::publishing(&upstream.origin(), keys).await;
        let member = gateway.member().await;
        let sender = http2(gateway.address).await;
        let mut calls = JoinSet::new();
        for n in 0..60 {
            let (mut sender, request) = (
                sender.clone(),
                request(&member, &format!("/wait/{}?n={n}", n % 7)),
            );
            calls.spawn(async move {
                let answer = sender.send_request(request).await.unwrap();
                let (head, body) = read(answer).await;
                let asked: serde_json::Value = serde_json::from_slice(&body.to_bytes()).unwrap();
                assert_eq!(head.status, 200);
                assert_eq!(asked["target"], format!("/wait/{}?n={n}", n % 7));
            });
        }
        while let Some(call) = calls.join_next().await {
            call.unwrap();
        }
    }
}

#[tokio::test]
async fn trailers_of_an_answer_pass_over_http2() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "http2_upstream = true").await;
    let member = gateway.member().await;
    let mut sender = http2(gateway.address).await;
    let answer = sender
        .send_request(request(&member, "/stream/2/10"))
        .await
        .unwrap();
    let (_, body) = read(answer).await;
    let trailers = body.trailers().cloned().unwrap();
    assert_eq!(trailers.get("x-checksum").unwrap(), "1");
    assert_eq!(body.to_bytes(), "01234567890123456789");
}

#[tokio::test]
async fn doubled_headers_and_foreign_authorities_fare_no_better_over_http2() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    let mut sender = http2(gateway.address).await;
    let mut doubled = request(&member, "/");
    doubled.headers_mut().append(
        "x-api-key",
        member.client.client_id.as_str().parse().unwrap(),
    );
    let (head, body) = read(sender.send_request(doubled).await.unwrap()).await;
    assert_eq!(head.status, 400);
    assert_eq!(
        body.to_bytes(),
        "{\"error_code\":\"400000\",\"message\":\"Ambiguous header\"}\n"
    );
    let mut differing = request(&member, "/");
    differing
        .headers_mut()
        .insert("host", "other.example.com".parse().unwrap());
    let (head, _) = read(sender.send_request(differing).await.unwrap()).await;
    assert_eq!((head.status.as_u16(), upstream.asked()), (400, 0));
}

#[tokio::test]
async fn upstreams_are_trusted_by_the_certificates_that_the_service_names() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let upstream = Upstream::with_tls(TlsFiles::new(certificate.clone(), key)).await;
    let port = upstream.address.port();
    let trusting = format!("upstream_ca_file = {certificate:?}\n");
    for (host, keys, status) in [
        ("localhost", trusting.clone(), 200),
        ("localhost", format!("{trusting}http2_upstream = true"), 200),
        ("127.0.0.1", trusting, 502),
        ("localhost", String::new(), 502),
    ] {
        let gateway = Gateway::publishing(&format!("https://{host}:{port}"), &keys).await;
        let reply = gateway.get("/", &gateway.member().await.headers()).await;
        assert_eq!(reply.status, status, "{host} {keys} {reply:?}");
    }
}

async fn http2(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let shaken = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = shaken.await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(member: &Member, target: &str) -> Request<Full<Bytes>> {
    let mut headers = HeaderMap::new();
    for line in member.headers().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        headers.insert(
            name.parse::<http::HeaderName>().unwrap(),
            value.parse().unwrap(),
        );
    }
    let uri = format!("http://api.example.com{target}");
    let mut request = Request::builder().uri(uri).body(Full::default()).unwrap();
    *request.headers_mut() = headers;
    request
}

async fn read(
    answer: Response<hyper::body::Incoming>,
) -> (http::response::Parts, Collected<Bytes>) {
    let (head, body) = answer.into_parts();
    (head, body.collect().await.unwrap())
}
