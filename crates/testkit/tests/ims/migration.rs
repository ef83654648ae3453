//! One credential on its way from JWT to OAuth. Source: ims-protocol 6.5, decision 4.

use countersign_authority::ManageError;
use countersign_testkit::app::operator;
use countersign_testkit::{Assertion, Setup, TestApp, TestClient, keys};

use crate::revocation::within_a_second;

fn setup() -> Setup {
    Setup::default()
}

on_both_engines!(each_step_acts_at_once_on_both_grants_and_on_every_node);

async fn client(app: &TestApp) -> TestClient {
    app.jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await
}

/// Status of an exchange and of client credentials.
async fn grants(
    app: &TestApp,
    node: &countersign_testkit::Node,
    client: &TestClient,
) -> (u16, u16) {
    let assertion = Assertion::of(client, app.now()).sign();
    let exchanged = node.anonymous().exchange(client, &assertion).await;
    let issued = node.anonymous().token(client, "openid").await;
    (exchanged.status, issued.status)
}

async fn each_step_acts_at_once_on_both_grants_and_on_every_node(app: &TestApp) {
    let client = client(app).await;
    let node = app.second_node().await;
    let authority = &app.authority;
    assert_eq!(grants(app, app, &client).await, (200, 400));
    assert_eq!(grants(app, &node, &client).await, (200, 400));
    let old = app
        .anonymous()
        .exchange(&client, &Assertion::of(&client, app.now()).sign())
        .await
        .token();

    authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    assert_eq!(grants(app, app, &client).await, (200, 200));
    within_a_second(async || grants(app, &node, &client).await == (200, 200)).await;

    authority
        .cancel_migration(&client.id, &operator())
        .await
        .unwrap();
    assert_eq!(grants(app, app, &client).await, (200, 400));
    within_a_second(async || grants(app, &node, &client).await == (200, 400)).await;

    authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    authority
        .complete_migration(&client.id, &operator())
        .await
        .unwrap();
    assert_eq!(grants(app, app, &client).await, (400, 200));
    within_a_second(async || grants(app, &node, &client).await == (400, 200)).await;

    assert!(
        app.anonymous().holds(&client, &old).await,
        "tokens that were exchanged live to their end"
    );
}

#[tokio::test]
async fn the_secret_stays_and_new_ones_work_for_both_halves() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    app.authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    let added = app
        .authority
        .add_secret(&client.id, "new".to_owned(), None, &operator())
        .await
        .unwrap();
    let renewed = TestClient {
        secret: added.secret.unwrap().expose().to_owned(),
        ..client.clone()
    };

    for client in [&client, &renewed] {
        assert_eq!(grants(&app, &app, client).await, (200, 200));
    }
}

#[tokio::test]
async fn steps_that_cannot_be_taken_say_why() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    let oauth = app.oauth(&client.org_id, &["DocCloudSDK"]).await;
    let authority = &app.authority;
    let told = |result: Result<_, ManageError>| {
        result
            .map(|_: countersign_model::Credential| ())
            .unwrap_err()
            .to_string()
    };

    assert!(
        told(authority.complete_migration(&client.id, &operator()).await)
            .contains("no OAuth half yet")
    );
    assert!(
        told(authority.start_migration(&oauth.id, &operator()).await)
            .contains("nothing to migrate")
    );
    authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    assert!(
        told(authority.start_migration(&client.id, &operator()).await)
            .contains("already has its OAuth half")
    );
    authority
        .complete_migration(&client.id, &operator())
        .await
        .unwrap();
    assert!(
        told(authority.cancel_migration(&client.id, &operator()).await).contains("is completed")
    );
}
