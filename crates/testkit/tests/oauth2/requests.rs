//! What the standard face reads, and what it refuses. Sources: RFC 6749 sections 2.3, 3.2, 4.4,
//! 5.2; decisions.md, "Two faces, one core".

use countersign_testkit::{Answer, TestApp, TestClient};
use http::Method;

use crate::support::{ES256, call, client};

const TOKEN: &str = "/oauth2/token";

async fn app_and_client() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = client(&app, ES256).await;
    (app, client)
}

#[tokio::test]
async fn a_client_is_named_in_the_body_or_in_the_header() {
    let (app, client) = app_and_client().await;
    let form = client.form("openid");
    let post = app.anonymous().post(TOKEN).form(&form).send().await;
    post.token();
    let basic = app.anonymous().post(TOKEN).form(&[form[0], form[3]]);
    let basic = basic.basic(client.client_id.as_str(), &client.secret);
    basic.send().await.token();
    let named_twice = app
        .anonymous()
        .post(TOKEN)
        .form(&[form[0], form[1], form[3]]);
    let named_twice = named_twice.basic(client.client_id.as_str(), &client.secret);
    named_twice.send().await.token();
}

#[tokio::test]
async fn every_refusal_of_a_client_is_the_same() {
    let (app, client) = app_and_client().await;
    let (id, secret) = (client.client_id.as_str(), client.secret.as_str());
    let grant = [("grant_type", "client_credentials")];
    let ask = |form: &[(&str, &str)]| {
        let all: Vec<_> = grant.iter().chain(form).copied().collect();
        app.anonymous().post(TOKEN).form(&all)
    };
    let calls = [
        ask(&[]),
        ask(&[("client_id", id)]),
        ask(&[("client_secret", secret)]),
        ask(&[("client_id", id), ("client_secret", "wrong")]),
        ask(&[("client_id", "nobody"), ("client_secret", secret)]),
        ask(&[]).basic(id, "wrong"),
        ask(&[]).basic("nobody", secret),
        ask(&[]).bearer("x"),
        ask(&[("client_assertion", "a.b.c")]),
        ask(&[
            ("client_assertion_type", "x"),
            ("client_assertion", "a.b.c"),
        ]),
    ];
    let mut answers: Vec<Answer> = Vec::new();
    for call in calls {
        answers.push(call.send().await);
    }
    for answer in &answers {
        answer.must_be(
            401,
            r#"{"error":"invalid_client","error_description":"Client authentication failed."}"#,
        );
        assert!(
            answer
                .header("www-authenticate")
                .unwrap()
                .starts_with("Basic ")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    // The owner is told more.
    let causes = [&answers[3], &answers[4]].map(Answer::debug_id);
    let first = app.explain(&causes[0]).await.unwrap();
    assert_ne!(Some(first), app.explain(&causes[1]).await);
}

#[tokio::test]
async fn two_ways_to_authenticate_are_one_too_many() {
    let (app, client) = app_and_client().await;
    let (id, secret) = (client.client_id.as_str(), client.secret.as_str());
    let form = client.form("openid");
    let other = [form[0], ("client_id", "other"), form[3]];
    let assertion = [
        form[0],
        ("client_assertion", "a.b.c"),
        ("client_assertion_type", countersign_wire::oauth::JWT_BEARER),
    ];
    for fields in [&form[..], &other, &assertion] {
        let call = app.anonymous().post(TOKEN).form(fields).basic(id, secret);
        call.send().await.must_fail(400, "invalid_request");
    }
}

#[tokio::test]
async fn parameters_come_in_one_urlencoded_body_each_once() {
    let (app, client) = app_and_client().await;
    let form = client.form("openid");
    let body = countersign_testkit::clients::urlencoded(&form);
    let post = || app.anonymous().post(TOKEN);
    let refused = [
        post().query(&form),
        post().form(&form).query(&[("foo", "bar")]),
        post().multipart(&form),
        post().body("application/json", "{}"),
        post().body("text/plain", body.clone()),
        post().untyped_body(body.clone()),
        post().body(
            "application/x-www-form-urlencoded; charset=latin1",
            body.clone(),
        ),
        post()
            .form(&form)
            .header("content-type", "application/x-www-form-urlencoded"),
        post().form(&[form[0], form[0], form[1], form[2]]),
        post().form(&[form[0], form[1], form[2], form[2]]),
        post().body("application/x-www-form-urlencoded", format!("{body}&x=%zz")),
        post().form(&[form[1], form[2]]),
    ];
    for call in refused {
        call.send().await.must_fail(400, "invalid_request");
    }
    let with_charset = "application/x-www-form-urlencoded; charset=UTF-8";
    post().body(with_charset, body).send().await.token();
    for method in [Method::GET, Method::PUT] {
        let answer = app.anonymous().call(method, TOKEN).send().await;
        assert_eq!(answer.status, 405);
    }
}

#[tokio::test]
async fn grant_scope_and_resource_have_their_own_errors() {
    let (app, client) = app_and_client().await;
    let grant = ("grant_type", "client_credentials");
    for (form, error) in [
        (vec![("grant_type", "password")], "unsupported_grant_type"),
        (
            vec![("grant_type", "Client_Credentials")],
            "unsupported_grant_type",
        ),
        (vec![grant, ("scope", "openid,AdobeID")], "invalid_scope"),
        (vec![grant, ("scope", "openid  AdobeID")], "invalid_scope"),
        (vec![grant, ("scope", "not_granted")], "invalid_scope"),
        (vec![grant, ("resource", "api")], "invalid_target"),
        (
            vec![grant, ("resource", "https://api.example/#f")],
            "invalid_target",
        ),
    ] {
        let answer = call(&app.anonymous(), TOKEN, &client, &form).send().await;
        answer.must_fail(400, error);
    }
}

#[tokio::test]
async fn a_credential_without_its_oauth_half_may_not_use_the_grant() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let key = countersign_testkit::keys::first();
    let client = app.jwt(&org, &["CloudManagerSDK"], key).await;
    let form = [("grant_type", "client_credentials")];
    let answer = call(&app.anonymous(), TOKEN, &client, &form).send().await;
    answer.must_fail(400, "unauthorized_client");
}

#[tokio::test]
async fn guessing_is_slowed_down_here_too() {
    let app = TestApp::with(|setup| setup.config.failures_per_minute = 3).await;
    let client = client(&app, ES256).await;
    let wrong = || {
        let form = [("grant_type", "client_credentials")];
        let call = app.anonymous().post(TOKEN).form(&form);
        call.basic(client.client_id.as_str(), "wrong").send()
    };
    for _ in 0..3 {
        wrong().await.must_fail(401, "invalid_client");
    }
    let slowed = wrong().await;
    slowed.must_fail(429, "too_many_requests");
    assert_eq!(slowed.header("retry-after"), Some("60"));
}
