//! The three paths, asked by hand.

use crate::setting::{Setting, about};

#[tokio::test]
async fn who_may_pass_is_told_apart_for_the_api() {
    let setting = Setting::publishing("").await;
    let member = setting.member().await;
    let headers = member.headers();

    let forward = format!("{}{headers}", about("/api/programs?start=0"));
    for reply in [
        setting.ask("/ext_authz/forward", &forward).await,
        setting.ask("/ext_authz/nginx", &forward).await,
        setting
            .ask("/ext_authz/envoy/api/programs?start=0", &headers)
            .await,
    ] {
        reply.must_be(200, "");
        let client = &member.client;
        assert_eq!(
            reply.header("x-ims-client-id"),
            Some(client.client_id.as_str())
        );
        assert_eq!(reply.header("x-ims-org-id"), Some(client.org_id.as_str()));
        assert_eq!(
            reply.header("x-ims-user-id"),
            Some(client.account_id.as_str())
        );
        let scope = reply.header("x-ims-scope").unwrap();
        assert!(scope.split(',').any(|scope| scope == "read_organizations"));
    }
}

#[tokio::test]
async fn a_refusal_is_the_gateways_own() {
    let setting = Setting::publishing("").await;
    let member = setting.member().await;
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
        let forward = format!("{}{headers}", about("/api/programs"));
        let reply = setting.ask("/ext_authz/forward", &forward).await;
        reply.must_be_refused(status, code);
        let reply = setting.ask("/ext_authz/envoy/api/programs", &headers).await;
        reply.must_be_refused(status, code);

        let reply = setting.ask("/ext_authz/nginx", &forward).await;
        assert_eq!(reply.status, 401, "{code}");
        assert_eq!(
            reply.header("x-countersign-status"),
            Some(&*status.to_string())
        );
        let body = reply.header("x-countersign-body").unwrap();
        assert!(body.contains(code), "{body}");
        assert_eq!(reply.header("www-authenticate").is_some(), status == 401);
        assert_eq!(reply.text(), "");
    }
}

/// A proxy forwards the path as it came, so only the form that is decided by may pass.
#[tokio::test]
async fn a_path_that_is_not_canonical_does_not_pass() {
    let setting = Setting::publishing("").await;
    let headers = setting.member().await.headers();
    for target in [
        "/api//programs",
        "/api/../api/programs",
        "/api/%70rograms",
        "/api/%2e%2e/programs",
        "/api%2fprograms",
        "/api/programs;x=y",
    ] {
        let forward = format!("{}{headers}", about(target));
        let reply = setting.ask("/ext_authz/forward", &forward).await;
        reply.must_be_refused(400, "400000");
    }
}

/// Which request is meant is the proxy's to say, once.
#[tokio::test]
async fn a_caller_cannot_choose_what_is_asked() {
    let setting = Setting::publishing("").await;
    let headers = setting.member().await.headers();
    let reply = setting.ask("/ext_authz/forward", &headers).await;
    reply.must_be_refused(400, "400000");
    let twice = format!(
        "{}X-Forwarded-Uri: /public\r\n{headers}",
        about("/api/programs")
    );
    let reply = setting.ask("/ext_authz/forward", &twice).await;
    reply.must_be_refused(400, "400000");
    // Where the path is Envoy's to say, a header says nothing.
    let reply = setting
        .ask(
            "/ext_authz/envoy/api//x",
            &format!("{}{headers}", about("/api/x")),
        )
        .await;
    reply.must_be_refused(400, "400000");
}

#[tokio::test]
async fn the_limit_says_how_long_to_wait() {
    let setting = Setting::publishing("limits = { per_client_per_minute = 1 }").await;
    let forward = format!(
        "{}{}",
        about("/api/programs"),
        setting.member().await.headers()
    );
    setting
        .ask("/ext_authz/forward", &forward)
        .await
        .must_be(200, "");
    let reply = setting.ask("/ext_authz/forward", &forward).await;
    reply.must_be_refused(429, "429050");
    let reply = setting.ask("/ext_authz/nginx", &forward).await;
    assert_eq!(reply.header("x-countersign-status"), Some("429"));
    assert!(reply.header("retry-after").is_some());
}

#[tokio::test]
async fn a_refusal_can_be_explained() {
    let setting = Setting::publishing("").await;
    let member = setting.member().await;
    let headers = format!("{}{}", member.api_key(), member.organization());
    let reply = setting.ask("/ext_authz/envoy/api/programs", &headers).await;
    let id = reply.header("x-debug-id").unwrap();
    let why = setting.app.explain(id).await.unwrap();
    assert!(why.contains("Authorization"), "{why}");
}
