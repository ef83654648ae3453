//! Nodes whose clocks differ. Source: security.md REL-23, REL-24.

use std::time::Duration;

use countersign_authority::Clocks;
use countersign_testkit::app::operator;
use countersign_testkit::{Setup, TestApp, TestClock};

use crate::revocation::within_a_second;

fn setup() -> Setup {
    Setup::default()
}

on_both_engines!(
    clocks_are_compared_through_the_database,
    an_end_holds_for_tokens_of_nodes_whose_clocks_differ,
    a_change_that_only_a_later_release_knows_makes_everything_be_read_again,
);

async fn clocks_are_compared_through_the_database(app: &TestApp) {
    let clock = TestClock::at(app.now());
    let node = app.second_node_at(&clock).await;
    let both = async |expected: fn(Clocks) -> bool| {
        let met = async || [&**app, &node].map(|n| expected(n.authority.clocks())) == [true; 2];
        within(Duration::from_secs(20), met).await;
    };

    clock.advance(Duration::from_secs(7));
    both(|clocks| matches!(clocks, Clocks::Differ(by) if by >= Duration::from_secs(6))).await;
    clock.advance(Duration::from_secs(30));
    both(|clocks| matches!(clocks, Clocks::FarOff(by) if by >= Duration::from_secs(36))).await;
    clock.set(app.now());
    both(|clocks| clocks == Clocks::Agree).await;
}

/// Waits for what others must first say twice.
async fn within(span: Duration, met: impl AsyncFn() -> bool) {
    let began = std::time::Instant::now();
    while !met().await {
        assert!(began.elapsed() < span, "not within {span:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn an_end_holds_for_tokens_of_nodes_whose_clocks_differ(app: &TestApp) {
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    let clock = TestClock::at(app.now());
    let node = app.second_node_at(&clock).await;

    clock.advance(Duration::from_secs(20));
    let ahead = node.anonymous().token(&client, "openid").await.token();
    app.authority.end_token(&ahead, &operator()).await.unwrap();
    within_a_second(async || !node.anonymous().holds(&client, &ahead).await).await;

    clock.set(app.now());
    let old = node.anonymous().token(&client, "openid").await.token();
    clock.advance(Duration::from_secs(86_400 - 4));
    app.clock.set(clock.now().plus(Duration::from_secs(4)));
    assert!(
        !app.anonymous().holds(&client, &old).await,
        "it is over here"
    );
    assert!(node.anonymous().holds(&client, &old).await, "and not there");
    app.authority.end_token(&old, &operator()).await.unwrap();
    within_a_second(async || !node.anonymous().holds(&client, &old).await).await;
}

async fn a_change_that_only_a_later_release_knows_makes_everything_be_read_again(app: &TestApp) {
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    app.caught_up().await;
    app.anonymous().token(&client, "openid").await.token();
    app.database.query("DELETE FROM secrets").await;
    app.anonymous().token(&client, "openid").await.token();

    let now = app.now().as_millis();
    let change = format!(
        "INSERT INTO changes (id, changed_at, topic, subject_id)
         VALUES ('later', {now}, 'weather', 'fine')"
    );
    app.database.query(&change).await;

    within_a_second(async || app.anonymous().token(&client, "openid").await.status == 400).await;
    let other = app.oauth(&client.org_id, &["DocCloudSDK"]).await;
    app.anonymous().token(&other, "openid").await.token();
}
