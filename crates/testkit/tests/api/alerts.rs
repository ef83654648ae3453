//! Who else is told of what ends in a project, and pauses.

use std::sync::Arc;
use std::time::Duration;

use countersign_authority::{Carried, Carrier, Channels, Outgoing};
use countersign_model::Role;
use countersign_testkit::app::{START, operator};
use countersign_testkit::{Setup, TestApp, TestClient};
use http::Method;
use serde_json::{Value, json};

use crate::caller::{Program, json as with, problem, program};
use crate::console_apis;
use crate::people::member;

on_both_engines_with!(with_mail:
    others_are_set_by_revision_and_are_mail_addresses,
    others_are_told_and_a_pause_is_kept,
    recipients_are_administrators_and_the_others_of_a_project,
);

const DAY: Duration = Duration::from_secs(86_400);

async fn put(by: &Program<'_>, path: &str, body: &Value) -> countersign_testkit::Answer {
    with(by.call(Method::PUT, path), body).send().await
}

async fn others_are_set_by_revision_and_are_mail_addresses(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &[]).await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    let path = format!("/organizations/{org}/projects/{}/alerts", client.project_id);

    let unset = ada.get(&path).await;
    assert_eq!(
        unset.json(),
        json!({"paused": false, "paused_at": null, "others": []})
    );
    assert_eq!(unset.header("etag"), Some("\"0\""));
    let set = json!({"paused": true, "others": ["Eve@example.com", "eve@example.com", "bob@example.com"]});
    let set = put(&ada, &path, &set).await;
    assert_eq!(set.status, 200, "{}", set.body);
    assert_eq!(
        set.json()["others"],
        json!(["bob@example.com", "eve@example.com"])
    );
    assert_eq!(ada.get(&path).await.json(), set.json());
    let stale = with(ada.call(Method::PUT, &path), &json!({})).header("if-match", "\"0\"");
    assert_eq!(problem(&stale.send().await).0, 412);
    let current = with(ada.call(Method::PUT, &path), &json!({})).header("if-match", "\"1\"");
    assert_eq!(current.send().await.json()["paused"], false);

    let many: Vec<_> = (0..21).map(|n| format!("p{n}@example.com")).collect();
    for body in [
        json!({"others": ["#channel"]}),
        json!({"others": many}),
        json!({"others": ["x".repeat(10_000)]}),
    ] {
        let refused = put(&ada, &path, &body).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
    }
    let event = "SELECT detail FROM audit WHERE action = 'project.alerts_changed'";
    let events = app.database.query(event).await;
    assert_eq!(events.len(), 2);
    assert!(
        events
            .iter()
            .any(|detail| detail.contains("bob@example.com"))
    );
}

/// Takes every message.
struct Taken;

impl Carrier for Taken {
    fn carry<'a>(&'a self, _: &'a Outgoing) -> Carried<'a> {
        Box::pin(async { Ok(()) })
    }
}

fn with_mail() -> Setup {
    let channels = Channels {
        mail: true,
        ..Channels::default()
    };
    Setup {
        leads: false,
        notices: Some((channels, Arc::new(Taken))),
        ..Setup::default()
    }
}

async fn others_are_told_and_a_pause_is_kept(app: &TestApp) {
    let org = app.organization().await;
    member(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let (told, paused) = (app.oauth(&org, &[]).await, app.oauth(&org, &[]).await);
    let ada = program(app, &org, "dev@example.com", Role::Developer).await;
    let ends = async |client: &TestClient, body: &Value| {
        let (label, end) = ("blue".to_owned(), START.plus(DAY * 20));
        app.authority
            .add_secret(&client.id, label, Some(end), &operator())
            .await
            .unwrap();
        let path = format!("/organizations/{org}/projects/{}/alerts", client.project_id);
        assert_eq!(put(&ada, &path, body).await.status, 200);
    };
    let others = json!(["eve@example.com", "fay@example.com"]);
    ends(&told, &json!({"others": others})).await;
    ends(&paused, &json!({"others": others, "paused": true})).await;

    app.authority.work_as_leader().await.unwrap();

    let of = |client: &TestClient| {
        let sql = format!(
            "SELECT recipient FROM notices WHERE credential_id = '{}' ORDER BY recipient",
            client.id
        );
        async move { app.database.query(&sql).await }
    };
    let owner = "data@example.com";
    assert_eq!(
        of(&told).await,
        [owner, "eve@example.com", "fay@example.com"]
    );
    assert!(of(&paused).await.is_empty());

    let path = format!("/organizations/{org}/projects/{}/alerts", paused.project_id);
    assert_eq!(put(&ada, &path, &json!({})).await.status, 200);
    app.advance(Duration::from_secs(7200));
    app.authority.work_as_leader().await.unwrap();
    assert_eq!(of(&paused).await, [owner]);
}

async fn recipients_are_administrators_and_the_others_of_a_project(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &[]).await;
    let ada = console_apis::program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    member(app, &org, "vic@example.com", Role::Viewer).await;
    let dev = program(app, &org, "dev@example.com", Role::Developer).await;
    let path = format!("/organizations/{org}/projects/{}/alerts", client.project_id);
    put(&dev, &path, &json!({"others": ["eve@example.com"]})).await;

    let all = ada.get("/recipients").await.json();
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        (&all[0]["email"], &all[0]["role"]),
        (&json!("ada@example.com"), &json!("ORG_ADMIN"))
    );
    let of = format!("/recipients?projectId={}", client.project_id);
    let with_others = ada.get(&of).await.json();
    assert_eq!(with_others[1]["email"], "eve@example.com");
    assert_eq!(with_others[1]["role"], "TEAM_MEMBER");
    assert_eq!(ada.get("/recipients?projectId=1").await.status, 404);

    let project = format!("/projects/{}", client.project_id);
    for (is_told, paused) in [(false, true), (true, false)] {
        let body = json!({"notifications_enabled": is_told});
        let changed = ada.send(Method::PATCH, &project, &body).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_eq!(dev.get(&path).await.json()["paused"], paused);
        assert_eq!(
            dev.get(&path).await.json()["others"],
            json!(["eve@example.com"])
        );
    }
}
