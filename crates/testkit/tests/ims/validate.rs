//! `/ims/validate_token/v1`. Source: ims-protocol 4.4; security.md VAL-01, VAL-02.

use std::time::Duration;

use countersign_testkit::{Assertion, TestApp, TestClient, keys, redact};

async fn app_and_client() -> (TestApp, TestClient, String) {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    let token = app.anonymous().token(&client, "openid").await.token();
    (app, client, token)
}

#[tokio::test]
async fn all_the_ways_to_ask() {
    let (app, client, token) = app_and_client().await;
    let asking = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    let id = asking.client_id.as_str();
    let caller = app.anonymous();
    let form = [
        ("client_id", id),
        ("token", token.as_str()),
        ("type", "access_token"),
    ];
    let calls = [
        caller.post("/ims/validate_token/v1").form(&form),
        caller.post("/ims/validate_token/v1/").multipart(&form),
        caller.post("/ims/validate_token/v1").query(&form),
        caller.get("/ims/validate_token/v1").query(&form),
        caller.get("/ims/validate_token/v1").query(&form[..2]),
        caller
            .get("/ims/validate_token/v1")
            .query(&form[..1])
            .bearer(&token),
        caller
            .post("/ims/validate_token/v1")
            .multipart(&[form[2], form[0]])
            .bearer(&token),
        caller
            .get("/ims/validate_token/v1")
            .query(&form[1..2])
            .header("x-ims-clientid", id),
    ];
    for call in calls {
        let answer = call.send().await;
        assert_eq!(answer.json()["valid"], true, "{}", answer.body);
        assert_eq!(
            answer.json()["token"]["client_id"],
            client.client_id.as_str()
        );
    }
}

#[tokio::test]
async fn who_asks_must_be_known() {
    let (app, _, token) = app_and_client().await;
    for id in [None, Some(""), Some("nobody")] {
        let mut form = vec![("token", token.as_str())];
        form.extend(id.map(|id| ("client_id", id)));

        let answer = app
            .anonymous()
            .post("/ims/validate_token/v1")
            .form(&form)
            .send()
            .await;

        answer.must_be(
            400,
            r#"{"error":"invalid_client","error_description":"invalid client_id parameter"}"#,
        );
    }
}

#[tokio::test]
async fn each_reason_in_its_word() {
    let (app, client, token) = app_and_client().await;
    let jwt = app
        .jwt(&client.org_id, &["DocCloudSDK"], keys::first())
        .await;
    let assertion = Assertion::of(&jwt, app.now()).sign();
    let forged = keys::foreign()
        .sign_compact(
            redact::header_text(&token).as_bytes(),
            redact::payload_text(&token).as_bytes(),
        )
        .unwrap();
    let revoked = app.anonymous().token(&client, "openid").await.token();
    app.anonymous()
        .revoke(&client, &revoked)
        .await
        .must_be(200, "");
    let reason = async |token: &str, kind: &str| {
        let form = [
            ("client_id", client.client_id.as_str()),
            ("token", token),
            ("type", kind),
        ];
        let answer = app
            .anonymous()
            .post("/ims/validate_token/v1")
            .form(&form)
            .send()
            .await;
        assert_eq!(answer.status, 200);
        answer.body
    };
    let says = |word: &str| format!(r#"{{"valid":false,"reason":"{word}"}}"#);

    assert_eq!(reason("abc", "access_token").await, says("token_malformed"));
    assert_eq!(reason("", "access_token").await, says("token_malformed"));
    assert_eq!(reason(&forged, "access_token").await, says("bad_signature"));
    assert_eq!(
        reason(&revoked, "access_token").await,
        says("token_revoked")
    );
    assert_eq!(reason(&token, "refresh_token").await, says("type_mismatch"));
    assert_eq!(
        reason(&assertion, "access_token").await,
        says("type_mismatch")
    );
    app.advance(Duration::from_secs(86_400));
    assert_eq!(reason(&token, "access_token").await, says("token_expired"));
}

#[tokio::test]
async fn a_token_lives_to_the_millisecond() {
    let (app, client, token) = app_and_client().await;
    let end = app.now().plus(Duration::from_secs(86_400));

    app.clock.set(end.minus(Duration::from_millis(1)));
    assert!(app.anonymous().holds(&client, &token).await);
    app.clock.set(end);
    assert!(!app.anonymous().holds(&client, &token).await);
}

#[tokio::test]
async fn a_negative_verdict_tells_nothing_of_the_token() {
    let (app, client, token) = app_and_client().await;
    let payload =
        redact::payload_text(&token).replace(r#""type":"#, r#""marker":"zq7markerq9x","type":"#);
    let forged = keys::foreign()
        .sign_compact(redact::header_text(&token).as_bytes(), payload.as_bytes())
        .unwrap();

    let answer = app.anonymous().validate(&client, &forged).await;

    assert!(!answer.body.contains("zq7markerq9x"), "{}", answer.body);
}

#[tokio::test]
async fn validate_and_the_services_behind_a_token_agree() {
    let (app, client, token) = app_and_client().await;
    let header = redact::header_text(&token);
    let forged = keys::foreign()
        .sign_compact(header.as_bytes(), redact::payload_text(&token).as_bytes())
        .unwrap();
    for candidate in [
        token.as_str(),
        &forged,
        "abc",
        "a.b.c",
        &token[..token.len() - 2],
    ] {
        let holds = app.anonymous().holds(&client, candidate).await;
        for path in [
            "/ims/userinfo/v2",
            "/ims/profile/v1",
            "/ims/organizations/v6",
        ] {
            let answer = app.anonymous().get(path).bearer(candidate).send().await;
            assert_eq!(answer.status == 200, holds, "{path}");
        }
    }
}
