//! What owners are told: who used what, and why something was refused.

use countersign_authority::Grant;
use countersign_store::usage::UsageSubject;
use countersign_testkit::app::operator;
use countersign_testkit::{Answer, Assertion, Setup, TestApp, TestClient, keys};

fn setup() -> Setup {
    Setup::default()
}

on_both_engines!(
    every_use_leaves_its_evidence,
    refusals_are_explained_by_their_debug_id
);

async fn client(app: &TestApp) -> TestClient {
    let client = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await;
    app.authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    client
}

async fn every_use_leaves_its_evidence(app: &TestApp) {
    let client = client(app).await;
    let start = app.now();
    app.anonymous().token(&client, "openid").await.token();
    app.advance(std::time::Duration::from_secs(60));
    app.anonymous().token(&client, "openid").await.token();
    app.anonymous()
        .exchange(&client, &Assertion::of(&client, app.now()).sign())
        .await
        .token();
    app.anonymous()
        .token(&client, "there_is_none")
        .await
        .must_fail(400, "invalid_scope");

    app.authority.flush().await;

    let usage = app
        .authority
        .list_usage(&client.id, &operator())
        .await
        .unwrap();
    let of = |subject: &UsageSubject, grant| {
        let found = usage
            .iter()
            .find(|u| u.subject == *subject && u.grant == grant)
            .unwrap();
        (found.first_used_at, found.last_used_at, found.uses)
    };
    let secret = UsageSubject::Secret(client.secret_id.clone());
    let certificate = UsageSubject::Certificate(client.certificate_id.clone().unwrap());
    assert_eq!(
        of(&UsageSubject::Grant, Grant::ClientCredentials),
        (start, app.now(), 2)
    );
    assert_eq!(of(&secret, Grant::ClientCredentials), (start, app.now(), 2));
    assert_eq!(
        of(&UsageSubject::Grant, Grant::JwtExchange),
        (app.now(), app.now(), 1)
    );
    assert_eq!(
        of(&certificate, Grant::JwtExchange),
        (app.now(), app.now(), 1)
    );
}

async fn refusals_are_explained_by_their_debug_id(app: &TestApp) {
    let client = client(app).await;
    let caller = app.anonymous();
    let good = Assertion::of(&client, app.now());
    let now = app.now().as_seconds();
    let mut mistyped = client.clone();
    let last = mistyped.secret.pop().unwrap();
    mistyped.secret.push(if last == 'A' { 'B' } else { 'A' });
    let other = app.oauth(&client.org_id, &["DocCloudSDK"]).await;
    let elsewhere = TestClient {
        secret: other.secret,
        ..client.clone()
    };
    let late = good.clone().with("exp", now - 400).sign();
    let ahead = good.clone().with("nbf", now + 120).sign();
    let foreign = good.clone().signed_by(keys::foreign()).sign();
    let another = good
        .clone()
        .with("sub", "00112233445566778899AABB@techacct.adobe.com")
        .sign();
    let broken = good.clone().with("exp", "soon").sign();
    let metascope = good
        .clone()
        .with("https://ims-na1.adobelogin.com/s/ent_user_sdk", true)
        .sign();
    let table: [(Answer, &[&str]); 10] = [
        (
            caller.token(&mistyped, "openid").await,
            &["mistyped", "1 live secrets"],
        ),
        (
            caller.token(&elsewhere, "openid").await,
            &["well formed", "deleted or belongs to another credential"],
        ),
        (
            caller.token(&client, "openid,ff_apis,firefly_api").await,
            &["ff_apis,firefly_api", "DCAPI"],
        ),
        (
            caller.exchange(&client, &late).await,
            &["expired 400 s ago", "check the client's clock"],
        ),
        (
            caller.exchange(&client, &ahead).await,
            &["nbf", "120 s ahead"],
        ),
        (
            caller.exchange(&client, &foreign).await,
            &["none of the credential's 1 valid certificates"],
        ),
        (
            caller.exchange(&client, &another).await,
            &["sub is not the credential's", client.account_id.as_str()],
        ),
        (caller.exchange(&client, &broken).await, &["exp"]),
        (
            caller.exchange(&client, &metascope).await,
            &["ent_user_sdk", "ent_documentcloud_sdk"],
        ),
        (caller.exchange(&client, "x.y").await, &["cannot be read"]),
    ];
    for (answer, words) in table {
        let told = app.explain(&answer.debug_id()).await.unwrap();
        let record = countersign_authority::explain(&app.store, &answer.debug_id()).await;
        let about = record.unwrap().and_then(|record| record.credential_id);
        assert_eq!(about.as_ref(), Some(&client.id), "{told}");
        for word in words {
            assert!(told.contains(word), "{word:?} in {told:?}");
        }
        assert!(!answer.body.contains(&told));
    }
    assert_eq!(
        app.explain("00000000-0000-4000-8000-000000000000").await,
        None
    );
}

#[tokio::test]
async fn an_unknown_client_is_explained_too() {
    let app = TestApp::new().await;
    let stranger = TestClient {
        client_id: "nobody".parse().unwrap(),
        ..client(&app).await
    };

    let answer = app.anonymous().token(&stranger, "openid").await;

    let told = app.explain(&answer.debug_id()).await.unwrap();
    assert!(told.contains("no credential has this client_id"), "{told}");
}
