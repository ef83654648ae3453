//! One credential on its way from JWT to OAuth. Source: ims-protocol 6.5, decision 4.

use std::time::Duration;

use countersign_authority::{Despite, Disabling, LivingTokens, ManageError};
use countersign_model::{Credential, Grants, Migration};
use countersign_testkit::app::{Node, operator};
use countersign_testkit::{Assertion, Setup, TestApp, TestClient, keys};

use crate::revocation::within_a_second;

/// The test takes the lease itself where it wants one.
fn setup() -> Setup {
    Setup {
        leads: false,
        ..Setup::default()
    }
}

on_both_engines!(
    each_step_acts_at_once_on_both_grants_and_on_every_node,
    a_quarantine_ends_by_itself_and_only_when_it_is_over,
    whoever_tries_in_vain_is_written_down,
    tokens_end_with_the_half_if_that_is_wanted,
    a_step_that_is_repeated_changes_nothing,
    what_is_not_safe_takes_a_name_and_a_reason,
);

const DAY: Duration = Duration::from_secs(86_400);

async fn client(app: &TestApp) -> TestClient {
    app.jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await
}

/// Status of an exchange and of client credentials.
async fn grants(app: &TestApp, node: &Node, client: &TestClient) -> (u16, u16) {
    let exchanged = node
        .anonymous()
        .exchange(client, &assertion(app, client))
        .await;
    let issued = node.anonymous().token(client, "openid").await;
    (exchanged.status, issued.status)
}

fn assertion(app: &TestApp, client: &TestClient) -> String {
    Assertion::of(client, app.now()).sign()
}

async fn state(app: &TestApp, client: &TestClient) -> Migration {
    let by = operator();
    let found = app.authority.find_credential(client.id.as_str(), &by);
    match found.await.unwrap().0.grants {
        Grants::Jwt(migration) => migration,
        Grants::OAuth => panic!("it was created with a JWT half"),
    }
}

async fn events(app: &TestApp) -> Vec<String> {
    app.database
        .query("SELECT action FROM audit WHERE action LIKE 'migration.%' ORDER BY action")
        .await
}

async fn each_step_acts_at_once_on_both_grants_and_on_every_node(app: &TestApp) {
    let client = client(app).await;
    let node = app.second_node().await;
    let authority = &app.authority;
    let (id, by) = (&client.id, operator());
    let everywhere = async |expected: (u16, u16)| {
        assert_eq!(grants(app, app, &client).await, expected);
        within_a_second(async || grants(app, &node, &client).await == expected).await;
    };
    everywhere((200, 400)).await;
    let old = app
        .anonymous()
        .exchange(&client, &assertion(app, &client))
        .await
        .token();

    authority.start_migration(id, &by).await.unwrap();
    everywhere((200, 200)).await;
    authority.cancel_migration(id, &by).await.unwrap();
    everywhere((200, 400)).await;
    app.disable_jwt_half(&client).await;
    everywhere((400, 200)).await;
    authority.restore_jwt_half(id, &by).await.unwrap();
    everywhere((200, 200)).await;
    app.disable_jwt_half(&client).await;
    everywhere((400, 200)).await;
    authority.cancel_migration(id, &by).await.unwrap();
    everywhere((200, 400)).await;
    app.migrate(&client).await;
    everywhere((400, 200)).await;

    assert!(
        app.anonymous().holds(&client, &old).await,
        "tokens that were exchanged live to their end"
    );
    assert_eq!(app.database.count("certificates").await, 0);
    // Events of one moment have no order.
    let mut expected = [
        "started",
        "cancelled",
        "started",
        "disabled",
        "restored",
        "disabled",
        "cancelled",
        "started",
        "disabled",
        "completed",
    ]
    .map(|step| format!("migration.{step}"));
    expected.sort();
    assert_eq!(events(app).await, expected);
}

async fn a_quarantine_ends_by_itself_and_only_when_it_is_over(app: &TestApp) {
    let client = client(app).await;
    let restored = app.jwt(&client.org_id, &["DocCloudSDK"], keys::first());
    let restored = restored.await;
    app.disable_jwt_half(&client).await;
    app.disable_jwt_half(&restored).await;
    let authority = &app.authority;
    authority
        .restore_jwt_half(&restored.id, &operator())
        .await
        .unwrap();
    let work = async || {
        let lease = authority.take_lease().await.unwrap().expect("nobody else");
        authority.work(lease).await.unwrap();
    };

    app.advance(7 * DAY - Duration::from_millis(1));
    work().await;
    assert!(matches!(
        state(app, &client).await,
        Migration::Disabled { .. }
    ));

    app.advance(Duration::from_millis(1));
    work().await;
    work().await;
    let at = app.now();
    assert_eq!(state(app, &client).await, Migration::Completed { at });
    assert!(matches!(
        state(app, &restored).await,
        Migration::Paired { .. }
    ));
    assert_eq!(grants(app, app, &client).await, (400, 200));
    let ended = app
        .database
        .query("SELECT actor || ' ' || subject FROM audit WHERE action = 'migration.completed'")
        .await;
    assert_eq!(ended, [format!("schedule {}", client.id)]);
    assert_eq!(app.database.count("certificates").await, 1);
}

async fn whoever_tries_in_vain_is_written_down(app: &TestApp) {
    let client = client(app).await;
    app.disable_jwt_half(&client).await;
    let tried = async |consumer: &'static str| {
        app.advance(Duration::from_secs(60));
        let call = app.anonymous().post("/ims/exchange/jwt");
        let assertion = assertion(app, &client);
        let form = client.exchange_form(&assertion);
        let answer = call.header("x-consumer", consumer).form(&form).send().await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    };
    tried("nightly").await;
    tried("hourly").await;
    tried("nightly").await;
    // Whoever has not even the secret is nobody of this credential's.
    let stranger = TestClient {
        secret: "p8e-wrong".to_owned(),
        ..client.clone()
    };
    app.anonymous()
        .exchange(&stranger, &assertion(app, &client))
        .await
        .must_fail(400, "invalid_client");
    app.authority.flush().await;
    tried("nightly").await;
    app.authority.flush().await;

    let shown = app.authority.show_migration(&client.id, &operator()).await;
    let shown = shown.unwrap();
    let attempts = shown.status.attempts.expect("there were some");
    assert_eq!((attempts.uses, attempts.last_at), (4, app.now()));
    let by: Vec<_> = shown
        .attempted_by
        .iter()
        .map(|seen| {
            let consumer = &seen.trace.as_ref().unwrap().caller.consumer;
            (consumer.as_ref().unwrap().to_string(), seen.uses)
        })
        .collect();
    assert_eq!(by, [("nightly".to_owned(), 3), ("hourly".to_owned(), 1)]);
    let review = app
        .authority
        .review_migration(&client.id, &operator())
        .await;
    let verdict = review.unwrap().verdict;
    assert_eq!(verdict.as_str(), "still_used", "{verdict:?}");

    // What a next quarantine shows is its own.
    let authority = &app.authority;
    authority
        .restore_jwt_half(&client.id, &operator())
        .await
        .unwrap();
    app.disable_jwt_half(&client).await;
    let shown = authority.show_migration(&client.id, &operator()).await;
    assert!(shown.unwrap().status.attempts.is_none());
}

async fn tokens_end_with_the_half_if_that_is_wanted(app: &TestApp) {
    let client = client(app).await;
    let node = app.second_node().await;
    let (id, by) = (&client.id, operator());
    let authority = &app.authority;
    authority.start_migration(id, &by).await.unwrap();
    let exchange = async |node: &Node| {
        let assertion = assertion(app, &client);
        node.anonymous().exchange(&client, &assertion).await.token()
    };
    let (old, new) = (
        exchange(app).await,
        app.anonymous().token(&client, "openid").await.token(),
    );
    app.advance(Duration::from_secs(1));
    let disabling = Disabling {
        tokens: LivingTokens::End,
        despite: Some(app.despite(&client).await),
    };
    authority
        .disable_jwt_half(id, &disabling, &by)
        .await
        .unwrap();

    assert!(!app.anonymous().holds(&client, &old).await);
    within_a_second(async || !node.anonymous().holds(&client, &old).await).await;
    assert!(
        app.anonymous().holds(&client, &new).await,
        "those of the OAuth half are not meant"
    );

    authority.restore_jwt_half(id, &by).await.unwrap();
    let again = exchange(app).await;
    assert!(
        app.anonymous().holds(&client, &again).await,
        "what is restored mints at once"
    );
}

async fn a_step_that_is_repeated_changes_nothing(app: &TestApp) {
    let client = client(app).await;
    let (id, by) = (&client.id, operator());
    let authority = &app.authority;
    let despite = app.despite(&client).await;
    let disabling = Disabling {
        despite: Some(despite.clone()),
        ..Disabling::default()
    };
    let twice = async |first: Credential, again: Result<Credential, ManageError>| {
        assert_eq!(again.unwrap(), first);
        app.advance(Duration::from_secs(1));
    };
    let first = authority.start_migration(id, &by).await.unwrap();
    twice(first, authority.start_migration(id, &by).await).await;
    let first = authority.cancel_migration(id, &by).await.unwrap();
    twice(first, authority.cancel_migration(id, &by).await).await;
    authority.start_migration(id, &by).await.unwrap();
    let first = authority.disable_jwt_half(id, &disabling, &by).await;
    // Nobody is asked to insist on what is done.
    let plain = Disabling::default();
    let again = authority.disable_jwt_half(id, &plain, &by).await;
    twice(first.unwrap(), again).await;
    let first = authority.restore_jwt_half(id, &by).await.unwrap();
    twice(first, authority.restore_jwt_half(id, &by).await).await;
    authority
        .disable_jwt_half(id, &disabling, &by)
        .await
        .unwrap();
    let first = authority.finish_migration(id, Some(&despite), &by).await;
    let again = authority.finish_migration(id, None, &by).await;
    twice(first.unwrap(), again).await;

    assert_eq!(events(app).await.len(), 7);
}

async fn what_is_not_safe_takes_a_name_and_a_reason(app: &TestApp) {
    let client = client(app).await;
    let (id, by) = (&client.id, operator());
    let authority = &app.authority;
    authority.start_migration(id, &by).await.unwrap();
    app.anonymous()
        .exchange(&client, &assertion(app, &client))
        .await
        .token();
    let right = app.despite(&client).await;
    let disable = async |despite: Option<Despite>| {
        let disabling = Disabling {
            despite,
            ..Disabling::default()
        };
        authority
            .disable_jwt_half(id, &disabling, &by)
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let told = async |despite| disable(despite).await.unwrap_err();

    let refused = told(None).await;
    assert!(
        refused.contains("one caller still uses the JWT half"),
        "evidence is written before it is asked: {refused}"
    );
    let other = Despite {
        project: "another".to_owned(),
        ..right.clone()
    };
    assert!(told(Some(other)).await.contains("not the name"));
    for reason in ["", "  ", "\u{1b}[31m", &"x".repeat(1001)] {
        let despite = Despite {
            reason: reason.to_owned(),
            ..right.clone()
        };
        assert!(told(Some(despite)).await.contains("a reason has"));
    }
    disable(Some(right.clone())).await.unwrap();
    let early = authority.finish_migration(id, None, &by).await;
    assert!(matches!(early, Err(ManageError::NotSafe(_))), "{early:?}");

    let noted = app
        .database
        .query("SELECT detail FROM audit WHERE action = 'migration.disabled'")
        .await;
    let noted: serde_json::Value = serde_json::from_str(&noted[0]).unwrap();
    assert_eq!(noted["review"], "still_used");
    assert_eq!(noted["despite_review"], right.reason);
    assert_eq!(noted["until"], app.now().plus(7 * DAY).to_string());

    // What is over needs nobody to insist.
    app.advance(7 * DAY);
    authority.finish_migration(id, None, &by).await.unwrap();
}

#[tokio::test]
async fn the_secret_stays_and_new_ones_and_services_come_for_both_halves() {
    let app = TestApp::with(|all| all.leads = false).await;
    let client = client(&app).await;
    let authority = &app.authority;
    let (id, by) = (&client.id, operator());
    authority.start_migration(id, &by).await.unwrap();
    let renew = async |label: &str| {
        let added = authority.add_secret(id, label.to_owned(), None, &by).await;
        TestClient {
            secret: added.unwrap().secret.unwrap().expose().to_owned(),
            ..client.clone()
        }
    };
    let renewed = renew("while both work").await;
    for client in [&client, &renewed] {
        assert_eq!(grants(&app, &app, client).await, (200, 200));
    }

    app.disable_jwt_half(&client).await;
    let latest = renew("in quarantine").await;
    let service = countersign_testkit::app::subscription("AdobeTargetSDK");
    let changed = authority.subscribe(id, service, &by).await.unwrap();
    assert_eq!(changed.subscriptions.len(), 2);
    for client in [&client, &latest] {
        assert_eq!(grants(&app, &app, client).await, (400, 200));
    }
    authority.restore_jwt_half(id, &by).await.unwrap();
    assert_eq!(grants(&app, &app, &latest).await, (200, 200));
}

#[tokio::test]
async fn an_organization_says_how_long_its_quarantines_are() {
    let app = TestApp::with(|all| all.config.quarantine_days = 3).await;
    let client = client(&app).await;
    let other = app.organization().await;
    let other = app.jwt(&other, &["DocCloudSDK"], keys::second()).await;
    let change = countersign_authority::OrganizationChange {
        quarantine: Some(countersign_model::Quarantine::of_days(30)),
        ..Default::default()
    };
    app.authority
        .change_organization(&client.org_id, change, &operator())
        .await
        .unwrap();
    for (client, days) in [(&client, 30), (&other, 3)] {
        app.disable_jwt_half(client).await;
        let Migration::Disabled { until, .. } = state(&app, client).await else {
            panic!("it was disabled");
        };
        assert_eq!(until, app.now().plus(days * DAY));
    }
}

#[tokio::test]
async fn steps_that_cannot_be_taken_say_why() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    let oauth = app.oauth(&client.org_id, &["DocCloudSDK"]).await;
    let authority = &app.authority;
    let by = operator();
    let told = |result: Result<Credential, ManageError>| result.unwrap_err().to_string();

    let finished = authority.finish_migration(&client.id, None, &by).await;
    assert!(told(finished).contains("no OAuth half yet"));
    let plain = Disabling::default();
    let disabled = authority.disable_jwt_half(&client.id, &plain, &by);
    assert!(told(disabled.await).contains("no OAuth half yet"));
    let restored = authority.restore_jwt_half(&client.id, &by).await;
    assert!(told(restored).contains("no OAuth half yet"));
    let started = authority.start_migration(&oauth.id, &by).await;
    assert!(told(started).contains("nothing to migrate"));
    authority.start_migration(&client.id, &by).await.unwrap();
    let finished = authority.finish_migration(&client.id, None, &by).await;
    assert!(told(finished).contains("disable it first"));
    app.migrate(&client).await;
    let cancelled = authority.cancel_migration(&client.id, &by).await;
    assert!(told(cancelled).contains("is completed"));
}
