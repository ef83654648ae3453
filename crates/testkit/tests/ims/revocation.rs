//! Tokens that end before their time. Source: ims-protocol 4.5; security.md RVK-01 to RVK-06.

use std::time::{Duration, Instant};

use countersign_testkit::app::operator;
use countersign_testkit::{Setup, TestApp, TestClient, keys, redact};

fn setup() -> Setup {
    Setup::default()
}

on_both_engines!(
    a_revoked_token_is_dead_at_once_here_and_within_a_second_elsewhere,
    a_revocation_survives_a_restart_and_is_forgotten_after_its_token,
    a_token_is_revoked_whatever_the_clocks_say,
    without_the_store_nothing_is_said_to_be_revoked,
);

/// Waits until `holds` does: what takes rights away must reach every node within a second
/// (decision 7), and the rest within two.
pub async fn within_a_second(holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "not within a second"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn client(app: &TestApp) -> TestClient {
    app.oauth(&app.organization().await, &["DocCloudSDK"]).await
}

async fn a_revoked_token_is_dead_at_once_here_and_within_a_second_elsewhere(app: &TestApp) {
    let client = client(app).await;
    let node = app.second_node().await;
    let [token, other] = [0, 1].map(|_| app.anonymous());
    let (token, other) = (
        token.token(&client, "openid").await.token(),
        other.token(&client, "openid").await.token(),
    );
    assert!(node.anonymous().holds(&client, &token).await);

    app.anonymous()
        .revoke(&client, &token)
        .await
        .must_be(200, "");

    let verdict = app.anonymous().validate(&client, &token).await;
    verdict.must_be(200, r#"{"valid":false,"reason":"token_revoked"}"#);
    within_a_second(async || !node.anonymous().holds(&client, &token).await).await;
    assert!(node.anonymous().holds(&client, &other).await);
}

async fn a_token_is_revoked_whatever_the_clocks_say(app: &TestApp) {
    let client = client(app).await;
    for ahead in [3, 57] {
        let token = app.anonymous().token(&client, "openid").await.token();
        let minted_at = app.now();

        app.clock.set(minted_at.minus(Duration::from_secs(ahead)));
        let revoked = app.anonymous().revoke(&client, &token).await;
        app.clock.set(minted_at);

        revoked.must_be(200, "");
        let holds = app.anonymous().holds(&client, &token).await;
        assert!(!holds, "revoked by a clock that is {ahead} s behind");
    }
}

async fn a_revocation_survives_a_restart_and_is_forgotten_after_its_token(app: &TestApp) {
    let client = client(app).await;
    let token = app.anonymous().token(&client, "openid").await.token();
    app.anonymous()
        .revoke(&client, &token)
        .await
        .must_be(200, "");

    app.advance(Duration::from_secs(86_399));
    let restarted = app.second_node().await;
    assert!(!restarted.anonymous().holds(&client, &token).await);
    assert_eq!(app.database.count("revocations").await, 1);

    // A day more than its life: a clock that jumps ahead and back must not revive it.
    app.advance(Duration::from_secs(86_400 + 180));
    let _trims = app.second_node().await;
    let began = Instant::now();
    while app.database.count("revocations").await != 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "never trimmed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(
        !app.anonymous().holds(&client, &token).await,
        "it has expired by now"
    );
}

async fn without_the_store_nothing_is_said_to_be_revoked(app: &TestApp) {
    let client = client(app).await;
    app.caught_up().await;
    let token = app.anonymous().token(&client, "openid").await.token();
    app.store.close().await;
    let call = app
        .anonymous()
        .post("/ims/revoke")
        .form(&[("token", &token)]);

    let answer = call
        .basic(client.client_id.as_str(), &client.secret)
        .faults_expected()
        .send()
        .await;

    answer.must_fail(503, "temporarily_unavailable");
    assert!(answer.header("retry-after").is_some());
    assert!(app.anonymous().holds(&client, &token).await);
}

#[tokio::test]
async fn only_the_tokens_of_the_client_itself_are_touched() {
    let app = TestApp::new().await;
    let owner = client(&app).await;
    let neighbour = app.oauth(&owner.org_id, &["DocCloudSDK"]).await;
    let token = app.anonymous().token(&owner, "openid").await.token();

    app.anonymous()
        .revoke(&neighbour, &token)
        .await
        .must_be(200, "");
    let stranger = TestClient {
        secret: "p8e-wrong".to_owned(),
        ..owner.clone()
    };
    app.anonymous()
        .revoke(&stranger, &token)
        .await
        .must_fail(400, "invalid_client");
    let by_id = [
        ("token", token.as_str()),
        ("client_id", owner.client_id.as_str()),
    ];
    app.anonymous()
        .post("/ims/revoke")
        .form(&by_id)
        .send()
        .await
        .must_fail(400, "invalid_client");

    assert!(app.anonymous().holds(&owner, &token).await);
}

#[tokio::test]
async fn altered_copies_of_a_living_token_revoke_nothing() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    let token = app.anonymous().token(&client, "openid").await.token();
    let (header, payload) = (redact::header_text(&token), redact::payload_text(&token));
    let resigned = keys::foreign()
        .sign_compact(header.as_bytes(), payload.as_bytes())
        .unwrap();
    let unsigned = resigned.rsplit_once('.').unwrap().0.to_owned() + ".";
    let none = header.replace("RS256", "none");
    let none = keys::foreign()
        .sign_compact(none.as_bytes(), payload.as_bytes())
        .unwrap();

    for copy in [
        resigned,
        unsigned,
        none,
        "abc".to_owned(),
        "a.b.c".to_owned(),
    ] {
        app.anonymous()
            .revoke(&client, &copy)
            .await
            .must_be(200, "");
    }

    assert!(app.anonymous().holds(&client, &token).await);
    assert_eq!(app.database.count("revocations").await, 0);
}

#[tokio::test]
async fn unknown_tokens_are_no_error_and_a_missing_one_is() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    let token = app.anonymous().token(&client, "openid").await.token();
    let revoke = |form: &[(&str, &str)]| {
        let call = app.anonymous().post("/ims/revoke").form(form);
        call.basic(client.client_id.as_str(), &client.secret).send()
    };

    revoke(&[]).await.must_fail(400, "invalid_request");
    revoke(&[("token", "")])
        .await
        .must_fail(400, "invalid_request");
    revoke(&[("token", &token), ("token_type_hint", "refresh_token")])
        .await
        .must_be(200, "");
    assert!(!app.anonymous().holds(&client, &token).await);
    revoke(&[("token", &token)]).await.must_be(200, "");
    app.advance(Duration::from_secs(90_000));
    revoke(&[("token", &token)]).await.must_be(200, "");
}

#[tokio::test]
async fn invalidate_is_for_whoever_holds_the_token() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    let caller = app.anonymous();
    let id = client.client_id.as_str();
    let invalidate = |form: &[(&str, &str)]| {
        caller
            .post("/ims/invalidate_token/v2")
            .multipart(form)
            .send()
    };
    let token = caller.token(&client, "openid").await.token();
    let common = [
        ("token_type", "access_token"),
        ("token", token.as_str()),
        ("cascading", "all"),
    ];

    invalidate(&[&common[..], &[("client_id", "other")]].concat())
        .await
        .must_be(200, "{}");
    invalidate(
        &[
            &common[..],
            &[("client_id", id), ("client_secret", "wrong")],
        ]
        .concat(),
    )
    .await
    .must_fail(400, "invalid_client");
    invalidate(&common).await.must_fail(400, "invalid_client");
    invalidate(&[("client_id", id)])
        .await
        .must_fail(400, "invalid_request");
    let service = [
        ("token_type", "service_token"),
        ("token", token.as_str()),
        ("client_id", id),
    ];
    invalidate(&service).await.must_fail(400, "invalid_request");
    assert!(caller.holds(&client, &token).await);

    invalidate(&[&common[..], &[("client_id", id)]].concat())
        .await
        .must_be(200, "{}");
    assert!(!caller.holds(&client, &token).await);
}

#[tokio::test]
async fn causes_and_their_effect_on_living_tokens() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    let asking = app.oauth(&client.org_id, &["DocCloudSDK"]).await;
    let caller = app.anonymous();
    let token = caller.token(&client, "openid,DCAPI").await.token();
    let pdf = countersign_testkit::app::subscription("DocCloudSDK").service;
    let force = countersign_authority::Force::Yes;

    app.authority
        .delete_secret(&client.id, &client.secret_id, force, &operator())
        .await
        .unwrap();
    assert!(caller.holds(&asking, &token).await, "a rotated secret");
    app.authority
        .unsubscribe(&client.id, &pdf, &operator())
        .await
        .unwrap();
    assert!(caller.holds(&asking, &token).await, "a service taken away");
    app.authority
        .switch_project(&client.project_id, false, &operator())
        .await
        .unwrap();
    assert!(!caller.holds(&asking, &token).await, "a disabled project");
    app.authority
        .switch_project(&client.project_id, true, &operator())
        .await
        .unwrap();
    assert!(caller.holds(&asking, &token).await, "enabled again");
    app.authority
        .delete_credential(&client.id, &operator())
        .await
        .unwrap();
    assert!(!caller.holds(&asking, &token).await, "a deleted credential");
}
