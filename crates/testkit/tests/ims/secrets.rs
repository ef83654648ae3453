//! Several secrets of one client. Source: decision 2; security.md ERR-05, ERR-06, ORG-06 to ORG-08.

use std::sync::Arc;
use std::time::Duration;

use countersign_authority::{Force, ManageError};
use countersign_testkit::app::operator;
use countersign_testkit::{Answer, Setup, TestApp, TestClient};
use countersign_wire::{ClientSecret, SecretId};
use tokio::task::JoinSet;

use crate::revocation::within_a_second;

fn setup() -> Setup {
    Setup::default()
}

on_both_engines!(
    a_deleted_secret_stops_at_once_here_and_within_a_second_elsewhere,
    a_new_secret_works_at_once_here_and_soon_elsewhere,
    of_32_added_at_once_as_many_as_allowed_are_there_and_all_of_them_work,
    an_imported_weak_secret_is_hashed_slowly_until_its_first_use,
);

async fn client(app: &TestApp) -> TestClient {
    app.oauth(&app.organization().await, &["DocCloudSDK"]).await
}

async fn add(app: &TestApp, client: &TestClient) -> (SecretId, String) {
    let added = app
        .authority
        .add_secret(&client.id, "more".to_owned(), None, &operator())
        .await
        .unwrap();
    (added.record.id, added.secret.unwrap().expose().to_owned())
}

async fn ask(node: &countersign_testkit::Node, client: &TestClient, secret: &str) -> Answer {
    let client = TestClient {
        secret: secret.to_owned(),
        ..client.clone()
    };
    node.anonymous().token(&client, "openid").await
}

async fn a_deleted_secret_stops_at_once_here_and_within_a_second_elsewhere(app: &TestApp) {
    let client = client(app).await;
    let (id, secret) = add(app, &client).await;
    let node = app.second_node().await;
    let token = ask(&node, &client, &secret).await.token();

    app.authority
        .delete_secret(&client.id, &id, Force::No, &operator())
        .await
        .unwrap();

    assert_eq!(ask(app, &client, &secret).await.status, 400);
    within_a_second(async || ask(&node, &client, &secret).await.status == 400).await;
    // Rotation is no revocation: what was requested with it lives on.
    assert!(node.anonymous().holds(&client, &token).await);
    ask(&node, &client, &client.secret).await.token();
}

async fn a_new_secret_works_at_once_here_and_soon_elsewhere(app: &TestApp) {
    let client = client(app).await;
    let node = app.second_node().await;
    ask(&node, &client, &client.secret).await.token();

    let (_, secret) = add(app, &client).await;

    ask(app, &client, &secret).await.token();
    within_a_second(async || ask(&node, &client, &secret).await.status == 200).await;
}

async fn of_32_added_at_once_as_many_as_allowed_are_there_and_all_of_them_work(app: &TestApp) {
    let client = client(app).await;
    let mut at_once = JoinSet::new();
    for _ in 0..32 {
        let (authority, id) = (Arc::clone(&app.authority), client.id.clone());
        at_once.spawn(async move {
            let label = "more".to_owned();
            authority.add_secret(&id, label, None, &operator()).await
        });
    }

    let results = at_once.join_all().await;

    let shown: Vec<_> = results
        .into_iter()
        .filter_map(Result::ok)
        .filter_map(|added| added.secret)
        .collect();
    assert!((1..=4).contains(&shown.len()), "{}", shown.len());
    for secret in &shown {
        ask(app, &client, secret.expose()).await.token();
    }
    let (credential, _) = app
        .authority
        .find_credential(client.id.as_str(), &operator())
        .await
        .unwrap();
    assert_eq!(credential.secrets.len(), shown.len() + 1);
}

async fn an_imported_weak_secret_is_hashed_slowly_until_its_first_use(app: &TestApp) {
    let client = client(app).await;
    let weak = ClientSecret::parse("hunter2-hunter2").unwrap();
    let imported = app
        .authority
        .import_secret(&client.id, "old".to_owned(), &weak, &operator())
        .await
        .unwrap();
    let stored = || {
        let sql = format!(
            "SELECT digest FROM secrets WHERE id = '{}'",
            imported.record.id
        );
        async move { app.database.query(&sql).await.remove(0) }
    };
    assert!(stored().await.starts_with("$argon2id$"));
    assert_eq!(ask(app, &client, "hunter2-hunter3").await.status, 400);
    assert!(stored().await.starts_with("$argon2id$"));

    ask(app, &client, weak.expose()).await.token();

    let keyed = stored().await;
    assert!(
        !keyed.starts_with('$') && !keyed.contains("hunter2"),
        "{keyed}"
    );
    ask(app, &client, weak.expose()).await.token();
    assert_eq!(ask(app, &client, "hunter2-hunter3").await.status, 400);
}

#[tokio::test]
async fn every_live_secret_works_and_an_expired_one_does_not() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    let end = app.now().plus(Duration::from_secs(10));
    let added = app
        .authority
        .add_secret(&client.id, "short".to_owned(), Some(end), &operator())
        .await
        .unwrap();
    let short = added.secret.unwrap();
    let (_, second) = add(&app, &client).await;
    for secret in [client.secret.as_str(), short.expose(), &second] {
        ask(&app, &client, secret).await.token();
    }

    app.clock.set(end.minus(Duration::from_millis(1)));
    ask(&app, &client, short.expose()).await.token();
    app.clock.set(end);

    assert_eq!(ask(&app, &client, short.expose()).await.status, 400);
    ask(&app, &client, &second).await.token();
}

#[tokio::test]
async fn secrets_have_the_form_of_the_original_and_are_bounded_in_number() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    assert!(
        client.secret.starts_with("p8e-") && client.secret.len() == 36,
        "{}",
        client.secret.len()
    );
    for _ in 0..4 {
        add(&app, &client).await;
    }

    let sixth = app
        .authority
        .add_secret(&client.id, "more".to_owned(), None, &operator())
        .await;

    assert!(
        matches!(sixth, Err(ManageError::SecretLimit(5))),
        "{sixth:?}"
    );
}

#[tokio::test]
async fn the_last_live_secret_is_deleted_by_those_who_insist_only() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    let delete = async |force| {
        app.authority
            .delete_secret(&client.id, &client.secret_id, force, &operator())
            .await
    };

    assert!(matches!(
        delete(Force::No).await,
        Err(ManageError::LastSecret)
    ));
    ask(&app, &client, &client.secret).await.token();
    delete(Force::Yes).await.unwrap();

    assert!(
        ask(&app, &client, &client.secret)
            .await
            .body
            .contains("invalid client_secret parameter")
    );
}

#[tokio::test]
async fn a_secret_of_another_client_does_not_help() {
    let app = TestApp::new().await;
    let one = client(&app).await;
    let two = app.oauth(&one.org_id, &["DocCloudSDK"]).await;

    assert_eq!(ask(&app, &one, &two.secret).await.status, 400);
}
