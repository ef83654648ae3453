//! Which of two errors comes first. Source: decision 13; ims-protocol 2.2; security.md ERR-04.

use countersign_model::ReplayPolicy;
use countersign_testkit::{Assertion, ISSUER, TestApp, TestClient, keys};
use serde_json::json;

/// Every kind of bad assertion, in the order in which they are found, with the error of each.
fn ladder(app: &TestApp, client: &TestClient) -> Vec<(&'static str, String)> {
    let now = app.now().as_seconds();
    let good = Assertion::of(client, app.now()).with("jti", "1");
    // From the last check to the first: each rung keeps the faults of those before it.
    let mut bad = good.without_metascopes();
    let mut rungs = vec![("invalid_scope", bad.sign())];
    bad = bad.without("jti");
    rungs.push(("invalid_jti", bad.sign()));
    bad = bad.with("exp", now - 3600);
    rungs.push(("invalid_token", bad.sign()));
    bad = bad.signed_by(keys::foreign());
    rungs.push(("invalid_token", bad.sign()));
    bad = bad.with(
        "aud",
        format!("{ISSUER}/c/00000000000000000000000000000000"),
    );
    rungs.push(("invalid_client", bad.sign()));
    bad = bad.with_header(r#"{"alg":"HS256"}"#);
    rungs.push(("invalid_signature", bad.sign()));
    bad = bad.with("sub", "nobody");
    rungs.push(("bad_request", bad.sign()));
    bad = bad.with("exp", json!("soon"));
    rungs.push(("invalid_token", bad.sign()));
    rungs.push(("invalid_token", "x".to_owned()));
    rungs
}

async fn app_and_client() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await;
    crate::replay::demand(&app, &client, ReplayPolicy::RequireJti).await;
    (app, client)
}

#[tokio::test]
async fn of_several_faults_the_first_of_the_order_is_told() {
    let (app, client) = app_and_client().await;
    for (error, assertion) in ladder(&app, &client) {
        app.anonymous()
            .exchange(&client, &assertion)
            .await
            .must_fail(400, error);
    }
}

#[tokio::test]
async fn the_signature_is_looked_at_before_the_time() {
    let (app, client) = app_and_client().await;
    let late = Assertion::of(&client, app.now()).with("exp", app.now().as_seconds() - 3600);

    let own = app.anonymous().exchange(&client, &late.sign()).await;
    let foreign = app
        .anonymous()
        .exchange(&client, &late.signed_by(keys::foreign()).sign())
        .await;

    assert!(own.body.contains("has expired"), "{}", own.body);
    assert!(
        foreign.body.contains("to any of the bindings"),
        "{}",
        foreign.body
    );
}

#[tokio::test]
async fn with_a_wrong_secret_every_assertion_is_answered_alike() {
    let (app, mut client) = app_and_client().await;
    let good = Assertion::of(&client, app.now()).with("jti", "2").sign();
    client.secret = "p8e-wrong".to_owned();
    let body =
        r#"{"error_description":"invalid client_secret parameter","error":"invalid_client"}"#;

    app.anonymous()
        .exchange(&client, &good)
        .await
        .must_be(400, body);
    for (_, assertion) in ladder(&app, &client) {
        app.anonymous()
            .exchange(&client, &assertion)
            .await
            .must_be(400, body);
    }
}

#[tokio::test]
async fn dates_and_migrations_are_told_to_those_with_the_secret_only() {
    let (app, client) = app_and_client().await;
    let stranger = TestClient {
        secret: "p8e-wrong".to_owned(),
        ..client.clone()
    };
    let assertion = Assertion::of(&client, app.now()).with("jti", "3").sign();
    app.migrate(&client).await;

    let outside = app.anonymous().exchange(&stranger, &assertion).await;
    let inside = app.anonymous().exchange(&client, &assertion).await;

    assert!(
        outside.body.contains("invalid client_secret parameter"),
        "{}",
        outside.body
    );
    assert!(inside.body.contains("was migrated"), "{}", inside.body);
}

#[tokio::test]
async fn a_policy_is_told_before_the_assertion_is_read_and_not_to_strangers() {
    let (app, client) = app_and_client().await;
    app.set_policy(
        None,
        countersign_model::deprecation::Preset::Notice2023.policy(),
    )
    .await;

    let answer = app.anonymous().exchange(&client, "not an assertion").await;

    assert!(
        answer.body.contains("ended on 2025-01-01"),
        "{}",
        answer.body
    );

    let stranger = TestClient {
        secret: "p8e-wrong".to_owned(),
        ..client
    };
    let outside = app.anonymous().exchange(&stranger, "x").await;
    assert!(outside.body.contains("invalid client_secret parameter"));
}

#[tokio::test]
async fn the_form_is_read_before_the_client_is_known() {
    let (app, client) = app_and_client().await;
    let form = "client_id=unknown&client_secret=x&jwt_token=y&a=1&a=2";
    let call = app.anonymous().post("/ims/exchange/jwt");

    let answer = call
        .body("application/x-www-form-urlencoded", form)
        .send()
        .await;

    answer.must_fail(400, "invalid_request");
    drop(client);
}
