//! Limits, ids and error shapes of single requests.

use crate::app::TestServer;
use crate::app::body;
use crate::app::header;
use crate::app::status;

fn assert_problem(answer: &str, expected: u16, error: &str) {
    assert_eq!(status(answer), expected, "{answer}");
    assert_eq!(
        header(answer, "content-type"),
        Some("application/json;charset=UTF-8"),
        "{answer}"
    );
    assert!(
        body(answer).contains(&format!(r#""error":"{error}""#)),
        "{answer}"
    );
    assert_marked(answer);
}

fn assert_marked(answer: &str) {
    let id = header(answer, "x-debug-id").unwrap_or_else(|| panic!("no id in {answer}"));
    assert_eq!(id.len(), 36);
    assert_eq!(header(answer, "x-request-id"), Some(id));
    assert_eq!(header(answer, "server"), None);
}

fn post(length: usize, extra: &str) -> String {
    format!(
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n{extra}\r\n"
    )
}

#[tokio::test]
async fn answers_carry_an_id_of_ours_never_the_callers() {
    let server = TestServer::new().await;

    let first = server.get("/hello").await;
    let second = server
        .send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\nx-debug-id: mine\r\nx-request-id: mine\r\n\r\n")
        .await;

    assert_eq!(status(&first), 200);
    assert_marked(&first);
    assert_marked(&second);
    assert_ne!(header(&first, "x-debug-id"), header(&second, "x-debug-id"));
    assert!(!second.contains("mine"));
}

#[tokio::test]
async fn unknown_paths_wrong_methods_and_panics_have_the_error_shape() {
    let server = TestServer::new().await;

    let unknown = server.get("/nowhere").await;
    let method = server
        .send("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    let panic = server.get("/panic").await;

    assert_problem(&unknown, 404, "not_found");
    assert_problem(&method, 405, "method_not_allowed");
    assert_eq!(header(&method, "allow"), Some("POST"));
    assert_problem(&panic, 500, "internal_error");
    let told = r#"{"error":"internal_error","error_description":"Please try again later"}"#;
    assert_eq!(body(&panic), told);
    assert_eq!(status(&server.get("/hello").await), 200);
}

#[tokio::test]
async fn trace_and_connect_are_refused() {
    let server = TestServer::new().await;
    for line in ["TRACE /hello", "CONNECT a:443", "TRACE /nowhere"] {
        let host = if line.contains(":443") { "a:443" } else { "a" };
        let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_problem(&server.send(request).await, 405, "method_not_allowed");
    }
}

#[tokio::test]
async fn the_body_limit_holds_for_declared_and_chunked_bodies() {
    let server = TestServer::with(|listener| listener.requests.max_body_bytes = 10).await;

    let fits = server.send(post(10, "") + "0123456789").await;
    let over = server.send(post(11, "")).await;
    let huge = server.send(post(1 << 30, "")).await;
    let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = server
        .send(format!("{chunked}b\r\n01234567890\r\n0\r\n\r\n"))
        .await;

    assert_eq!((status(&fits), body(&fits)), (200, "0123456789"));
    assert_problem(&over, 413, "request_too_large");
    assert_problem(&huge, 413, "request_too_large");
    assert_eq!(header(&huge, "connection"), Some("close"));
    assert_problem(&chunked, 413, "request_too_large");
}

#[tokio::test]
async fn callers_who_write_all_before_they_read_get_the_refusal() {
    let server = TestServer::new().await;
    let body = "x".repeat(900_000);

    let answer = server.send(post(body.len(), "") + &body).await;

    assert_problem(&answer, 413, "request_too_large");
}

#[tokio::test]
async fn expecting_to_continue_with_too_much_gets_the_final_status() {
    let server = TestServer::with(|listener| listener.requests.max_body_bytes = 10).await;

    let over = server.send(post(11, "Expect: 100-continue\r\n")).await;
    let fits = server
        .send(post(2, "Expect: 100-continue\r\n") + "ok")
        .await;

    assert_problem(&over, 413, "request_too_large");
    assert!(fits.starts_with("HTTP/1.1 100 "), "{fits}");
}

#[tokio::test]
async fn long_request_lines_and_heads_are_refused_at_the_limit() {
    let server = TestServer::new().await;
    let line = |bytes: usize| {
        let fixed = "GET  HTTP/1.1".len() + "/hello?".len();
        format!("/hello?{}", "a".repeat(bytes - fixed))
    };
    let fields = |count: usize| {
        let field = |number| format!("x-{number}: 1\r\n");
        let rest: String = (2..count).map(field).collect();
        format!("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{rest}\r\n")
    };
    let bytes = |length: usize| {
        let fixed = "host: a\r\nconnection: close\r\nx: \r\n".len();
        let filler = "a".repeat(length - fixed);
        format!("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\nx: {filler}\r\n\r\n")
    };

    assert_eq!(status(&server.get(&line(8192)).await), 200);
    assert_problem(&server.get(&line(8193)).await, 414, "uri_too_long");
    assert_eq!(status(&server.send(fields(100)).await), 200);
    assert_problem(&server.send(fields(101)).await, 431, "headers_too_large");
    assert_eq!(status(&server.send(bytes(32_768)).await), 200);
    assert_problem(&server.send(bytes(32_769)).await, 431, "headers_too_large");
    assert_eq!(status(&server.send(fields(1000)).await), 431);
    assert_eq!(status(&server.send(bytes(500_000)).await), 431);
}

#[tokio::test]
async fn exactly_one_valid_host_is_needed() {
    let server = TestServer::new().await;
    let bad = [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host:\r\n",
        "Host: a/path\r\n",
        "Host: user@a\r\n",
        "Host: a:99999\r\n",
        "Host: a b\r\n",
    ];
    for lines in bad {
        let request = format!("GET /hello HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
        assert_problem(&server.send(request).await, 400, "invalid_request");
    }
    let other = "GET http://b/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_problem(&server.send(other).await, 400, "invalid_request");
    for host in ["a", "a.example:8443", "[::1]:80", "127.0.0.1"] {
        let request = format!("GET /hello HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&server.send(request).await), 200);
    }
}

#[tokio::test]
async fn encoded_bodies_are_refused() {
    let server = TestServer::new().await;

    let answer = server
        .send(post(2, "Content-Encoding: gzip\r\n") + "ok")
        .await;

    assert_problem(&answer, 415, "invalid_request");
}

#[tokio::test]
async fn bodies_and_answers_that_take_too_long_are_given_up() {
    let server = TestServer::with(|listener| {
        listener.requests.body_timeout_seconds = 1;
        listener.requests.request_timeout_seconds = 2;
    })
    .await;

    let body = server.send(post(10, "") + "012").await;
    let answer = server.get("/wait").await;

    assert_problem(&body, 408, "request_timeout");
    assert_problem(&answer, 503, "temporarily_unavailable");
    assert!(header(&answer, "retry-after").is_some());
}

#[tokio::test]
async fn only_trusted_proxies_name_the_source() {
    let request = "GET /source HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 6.6.6.6, 1.2.3.4\r\n\r\n";
    let open = TestServer::new().await;
    let proxied = TestServer::with(|listener| {
        listener.trusted_proxies = ["127.0.0.0/8".parse().unwrap()].into_iter().collect();
    })
    .await;

    assert_eq!(body(&open.send(request).await), "127.0.0.1");
    assert_eq!(body(&proxied.send(request).await), "1.2.3.4");
}

#[tokio::test]
async fn health_tells_life_from_readiness() {
    let server = TestServer::new().await;

    let alive = server.get("/healthz").await;
    let ready = server.get("/readyz").await;

    assert_eq!((status(&alive), body(&alive)), (200, r#"{"status":"ok"}"#));
    assert_eq!(status(&ready), 200);
    let report = r#"{"status":"degraded","checks":[{"name":"keys","status":"ok"},{"name":"clock","status":"degraded","reason":"skewed by 6 s"}]}"#;
    assert_eq!(body(&ready), report);
}
