//! What is switched off gets nothing. Source: security.md REQ-19, decision 7.

use countersign_authority::OrganizationChange;
use countersign_testkit::app::operator;
use countersign_testkit::{Setup, TestApp, TestClient};

use crate::revocation::within_a_second;

fn setup() -> Setup {
    Setup::default()
}

on_both_engines!(
    a_disabled_credential_project_or_organization_gets_no_token_on_any_node,
    a_deleted_credential_is_gone_on_every_node,
);

#[derive(Clone, Copy, Debug)]
enum Level {
    Credential,
    Project,
    Organization,
}

async fn switch(app: &TestApp, client: &TestClient, level: Level, enabled: bool) {
    let authority = &app.authority;
    match level {
        Level::Credential => drop(
            authority
                .switch_credential(&client.id, enabled, &operator())
                .await
                .unwrap(),
        ),
        Level::Project => drop(
            authority
                .switch_project(&client.project_id, enabled, &operator())
                .await
                .unwrap(),
        ),
        Level::Organization => {
            let change = OrganizationChange {
                enabled: Some(enabled),
                ..OrganizationChange::default()
            };
            drop(
                authority
                    .change_organization(&client.org_id, change, &operator())
                    .await
                    .unwrap(),
            );
        }
    }
}

async fn a_disabled_credential_project_or_organization_gets_no_token_on_any_node(app: &TestApp) {
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    let node = app.second_node().await;
    for level in [Level::Credential, Level::Project, Level::Organization] {
        let token = node.anonymous().token(&client, "openid").await.token();

        switch(app, &client, level, false).await;

        let refused = app.anonymous().token(&client, "openid").await;
        assert!(
            refused.body.contains("invalid client_id parameter"),
            "{level:?}: {}",
            refused.body
        );
        let verdict = app.anonymous().validate(&client, &token).await;
        verdict.must_be(200, r#"{"valid":false,"reason":"token_revoked"}"#);
        within_a_second(async || node.anonymous().token(&client, "openid").await.status == 400)
            .await;
        assert!(!node.anonymous().holds(&client, &token).await, "{level:?}");

        switch(app, &client, level, true).await;

        app.anonymous().token(&client, "openid").await.token();
        within_a_second(async || node.anonymous().token(&client, "openid").await.status == 200)
            .await;
    }
}

async fn a_deleted_credential_is_gone_on_every_node(app: &TestApp) {
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    let asking = app.oauth(&client.org_id, &["DocCloudSDK"]).await;
    let node = app.second_node().await;
    let token = node.anonymous().token(&client, "openid").await.token();

    app.authority
        .delete_credential(&client.id, &operator())
        .await
        .unwrap();

    app.anonymous()
        .token(&client, "openid")
        .await
        .must_fail(400, "invalid_client");
    assert!(!app.anonymous().holds(&asking, &token).await);
    within_a_second(async || node.anonymous().token(&client, "openid").await.status == 400).await;
    assert!(!node.anonymous().holds(&asking, &token).await);
    app.anonymous()
        .validate(&client, &token)
        .await
        .must_fail(400, "invalid_client");
}

#[tokio::test]
async fn a_deleted_client_id_is_never_given_out_again() {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    let mut again = app
        .new_credential(&client.org_id, countersign_authority::NewGrant::OAuth, &[])
        .await;
    again.client_id = Some(client.client_id.clone());
    app.authority
        .delete_credential(&client.id, &operator())
        .await
        .unwrap();

    let refused = app.authority.create_credential(again, &operator()).await;

    assert!(
        matches!(refused, Err(countersign_authority::ManageError::Taken)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_client_id_that_was_asked_for_too_early_works_as_soon_as_it_exists() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let mut new = app
        .new_credential(
            &org,
            countersign_authority::NewGrant::OAuth,
            &["DocCloudSDK"],
        )
        .await;
    let id = countersign_wire::ClientId::parse("asked-for-too-early").unwrap();
    new.client_id = Some(id.clone());
    let node = app.second_node().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", "x"),
        ("scope", "openid"),
    ];
    for caller in [app.anonymous(), node.anonymous()] {
        caller
            .post("/ims/token/v3")
            .form(&form)
            .send()
            .await
            .must_fail(400, "invalid_client");
    }

    let client = app.create(new, None).await;

    app.anonymous().token(&client, "openid").await.token();
    within_a_second(async || node.anonymous().token(&client, "openid").await.status == 200).await;
}

#[tokio::test]
async fn scopes_follow_the_services_of_a_credential() {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &[]).await;
    let ask = async || app.anonymous().token(&client, "DCAPI").await.status;
    let pdf = countersign_testkit::app::subscription("DocCloudSDK");

    assert_eq!(ask().await, 400);
    app.authority
        .subscribe(&client.id, pdf.clone(), &operator())
        .await
        .unwrap();
    assert_eq!(ask().await, 200);
    app.authority
        .unsubscribe(&client.id, &pdf.service, &operator())
        .await
        .unwrap();
    assert_eq!(ask().await, 400);
}
