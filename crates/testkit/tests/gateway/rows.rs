//! Every row of the error table that is sent. Source: `spec/ims-protocol.md` 8.3.

use std::time::Duration;

use countersign_testkit::gateway::{Gateway, get, post, service};
use countersign_testkit::upstream::{RawUpstream, Then, Upstream};
use countersign_wire::GatewayError;

/// Status, code and message of each row of the original.
const ORIGINAL: [(u16, &str, &str); 29] = [
    (400, "400001", "Missing digest source"),
    (400, "400002", "Missing digest secret"),
    (400, "400003", "Missing header"),
    (401, "401013", "Oauth token is not valid"),
    (401, "401014", "Token not allowed in the current context"),
    (401, "401015", "Scope mismatch"),
    (403, "403000", "Api Key is required"),
    (403, "403003", "Api Key is invalid"),
    (403, "403010", "Oauth token is missing."),
    (403, "403011", "Scope mismatch"),
    (403, "403012", "Your IP is blacklisted"),
    (403, "403013", "Your IP is not whitelisted"),
    (403, "403020", "Oauth token missing or invalid"),
    (403, "403023", "Profile is not valid"),
    (403, "403024", "Not allowed to read the profile"),
    (403, "403025", "Profile is not valid"),
    (403, "403030", "Signature is missing"),
    (403, "403033", "Signature is invalid"),
    (403, "403040", "Invalid link"),
    (403, "403201", "Client ID not allowed to call this service"),
    (403, "403221", "Token not allowed in the current context"),
    (403, "503020", "Could not read the profile"),
    (404, "404040", "Link not found"),
    (429, "429001", "Service usage limit reached"),
    (429, "429002", "Developer key usage limit reached"),
    (429, "429050", "Too many requests"),
    (503, "503000", "Could not validate Api Key"),
    (503, "503010", "Could not validate the oauth token"),
    (503, "503030", "Could not validate Signature"),
];

/// What the other tests of this file have sent stands in `GatewayError::ALL`.
#[test]
fn each_row_of_the_original_is_sent_as_it_is_or_said_never_to_be() {
    let docs = include_str!("../../../../docs/gateway.md");
    let never = docs.split("These are never sent here").nth(1).unwrap();
    let never = never.split("\n\nWhat an upstream").next().unwrap();
    let never = never.lines().filter_map(|row| row.split('|').nth(1));
    let never: String = never.collect();
    for (status, code, message) in ORIGINAL {
        let sent = GatewayError::ALL
            .iter()
            .filter(|row| row.error_code == code);
        let sent: Vec<_> = sent.collect();
        let is_explained = never.contains(&format!("`{code}`"));
        assert_eq!(sent.is_empty(), is_explained, "{code}: sent or explained");
        for row in sent {
            assert_eq!(row.status, status, "{code}");
            assert!(row.message.starts_with(message), "{code}: {}", row.message);
        }
    }
}

/// The row, byte for byte, and what surrounds it.
macro_rules! must_be_row {
    ($reply:expr, $row:expr) => {{
        let (reply, row): (_, GatewayError) = ($reply, $row);
        reply.must_be(row.status, &row.body());
        reply.must_be_refused(row.status, row.error_code);
        reply
    }};
}

#[tokio::test]
async fn each_missing_wrong_foreign_or_doubled_header_has_its_row() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let (ours, theirs) = (gateway.member().await, gateway.member().await);
    let (token, key, org) = (ours.authorization(), ours.api_key(), ours.organization());
    let unknown_key = format!("x-api-key: {}\r\n", "0".repeat(32));
    let bad_token = format!("Authorization: Bearer {}x\r\n", ours.token);
    let table = [
        (String::new(), GatewayError::API_KEY_REQUIRED),
        (format!("{token}{org}"), GatewayError::API_KEY_REQUIRED),
        (
            format!("{unknown_key}{token}{org}"),
            GatewayError::API_KEY_INVALID,
        ),
        (format!("{key}{org}"), GatewayError::TOKEN_MISSING),
        (
            format!("{key}{org}Authorization: Basic YTpi\r\n"),
            GatewayError::TOKEN_MISSING,
        ),
        (
            format!("{key}{org}{bad_token}"),
            GatewayError::TOKEN_INVALID,
        ),
        (format!("{key}{token}"), GatewayError::MISSING_HEADER),
        (
            format!("{}{token}{org}", theirs.api_key()),
            GatewayError::CLIENT_NOT_ALLOWED,
        ),
        (
            format!("{key}{token}{}", theirs.organization()),
            GatewayError::ORGANIZATION_MISMATCH,
        ),
        (
            format!("{key}{token}x-gw-ims-org-id: nonsense\r\n"),
            GatewayError::ORGANIZATION_MISMATCH,
        ),
        (
            format!("{key}{token}{org}{key}"),
            GatewayError::AMBIGUOUS_HEADER,
        ),
    ];

    for (headers, row) in table {
        must_be_row!(gateway.get("/api/programs", &headers).await, row);
    }

    assert_eq!(
        upstream.asked(),
        0,
        "nothing of that may reach the upstream"
    );
    assert_eq!(
        gateway.get("/api/programs", &ours.headers()).await.status,
        200
    );
}

#[tokio::test]
async fn all_combinations_of_two_clients_and_two_organizations_but_the_right_ones_are_refused() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let members = [gateway.member().await, gateway.member().await];
    let mut passed = 0;
    for (t, token) in members.iter().enumerate() {
        for (k, key) in members.iter().enumerate() {
            for (o, org) in members.iter().enumerate() {
                let headers = [token.authorization(), key.api_key(), org.organization()].concat();
                let reply = gateway.get("/", &headers).await;
                let body = reply.text();
                match (t == k, t == o) {
                    (true, true) => passed += usize::from(reply.status == 200),
                    (true, false) => drop(must_be_row!(reply, GatewayError::ORGANIZATION_MISMATCH)),
                    (false, _) => drop(must_be_row!(reply, GatewayError::CLIENT_NOT_ALLOWED)),
                }
                for other in members.iter().filter(|_| t != k || t != o) {
                    assert!(!body.contains(other.client.org_id.as_str()), "{body}");
                }
            }
        }
    }
    assert_eq!((passed, upstream.asked()), (2, 2));
}

#[tokio::test]
async fn what_the_token_may_not_do_has_its_row() {
    let upstream = Upstream::start().await;
    let keys = "scopes = [\"read_pc.dma_aem_ams\"]\nlimits = { per_client_per_minute = 2 }";
    let gateway = Gateway::publishing(&upstream.origin(), keys).await;
    let member = gateway.member().await;
    let narrow = gateway.get("/", &member.headers()).await;
    let narrow = must_be_row!(narrow, GatewayError::SCOPE_MISMATCH);
    let challenge = narrow.header("www-authenticate");
    assert_eq!(challenge, Some(r#"Bearer error="insufficient_scope""#));

    let mut wide = member.clone();
    wide.token = gateway
        .token(&member.client, "openid,read_pc.dma_aem_ams")
        .await;
    for _ in 0..2 {
        assert_eq!(gateway.get("/", &wide.headers()).await.status, 200);
    }
    let limited = gateway.get("/", &wide.headers()).await;
    let limited = must_be_row!(limited, GatewayError::TOO_MANY_REQUESTS);
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[tokio::test]
async fn services_of_others_and_missing_profiles_have_their_rows() {
    let upstream = Upstream::start().await;
    let services = [
        service(
            "users",
            "/users",
            &[&upstream.origin()],
            "service = \"UserMgmtSDK\"",
        ),
        service(
            "cm",
            "/cm",
            &[&upstream.origin()],
            "profile_required = true",
        ),
    ];
    let gateway = Gateway::with(&services, |_| {}).await;
    let member = gateway.member().await;

    let unsubscribed = gateway.get("/users/x", &member.headers()).await;
    must_be_row!(unsubscribed, GatewayError::API_KEY_INVALID);
    let without_profile = gateway.get("/cm/x", &member.headers()).await;
    must_be_row!(without_profile, GatewayError::PROFILE_MISSING);
}

#[tokio::test]
async fn expired_and_revoked_tokens_say_so_and_challenge() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let member = gateway.member().await;
    assert_eq!(gateway.get("/", &member.headers()).await.status, 200);

    let revoked = gateway
        .app
        .anonymous()
        .revoke(&member.client, &member.token)
        .await;
    assert_eq!(revoked.status, 200);
    let reply = gateway.get("/", &member.headers()).await;
    let reply = must_be_row!(reply, GatewayError::TOKEN_INVALID);
    let challenge = reply.header("www-authenticate");
    assert_eq!(challenge, Some(r#"Bearer error="invalid_token""#));

    let other = gateway.member().await;
    gateway.app.advance(Duration::from_secs(86_400));
    let expired = gateway.get("/", &other.headers()).await;
    must_be_row!(expired, GatewayError::TOKEN_INVALID);
}

#[tokio::test]
async fn upstreams_that_do_not_answer_have_their_rows() {
    let dead = Upstream::start().await;
    let origin = dead.origin();
    drop(dead);
    let hanging = RawUpstream::start(Then::Hang(b"")).await;
    let garbage = RawUpstream::start(Then::Close(b"220 mail.example.com ESMTP\r\n\r\n")).await;
    let closing = RawUpstream::start(Then::Close(b"")).await;
    let services = [
        service("dead", "/dead", &[&origin], ""),
        service(
            "slow",
            "/slow",
            &[&hanging.origin()],
            "response_timeout_ms = 100",
        ),
        service("garbage", "/garbage", &[&garbage.origin()], ""),
        service("closing", "/closing", &[&closing.origin()], ""),
    ];
    let gateway = Gateway::with(&services, |_| {}).await;
    let member = gateway.member().await;
    let causes = [
        ("/dead", GatewayError::BAD_GATEWAY, "cannot be connected to"),
        (
            "/slow",
            GatewayError::GATEWAY_TIMEOUT,
            "did not answer in time",
        ),
        ("/garbage", GatewayError::BAD_GATEWAY, "is no HTTP"),
        (
            "/closing",
            GatewayError::BAD_GATEWAY,
            "ended the connection",
        ),
    ];
    for (target, row, cause) in causes {
        let reply = must_be_row!(gateway.get(target, &member.headers()).await, row);
        let explained = gateway
            .app
            .explain(reply.header("x-debug-id").unwrap())
            .await;
        let explained = explained.unwrap();
        assert!(explained.contains(cause), "{explained}");
        assert!(
            !reply.text().contains("127.0.0.1"),
            "the caller learns no addresses"
        );
    }
}

#[tokio::test]
async fn requests_that_nobody_can_serve_have_their_rows() {
    let upstream = Upstream::start().await;
    let origin = upstream.origin();
    let services = [
        service("cm", "/cm", &[&origin], "max_body_bytes = 10"),
        service(
            "busy",
            "/busy",
            &[&origin],
            "max_concurrent_requests = 1\nstrip_prefix = true",
        ),
    ];
    let gateway = Gateway::with(&services, |_| {}).await;
    let member = gateway.member().await;
    let headers = member.headers();

    must_be_row!(
        gateway.get("/elsewhere", &headers).await,
        GatewayError::NOT_FOUND
    );
    must_be_row!(
        gateway.get("/cm/%2e%2e/x", &headers).await,
        GatewayError::AMBIGUOUS_PATH
    );
    let websocket = format!("{headers}Connection: Upgrade\r\nUpgrade: websocket\r\n");
    must_be_row!(
        gateway.get("/cm", &websocket).await,
        GatewayError::UPGRADE_REFUSED
    );
    let large = gateway.send(post("/cm", &headers, "01234567890")).await;
    must_be_row!(large, GatewayError::BODY_TOO_LARGE);

    let mut first = gateway.connect().await;
    first.write(get("/busy/gate", &headers)).await;
    while upstream.asked() == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    must_be_row!(
        gateway.get("/busy/x", &headers).await,
        GatewayError::UPSTREAM_BUSY
    );
    upstream.open_gate();
    assert_eq!(first.reply().await.status, 200);
    assert_eq!(gateway.get("/busy/x", &headers).await.status, 200);
}

#[tokio::test]
async fn limits_of_the_head_and_wrong_methods_are_answered_in_the_same_shape() {
    let upstream = Upstream::start().await;
    let gateway = Gateway::publishing(&upstream.origin(), "").await;
    let headers = gateway.member().await.headers();
    let long_line = gateway
        .get(&format!("/{}", "a".repeat(8192)), &headers)
        .await;
    long_line.must_be_refused(414, "414000");
    let many = (0..100)
        .map(|n| format!("x-h{n}: 1\r\n"))
        .collect::<String>();
    gateway
        .get("/", &format!("{headers}{many}"))
        .await
        .must_be_refused(431, "431000");
    let large = format!("{headers}x-large: {}\r\n", "a".repeat(33_000));
    gateway
        .get("/", &large)
        .await
        .must_be_refused(431, "431000");
    for method in ["TRACE", "CONNECT"] {
        let request = get("/", &headers).replacen("GET", method, 1);
        let refused = gateway.send(request).await;
        assert!(
            [400, 405].contains(&refused.status),
            "{method}: {refused:?}"
        );
    }
    let no_host = gateway.send("GET / HTTP/1.1\r\n\r\n").await;
    no_host.must_be_refused(400, "400000");
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test]
async fn a_service_may_speak_the_language_of_oauth() {
    let upstream = Upstream::start().await;
    let keys = "errors = \"rfc6750\"\nscopes = [\"read_pc.dma_aem_ams\"]";
    let gateway = Gateway::publishing(&upstream.origin(), keys).await;
    let member = gateway.member().await;
    let (key, org) = (member.api_key(), member.organization());
    let table = [
        (
            format!("{key}{org}"),
            401,
            "Bearer",
            "{\"error\":\"invalid_token\",\"error_description\":\"Oauth token is missing.\"}\n",
        ),
        (
            format!("{key}{org}Authorization: Bearer x\r\n"),
            401,
            r#"Bearer error="invalid_token""#,
            "{\"error\":\"invalid_token\",\"error_description\":\"Oauth token is not valid\"}\n",
        ),
        (
            member.headers(),
            403,
            r#"Bearer error="insufficient_scope""#,
            "{\"error\":\"insufficient_scope\",\"error_description\":\"Scope mismatch\"}\n",
        ),
    ];
    for (headers, status, challenge, body) in table {
        let reply = gateway.get("/", &headers).await;
        reply.must_be(status, body);
        assert_eq!(reply.header("www-authenticate"), Some(challenge));
    }
}
