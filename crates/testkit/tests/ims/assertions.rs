//! What an assertion must say to be believed. Source: ims-protocol 3.2; security.md REQ-14 to
//! REQ-17, JOS-01 to JOS-13; decisions 1 and 14.

use countersign_testkit::{ALIAS, Assertion, ISSUER, TestApp, TestClient, keys};
use serde_json::{Value, json};

const PDF: &str = "DocCloudSDK";

async fn app_and_client() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &[PDF], keys::first())
        .await;
    (app, client)
}

async fn status(app: &TestApp, client: &TestClient, assertion: &str) -> u16 {
    app.anonymous().exchange(client, assertion).await.status
}

#[tokio::test]
async fn claims_of_another_valid_credential_do_not_help() {
    let (app, client) = app_and_client().await;
    let neighbour = app.jwt(&client.org_id, &[PDF], keys::first()).await;
    let stranger = app
        .jwt(&app.organization().await, &[PDF], keys::second())
        .await;
    let good = Assertion::of(&client, app.now());
    for other in [&neighbour, &stranger] {
        let aud = format!("{ISSUER}/c/{}", other.client_id);
        app.anonymous()
            .exchange(other, &Assertion::of(other, app.now()).sign())
            .await
            .token();

        for assertion in [
            good.clone().with("sub", other.account_id.as_str()),
            good.clone().with("aud", aud),
            Assertion::of(other, app.now()),
        ] {
            assert_eq!(status(&app, &client, &assertion.sign()).await, 400);
        }
    }
    let foreign_org = good.clone().with("iss", stranger.org_id.as_str()).sign();
    assert_eq!(status(&app, &client, &foreign_org).await, 400);
    assert_eq!(
        status(&app, &client, &good.signed_by(keys::second()).sign()).await,
        400
    );
}

#[tokio::test]
async fn the_audience_is_one_exact_text() {
    let (app, client) = app_and_client().await;
    let id = client.client_id.as_str();
    let good = format!("{ISSUER}/c/{id}");
    let with = |aud: Value| Assertion::of(&client, app.now()).with("aud", aud).sign();

    assert_eq!(status(&app, &client, &with(json!([good]))).await, 200);
    let bad = [
        json!([]),
        json!({}),
        json!([good, good]),
        json!([good, "https://example.com"]),
        json!([[good]]),
        json!(null),
        json!(format!("{good}/")),
        json!(format!("{good}x")),
        json!(format!(" {good}")),
        json!(format!("{ISSUER}:443/c/{id}")),
        json!(format!("{ISSUER}//c/{id}")),
        json!(format!("{ISSUER}/C/{id}")),
        json!(good.replace("https", "http")),
        json!(good.replace("https://", "https://user@")),
        json!(good.to_uppercase()),
        json!(id),
    ];
    for aud in bad {
        let answer = app.anonymous().exchange(&client, &with(aud.clone())).await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (400, "invalid_client"),
            "{aud}"
        );
    }
}

#[tokio::test]
async fn metascopes_are_read_under_the_origin_of_the_audience() {
    let (app, client) = app_and_client().await;
    let id = &client.client_id;
    let aliased = Assertion::of(&client, app.now())
        .without_metascopes()
        .with("aud", format!("{ALIAS}/c/{id}"));
    let own = format!("{ALIAS}/s/ent_documentcloud_sdk");
    let other = format!("{ISSUER}/s/ent_documentcloud_sdk");

    assert_eq!(
        status(&app, &client, &aliased.clone().with(&own, true).sign()).await,
        200
    );
    let mixed = app
        .anonymous()
        .exchange(&client, &aliased.with(&other, true).sign())
        .await;

    mixed.must_fail(400, "invalid_scope");
}

#[tokio::test]
async fn times_are_honoured_within_the_skew() {
    let (app, client) = app_and_client().await;
    let now = app.now().as_seconds();
    let with =
        |name: &str, value: Value| Assertion::of(&client, app.now()).with(name, value).sign();

    for (claim, ahead) in [("nbf", 30), ("iat", 3600), ("iat", -1_000_000)] {
        assert_eq!(
            status(&app, &client, &with(claim, json!(now + ahead))).await,
            200,
            "{claim} {ahead}"
        );
    }
    for (claim, value) in [
        ("nbf", json!(now + 32)),
        ("nbf", json!("now")),
        ("nbf", json!(now as f64 + 0.5)),
        ("iat", json!(now + 3602)),
        ("iat", json!(null)),
        ("exp", json!(0)),
        ("exp", json!(-5)),
        ("exp", json!(app.now().as_millis())),
        ("exp", json!(9_223_372_036_854_775_807_i64)),
        ("exp", json!(1e30)),
        ("exp", json!(true)),
    ] {
        assert_eq!(
            status(&app, &client, &with(claim, value.clone())).await,
            400,
            "{claim} {value}"
        );
    }
}

#[tokio::test]
async fn a_claim_twice_is_refused_however_it_is_spelled() {
    let (app, client) = app_and_client().await;
    let good = Assertion::of(&client, app.now());
    let payload = good.payload();
    for twice in [
        r#""iss":"x","#,
        r#""\u0065xp":1,"#,
        r#""sub":null,"#,
        r#""a":{"b":1,"b":2},"#,
    ] {
        let doubled = payload.replacen('{', &format!("{{{twice}"), 1);

        app.anonymous()
            .exchange(&client, &good.sign_payload(&doubled))
            .await
            .must_fail(400, "invalid_token");
    }
}

#[tokio::test]
async fn headers_that_bring_their_own_key_are_refused() {
    let (app, client) = app_and_client().await;
    let members = [
        r#""jku":"http://127.0.0.1:9/keys""#,
        r#""x5u":"http://127.0.0.1:9/cert""#,
        r#""jwk":{"kty":"RSA"}"#,
        r#""x5c":["AAAA"]"#,
        r#""crit":["exp"]"#,
        r#""crit":[]"#,
        r#""b64":false,"crit":["b64"]"#,
        r#""typ":"at+jwt""#,
        r#""cty":"JWT""#,
        r#""zip":"DEF""#,
        r#""alg":"none""#,
    ];
    for member in members {
        let header = format!(r#"{{"alg":"RS256",{member}}}"#);
        let assertion = Assertion::of(&client, app.now())
            .with_header(&header)
            .sign();
        assert_eq!(status(&app, &client, &assertion).await, 400, "{header}");
    }
    for header in [
        r#"{"alg":"RS256"}"#,
        r#"{"typ":"jwt","alg":"RS256"}"#,
        r#"{"alg":"RS256","kid":"../../dev/null"}"#,
        r#"{"alg":"RS256","x5t":"abc"}"#,
    ] {
        let assertion = Assertion::of(&client, app.now()).with_header(header).sign();
        assert_eq!(status(&app, &client, &assertion).await, 200, "{header}");
    }
}

#[tokio::test]
async fn an_access_token_is_no_assertion() {
    let (app, client) = app_and_client().await;
    let token = app
        .anonymous()
        .exchange(&client, &Assertion::of(&client, app.now()).sign())
        .await
        .token();

    assert_eq!(status(&app, &client, &token).await, 400);
}
