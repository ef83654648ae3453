//! nginx and HAProxy from Debian, with the sample configurations, unchanged but for addresses.

use countersign_testkit::gateway::{Connection, Member, Reply, get, post};
use countersign_testkit::upstream::Upstream;

use crate::program::Program;
use crate::setting::Setting;

async fn send(program: &Program, request: String) -> Reply {
    let mut connection = Connection::to(program.address).await;
    connection.write(request).await;
    connection.reply().await
}

/// What must hold behind any proxy.
async fn protects(program: &Program, setting: &Setting, api: &Upstream) {
    let member = setting.member().await;
    passes(program, &member).await;
    tells_the_api_who_calls(program, &member).await;
    refuses(program, setting, &member, api).await;
    acts_on_a_revocation(program, setting, &member).await;
}

async fn passes(program: &Program, member: &Member) {
    let reply = send(program, get("/api/programs?start=0", &member.headers())).await;
    assert_eq!(reply.status, 200, "{reply:?}\n{}", program.log());
    assert_eq!(reply.json()["target"], "/api/programs?start=0");
    let reply = send(program, post("/api/x", &member.headers(), "{\"a\":1}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json()["body"]["text"], "{\"a\":1}");
}

async fn tells_the_api_who_calls(program: &Program, member: &Member) {
    let forged =
        "X-Ims-User-Id: admin\r\nx_ims_user_id: admin\r\nX-Ims-Scope: all\r\nCookie: a=b\r\n";
    let headers = format!("{forged}{}", member.headers());
    let reply = send(program, get("/api/programs", &headers)).await;
    assert_eq!(
        reply.seen("x-ims-user-id"),
        [member.client.account_id.as_str()]
    );
    assert_eq!(
        reply.seen("x-ims-client-id"),
        [member.client.client_id.as_str()]
    );
    assert_eq!(reply.seen("x-ims-org-id"), [member.client.org_id.as_str()]);
    assert_eq!(reply.seen("x-ims-scope").len(), 1);
    assert_ne!(reply.seen("x-ims-scope"), ["all"]);
    for dropped in ["x_ims_user_id", "authorization", "cookie"] {
        assert!(reply.seen(dropped).is_empty(), "{dropped}");
    }
}

async fn refuses(program: &Program, setting: &Setting, member: &Member, api: &Upstream) {
    let before = api.asked();
    let (token, key, org) = (
        member.authorization(),
        member.api_key(),
        member.organization(),
    );
    let stranger = setting.member().await;
    let rows = [
        (format!("{token}{org}"), 403, "403000"),
        (format!("{key}{org}"), 403, "403010"),
        (format!("{token}{key}"), 400, "400003"),
        (format!("{token}{key}{key}{org}"), 400, "400000"),
        (
            format!("{}{key}{org}", stranger.authorization()),
            403,
            "403201",
        ),
        (
            format!("{token}{key}{}", stranger.organization()),
            403,
            "403025",
        ),
        (
            format!("Authorization: Bearer x.y.z\r\n{key}{org}"),
            401,
            "401013",
        ),
    ];
    for (headers, status, code) in rows {
        let reply = send(program, get("/api/programs", &headers)).await;
        assert_eq!(reply.status, status, "{code}: {reply:?}\n{}", program.log());
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{code}"
        );
        assert_eq!(reply.json()["error_code"], code, "{reply:?}");
        assert!(reply.text().ends_with("}\n"), "{reply:?}");
        assert_eq!(reply.header("www-authenticate").is_some(), status == 401);
        assert!(reply.header("x-request-id").is_some(), "{reply:?}");
    }
    // What the caller says about the question counts for nothing.
    let headers = format!("X-Forwarded-Uri: /x\r\nX-Forwarded-Method: OPTIONS\r\n{key}{org}");
    let reply = send(program, get("/api/programs", &headers)).await;
    assert_eq!(reply.json()["error_code"], "403010", "{reply:?}");
    for target in ["/api//programs", "/api/%2e%2e/programs", "/api/%70rograms"] {
        let reply = send(program, get(target, &member.headers())).await;
        assert_eq!(reply.status, 400, "{target}: {reply:?}");
    }
    assert_eq!(
        api.asked(),
        before,
        "the API was asked by somebody who may not"
    );
}

async fn acts_on_a_revocation(program: &Program, setting: &Setting, member: &Member) {
    let revoked = setting
        .app
        .anonymous()
        .revoke(&member.client, &member.token)
        .await;
    assert_eq!(revoked.status, 200);
    let reply = send(program, get("/api/programs", &member.headers())).await;
    assert_eq!(reply.status, 401, "{reply:?}");
    assert_eq!(reply.json()["error_code"], "401013");
}

/// Nobody passes while nobody can be asked.
async fn closes(program: &Program) {
    let reply = send(program, get("/api/programs", "x-api-key: a\r\n")).await;
    assert_eq!(reply.status, 503, "{reply:?}\n{}", program.log());
    assert_eq!(reply.json()["error_code"], "503010");
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_lets_pass_whom_countersign_lets_pass() {
    let (setting, api) = (Setting::publishing("").await, Upstream::start().await);
    let nginx = Program::nginx(setting.address, api.address);
    protects(&nginx, &setting, &api).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_lets_pass_whom_countersign_lets_pass() {
    let (setting, api) = (Setting::publishing("").await, Upstream::start().await);
    let haproxy = Program::haproxy(setting.address, api.address);
    protects(&haproxy, &setting, &api).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_reach_callers_through_proxies() {
    let keys = "limits = { per_client_per_minute = 2 }";
    let (setting, api) = (Setting::publishing(keys).await, Upstream::start().await);
    let member = setting.member().await;
    for program in [
        Program::nginx(setting.address, api.address),
        Program::haproxy(setting.address, api.address),
    ] {
        let mut reply = send(&program, get("/api/x", &member.headers())).await;
        for _ in 0..2 {
            reply = send(&program, get("/api/x", &member.headers())).await;
        }
        assert_eq!(reply.status, 429, "{reply:?}\n{}", program.log());
        assert_eq!(reply.json()["error_code"], "429050");
        assert!(reply.header("retry-after").is_some(), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_passes_while_countersign_is_away() {
    let api = Upstream::start().await;
    let nobody = ([127, 0, 0, 1], 9).into();
    closes(&Program::nginx(nobody, api.address)).await;
    closes(&Program::haproxy(nobody, api.address)).await;
    assert_eq!(api.asked(), 0);
}
