//! Single use of assertions. Source: security.md RPL-01 to RPL-05, decision 1.

use std::time::Duration;

use countersign_authority::OrganizationChange;
use countersign_model::ReplayPolicy;
use countersign_testkit::app::operator;
use countersign_testkit::{Assertion, Setup, TestApp, TestClient, keys};
use serde_json::json;
use tokio::task::JoinSet;

pub async fn demand(app: &TestApp, client: &TestClient, replay: ReplayPolicy) {
    let change = OrganizationChange {
        replay: Some(replay),
        ..OrganizationChange::default()
    };
    app.authority
        .change_organization(&client.org_id, change, &operator())
        .await
        .unwrap();
}

fn setup() -> Setup {
    Setup::default()
}

async fn client(app: &TestApp, replay: ReplayPolicy) -> TestClient {
    let client = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await;
    demand(app, &client, replay).await;
    client
}

on_both_engines!(
    of_32_at_once_on_two_nodes_one_gets_a_token,
    an_id_is_forgotten_after_its_assertion_and_not_earlier,
    without_the_store_nobody_is_believed,
);

async fn of_32_at_once_on_two_nodes_one_gets_a_token(app: &TestApp) {
    let client = client(app, ReplayPolicy::OnceIfJti).await;
    let second = app.second_node().await;
    let assertion = Assertion::of(&client, app.now())
        .with("jti", "1769947200")
        .sign();
    let mut at_once = JoinSet::new();

    for at in 0..32 {
        let caller = if at % 2 == 0 {
            app.anonymous()
        } else {
            second.anonymous()
        };
        let (client, assertion) = (client.clone(), assertion.clone());
        at_once.spawn(async move { caller.exchange(&client, &assertion).await });
    }
    let answers = at_once.join_all().await;

    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    for answer in lost {
        answer.must_fail(400, "invalid_jti");
    }
}

async fn an_id_is_forgotten_after_its_assertion_and_not_earlier(app: &TestApp) {
    let client = client(app, ReplayPolicy::OnceIfJti).await;
    let assertion = Assertion::of(&client, app.now()).with("jti", "7").sign();
    app.anonymous().exchange(&client, &assertion).await.token();

    // Still accepted by the skew's grace: the id must be there. A node trims when it starts.
    app.advance(Duration::from_secs(300 + 29));
    let early = app.second_node().await;
    settle().await;
    assert_eq!(app.database.count("used_assertions").await, 1);
    early
        .anonymous()
        .exchange(&client, &assertion)
        .await
        .must_fail(400, "invalid_jti");

    app.advance(A_DAY + Duration::from_secs(120));
    let _late = app.second_node().await;
    let mut left = 1;
    for _ in 0..200 {
        left = app.database.count("used_assertions").await;
        if left == 0 {
            break;
        }
        settle().await;
    }
    assert_eq!(left, 0);
}

/// Used ids are kept for a day more than needed: a clock may jump ahead and come back.
const A_DAY: Duration = Duration::from_secs(86_400);

/// Lets background work of a node that just started come to its end.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

async fn without_the_store_nobody_is_believed(app: &TestApp) {
    let client = client(app, ReplayPolicy::OnceIfJti).await;
    let good = Assertion::of(&client, app.now());
    app.caught_up().await;
    app.anonymous()
        .exchange(&client, &good.sign())
        .await
        .token();
    app.store.close().await;
    let with_jti = good.clone().with("jti", "1").sign();
    let call = app
        .anonymous()
        .post("/ims/exchange/jwt")
        .form(&client.exchange_form(&with_jti));

    let refused = call.faults_expected().send().await;
    let unasked = app.anonymous().exchange(&client, &good.sign()).await;

    refused.must_fail(503, "temporarily_unavailable");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(unasked.status, 200);
}

#[tokio::test]
async fn the_original_lets_an_assertion_be_used_again() {
    let app = TestApp::new().await;
    let client = client(&app, ReplayPolicy::Allow).await;
    let assertion = Assertion::of(&client, app.now()).with("jti", "1").sign();

    for _ in 0..3 {
        app.anonymous().exchange(&client, &assertion).await.token();
    }

    assert_eq!(app.database.count("used_assertions").await, 0);
}

#[tokio::test]
async fn a_forged_copy_burns_no_id() {
    let app = TestApp::new().await;
    let client = client(&app, ReplayPolicy::RequireJti).await;
    let assertion = Assertion::of(&client, app.now()).with("jti", "1");
    let forged = assertion.clone().signed_by(keys::foreign()).sign();
    let late = assertion
        .clone()
        .with("exp", app.now().as_seconds() - 60)
        .sign();

    for bad in [forged, late] {
        app.anonymous()
            .exchange(&client, &bad)
            .await
            .must_fail(400, "invalid_token");
    }

    app.anonymous()
        .exchange(&client, &assertion.sign())
        .await
        .token();
}

#[tokio::test]
async fn ids_are_compared_with_their_type() {
    let app = TestApp::new().await;
    let client = client(&app, ReplayPolicy::RequireJti).await;
    let with = |jti| Assertion::of(&client, app.now()).with("jti", jti).sign();
    let longest = "j".repeat(256);

    for jti in [json!(1), json!("1"), json!("01"), json!(longest)] {
        app.anonymous()
            .exchange(&client, &with(jti.clone()))
            .await
            .token();
        app.anonymous()
            .exchange(&client, &with(jti))
            .await
            .must_fail(400, "invalid_jti");
    }
    for jti in [
        json!([1]),
        json!({}),
        json!(1.5),
        json!(true),
        json!("j".repeat(257)),
    ] {
        app.anonymous()
            .exchange(&client, &with(jti))
            .await
            .must_fail(400, "invalid_token");
    }
}

#[tokio::test]
async fn two_credentials_of_one_organization_may_use_the_same_id() {
    let app = TestApp::new().await;
    let one = client(&app, ReplayPolicy::RequireJti).await;
    let two = app.jwt(&one.org_id, &["DocCloudSDK"], keys::first()).await;

    for client in [&one, &two] {
        let assertion = Assertion::of(client, app.now())
            .with("jti", "1769947200")
            .sign();
        app.anonymous().exchange(client, &assertion).await.token();
    }
}
