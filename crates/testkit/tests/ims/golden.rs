//! Success, byte for byte. Source: ims-protocol 1.3, 1.5, 1.6, 4.

use countersign_testkit::{Assertion, TestApp, keys, redact};
use serde_json::json;

const PDF: &str = "DocCloudSDK";

#[tokio::test]
async fn the_token_endpoint_answers_in_seconds() {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &[PDF]).await;
    for path in [
        "/ims/token/v1",
        "/ims/token/v2",
        "/ims/token/v3",
        "/ims/token/v4",
    ] {
        for path in [path.to_owned(), format!("{path}/")] {
            let call = app
                .anonymous()
                .post(&path)
                .form(&client.form("openid,AdobeID,DCAPI"));

            let answer = call.send().await;

            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(
                redact::token(&answer),
                r#"{"access_token":"<token>","token_type":"bearer","expires_in":86399}"#
            );
            token_headers(&answer);
        }
    }
}

#[tokio::test]
async fn the_exchange_answers_in_milliseconds() {
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &[PDF], keys::first())
        .await;
    for path in [
        "/ims/exchange/jwt",
        "/ims/exchange/jwt/",
        "/ims/exchange/v1/jwt",
    ] {
        let assertion = Assertion::of(&client, app.now()).sign();
        let call = app
            .anonymous()
            .post(path)
            .form(&client.exchange_form(&assertion));

        let answer = call.send().await;

        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(
            redact::token(&answer),
            r#"{"token_type":"bearer","access_token":"<token>","expires_in":86399999}"#
        );
        token_headers(&answer);
    }
}

fn token_headers(answer: &countersign_testkit::Answer) {
    assert_eq!(
        answer.header("content-type"),
        Some("application/json;charset=UTF-8")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
}

#[tokio::test]
async fn the_token_of_client_credentials_has_the_members_of_the_original() {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &[PDF]).await;

    let token = app
        .anonymous()
        .token(&client, "DCAPI, openid,DCAPI")
        .await
        .token();

    assert_eq!(
        redact::header_text(&token),
        r#"{"alg":"RS256","x5u":"ims_na1-key-at-1.cer","kid":"ims_na1-key-at-1","itt":"at"}"#
    );
    let (org, id, account) = (&client.org_id, &client.client_id, &client.account_id);
    assert_eq!(
        redact::payload(&token),
        format!(
            r#"{{"id":"1769947200500_<uuid>_ue1","org":"{org}","type":"access_token","client_id":"{id}","user_id":"{account}","as":"ims-na1","aa_id":"{account}","ctp":3,"moi":"<moi>","expires_in":"86400000","created_at":"1769947200500","scope":"DCAPI,openid","minted_by":"secret:<id>"}}"#
        )
    );
}

#[tokio::test]
async fn the_token_of_an_exchange_has_the_scopes_behind_its_metascopes() {
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &["UserMgmtSDK"], keys::first())
        .await;
    let assertion = Assertion::of(&client, app.now()).sign();
    let resources = [
        ("resource", "https://a.example"),
        ("resource", "https://b.example"),
    ];
    let form = [&client.exchange_form(&assertion)[..], &resources].concat();

    let plain = app.anonymous().exchange(&client, &assertion).await.token();
    let addressed = app
        .anonymous()
        .post("/ims/exchange/v1/jwt")
        .form(&form)
        .send()
        .await
        .token();

    let (org, id, account) = (&client.org_id, &client.client_id, &client.account_id);
    let head = format!(
        r#"{{"id":"1769947200500_<uuid>_ue1","org":"{org}","type":"access_token","client_id":"{id}","user_id":"{account}","as":"ims-na1","aa_id":"{account}","ctp":3,"moi":"<moi>","expires_in":"86400000","created_at":"1769947200500","scope":"openid,AdobeID,user_management_sdk""#
    );
    let minter = r#""minted_by":"certificate:<id>"}"#;
    assert_eq!(redact::payload(&plain), format!("{head},{minter}"));
    assert_eq!(
        redact::payload(&addressed),
        format!(r#"{head},"aud":["https://a.example","https://b.example"],{minter}"#)
    );
}

#[tokio::test]
async fn v2_without_a_scope_grants_every_scope() {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &[PDF]).await;
    let form = &client.form("")[..3];

    let answer = app
        .anonymous()
        .post("/ims/token/v2")
        .form(form)
        .send()
        .await;

    let payload = redact::payload(&answer.token());
    assert!(
        payload.contains(r#""scope":"openid,AdobeID,DCAPI""#),
        "{payload}"
    );
}

#[tokio::test]
async fn validate_repeats_the_claims() {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &[PDF]).await;
    let token = app.anonymous().token(&client, "openid").await.token();

    let answer = app.anonymous().validate(&client, &token).await;

    let claims = redact::payload_text(&token);
    answer.must_be(
        200,
        &format!(r#"{{"valid":true,"expires_at":1770033600500,"token":{claims}}}"#),
    );
    token_headers(&answer);
}

#[tokio::test]
async fn the_services_behind_a_token_know_the_technical_account() {
    let app = TestApp::new().await;
    let client = app
        .oauth(&app.organization().await, &["CloudManagerSDK"])
        .await;
    let scope = "openid,AdobeID,additional_info.projectedProductContext,read_pc.dma_aem_ams";
    let token = app.anonymous().token(&client, scope).await.token();
    let get = |path: String| {
        let call = app.anonymous().get(&path).bearer(&token);
        async move { call.send().await }
    };
    let (account, email) = (&client.account_id, &client.account_email);

    let userinfo = get("/ims/userinfo/v2".to_owned()).await;
    let profile = get("/ims/profile/v1?client_id=x".to_owned()).await;
    let organizations = get("/ims/organizations/v6".to_owned()).await;
    let organization = get(format!("/ims/organizations/{}/v2", client.org_id)).await;
    let foreign = get("/ims/organizations/0A1B2C3D4E5F60718293A4B5@AdobeOrg/v2".to_owned()).await;

    assert_eq!(
        userinfo.json(),
        json!({ "sub": account, "account_type": "ent", "email": email, "email_verified": true, "name": "Nightly sync" })
    );
    assert_eq!(profile.json()["userId"], json!(account));
    assert_eq!(
        profile.json()["projectedProductContext"][0]["prodCtx"]["serviceCode"],
        "dma_aem_ams"
    );
    let shown = json!({
        "orgRef": { "ident": client.org_id.ident(), "authSrc": "AdobeOrg" },
        "orgName": "Test", "orgType": "Enterprise", "countryCode": "US",
    });
    assert_eq!(organization.json(), shown);
    assert_eq!(organizations.json()[0]["orgRef"], shown["orgRef"]);
    assert_eq!(organizations.json()[0]["groups"], json!([]));
    foreign.must_fail(404, "not_found");
}

#[tokio::test]
async fn userinfo_says_no_more_than_the_scopes_allow() {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &[PDF]).await;
    let token = app.anonymous().token(&client, "openid").await.token();

    let answer = app
        .anonymous()
        .get("/ims/userinfo/v1")
        .bearer(&token)
        .send()
        .await;

    answer.must_be(
        200,
        &format!(r#"{{"account_type":"ent","sub":"{}"}}"#, client.account_id),
    );
}

#[tokio::test]
async fn both_halves_of_a_credential_give_the_same_claims() {
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &[PDF], keys::first())
        .await;
    app.authority
        .start_migration(&client.id, &countersign_testkit::app::operator())
        .await
        .unwrap();
    let assertion = Assertion::of(&client, app.now()).sign();

    let old = app.anonymous().exchange(&client, &assertion).await.token();
    let new = app
        .anonymous()
        .token(&client, "openid,AdobeID,DCAPI")
        .await
        .token();

    let minter = |token: &str| redact::payload(token).replace("certificate:", "secret:");
    assert_eq!(minter(&old), minter(&new));
}
