//! Standard tokens. Sources: RFC 9068; security.md TOK-01, TOK-02, TOK-03, TOK-06.

use std::collections::BTreeSet;

use countersign_jose::{JwkSet, Rules, Unverified};
use countersign_model::{SigningAlgorithm, TokenKind};
use countersign_testkit::{Assertion, ISSUER, TestApp, keys};
use countersign_wire::OrgId;
use serde_json::{Value, json};

use crate::support::{ES256, call, claims, client, header, set_kind, standard, token};

#[tokio::test]
async fn a_token_says_what_rfc_9068_wants_and_nothing_else() {
    let app = TestApp::new().await;
    for algorithm in SigningAlgorithm::ALL {
        let client = client(&app, standard(algorithm)).await;

        let answer = token(&app.anonymous(), &client, &[("scope", "openid AdobeID")]).await;

        let token = answer.token();
        let kid = header(&token)["kid"].clone();
        let expected = json!({"alg": algorithm.as_str(), "typ": "at+jwt", "kid": kid});
        assert_eq!(header(&token), expected);
        let said = claims(&token);
        let jti = said["jti"].as_str().unwrap();
        let (millis, rest) = jti.split_once('_').unwrap();
        assert_eq!(millis, "1769947200500");
        assert!(uuid::Uuid::parse_str(rest.split('_').next().unwrap()).is_ok());
        let expected = json!({
            "iss": ISSUER, "sub": client.account_id, "aud": ISSUER,
            "client_id": client.client_id, "org_id": client.org_id,
            "scope": "openid AdobeID", "jti": jti, "iat": 1_769_947_200,
            "exp": 1_769_947_200 + 86_400, "minted_by": format!("secret:{}", client.secret_id),
        });
        assert_eq!(said, expected);
        assert!(app.anonymous().holds(&client, &token).await);
        verify_with_the_published_keys(&app, &token).await;
    }
}

async fn verify_with_the_published_keys(app: &TestApp, token: &str) {
    for path in ["/oauth2/keys", "/ims/keys"] {
        let set = app.anonymous().get(path).send().await;
        let set = JwkSet::parse(set.body.as_bytes()).unwrap();
        let unverified = Unverified::parse(token).unwrap();
        let now = app.now().as_millis();
        unverified
            .verify(&set.candidates(), &Rules::access_token(), now, |_| Ok(()))
            .unwrap();
    }
}

#[tokio::test]
async fn the_answer_is_that_of_rfc_6749() {
    let app = TestApp::new().await;
    let client = client(&app, ES256).await;

    let answer = token(&app.anonymous(), &client, &[("scope", "openid")]).await;

    let body = answer.body.replace(&answer.token(), "T");
    assert_eq!(
        body,
        r#"{"access_token":"T","token_type":"Bearer","expires_in":86399,"scope":"openid"}"#
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
}

#[tokio::test]
async fn who_asks_for_no_scope_gets_all_and_is_told() {
    let app = TestApp::new().await;
    let client = client(&app, ES256).await;

    let answer = token(&app.anonymous(), &client, &[]).await;

    let scope = answer.json()["scope"].clone();
    assert_eq!(claims(&answer.token())["scope"], scope);
    let names: Vec<_> = scope.as_str().unwrap().split(' ').collect();
    assert!(names.contains(&"openid") && names.len() > 2, "{names:?}");
}

#[tokio::test]
async fn the_audience_is_what_was_asked_for() {
    let app = TestApp::new().await;
    let client = client(&app, ES256).await;
    let (one, two) = ("https://api.example/v1", "urn:example:two");

    let single = token(&app.anonymous(), &client, &[("resource", one)]).await;
    let form = [("resource", one), ("resource", two)];
    let several = token(&app.anonymous(), &client, &form).await;

    assert_eq!(claims(&single.token())["aud"], json!(one));
    assert_eq!(claims(&several.token())["aud"], json!([one, two]));
    for answer in [single, several] {
        assert!(app.anonymous().holds(&client, &answer.token()).await);
    }
}

#[tokio::test]
async fn both_faces_give_the_kind_of_the_credential() {
    let app = TestApp::new().await;
    let client = client(&app, TokenKind::Ims).await;
    let kinds = async || {
        let ims = app.anonymous().token(&client, "openid").await;
        let standard = token(&app.anonymous(), &client, &[("scope", "openid")]).await;
        let typ = |token: String| header(&token)["typ"].clone();
        (typ(ims.token()), typ(standard.token()))
    };
    assert_eq!(kinds().await, (Value::Null, Value::Null));
    set_kind(&app, &client, ES256).await;
    assert_eq!(kinds().await, (json!("at+jwt"), json!("at+jwt")));
    set_kind(&app, &client, TokenKind::Ims).await;
    assert_eq!(kinds().await, (Value::Null, Value::Null));
}

#[tokio::test]
async fn the_exchange_gives_the_kind_of_the_credential_too() {
    let app = TestApp::new().await;
    let org: OrgId = app.organization().await;
    let client = app.jwt(&org, &["CloudManagerSDK"], keys::first()).await;
    set_kind(&app, &client, ES256).await;

    let assertion = Assertion::of(&client, app.now()).sign();
    let token = app.anonymous().exchange(&client, &assertion).await.token();

    let said = claims(&token);
    let certificate = client.certificate_id.as_ref().unwrap();
    assert_eq!(said["minted_by"], format!("certificate:{certificate}"));
    assert_eq!(header(&token)["alg"], "ES256");
    assert!(app.anonymous().holds(&client, &token).await);
}

#[tokio::test]
async fn tokens_from_before_the_switch_stay_good() {
    let app = TestApp::new().await;
    let client = client(&app, TokenKind::Ims).await;
    let ims = app.anonymous().token(&client, "openid").await.token();
    set_kind(&app, &client, ES256).await;
    let standard = app.anonymous().token(&client, "openid").await.token();
    set_kind(&app, &client, TokenKind::Ims).await;
    for token in [ims, standard] {
        assert!(app.anonymous().holds(&client, &token).await);
    }
}

#[tokio::test]
async fn the_faces_that_tell_of_a_token_take_both_kinds() {
    let app = TestApp::new().await;
    for kind in [TokenKind::Ims, ES256] {
        let client = client(&app, kind).await;
        let token = app
            .anonymous()
            .token(&client, "openid AdobeID")
            .await
            .token();

        let userinfo = app.anonymous().get("/ims/userinfo/v2").bearer(&token);
        let validated = app.anonymous().validate(&client, &token).await.json();

        assert_eq!(
            userinfo.send().await.json()["sub"],
            json!(client.account_id)
        );
        assert_eq!(validated["token"], claims(&token));
    }
}

#[tokio::test]
async fn a_token_is_over_on_time() {
    let app = TestApp::new().await;
    let client = client(&app, ES256).await;
    let token = app.anonymous().token(&client, "openid").await.token();

    app.set_date("2026-02-02T11:59:59.999Z");
    assert!(app.anonymous().holds(&client, &token).await);
    app.set_date("2026-02-02T12:00:00Z");

    let over = app.anonymous().validate(&client, &token).await;
    over.must_be(200, r#"{"valid":false,"reason":"token_expired"}"#);
}

#[tokio::test]
async fn no_two_tokens_have_one_id() {
    let app = TestApp::new().await;
    let client = client(&app, ES256).await;
    let mut ids = BTreeSet::new();
    for _ in 0..50 {
        let token = app.anonymous().token(&client, "openid").await.token();
        assert!(ids.insert(claims(&token)["jti"].to_string()));
    }
}

#[tokio::test]
async fn a_token_that_no_header_takes_is_not_issued() {
    let app = TestApp::new().await;
    let client = client(&app, ES256).await;
    let long = format!("https://api.example/{}", "a".repeat(4000));
    let form = [
        ("grant_type", "client_credentials"),
        ("resource", long.as_str()),
        ("resource", long.as_str()),
    ];
    let answer = call(&app.anonymous(), "/oauth2/token", &client, &form);
    answer.send().await.must_fail(400, "invalid_scope");
}
