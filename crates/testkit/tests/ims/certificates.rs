//! Several certificates of one credential. Source: ims-protocol 3.4; security.md REQ-16, JOS-22.

use std::time::Duration;

use countersign_authority::{Force, ManageError, NewCertificate};
use countersign_jose::SigningKey;
use countersign_testkit::app::{YEAR, operator};
use countersign_testkit::{Answer, Assertion, TestApp, TestClient, keys};
use countersign_wire::CertificateId;

const NO_BINDING: &str = r#"{"error_description":"Could not match JWT signature to any of the bindings","error":"invalid_token"}"#;

async fn app_and_client() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::first())
        .await;
    (app, client)
}

async fn exchange(app: &TestApp, client: &TestClient, key: &SigningKey) -> Answer {
    let assertion = Assertion::of(client, app.now()).signed_by(key).sign();
    app.anonymous().exchange(client, &assertion).await
}

async fn add(app: &TestApp, client: &TestClient, from: Duration, until: Duration) -> CertificateId {
    let pem = keys::certificate(keys::second(), app.now().plus(from), app.now().plus(until));
    let added = app
        .authority
        .add_certificate(&client.id, &NewCertificate::Upload(pem), &operator())
        .await;
    added.unwrap().certificate.id
}

#[tokio::test]
async fn old_and_new_keys_sign_while_both_are_registered() {
    let (app, client) = app_and_client().await;
    exchange(&app, &client, keys::second())
        .await
        .must_be(400, NO_BINDING);

    add(&app, &client, Duration::ZERO, YEAR).await;

    exchange(&app, &client, keys::first()).await.token();
    exchange(&app, &client, keys::second()).await.token();
}

#[tokio::test]
async fn a_certificate_works_from_its_first_moment_until_before_its_last() {
    let (app, client) = app_and_client().await;
    add(
        &app,
        &client,
        Duration::from_secs(100),
        Duration::from_secs(200),
    )
    .await;
    let start = app.now();
    // Certificates count in whole seconds, and the clock stands at half of one.
    for (after, status) in [
        (0, 400),
        (99_499, 400),
        (99_500, 200),
        (199_499, 200),
        (199_500, 400),
        (999_999, 400),
    ] {
        app.clock.set(start.plus(Duration::from_millis(after)));
        assert_eq!(
            exchange(&app, &client, keys::second()).await.status,
            status,
            "after {after} ms"
        );
    }
}

#[tokio::test]
async fn a_deleted_certificate_verifies_nothing_from_then_on() {
    let (app, client) = app_and_client().await;
    let second = add(&app, &client, Duration::ZERO, YEAR).await;
    let node = app.second_node().await;
    let signed = Assertion::of(&client, app.now())
        .signed_by(keys::second())
        .sign();
    node.anonymous().exchange(&client, &signed).await.token();

    app.authority
        .delete_certificate(&client.id, &second, Force::No, &operator())
        .await
        .unwrap();

    exchange(&app, &client, keys::second())
        .await
        .must_be(400, NO_BINDING);
    exchange(&app, &client, keys::first()).await.token();
    crate::revocation::within_a_second(async || {
        node.anonymous().exchange(&client, &signed).await.status == 400
    })
    .await;
}

#[tokio::test]
async fn the_last_certificate_is_deleted_by_those_who_insist_only() {
    let (app, client) = app_and_client().await;
    let id = client.certificate_id.as_ref().unwrap();
    let delete = |force| {
        app.authority
            .delete_certificate(&client.id, id, force, &OPERATOR)
    };

    assert!(matches!(
        delete(Force::No).await,
        Err(ManageError::LastCertificate)
    ));
    exchange(&app, &client, keys::first()).await.token();
    delete(Force::Yes).await.unwrap();
    exchange(&app, &client, keys::first())
        .await
        .must_be(400, NO_BINDING);
}

static OPERATOR: std::sync::LazyLock<countersign_authority::Actor> =
    std::sync::LazyLock::new(operator);

#[tokio::test]
async fn certificates_of_others_verify_nothing_here() {
    let (app, client) = app_and_client().await;
    let neighbour = app
        .jwt(&client.org_id, &["DocCloudSDK"], keys::second())
        .await;
    exchange(&app, &neighbour, keys::second()).await.token();
    exchange(&app, &client, keys::second())
        .await
        .must_be(400, NO_BINDING);

    let stranger = app
        .jwt(&app.organization().await, &["DocCloudSDK"], keys::foreign())
        .await;
    exchange(&app, &stranger, keys::foreign()).await.token();
    exchange(&app, &client, keys::foreign())
        .await
        .must_be(400, NO_BINDING);
}

#[tokio::test]
async fn one_key_does_not_serve_two_organizations() {
    let (app, _) = app_and_client().await;
    let other = app.organization().await;
    let new = app
        .new_credential(&other, app.jwt_grant(keys::first()), &["DocCloudSDK"])
        .await;

    let refused = app.authority.create_credential(new, &operator()).await;

    assert!(
        matches!(refused, Err(ManageError::KeyOfAnotherOrganization)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_generated_pair_signs_and_its_key_is_handed_out_once() {
    let (app, client) = app_and_client().await;
    let made = app
        .authority
        .add_certificate(&client.id, &NewCertificate::Generate, &operator())
        .await
        .unwrap();
    let pem = made.private_key.unwrap();
    let key = SigningKey::from_pem(pem.expose()).unwrap();

    exchange(&app, &client, &key).await.token();

    let line = pem.expose().lines().nth(3).unwrap();
    let bytes = app.database.bytes();
    assert!(
        !bytes
            .windows(line.len())
            .any(|window| window == line.as_bytes())
    );
}

#[tokio::test]
async fn what_is_no_usable_certificate_is_refused_with_a_sentence() {
    let (app, client) = app_and_client().await;
    let now = app.now();
    let expired = keys::certificate(keys::second(), now.minus(YEAR), now);
    let same = keys::certificate(keys::first(), now, now.plus(YEAR));
    let key = keys::second().to_pem().unwrap();
    let cases = [
        (expired, "expired on"),
        (key.as_bytes().to_vec(), "this is a private key"),
        (b"nonsense".to_vec(), "not an X.509 certificate"),
        (same.repeat(2), "one certificate at a time"),
        (vec![b'-'; 70_000], "at most 64 KiB"),
    ];
    for (upload, sentence) in cases {
        let refused = app
            .authority
            .add_certificate(&client.id, &NewCertificate::Upload(upload), &operator())
            .await;
        let told = refused.unwrap_err().to_string();
        assert!(told.contains(sentence) && !told.contains("BEGIN"), "{told}");
    }
}
