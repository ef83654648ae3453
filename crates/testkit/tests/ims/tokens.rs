//! Access tokens. Source: security.md TOK-01 to TOK-06, JOS-13.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use countersign_authority::{AbsentScope, Presented};
use countersign_jose::{JwkSet, VerifyingKey};
use countersign_testkit::{TestApp, TestClient, redact};
use countersign_wire::Caller;
use countersign_wire::exchange::ExchangeRequest;
use countersign_wire::token::{PresentedClient, TokenRequest};
use serde_json::Value;

async fn app_and_client() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    (app, client)
}

#[tokio::test]
async fn a_token_says_what_the_original_says_and_nothing_else() {
    let (app, client) = app_and_client().await;
    let token = app.anonymous().token(&client, "openid").await.token();

    let claims: Value = serde_json::from_str(&redact::payload_text(&token)).unwrap();

    let allowed: BTreeSet<_> = [
        "id",
        "org",
        "type",
        "client_id",
        "user_id",
        "as",
        "aa_id",
        "ctp",
        "moi",
        "expires_in",
        "created_at",
        "scope",
        "minted_by",
    ]
    .into();
    let names: BTreeSet<_> = claims
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, allowed);
    let text = claims.to_string();
    assert!(!text.contains(client.account_email.as_str()) && !text.contains("Nightly sync"));
    assert!(!text.contains(&client.secret));
}

#[tokio::test]
async fn no_two_tokens_have_one_id() {
    let (app, client) = app_and_client().await;
    let node = app.second_node().await;
    let mut ids = BTreeSet::new();
    for at in 0..100 {
        let caller = if at % 2 == 0 {
            app.anonymous()
        } else {
            node.anonymous()
        };
        let token = caller.token(&client, "openid").await.token();
        let claims: Value = serde_json::from_str(&redact::payload_text(&token)).unwrap();
        assert!(ids.insert(claims["id"].as_str().unwrap().to_owned()));
    }
}

#[tokio::test]
async fn two_instances_do_not_believe_each_other() {
    let (app, client) = app_and_client().await;
    let other = TestApp::with(|setup| setup.own_keys = true).await;
    let other_client = other
        .oauth(&other.organization().await, &["DocCloudSDK"])
        .await;
    let stage =
        TestApp::with(|setup| setup.config.authorization_server = "ims-na1-stg1".to_owned()).await;
    let stage_client = stage
        .oauth(&stage.organization().await, &["DocCloudSDK"])
        .await;
    let token = app.anonymous().token(&client, "openid").await.token();
    let foreign = other
        .anonymous()
        .token(&other_client, "openid")
        .await
        .token();

    for (app, client, token) in [
        (&app, &client, &foreign),
        (&other, &other_client, &token),
        (&stage, &stage_client, &token),
    ] {
        let verdict = app.anonymous().validate(client, token).await;
        verdict.must_be(200, r#"{"valid":false,"reason":"bad_signature"}"#);
        let userinfo = app
            .anonymous()
            .get("/ims/userinfo/v2")
            .bearer(token)
            .send()
            .await;
        userinfo.must_fail(401, "invalid_token");
    }
}

#[tokio::test]
async fn no_part_of_a_token_is_a_token() {
    let (app, client) = app_and_client().await;
    let token = app.anonymous().token(&client, "openid").await.token();
    for cut in (0..token.len()).step_by(37) {
        assert!(
            !app.anonymous().holds(&client, &token[..cut]).await,
            "{cut}"
        );
    }
    for altered in [
        format!("{token}A"),
        format!("{token}."),
        format!(" {token}"),
        token.replacen('.', "..", 1),
    ] {
        assert!(!app.anonymous().holds(&client, &altered).await);
    }
}

#[tokio::test]
async fn the_published_key_set_and_certificate_verify_a_token() {
    let (app, client) = app_and_client().await;
    let token = app.anonymous().token(&client, "openid").await.token();
    let keys = app.anonymous().get("/ims/keys").send().await;
    let header: Value = serde_json::from_str(&redact::header_text(&token)).unwrap();
    let (kid, x5u) = (
        header["kid"].as_str().unwrap(),
        header["x5u"].as_str().unwrap(),
    );
    let certificate = app
        .anonymous()
        .get(&format!("/keys/prod/{x5u}"))
        .send()
        .await;

    // Ours.
    let set = JwkSet::parse(keys.body.as_bytes()).unwrap();
    let by_certificate = VerifyingKey::from_pem(&certificate.body).unwrap();
    assert_eq!(
        set.find(kid).unwrap().thumbprint(),
        by_certificate.thumbprint()
    );
    // A library that knows nothing of us. It reads the bare file name in `x5u` as it stands.
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let foreign: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&keys.body).unwrap();
    let jwk = jsonwebtoken::DecodingKey::from_jwk(foreign.find(kid).unwrap()).unwrap();
    let verify = |key: &jsonwebtoken::DecodingKey| {
        jsonwebtoken::crypto::verify(
            signature,
            signed.as_bytes(),
            key,
            jsonwebtoken::Algorithm::RS256,
        )
        .unwrap()
    };
    assert!(verify(&jwk));
}

#[tokio::test]
async fn a_token_is_never_longer_than_8_kib() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let codes: Vec<_> = app
        .authority
        .catalogue()
        .iter()
        .map(|service| service.code.to_string())
        .collect();
    let codes: Vec<_> = codes.iter().map(String::as_str).collect();
    let everything = app.oauth(&org, &codes).await;
    let form = &everything.form("")[..3];

    let answer = app
        .anonymous()
        .post("/ims/token/v2")
        .form(form)
        .send()
        .await;

    assert!(answer.token().len() <= 8192, "{}", answer.token().len());
}

#[tokio::test]
async fn resources_that_would_make_a_token_too_long_are_refused() {
    let app = TestApp::new().await;
    let client = app
        .jwt(
            &app.organization().await,
            &["DocCloudSDK"],
            countersign_testkit::keys::first(),
        )
        .await;
    let assertion = countersign_testkit::Assertion::of(&client, app.now()).sign();
    let long = "r".repeat(4000);
    let form = [
        &client.exchange_form(&assertion)[..],
        &[("resource", &long), ("resource", &long)],
    ]
    .concat();

    let answer = app
        .anonymous()
        .post("/ims/exchange/v1/jwt")
        .form(&form)
        .send()
        .await;

    assert_eq!(answer.status, 400, "{}", answer.body);
}

/// The future of a request is moved and cleared with each: what only some requests need, such as
/// the room for a query, is not part of it.
#[tokio::test]
async fn a_request_for_a_token_takes_little_room() {
    let app = TestApp::new().await;
    let presented = Presented {
        client: PresentedClient::default(),
        assertion: None,
        source: Ipv4Addr::LOCALHOST.into(),
        caller: Caller::default(),
        secret_in_query: false,
    };
    let request = TokenRequest {
        scope: None,
        resources: Vec::new(),
    };
    let exchange = ExchangeRequest {
        assertion: None,
        resources: Vec::new(),
    };

    let issue = app
        .authority
        .issue(request, &presented, AbsentScope::IsRefused);
    let exchange = app.authority.exchange(exchange, &presented);
    let validate = app.authority.validate("");

    let sizes = [
        size_of_val(&issue),
        size_of_val(&exchange),
        size_of_val(&validate),
    ];
    assert!(sizes.iter().all(|size| *size <= 4096), "{sizes:?}");
}
