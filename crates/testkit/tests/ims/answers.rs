//! What holds for every answer. Source: security.md ANS-01 to ANS-06. The grammar of errors, the
//! request id and the absence of faults are checked for every answer of the whole suite
//! (`countersign_testkit::Answer`).

use countersign_testkit::{Assertion, TestApp, TestClient, keys, redact};
use http::Method;

const MARKER: &str = "zq7markerq9x";

async fn app_and_client() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    (app, client)
}

#[tokio::test]
async fn nothing_of_the_request_comes_back() {
    let (app, client) = app_and_client().await;
    let caller = app.anonymous();
    let fields = [
        "grant_type",
        "client_id",
        "client_secret",
        "scope",
        "jwt_token",
        "token",
        "type",
        "token_type",
        "foo",
    ];
    let paths = [
        "/ims/token/v3",
        "/ims/exchange/jwt",
        "/ims/validate_token/v1",
        "/ims/revoke",
        "/ims/invalidate_token/v2",
    ];
    let marked_jwt = Assertion::of(&client, app.now())
        .with("iss", MARKER)
        .with(MARKER, MARKER)
        .sign();
    let mut answers = Vec::new();

    for path in paths {
        for field in fields {
            let mut form = client.form("openid").to_vec();
            form.retain(|(name, _)| *name != field);
            form.push((field, MARKER));
            answers.push(caller.post(path).form(&form).send().await);
        }
        answers.push(
            caller
                .post(path)
                .form(&[(MARKER, "1"), ("jwt_token", &marked_jwt)])
                .send()
                .await,
        );
        answers.push(caller.post(path).body(MARKER, "x").send().await);
        answers.push(
            caller
                .post(path)
                .header("x-request-id", MARKER)
                .header("x-debug-id", MARKER)
                .send()
                .await,
        );
        answers.push(
            caller
                .post(path)
                .header("authorization", MARKER)
                .send()
                .await,
        );
        answers.push(caller.post(path).bearer(MARKER).send().await);
    }
    answers.push(
        caller
            .get(&format!("/{MARKER}"))
            .header("host", &format!("{MARKER}.example"))
            .send()
            .await,
    );
    answers.push(
        caller
            .get(&format!("/ims/userinfo/v2?{MARKER}={MARKER}"))
            .bearer(MARKER)
            .send()
            .await,
    );

    for answer in answers {
        let headers = format!("{:?}", answer.headers);
        assert!(
            !answer.body.contains(MARKER) && !headers.contains(MARKER),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn every_request_has_an_id_of_its_own_whatever_the_caller_sends() {
    let (app, _) = app_and_client().await;
    let mut seen = std::collections::HashSet::new();
    let long = "x".repeat(10 * 1024);
    for inbound in ["", "abc", &long, "a\tb"] {
        for path in ["/ims/keys", "/nowhere", "/ims/token/v3"] {
            let answer = app
                .anonymous()
                .get(path)
                .header("x-request-id", inbound)
                .send()
                .await;
            assert!(seen.insert(answer.debug_id()));
        }
    }
}

#[tokio::test]
async fn whatever_is_said_about_a_token_is_never_stored() {
    let (app, client) = app_and_client().await;
    let caller = app.anonymous();
    let token = caller.token(&client, "openid").await.token();
    let basic = |path: &str| {
        caller
            .post(path)
            .basic(client.client_id.as_str(), &client.secret)
    };
    let answers = [
        caller.post("/ims/token/v3").send().await,
        caller.post("/ims/exchange/jwt").send().await,
        caller
            .post("/ims/exchange/jwt")
            .body("text/plain", "x")
            .send()
            .await,
        caller.validate(&client, &token).await,
        caller.validate(&client, "x").await,
        caller.post("/ims/validate_token/v1").send().await,
        caller.get("/ims/userinfo/v2").bearer(&token).send().await,
        caller.get("/ims/userinfo/v2").send().await,
        basic("/ims/revoke").form(&[("token", &token)]).send().await,
        basic("/ims/revoke").send().await,
        caller.post("/ims/invalidate_token/v2").send().await,
    ];

    for answer in answers {
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{answer:?}"
        );
        assert_eq!(answer.header("pragma"), Some("no-cache"), "{answer:?}");
    }
}

#[tokio::test]
async fn the_stated_life_is_the_tokens_and_ends_with_its_certificate() {
    let (app, _) = app_and_client().await;
    let org = app.organization().await;
    let now = app.now();
    let soon = now.plus(std::time::Duration::from_secs(600));
    let pem = keys::certificate(keys::first(), now, soon);
    let grant =
        countersign_authority::NewGrant::Jwt(countersign_authority::NewCertificate::Upload(pem));
    let new = app.new_credential(&org, grant, &["DocCloudSDK"]).await;
    let client = app.create(new, Some(keys::first())).await;

    let answer = app
        .anonymous()
        .exchange(&client, &Assertion::of(&client, now).sign())
        .await;

    let stated = answer.json()["expires_in"].as_i64().unwrap();
    let payload = redact::payload_text(&answer.token());
    // Certificates count in whole seconds; the clock stands at half of one.
    assert_eq!(stated, 599_499);
    assert!(payload.contains(r#""expires_in":"599500""#), "{payload}");
}

#[tokio::test]
async fn only_post_issues_anything() {
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await;
    let assertion = Assertion::of(&client, app.now()).sign();
    app.authority
        .start_migration(&client.id, &countersign_testkit::app::operator())
        .await
        .unwrap();
    for method in [
        Method::GET,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::HEAD,
        Method::TRACE,
        Method::OPTIONS,
    ] {
        let token = app
            .anonymous()
            .call(method.clone(), "/ims/token/v3")
            .query(&client.form("openid"));
        let exchange = app
            .anonymous()
            .call(method.clone(), "/ims/exchange/jwt")
            .query(&client.exchange_form(&assertion));
        for answer in [token.send().await, exchange.send().await] {
            assert_eq!(answer.status, 405, "{method}");
            // TRACE is refused before there is a route.
            if method != Method::TRACE {
                assert_eq!(answer.header("allow"), Some("POST"), "{method}");
            }
            assert!(!answer.body.contains("access_token"));
        }
    }
}
