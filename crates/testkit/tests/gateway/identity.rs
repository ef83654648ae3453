//! What the upstream sees, and what comes back (GWY-06 to GWY-08, 8.4).

use countersign_testkit::gateway::{Gateway, service};
use countersign_testkit::upstream::Upstream;

#[tokio::test]
async fn the_upstream_learns_who_calls_from_us_alone_and_once() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    let names = [
        "x-ims-user-id",
        "x-ims-client-id",
        "x-ims-org-id",
        "x-ims-scope",
    ];
    let forged: String = names
        .iter()
        .flat_map(|name| {
            [
                format!("{name}: evil\r\n"),
                format!("{}: evil\r\n", name.to_uppercase()),
                format!("{}: evil\r\n", name.replace('-', "_")),
            ]
        })
        .collect();

    let reply = gateway
        .get("/", &format!("{forged}{}", member.headers()))
        .await;

    let client = &member.client;
    let expected = [
        client.account_id.as_str(),
        client.client_id.as_str(),
        client.org_id.as_str(),
        countersign_testkit::gateway::SCOPES,
    ];
    for (name, value) in names.iter().zip(expected) {
        assert_eq!(reply.seen(name), [value], "{name}");
    }
    assert!(!reply.text().contains("evil"));
}

#[tokio::test]
async fn credentials_cookies_and_what_belongs_to_the_connection_stay_here() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    let more = "Connection: keep-alive, x-private\r\nx-private: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n\
        Trailer: x\r\nProxy-Authorization: Basic YTpi\r\nProxy-Connection: x\r\nCookie: a=b\r\n\
        Upgrade: h2c\r\nHTTP2-Settings: x\r\nForwarded: for=1.2.3.4\r\nExpect: 100-continue\r\n\
        x-public: 1\r\nAccept: a/b\r\n";
    let reply = gateway
        .get("/", &format!("{more}{}", member.headers()))
        .await;
    for name in [
        "connection",
        "x-private",
        "keep-alive",
        "te",
        "trailer",
        "proxy-authorization",
        "proxy-connection",
        "cookie",
        "upgrade",
        "http2-settings",
        "forwarded",
        "expect",
        "authorization",
        "transfer-encoding",
        "content-length",
    ] {
        assert_eq!(reply.seen(name), [""; 0], "{name}");
    }
    assert_eq!(reply.seen("x-public"), ["1"]);
    assert_eq!(reply.seen("accept"), ["a/b"]);
    assert_eq!(reply.seen("host"), [upstream.address.to_string()]);
    assert_eq!(reply.seen("via"), ["1.1 countersign"]);
}

#[tokio::test]
async fn the_token_goes_on_only_where_the_service_says_so() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "forward_token = true").await;
    let member = gateway.member().await;
    let reply = gateway.get("/", &member.headers()).await;
    assert_eq!(
        reply.seen("authorization"),
        [format!("Bearer {}", member.token)]
    );
}

#[tokio::test]
async fn a_stranger_cannot_say_where_he_comes_from_and_a_trusted_proxy_can() {
    let upstream = Upstream::start().await;
    let services = [service("cm", "/", &[&upstream.origin()], "")];
    let said = "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Host: shop.example\r\n\
        X-Forwarded-Proto: https\r\nX-Forwarded-Prefix: /evil\r\nX-Real-IP: 203.0.113.9\r\n";

    let open = Gateway::with(&services, |_| {}).await;
    let headers = open.member().await.headers();
    let reply = open.get("/", &format!("{said}{headers}")).await;
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "api.example.com"),
        ("x-forwarded-proto", "http"),
        ("x-real-ip", "127.0.0.1"),
    ] {
        assert_eq!(reply.seen(name), [value], "{name}");
    }
    assert_eq!(reply.seen("x-forwarded-prefix"), [""; 0]);

    let behind = Gateway::with(&services, |listener| {
        listener.trusted_proxies = ["127.0.0.0/8".parse().unwrap()].into_iter().collect();
    });
    let behind = behind.await;
    let headers = behind.member().await.headers();
    let reply = behind.get("/", &format!("{said}{headers}")).await;
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.9, 127.0.0.1"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-proto", "https"),
        ("x-real-ip", "203.0.113.9"),
    ] {
        assert_eq!(reply.seen(name), [value], "{name}");
    }
}

#[tokio::test]
async fn a_call_keeps_the_id_that_it_came_with_if_that_does_no_harm() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();

    let own = gateway
        .get("/", &format!("X-Request-Id: my-call.7\r\n{headers}"))
        .await;
    assert_eq!(own.header("x-request-id"), Some("my-call.7"));
    assert_eq!(own.seen("x-request-id"), ["my-call.7"]);

    for harm in ["a b", "a\"b", "x;y", &"a".repeat(65)] {
        let reply = gateway
            .get("/", &format!("X-Request-Id: {harm}\r\n{headers}"))
            .await;
        let id = reply.header("x-request-id").unwrap();
        assert!(
            id.len() == 32 && id.bytes().all(|b| b.is_ascii_alphanumeric()),
            "{id}"
        );
        assert_eq!(reply.seen("x-request-id"), [id]);
    }
}

#[tokio::test]
async fn of_an_answer_the_callers_see_what_is_theirs() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    let reply = gateway.get("/headers", &headers).await;
    reply.must_be(200, "x");
    for name in [
        "connection",
        "x-private",
        "keep-alive",
        "proxy-authenticate",
        "upgrade",
    ] {
        assert_eq!(reply.header(name), None, "{name}");
    }
    assert_eq!(reply.header("x-public"), Some("1"));
    assert_ne!(reply.header("x-request-id"), Some("of-the-upstream"));
    assert_eq!(reply.header("content-length"), Some("1"));
}
