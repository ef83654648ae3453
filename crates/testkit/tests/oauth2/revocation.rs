//! Revocation of both kinds. Sources: RFC 7009; security.md RVK-01 to RVK-05, RVK-07.

use countersign_model::TokenKind;
use countersign_testkit::{Answer, Caller, TestApp, TestClient};

use crate::support::{ES256, INACTIVE, call, client, introspect};

async fn revoke(caller: &Caller, client: &TestClient, token: &str) -> Answer {
    let form = [("token", token)];
    call(caller, "/oauth2/revoke", client, &form).send().await
}

#[tokio::test]
async fn a_revoked_token_is_over_everywhere() {
    let app = TestApp::new().await;
    let node = app.second_node().await;
    for kind in [TokenKind::Ims, ES256] {
        let client = client(&app, kind).await;
        let caller = app.anonymous();
        let (gone, kept) = (
            caller.token(&client, "openid").await.token(),
            caller.token(&client, "openid").await.token(),
        );

        let answer = revoke(&caller, &client, &gone).await;

        answer.must_be(200, "");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        introspect(&caller, &client, &gone)
            .await
            .must_be(200, INACTIVE);
        assert!(!caller.holds(&client, &gone).await);
        assert!(caller.holds(&client, &kept).await);
        for _ in 0..100 {
            if !node.anonymous().holds(&client, &gone).await {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert!(!node.anonymous().holds(&client, &gone).await);
        revoke(&caller, &client, &gone).await.must_be(200, "");
    }
}

#[tokio::test]
async fn only_its_own_client_revokes_a_token_and_others_are_not_told() {
    let app = TestApp::new().await;
    let owner = client(&app, ES256).await;
    let other = client(&app, ES256).await;
    let token = app.anonymous().token(&owner, "openid").await.token();
    revoke(&app.anonymous(), &other, &token)
        .await
        .must_be(200, "");
    assert!(app.anonymous().holds(&owner, &token).await);
}

#[tokio::test]
async fn what_is_no_token_revokes_nothing() {
    let app = TestApp::new().await;
    let owner = client(&app, ES256).await;
    let token = app.anonymous().token(&owner, "openid").await.token();
    let (_, rest) = token.split_once('.').unwrap();
    let (payload, _) = rest.split_once('.').unwrap();
    // {"alg":"none","typ":"at+jwt"}
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{payload}.");
    for text in ["x", unsigned.as_str()] {
        revoke(&app.anonymous(), &owner, text)
            .await
            .must_be(200, "");
    }
    assert!(app.anonymous().holds(&owner, &token).await);
}

#[tokio::test]
async fn revocation_asks_for_a_client_and_a_token() {
    let app = TestApp::new().await;
    let owner = client(&app, ES256).await;
    let nobody = app.anonymous().post("/oauth2/revoke");
    let nobody = nobody.form(&[("token", "x")]).send().await;
    nobody.must_fail(401, "invalid_client");
    let no_token = call(&app.anonymous(), "/oauth2/revoke", &owner, &[("x", "y")]);
    no_token.send().await.must_fail(400, "invalid_request");
    let get = app.anonymous().get("/oauth2/revoke").send().await;
    assert_eq!(get.status, 405);
}

#[tokio::test]
async fn what_could_not_be_written_is_not_called_revoked() {
    let app = TestApp::new().await;
    let owner = client(&app, ES256).await;
    app.caught_up().await;
    let token = app.anonymous().token(&owner, "openid").await.token();
    app.store.close().await;

    let form = [("token", token.as_str())];
    let answer = call(&app.anonymous(), "/oauth2/revoke", &owner, &form);
    let answer = answer.faults_expected().send().await;

    answer.must_fail(503, "temporarily_unavailable");
    assert!(answer.header("retry-after").is_some());
    assert!(app.anonymous().holds(&owner, &token).await);
}
