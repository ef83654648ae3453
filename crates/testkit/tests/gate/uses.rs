//! Who calls which service, with tokens of which credential: kept in the same bounded sketch as
//! who requests tokens.

use countersign_authority::Callers;
use countersign_model::evidence::MOST_CALLERS;
use countersign_testkit::app::operator;
use countersign_testkit::{Assertion, TestApp, TestClient, keys};

use crate::support::{Attempt, CM, SCOPES, client, setup, subscribed};

on_both_engines!(
    calls_are_seen_per_service_and_grant,
    nodes_add_to_the_same_callers,
);

async fn called(app: &TestApp, client: &TestClient) -> Vec<Callers> {
    let callers = app
        .authority
        .list_callers(&client.id, &operator())
        .await
        .unwrap();
    callers
        .into_iter()
        .filter(|callers| callers.service.is_some())
        .collect()
}

/// What a legacy credential's tokens are still used for is what its owner must know.
async fn calls_are_seen_per_service_and_grant(app: &TestApp) {
    let org = app.organization().await;
    let mut new = app
        .new_credential(&org, app.jwt_grant(keys::first()), &[])
        .await;
    new.subscriptions.push(subscribed(app, &org, CM).await);
    let legacy = app.create(new, Some(keys::first())).await;
    let exchanged = app
        .anonymous()
        .exchange(&legacy, &Assertion::of(&legacy, app.now()).sign())
        .await
        .token();
    let mut attempt = Attempt::of(&legacy, &exchanged);
    for agent in ["old-job/1", "old-job/1", "other/2"] {
        attempt.agent = agent;
        assert_eq!(attempt.code(app).await, None);
    }
    attempt.headers.clear();
    assert!(
        attempt.code(app).await.is_some(),
        "what is refused is no use"
    );
    app.authority.flush().await;

    let called = called(app, &legacy).await;

    assert_eq!(called.len(), 1);
    assert_eq!(called[0].service.as_ref().unwrap().as_str(), CM);
    assert_eq!(called[0].grant.as_str(), "jwt_exchange");
    let mut seen: Vec<_> = called[0]
        .seen
        .iter()
        .map(|seen| {
            let trace = seen.trace.as_ref().unwrap();
            (trace.caller.agent.as_str(), &*trace.minted_by, seen.uses)
        })
        .collect();
    seen.sort_unstable();
    let minted_by = format!("certificate:{}", legacy.certificate_id.as_ref().unwrap());
    assert_eq!(
        seen,
        [("old-job/1", &*minted_by, 2), ("other/2", &*minted_by, 1)]
    );
}

async fn nodes_add_to_the_same_callers(app: &TestApp) {
    let client = client(app, &app.organization().await).await;
    let node = app.second_node().await;
    let token = app.anonymous().token(&client, SCOPES).await.token();
    let attempt = Attempt::of(&client, &token);
    for _ in 0..5 {
        assert_eq!(attempt.code(app).await, None);
        assert_eq!(attempt.code(&node).await, None);
        tokio::join!(app.authority.flush(), node.authority.flush());
    }

    let called = called(app, &client).await;

    assert_eq!(called.len(), 1);
    assert_eq!(called[0].grant.as_str(), "client_credentials");
    assert_eq!(called[0].seen.len(), 1);
    assert_eq!(called[0].seen[0].uses, 10);
}

#[tokio::test]
async fn more_callers_than_are_kept_are_counted_together() {
    let app = TestApp::on(countersign_testkit::TestDatabase::sqlite().await, setup()).await;
    let client = client(&app, &app.organization().await).await;
    let token = app.anonymous().token(&client, SCOPES).await.token();
    let mut attempt = Attempt::of(&client, &token);
    let agents: Vec<&'static str> = (0..MOST_CALLERS + 10)
        .map(|n| &*format!("program/{n}").leak())
        .collect();
    for agent in &agents {
        attempt.agent = agent;
        assert_eq!(attempt.code(&app).await, None);
    }
    app.authority.flush().await;

    let called = called(&app, &client).await;

    assert_eq!(called[0].seen.len(), MOST_CALLERS + 1);
    let uses: u64 = called[0].seen.iter().map(|seen| seen.uses).sum();
    assert_eq!(uses, agents.len() as u64);
}
