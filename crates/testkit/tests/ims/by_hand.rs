//! Tokens and assertions that people ask for on a credential's page, and what is counted by day.

use std::time::Duration;

use countersign_authority::{DAYS_SHOWN, Day, DayKind, Grant, ManageError, UsageSubject};
use countersign_model::deprecation::Preset;
use countersign_testkit::app::{YEAR, operator};
use countersign_testkit::{Setup, TestApp, TestClient, keys};
use countersign_wire::{Caller, Opaque, ScopeSet};

fn setup() -> Setup {
    Setup::default()
}

on_both_engines!(
    a_token_by_hand_holds_and_uses_no_secret,
    a_token_by_hand_ends_with_the_secret_it_names,
    a_pasted_key_makes_an_assertion_that_is_exchanged,
    a_key_of_nobody_makes_nothing,
    the_policy_holds_for_people_too,
    tokens_are_counted_by_day,
);

async fn jwt(app: &TestApp) -> TestClient {
    let org = app.organization().await;
    app.jwt(&org, &["DocCloudSDK"], keys::first()).await
}

fn pem(key: &countersign_jose::SigningKey) -> Opaque {
    Opaque::new(key.to_pem().unwrap().to_string())
}

async fn by_button(app: &TestApp, client: &TestClient) -> Result<String, ManageError> {
    let made = app
        .authority
        .make_token(&client.id, None, &Caller::default(), &operator())
        .await;
    made.map(|issued| issued.access_token)
}

async fn with_key(app: &TestApp, client: &TestClient) -> Result<String, ManageError> {
    let (key, caller) = (pem(keys::first()), Caller::default());
    let made = app
        .authority
        .make_token_with_key(&client.id, &key, &caller, &operator())
        .await;
    made.map(|issued| issued.access_token)
}

async fn a_token_by_hand_holds_and_uses_no_secret(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let too_much = ScopeSet::parse("openid,target_sdk").unwrap();

    let token = by_button(app, &client).await.unwrap();
    let refused = app
        .authority
        .make_token(&client.id, Some(too_much), &Caller::default(), &operator())
        .await;

    assert!(app.anonymous().holds(&client, &token).await);
    assert!(matches!(refused, Err(ManageError::Token(_))));
    app.authority.flush().await;
    let usage = app.authority.list_usage(&client.id, &operator()).await;
    let usage = usage.unwrap();
    assert_eq!(usage.len(), 1, "{usage:?}");
    assert_eq!(usage[0].subject, UsageSubject::Grant);
}

async fn a_token_by_hand_ends_with_the_secret_it_names(app: &TestApp) {
    use countersign_authority::Force;
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let token = by_button(app, &client).await.unwrap();

    app.authority
        .delete_secret_with_tokens(&client.id, &client.secret_id, Force::Yes, &operator())
        .await
        .unwrap();

    assert!(!app.anonymous().holds(&client, &token).await);
    let refused = by_button(app, &client).await;
    assert!(matches!(refused, Err(ManageError::NoLiveSecret)));
}

async fn a_pasted_key_makes_an_assertion_that_is_exchanged(app: &TestApp) {
    let client = jwt(app).await;

    let made = app
        .authority
        .make_assertion(&client.id, &pem(keys::first()), &operator())
        .await
        .unwrap();
    let answer = app
        .anonymous()
        .exchange(&client, made.assertion.expose())
        .await;
    let token = with_key(app, &client).await.unwrap();

    assert!(app.anonymous().holds(&client, &answer.token()).await);
    assert!(app.anonymous().holds(&client, &token).await);
    let a_day = Duration::from_secs(86_400);
    assert_eq!(made.expires_at, app.now().plus(a_day));
    assert!(
        made.payload.contains("ent_documentcloud_sdk"),
        "{}",
        made.payload
    );
    let refused = by_button(app, &client).await;
    assert!(
        matches!(refused, Err(ManageError::Token(_))),
        "no OAuth half"
    );
}

async fn a_key_of_nobody_makes_nothing(app: &TestApp) {
    let client = jwt(app).await;
    let before = app.database.count("audit").await;
    let make = async |key: Opaque| {
        let made = app
            .authority
            .make_assertion(&client.id, &key, &operator())
            .await;
        made.unwrap_err()
    };

    let foreign = make(pem(keys::foreign())).await;
    let nonsense = make(Opaque::new("secret nonsense".to_owned())).await;
    app.advance(YEAR + Duration::from_secs(1));
    let expired = make(pem(keys::first())).await;

    assert!(matches!(foreign, ManageError::ForeignKey));
    assert!(matches!(expired, ManageError::ForeignKey));
    assert!(matches!(nonsense, ManageError::PrivateKey(_)));
    assert!(!nonsense.to_string().contains("secret nonsense"));
    assert_eq!(app.database.count("audit").await, before);
}

async fn the_policy_holds_for_people_too(app: &TestApp) {
    let client = jwt(app).await;
    app.set_policy(None, Preset::AsItWent.policy()).await;
    assert!(with_key(app, &client).await.is_ok());

    app.set_date("2026-03-01");

    let refused = with_key(app, &client).await.unwrap_err();
    assert!(refused.to_string().contains("2026-03-01"), "{refused}");
}

async fn tokens_are_counted_by_day(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let days = async || {
        app.authority.flush().await;
        let days = app.authority.list_days(&client.id, &operator()).await;
        let shown = |day: &Day| (day.day_at.date(), day.kind, day.grant, day.uses);
        days.unwrap().iter().map(shown).collect::<Vec<_>>()
    };
    let of = |date: &str, uses| {
        let kind = DayKind::Token;
        (date.to_owned(), kind, Grant::ClientCredentials, uses)
    };

    app.anonymous().token(&client, "openid").await.token();
    by_button(app, &client).await.unwrap();
    assert_eq!(days().await, [of("2026-02-01", 2)]);
    app.set_date("2026-02-02T00:00:00Z");
    app.anonymous().token(&client, "openid").await.token();

    assert_eq!(days().await, [of("2026-02-01", 2), of("2026-02-02", 1)]);
    let project = app
        .authority
        .find_project(&org, client.project_id.as_str(), &operator())
        .await
        .unwrap();
    assert_eq!(project.active_at.unwrap().date(), "2026-02-02");
    app.advance(Duration::from_secs(u64::from(DAYS_SHOWN - 1) * 86_400));
    assert_eq!(
        days().await,
        [of("2026-02-02", 1)],
        "the first day is too old"
    );
    let stored = app.database.count("daily_usage").await;
    app.advance(Duration::from_secs(10 * 86_400));
    app.authority.work_as_leader().await.unwrap();
    assert_eq!((stored, app.database.count("daily_usage").await), (2, 0));
}
