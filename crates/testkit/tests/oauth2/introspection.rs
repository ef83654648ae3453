//! Introspection. Sources: RFC 7662; security.md INT-01 to INT-05.

use std::time::Duration;

use countersign_model::TokenKind;
use countersign_testkit::{ISSUER, TestApp};
use http::Method;
use serde_json::json;

use crate::support::{ES256, INACTIVE, call, claims, client, disable, introspect, token};

#[tokio::test]
async fn a_token_of_the_own_organization_is_told_of() {
    let app = TestApp::new().await;
    let owner = client(&app, ES256).await;
    let token = app
        .anonymous()
        .token(&owner, "openid AdobeID")
        .await
        .token();
    let neighbour = app.oauth(&owner.org_id, &[]).await;

    let answer = introspect(&app.anonymous(), &neighbour, &token).await;

    let expected = json!({
        "active": true, "scope": "openid AdobeID", "client_id": owner.client_id,
        "token_type": "Bearer", "exp": 1_769_947_200 + 86_400, "iat": 1_769_947_200,
        "sub": owner.account_id, "aud": ISSUER, "iss": ISSUER, "jti": claims(&token)["jti"],
        "org_id": owner.org_id,
    });
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn an_ims_token_is_told_of_in_the_same_words() {
    let app = TestApp::new().await;
    let owner = client(&app, TokenKind::Ims).await;
    let token = app
        .anonymous()
        .token(&owner, "openid,AdobeID")
        .await
        .token();

    let said = introspect(&app.anonymous(), &owner, &token).await.json();

    assert_eq!(said["scope"], "openid AdobeID");
    assert_eq!(said["jti"], claims(&token)["id"]);
    assert_eq!(said["iss"], ISSUER);
    assert_eq!(said["aud"], json!(null));
    assert_eq!(said["exp"], json!(1_769_947_200 + 86_400));
}

#[tokio::test]
async fn nobody_learns_why_a_token_is_not_active() {
    let app = TestApp::new().await;
    let owner = client(&app, ES256).await;
    let caller = app.anonymous();
    let mint = async || caller.token(&owner, "openid").await.token();
    let (good, revoked) = (mint().await, mint().await);
    caller.revoke(&owner, &revoked).await.must_be(200, "");
    let foreign = client(&app, ES256).await;
    let altered = format!("{}A{}", &good[..40], &good[41..]);
    let long = "a".repeat(16_000);
    let truncated = &good[..good.len() - 1];
    for text in ["x", "a.b.c", &long, &altered, truncated, &revoked] {
        let answer = introspect(&caller, &owner, text).await;
        answer.must_be(200, INACTIVE);
    }
    introspect(&caller, &foreign, &good)
        .await
        .must_be(200, INACTIVE);
    app.advance(Duration::from_secs(86_400));
    introspect(&caller, &owner, &good)
        .await
        .must_be(200, INACTIVE);
}

#[tokio::test]
async fn the_audience_of_a_token_may_ask_from_another_organization() {
    let app = TestApp::new().await;
    let owner = client(&app, ES256).await;
    let api = client(&app, TokenKind::Ims).await;
    let audience = format!("{ISSUER}/c/{}", api.client_id);
    let form = [("resource", audience.as_str()), ("scope", "openid")];
    let token = token(&app.anonymous(), &owner, &form).await.token();

    let said = introspect(&app.anonymous(), &api, &token).await;

    assert_eq!(said.json()["client_id"], json!(owner.client_id));
    let other = client(&app, TokenKind::Ims).await;
    let said = introspect(&app.anonymous(), &other, &token).await;
    said.must_be(200, INACTIVE);
}

#[tokio::test]
async fn whoever_asks_must_prove_who_it_is() {
    let app = TestApp::new().await;
    let owner = client(&app, ES256).await;
    let token = app.anonymous().token(&owner, "openid").await.token();
    let ask = || {
        app.anonymous()
            .post("/oauth2/introspect")
            .form(&[("token", &token)])
    };
    for call in [
        ask(),
        ask().basic(owner.client_id.as_str(), "p8e-wrong"),
        ask().basic("nobody", &owner.secret),
        ask().bearer(&token),
    ] {
        let answer = call.send().await;
        answer.must_fail(401, "invalid_client");
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Basic realm="), "{challenge}");
    }
}

#[tokio::test]
async fn a_disabled_credential_neither_asks_nor_is_active() {
    let app = TestApp::new().await;
    let owner = client(&app, ES256).await;
    let neighbour = app.oauth(&owner.org_id, &[]).await;
    let token = app.anonymous().token(&owner, "openid").await.token();
    disable(&app, &owner).await;

    let said = introspect(&app.anonymous(), &neighbour, &token).await;
    said.must_be(200, INACTIVE);
    let asked = introspect(&app.anonymous(), &owner, &token).await;
    asked.must_fail(401, "invalid_client");
}

#[tokio::test]
async fn the_token_comes_in_the_body_of_a_post() {
    let app = TestApp::new().await;
    let owner = client(&app, ES256).await;
    let token = app.anonymous().token(&owner, "openid").await.token();
    let get = app.anonymous().get("/oauth2/introspect");
    let get = get.query(&[("token", &token)]).send().await;
    assert_eq!(get.status, 405);
    for method in [Method::PUT, Method::DELETE] {
        let answer = app.anonymous().call(method, "/oauth2/introspect");
        assert_eq!(answer.send().await.status, 405);
    }
    let form = [("token_type_hint", "access_token")];
    let in_query = call(&app.anonymous(), "/oauth2/introspect", &owner, &form);
    let in_query = in_query.query(&[("token", &token)]).send().await;
    in_query.must_fail(400, "invalid_request");
    let missing = call(&app.anonymous(), "/oauth2/introspect", &owner, &form);
    missing.send().await.must_fail(400, "invalid_request");
}

#[tokio::test]
async fn a_hint_changes_nothing() {
    let app = TestApp::new().await;
    let owner = client(&app, ES256).await;
    let token = app.anonymous().token(&owner, "openid").await.token();
    for hint in ["access_token", "refresh_token", "nonsense"] {
        let form = [("token", token.as_str()), ("token_type_hint", hint)];
        let answer = call(&app.anonymous(), "/oauth2/introspect", &owner, &form);
        assert_eq!(answer.send().await.json()["active"], true);
    }
}
