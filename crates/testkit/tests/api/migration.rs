//! Whether a JWT half may go: what its callers say, asked over the management API.

use std::time::Duration;

use countersign_model::Role;
use countersign_testkit::{Assertion, TestApp, TestClient, keys};
use serde_json::{Value, json};

use crate::caller::{problem, program};

on_both_engines!(
    the_review_follows_the_callers,
    without_a_jwt_half_there_is_no_review
);

const DAY: Duration = Duration::from_secs(86_400);

async fn exchange(app: &TestApp, client: &TestClient) {
    let assertion = Assertion::of(client, app.now()).sign();
    app.anonymous().exchange(client, &assertion).await.token();
    app.authority.flush().await;
}

async fn the_review_follows_the_callers(app: &TestApp) {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let bob = program(app, &org, "bob@example.com", Role::Developer).await;
    let migration = format!("/organizations/{org}/credentials/{}/migration", client.id);
    let review = async || -> Value { bob.get(&format!("{migration}/review")).await.json() };

    let never = review().await;
    assert_eq!(never["verdict"], "wait", "{never}");
    assert_eq!(never["callers"][0]["network"], Value::Null);

    exchange(app, &client).await;
    let calling = review().await;
    assert_eq!(calling["verdict"], "still_used", "{calling}");
    assert_eq!(calling["confidence"], 0.0);
    assert_eq!(calling["callers"][0]["standing"], "calling");
    assert_eq!(calling["callers"][0]["pace"], "unknown");

    bob.post(&migration, &json!({"step": "start"})).await;
    app.advance(Duration::from_secs(3600));
    app.anonymous().token(&client, "openid").await.token();
    app.authority.flush().await;
    let moving = review().await;
    assert_eq!(moving["verdict"], "wait", "{moving}");
    assert_eq!(moving["until"], moving["callers"][0]["until"]);

    app.advance(DAY);
    let bob = program(app, &org, "bobs-other@example.com", Role::Developer).await;
    let moved: Value = bob.get(&format!("{migration}/review")).await.json();
    assert_eq!(moved["verdict"], "safe", "{moved}");
    assert_eq!(moved["callers"][0]["standing"], "moved");
    assert_eq!(moved["confidence"], 0.95);
}

async fn without_a_jwt_half_there_is_no_review(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let bob = program(app, &org, "bob@example.com", Role::Developer).await;
    let path = format!(
        "/organizations/{org}/credentials/{}/migration/review",
        client.id
    );
    assert_eq!(
        problem(&bob.get(&path).await),
        (409, "not_possible_now".to_owned())
    );
}
