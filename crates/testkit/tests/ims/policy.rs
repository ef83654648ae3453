//! The deprecation, date by date. Source: ims-protocol 7.2, decision 5, RFC 9745, RFC 8594.

use std::time::Duration;

use countersign_authority::{ManageError, NewGrant};
use countersign_model::deprecation::Preset;
use countersign_model::{DeprecationPolicy, Origin, Refusal};
use countersign_testkit::app::operator;
use countersign_testkit::{Answer, Assertion, Setup, TestApp, TestClient, keys};
use countersign_wire::{OrgId, Timestamp};

use crate::revocation::within_a_second;

fn setup() -> Setup {
    Setup::default()
}

on_both_engines!(
    a_policy_acts_at_once_here_and_within_a_second_elsewhere,
    an_organization_can_have_its_own_dates
);

fn date(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The last moment before a date.
fn before(text: &str) -> Timestamp {
    date(text).minus(Duration::from_millis(1))
}

async fn create(app: &TestApp, org: &OrgId, origin: Origin) -> Result<TestClient, ManageError> {
    let mut new = app
        .new_credential(org, app.jwt_grant(keys::first()), &["DocCloudSDK"])
        .await;
    new.origin = origin;
    app.authority
        .create_credential(new.clone(), &operator())
        .await?;
    // Once more, for what only `create` keeps: a workspace takes one credential.
    let mut new = app
        .new_credential(org, app.jwt_grant(keys::first()), &["DocCloudSDK"])
        .await;
    new.origin = origin;
    Ok(app.create(new, Some(keys::first())).await)
}

async fn exchange(app: &TestApp, client: &TestClient) -> Answer {
    let assertion = Assertion::of(client, app.now()).sign();
    app.anonymous().exchange(client, &assertion).await
}

async fn went() -> (TestApp, OrgId) {
    let app = TestApp::new().await;
    app.set_date("2023-01-01");
    app.set_policy(None, Preset::AsItWent.policy()).await;
    let org = app.organization().await;
    (app, org)
}

#[tokio::test]
async fn no_jwt_credential_is_created_from_no_new_on() {
    let (app, org) = went().await;
    app.clock.set(before("2024-06-04"));
    create(&app, &org, Origin::Console).await.unwrap();
    for now in ["2024-06-04", "2024-06-05", "2026-05-01"] {
        app.set_date(now);
        let refused = create(&app, &org, Origin::Console).await.map(drop);
        let since = date("2024-06-04");
        assert!(
            matches!(refused, Err(ManageError::Refused(Refusal::NoNew { since: at })) if at == since),
            "{now}"
        );
    }
    let oauth = app
        .new_credential(&org, NewGrant::OAuth, &["DocCloudSDK"])
        .await;
    app.authority
        .create_credential(oauth, &operator())
        .await
        .unwrap();
}

#[tokio::test]
async fn no_certificate_is_added_from_end_of_life_on() {
    let (app, org) = went().await;
    app.set_date("2024-01-01");
    let client = create(&app, &org, Origin::Console).await.unwrap();
    let add = async || {
        app.authority
            .add_certificate(&client.id, &app.certificate(keys::second()), &operator())
            .await
    };
    app.clock.set(before("2025-07-01"));
    add().await.unwrap();
    for now in ["2025-07-01", "2026-01-01"] {
        app.set_date(now);
        let told = add().await.unwrap_err().to_string();
        assert!(
            told.contains("since 2025-07-01") && told.contains("Migrate this credential"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn exchanges_go_on_until_the_last_certificate_expires_but_not_beyond_the_final_date() {
    let (app, org) = went().await;
    app.set_date("2024-01-01");
    let short = create(&app, &org, Origin::Console).await.unwrap();
    app.clock.set(before("2025-07-01"));
    let upload = app.certificate(keys::second());
    let long = app.jwt_client_of_2024(&org).await;
    app.authority
        .add_certificate(&long.id, &upload, &operator())
        .await
        .unwrap();
    let by_second = async |app: &TestApp| {
        let assertion = Assertion::of(&long, app.now())
            .signed_by(keys::second())
            .sign();
        app.anonymous().exchange(&long, &assertion).await
    };

    app.set_date("2025-09-01");
    assert!(
        exchange(&app, &short)
            .await
            .body
            .contains("to any of the bindings")
    );
    by_second(&app).await.token();
    app.clock.set(before("2026-03-01"));
    assert_eq!(by_second(&app).await.status, 200);
    app.set_date("2026-03-01");
    assert!(by_second(&app).await.body.contains("ended on 2026-03-01"));
}

/// A credential that was made while that was allowed.
trait In2024 {
    async fn jwt_client_of_2024(&self, org: &OrgId) -> TestClient;
}

impl In2024 for TestApp {
    async fn jwt_client_of_2024(&self, org: &OrgId) -> TestClient {
        let now = self.now();
        self.set_date("2024-01-01");
        let client = create(self, org, Origin::Console).await.unwrap();
        self.clock.set(now);
        client
    }
}

#[tokio::test]
async fn a_token_does_not_outlive_the_final_date() {
    let (app, org) = went().await;
    app.set_date("2024-01-01");
    let client = create(&app, &org, Origin::Console).await.unwrap();
    app.set_policy(
        None,
        DeprecationPolicy {
            final_on: Some(date("2024-02-01T01:00:00Z")),
            ..open()
        },
    )
    .await;
    app.set_date("2024-02-01T00:00:00Z");

    let answer = exchange(&app, &client).await;

    assert_eq!(answer.json()["expires_in"], 3_599_999);
    let token = answer.token();
    assert!(app.anonymous().holds(&client, &token).await);
    app.set_date("2024-02-01T01:00:00Z");
    assert!(!app.anonymous().holds(&client, &token).await);
}

fn open() -> DeprecationPolicy {
    Preset::Open.policy()
}

#[tokio::test]
async fn successful_exchanges_announce_the_end() {
    let (app, org) = went().await;
    let client = create(&app, &org, Origin::Console).await.unwrap();
    let headers = |answer: &Answer| {
        let text = |name| answer.header(name).map(str::to_owned);
        assert_eq!(answer.status, 200, "{}", answer.body);
        (text("deprecation"), text("sunset"))
    };

    app.clock.set(before("2023-05-01"));
    assert_eq!(headers(&exchange(&app, &client).await), (None, None));
    app.set_date("2023-05-01");
    let told = (
        Some("@1682899200".to_owned()),
        Some("Tue, 01 Jul 2025 00:00:00 GMT".to_owned()),
    );
    assert_eq!(headers(&exchange(&app, &client).await), told);
    app.set_policy(None, open()).await;
    assert_eq!(
        headers(&exchange(&app, &client).await),
        (Some("@1682899200".to_owned()), None)
    );
}

#[tokio::test]
async fn a_new_installation_has_no_end_date() {
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await;

    let answer = exchange(&app, &client).await;

    assert_eq!(answer.status, 200);
    assert_eq!(
        (answer.header("deprecation"), answer.header("sunset")),
        (Some("@1682899200"), None)
    );
    let other_grant = app.oauth(&client.org_id, &["DocCloudSDK"]).await;
    assert_eq!(
        app.anonymous()
            .token(&other_grant, "openid")
            .await
            .header("deprecation"),
        None
    );
}

#[tokio::test]
async fn accounts_of_the_aem_developer_console_are_outside_of_every_policy() {
    let (app, org) = went().await;
    app.set_date("2026-05-01");

    let client = create(&app, &org, Origin::AemDeveloperConsole)
        .await
        .unwrap();
    app.authority
        .add_certificate(&client.id, &app.certificate(keys::second()), &operator())
        .await
        .unwrap();
    let answer = exchange(&app, &client).await;

    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        (answer.header("deprecation"), answer.header("sunset")),
        (None, None)
    );
    assert_eq!(answer.json()["expires_in"], 86_399_999);
}

async fn an_organization_can_have_its_own_dates(app: &TestApp) {
    let (early, late) = (app.organization().await, app.organization().await);
    let new = app
        .new_credential(&late, app.jwt_grant(keys::second()), &["DocCloudSDK"])
        .await;
    let of_late = app.create(new, Some(keys::second())).await;
    let of_early = create(app, &early, Origin::Console).await.unwrap();
    app.set_policy(None, Preset::Notice2023.policy()).await;
    app.set_policy(Some(&late), open()).await;

    assert_eq!(exchange(app, &of_late).await.status, 200);
    assert!(
        exchange(app, &of_early)
            .await
            .body
            .contains("ended on 2025-01-01")
    );
    assert!(create(app, &early, Origin::Console).await.is_err());

    app.authority
        .remove_policy(&late, &operator())
        .await
        .unwrap();
    assert!(
        exchange(app, &of_late)
            .await
            .body
            .contains("ended on 2025-01-01")
    );
}

async fn a_policy_acts_at_once_here_and_within_a_second_elsewhere(app: &TestApp) {
    let client = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await;
    let node = app.second_node().await;
    let assertion = Assertion::of(&client, app.now()).sign();
    node.anonymous().exchange(&client, &assertion).await.token();

    app.set_policy(None, Preset::Notice2023.policy()).await;

    assert_eq!(exchange(app, &client).await.status, 400);
    within_a_second(async || node.anonymous().exchange(&client, &assertion).await.status == 400)
        .await;
}
