//! Ends tokens before their time: at once here, within a second elsewhere, for good. Source:
//! security.md RVK-02 to RVK-06.

use std::time::Duration;

use countersign_authority::{Force, TokensOf};
use countersign_testkit::app::operator;
use countersign_testkit::{Assertion, Setup, TestApp, TestClient, keys};

use crate::revocation::within_a_second;

fn setup() -> Setup {
    Setup::default()
}

on_both_engines!(
    each_switch_ends_what_it_names_and_nothing_else,
    an_end_of_tokens_reaches_every_node_and_survives_a_restart,
    what_is_minted_after_the_end_holds,
    a_deleted_secret_can_take_its_tokens_along,
    a_deleted_certificate_can_take_its_tokens_along,
);

async fn client(app: &TestApp) -> TestClient {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    app.authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    client
}

async fn exchanged(app: &TestApp, client: &TestClient) -> String {
    let assertion = Assertion::of(client, app.now()).sign();
    app.anonymous().exchange(client, &assertion).await.token()
}

async fn holds(app: &TestApp, client: &TestClient, tokens: [&str; 3]) -> [bool; 3] {
    let [a, b, c] = tokens;
    let caller = app.anonymous();
    [
        caller.holds(client, a).await,
        caller.holds(client, b).await,
        caller.holds(client, c).await,
    ]
}

async fn each_switch_ends_what_it_names_and_nothing_else(app: &TestApp) {
    let client = client(app).await;
    let certificate = TokensOf::Certificate(client.certificate_id.clone().unwrap());
    let secret = TokensOf::Secret(client.secret_id.clone());
    let credential = TokensOf::Credential(client.id.clone());
    let first = app.anonymous().token(&client, "openid").await.token();
    let second = app.anonymous().token(&client, "openid").await.token();
    let third = exchanged(app, &client).await;
    let tokens = [first.as_str(), second.as_str(), third.as_str()];
    let authority = &app.authority;
    assert_eq!(holds(app, &client, tokens).await, [true; 3]);

    authority.end_token(&first, &operator()).await.unwrap();
    assert_eq!(holds(app, &client, tokens).await, [false, true, true]);
    authority
        .end_tokens(&certificate, &operator())
        .await
        .unwrap();
    assert_eq!(holds(app, &client, tokens).await, [false, true, false]);
    authority.end_tokens(&secret, &operator()).await.unwrap();
    assert_eq!(holds(app, &client, tokens).await, [false; 3]);

    app.advance(Duration::from_millis(1));
    let fourth = app.anonymous().token(&client, "openid").await.token();
    let fifth = exchanged(app, &client).await;
    authority
        .end_tokens(&credential, &operator())
        .await
        .unwrap();
    assert_eq!(
        holds(app, &client, [&fourth, &fifth, &first]).await,
        [false; 3]
    );
    let actions = app
        .database
        .query("SELECT subject FROM audit WHERE action = 'tokens.ended'");
    assert_eq!(actions.await.len(), 4);
}

async fn an_end_of_tokens_reaches_every_node_and_survives_a_restart(app: &TestApp) {
    let client = client(app).await;
    let node = app.second_node().await;
    let token = node.anonymous().token(&client, "openid").await.token();
    assert!(app.anonymous().holds(&client, &token).await);

    let of = TokensOf::Secret(client.secret_id.clone());
    app.authority.end_tokens(&of, &operator()).await.unwrap();

    within_a_second(async || !node.anonymous().holds(&client, &token).await).await;
    app.advance(Duration::from_secs(3600));
    let restarted = app.second_node().await;
    assert!(!restarted.anonymous().holds(&client, &token).await);
    let after = restarted.anonymous().token(&client, "openid").await.token();
    assert!(app.anonymous().holds(&client, &after).await);
}

/// The clock stands still: everything happens in one millisecond.
async fn what_is_minted_after_the_end_holds(app: &TestApp) {
    let client = client(app).await;
    let before = app.anonymous().token(&client, "openid").await.token();
    for of in [
        TokensOf::Secret(client.secret_id.clone()),
        TokensOf::Credential(client.id.clone()),
        TokensOf::Certificate(client.certificate_id.clone().unwrap()),
    ] {
        app.authority.end_tokens(&of, &operator()).await.unwrap();
        let after = app.anonymous().token(&client, "openid").await.token();
        assert!(app.anonymous().holds(&client, &after).await, "{of:?}");
        let exchanged = exchanged(app, &client).await;
        assert!(app.anonymous().holds(&client, &exchanged).await, "{of:?}");
    }
    assert!(!app.anonymous().holds(&client, &before).await);
}

async fn a_deleted_secret_can_take_its_tokens_along(app: &TestApp) {
    let client = client(app).await;
    let node = app.second_node().await;
    let authority = &app.authority;
    let second = authority
        .add_secret(&client.id, "second".to_owned(), None, &operator())
        .await
        .unwrap();
    let kept = TestClient {
        secret: second.secret.unwrap().expose().to_owned(),
        ..client.clone()
    };
    let by_first = app.anonymous().token(&client, "openid").await.token();
    let by_second = app.anonymous().token(&kept, "openid").await.token();

    authority
        .delete_secret_with_tokens(&client.id, &client.secret_id, Force::No, &operator())
        .await
        .unwrap();
    // A node that had not heard of it yet.
    app.advance(Duration::from_millis(400));
    let late = node.anonymous().token(&client, "openid").await;

    assert!(!app.anonymous().holds(&client, &by_first).await);
    assert!(app.anonymous().holds(&client, &by_second).await);
    within_a_second(async || !node.anonymous().holds(&client, &by_first).await).await;
    if late.status == 200 {
        let late = late.token();
        assert!(!app.anonymous().holds(&client, &late).await);
    }
    // Also what is found out later.
    let of = TokensOf::Secret(client.secret_id.clone());
    authority.end_tokens(&of, &operator()).await.unwrap();
}

async fn a_deleted_certificate_can_take_its_tokens_along(app: &TestApp) {
    let client = client(app).await;
    let by_jwt = exchanged(app, &client).await;
    let by_secret = app.anonymous().token(&client, "openid").await.token();
    let id = client.certificate_id.clone().unwrap();

    app.authority
        .delete_certificate_with_tokens(&client.id, &id, Force::Yes, &operator())
        .await
        .unwrap();

    assert!(!app.anonymous().holds(&client, &by_jwt).await);
    assert!(app.anonymous().holds(&client, &by_secret).await);
}

#[tokio::test]
async fn nothing_ends_for_a_token_that_is_not_ours() {
    let app = TestApp::new().await;
    let client = client(&app).await;
    let token = app.anonymous().token(&client, "openid").await.token();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let altered = format!("{signed}.{}", signature.replace(&signature[..4], "AAAA"));

    for text in ["", "x.y.z", altered.as_str()] {
        let refused = app.authority.end_token(text, &operator()).await;
        assert!(refused.unwrap_err().to_string().contains("nothing to end"));
    }

    assert!(app.anonymous().holds(&client, &token).await);
    let never = TokensOf::Secret("0123456789abcdef0123456789abcdef".parse().unwrap());
    assert!(app.authority.end_tokens(&never, &operator()).await.is_err());
    assert_eq!(app.database.count("revocations").await, 0);
}
