//! Kinds of signed things cannot be swapped, wherever they are shown. Source: security.md JOS-13.
//! What the right key signs with the wrong header or claims is tested beside the verifier.

use countersign_model::TokenKind;
use countersign_testkit::app::operator;
use countersign_testkit::{Assertion, TestApp, TestClient, keys};
use countersign_wire::oauth::JWT_BEARER;

use crate::private_key_jwt::{ClientAssertion, register};
use crate::support::{ES256, INACTIVE, client, introspect, set_kind};

/// One of each kind, all of one credential.
struct Kinds {
    ims: String,
    standard: String,
    exchange: String,
    client: String,
}

async fn kinds(app: &TestApp, client: &TestClient) -> Kinds {
    let ims = app.anonymous().token(client, "openid").await.token();
    set_kind(app, client, ES256).await;
    let standard = app.anonymous().token(client, "openid").await.token();
    Kinds {
        ims,
        standard,
        exchange: Assertion::of(client, app.now()).sign(),
        client: ClientAssertion::of(client, app.now()).sign(keys::first()),
    }
}

#[tokio::test]
async fn each_endpoint_takes_its_own_kind_only() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let owner = app.jwt(&org, &["CloudManagerSDK"], keys::first()).await;
    let paired = app.authority.start_migration(&owner.id, &operator()).await;
    paired.unwrap();
    register(&app, &owner, keys::first()).await;
    let asking = client(&app, TokenKind::Ims).await;
    let all = kinds(&app, &owner).await;

    for (text, is_token) in [
        (&all.ims, true),
        (&all.standard, true),
        (&all.exchange, false),
        (&all.client, false),
    ] {
        let bearer = app.anonymous().get("/ims/userinfo/v2").bearer(text);
        assert_eq!(bearer.send().await.status == 200, is_token, "{text}");
        assert_eq!(
            app.anonymous().holds(&asking, text).await,
            is_token,
            "{text}"
        );
        let said = introspect(&app.anonymous(), &owner, text).await;
        assert_eq!(said.body != INACTIVE, is_token, "{text}");
    }
    for text in [&all.ims, &all.standard, &all.client] {
        let exchanged = app.anonymous().exchange(&owner, text).await;
        assert_eq!(exchanged.status, 400, "{text}");
    }
    for text in [&all.ims, &all.standard, &all.exchange] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", text),
        ];
        let answer = app.anonymous().post("/oauth2/token").form(&form);
        answer.send().await.must_fail(401, "invalid_client");
    }
}

#[tokio::test]
async fn tokens_of_another_installation_are_foreign() {
    let app = TestApp::with(|setup| setup.own_keys = true).await;
    let other = TestApp::with(|setup| {
        setup.own_keys = true;
        setup.config.issuer = "https://other.example".to_owned();
    })
    .await;
    let asking = client(&app, TokenKind::Ims).await;
    let owner = client(&other, ES256).await;
    let token = other.anonymous().token(&owner, "openid").await.token();

    let said = app.anonymous().validate(&asking, &token).await;

    // Both count their keys from one: the name is known, the key is not the one.
    assert_eq!(said.json()["valid"], false);
    let introspected = introspect(&app.anonymous(), &asking, &token).await;
    introspected.must_be(200, INACTIVE);
}
