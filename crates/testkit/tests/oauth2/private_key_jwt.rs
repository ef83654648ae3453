//! Clients that prove themselves by an assertion. Sources: RFC 7521, RFC 7523 sections 2.2 and 3;
//! security.md RPL-01 to RPL-03.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use countersign_authority::{ManageError, NewBrownout};
use countersign_jose::{Algorithm, Header, JwkSet, SigningKey};
use countersign_model::brownout::{Repeat, Share};
use countersign_testkit::app::operator;
use countersign_testkit::{Answer, Caller, ISSUER, Node, TestApp, TestClient, keys};
use countersign_wire::oauth::JWT_BEARER;
use countersign_wire::{BrownoutId, Timestamp};
use serde_json::{Map, Value, json};

use crate::support::{ES256, claims, client, disable, set_jwks};

/// What a client says of itself. As [`of`](Self::of) makes it, it is good.
#[derive(Clone)]
pub struct ClientAssertion(Map<String, Value>);

impl ClientAssertion {
    pub fn of(client: &TestClient, now: Timestamp) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let claims = json!({
            "iss": client.client_id,
            "sub": client.client_id,
            "aud": format!("{ISSUER}/oauth2/token"),
            "exp": now.as_seconds() + 60,
            "jti": format!("jti-{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        });
        Self(claims.as_object().unwrap().clone())
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    pub fn sign(&self, key: &SigningKey) -> String {
        self.sign_as(&Header::jwt(key.algorithm()), key)
    }

    fn sign_as(&self, header: &Header, key: &SigningKey) -> String {
        let payload = Value::Object(self.0.clone()).to_string();
        key.sign_compact(&header.to_json(), payload.as_bytes())
            .unwrap()
    }
}

/// Registers the public half of a key for a client.
pub async fn register(node: &Node, client: &TestClient, key: &SigningKey) {
    let set = key_set(&[("a", key)]);
    set_jwks(node, client, &set).await.unwrap();
}

fn key_set(keys: &[(&str, &SigningKey)]) -> String {
    let mut set = JwkSet::new();
    for (kid, key) in keys {
        set.insert(kid, key.verifying_key().clone()).unwrap();
    }
    set.to_json()
}

async fn ask(caller: &Caller, assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    caller.post("/oauth2/token").form(&form).send().await
}

fn es256() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Algorithm::Es256).unwrap())
}

fn eddsa() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    KEY.get_or_init(|| SigningKey::generate(Algorithm::EdDsa).unwrap())
}

async fn app_and_client() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = client(&app, ES256).await;
    register(&app, &client, es256()).await;
    (app, client)
}

#[tokio::test]
async fn a_registered_key_of_any_algorithm_is_believed_and_named_in_the_token() {
    let app = TestApp::new().await;
    let client = client(&app, ES256).await;
    let all = [("r", keys::first()), ("e", es256()), ("d", eddsa())];
    let set = key_set(&all);
    set_jwks(&app, &client, &set).await.unwrap();
    for (kid, key) in all {
        let assertion = ClientAssertion::of(&client, app.now());
        let header = Header::jwt(key.algorithm()).with_kid(kid);

        let token = ask(&app.anonymous(), &assertion.sign_as(&header, key)).await;

        let thumbprint = key.verifying_key().thumbprint();
        let token = token.token();
        assert_eq!(claims(&token)["minted_by"], format!("key:{thumbprint}"));
        assert!(app.anonymous().holds(&client, &token).await);
    }
}

/// Refuses the JWT half of a client for a minute.
async fn brown_out(app: &TestApp, client: &TestClient) -> BrownoutId {
    let new = NewBrownout {
        name: None,
        credentials: vec![client.id.clone()],
        at: None,
        lasts: Duration::from_secs(60),
        repeat: Repeat::Once,
        times: 1,
        share: Share::All,
        allowed: 1,
    };
    let planned = app
        .authority
        .plan_brownout(&client.org_id, new, &operator())
        .await;
    planned.unwrap().brownout.id
}

/// Whoever authenticates by a certificate uses the JWT half, also where nothing is exchanged.
#[tokio::test]
async fn a_certificate_goes_with_its_half() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let client = app.jwt(&org, &["CloudManagerSDK"], keys::first()).await;
    let (authority, by) = (&app.authority, operator());
    authority.start_migration(&client.id, &by).await.unwrap();
    let asked = async |key: &SigningKey| {
        let assertion = ClientAssertion::of(&client, app.now()).sign(key);
        ask(&app.anonymous(), &assertion).await
    };
    asked(keys::first()).await.token();
    app.authority.flush().await;
    let review = authority.review_migration(&client.id, &by).await;
    assert_eq!(review.unwrap().verdict.as_str(), "still_used");

    let brownout = brown_out(&app, &client).await;
    let refused = asked(keys::first()).await;
    refused.must_fail(401, "invalid_client");
    assert_eq!(refused.header("retry-after"), Some("60"));
    let cause = app.explain(refused.header("x-debug-id").unwrap()).await;
    assert!(cause.unwrap().contains("register the key"));
    let undone = authority.undo_brownout(&org, &brownout, &by).await;
    undone.unwrap();
    asked(keys::first()).await.token();

    app.disable_jwt_half(&client).await;
    let refused = asked(keys::first()).await;
    refused.must_fail(401, "invalid_client");
    let cause = app.explain(refused.header("x-debug-id").unwrap()).await;
    assert!(cause.unwrap().contains("which is disabled"));
    let shown = authority.show_migration(&client.id, &by).await.unwrap();
    let attempts = shown.status.attempts.map(|count| count.uses);
    assert_eq!(attempts, Some(1));
    register(&app, &client, es256()).await;
    asked(es256()).await.token();
}

#[tokio::test]
async fn a_certificate_of_the_credential_is_believed_until_it_ends() {
    let app = TestApp::new().await;
    let org = app.organization().await;
    let client = app.jwt(&org, &["CloudManagerSDK"], keys::first()).await;
    let migrated = app.authority.start_migration(&client.id, &operator()).await;
    migrated.unwrap();
    let assertion = ClientAssertion::of(&client, app.now()).sign(keys::first());

    let token = ask(&app.anonymous(), &assertion).await.token();

    let id = client.certificate_id.as_ref().unwrap();
    let payload = countersign_testkit::redact::payload_text(&token);
    assert!(payload.contains(&format!(r#""minted_by":"certificate:{id}""#)));
    app.advance(countersign_testkit::app::YEAR);
    let late = ClientAssertion::of(&client, app.now()).sign(keys::first());
    let late = ask(&app.anonymous(), &late).await;
    late.must_fail(401, "invalid_client");
}

#[tokio::test]
async fn the_issuer_is_an_audience_too_and_nothing_else_is() {
    let (app, client) = app_and_client().await;
    let good = ClientAssertion::of(&client, app.now()).with("aud", ISSUER);
    ask(&app.anonymous(), &good.sign(es256())).await.token();
    let list = ClientAssertion::of(&client, app.now()).with("aud", json!([ISSUER]));
    ask(&app.anonymous(), &list.sign(es256())).await.token();
    for aud in [
        json!(format!("{ISSUER}/")),
        json!(format!("{ISSUER}/oauth2/token/")),
        json!(format!("{ISSUER}/oauth2/introspect")),
        json!("https://other.example/oauth2/token"),
        json!(countersign_testkit::ALIAS),
        json!([ISSUER, "https://other.example"]),
        json!([]),
        json!(7),
    ] {
        let bad = ClientAssertion::of(&client, app.now()).with("aud", aud.clone());
        let answer = ask(&app.anonymous(), &bad.sign(es256())).await;
        assert_eq!(answer.status, 401, "{aud}");
    }
}

#[tokio::test]
async fn an_assertion_serves_once_on_all_nodes() {
    let (app, client) = app_and_client().await;
    let node = app.second_node().await;
    let assertion = ClientAssertion::of(&client, app.now()).sign(es256());
    ask(&app.anonymous(), &assertion).await.token();
    for caller in [app.anonymous(), node.anonymous()] {
        let again = ask(&caller, &assertion).await;
        again.must_fail(401, "invalid_client");
        let why = app.explain(&again.debug_id()).await;
        let why = match why {
            Some(why) => why,
            None => node.explain(&again.debug_id()).await.unwrap(),
        };
        assert!(why.contains("used before"), "{why}");
    }
}

#[tokio::test]
async fn an_assertion_used_by_many_at_once_is_good_for_one() {
    let (app, client) = app_and_client().await;
    let assertion = ClientAssertion::of(&client, app.now()).sign(es256());
    let caller = app.anonymous();
    let asking = (0..16).map(|_| {
        let (caller, assertion) = (caller.clone(), assertion.clone());
        tokio::spawn(async move { ask(&caller, &assertion).await.status })
    });
    let mut statuses = Vec::new();
    for asked in asking.collect::<Vec<_>>() {
        statuses.push(asked.await.unwrap());
    }
    let good = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(good, 1, "{statuses:?}");
}

#[tokio::test]
async fn a_refused_assertion_is_not_used_up() {
    let (app, client) = app_and_client().await;
    let good = ClientAssertion::of(&client, app.now());
    let forged = ask(&app.anonymous(), &good.sign(eddsa())).await;
    forged.must_fail(401, "invalid_client");
    ask(&app.anonymous(), &good.sign(es256())).await.token();
}

#[tokio::test]
async fn what_is_wrong_with_an_assertion_is_told_to_its_owner_only() {
    let (app, client) = app_and_client().await;
    let good = || ClientAssertion::of(&client, app.now());
    let now = app.now().as_seconds();
    let table = [
        (good().with("iss", "other"), "iss"),
        (good().with("sub", "other"), "client_id"),
        (good().without("sub"), "sub"),
        (good().without("iss"), "iss"),
        (good().without("exp"), "exp"),
        (good().without("jti"), "jti"),
        (good().with("jti", ""), "jti"),
        (good().with("exp", now - 31), "expired"),
        (good().with("exp", now + 601), "far"),
        (good().with("exp", (now + 60).to_string()), "exp"),
        (good().with("nbf", now + 60), "valid"),
    ];
    for (assertion, word) in table {
        let answer = ask(&app.anonymous(), &assertion.sign(es256())).await;
        answer.must_be(
            401,
            r#"{"error":"invalid_client","error_description":"Client authentication failed."}"#,
        );
        let why = app.explain(&answer.debug_id()).await.unwrap();
        assert!(why.contains(word) || word == "client_id", "{word}: {why}");
    }
    for edge in [now - 29, now + 600] {
        let assertion = good().with("exp", edge);
        ask(&app.anonymous(), &assertion.sign(es256()))
            .await
            .token();
    }
}

#[tokio::test]
async fn the_client_id_may_be_repeated_but_not_contradicted() {
    let (app, client) = app_and_client().await;
    for (id, status) in [(client.client_id.as_str(), 200), ("other", 401)] {
        let assertion = ClientAssertion::of(&client, app.now()).sign(es256());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion.as_str()),
        ];
        let answer = app.anonymous().post("/oauth2/token").form(&form).send();
        assert_eq!(answer.await.status, status);
    }
}

#[tokio::test]
async fn a_key_serves_its_own_credential_only() {
    let (app, owner) = app_and_client().await;
    let other = client(&app, ES256).await;
    let assertion = ClientAssertion::of(&other, app.now()).sign(es256());
    ask(&app.anonymous(), &assertion)
        .await
        .must_fail(401, "invalid_client");
    disable(&app, &owner).await;
    let assertion = ClientAssertion::of(&owner, app.now()).sign(es256());
    ask(&app.anonymous(), &assertion)
        .await
        .must_fail(401, "invalid_client");
}

#[tokio::test]
async fn a_key_that_was_taken_away_is_not_believed() {
    let (app, client) = app_and_client().await;
    let empty = set_jwks(&app, &client, r#"{"keys":[]}"#).await;
    assert_eq!(empty.unwrap().jwks, None);
    let assertion = ClientAssertion::of(&client, app.now()).sign(es256());
    ask(&app.anonymous(), &assertion)
        .await
        .must_fail(401, "invalid_client");
}

#[tokio::test]
async fn the_ims_face_does_not_take_assertions_of_clients() {
    let (app, client) = app_and_client().await;
    let assertion = ClientAssertion::of(&client, app.now()).sign(es256());
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "openid"),
        ("client_id", client.client_id.as_str()),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion.as_str()),
    ];
    let answer = app.anonymous().post("/ims/token/v3").form(&form).send();
    answer.await.must_fail(400, "invalid_client");
}

#[tokio::test]
async fn without_the_store_nothing_is_believed_twice() {
    let (app, client) = app_and_client().await;
    let first = ClientAssertion::of(&client, app.now()).sign(es256());
    ask(&app.anonymous(), &first).await.token();
    app.store.close().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", first.as_str()),
    ];
    let answer = app.anonymous().post("/oauth2/token").form(&form);
    let answer = answer.faults_expected().send().await;
    answer.must_fail(503, "temporarily_unavailable");
}

#[tokio::test]
async fn tokens_of_a_key_are_evidence_of_its_use() {
    let (app, client) = app_and_client().await;
    let assertion = ClientAssertion::of(&client, app.now()).sign(es256());
    ask(&app.anonymous(), &assertion).await.token();
    app.advance(Duration::from_secs(1));
    app.authority.flush().await;
    let usage = app.authority.list_usage(&client.id, &operator()).await;
    let text = format!("{:?}", usage.unwrap());
    assert!(
        text.contains(&es256().verifying_key().thumbprint()),
        "{text}"
    );
}

#[tokio::test]
async fn only_public_and_sound_keys_are_registered() {
    let (app, client) = app_and_client().await;
    let set = async |text: String| set_jwks(&app, &client, &text).await;
    let refused = set(r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#.to_owned()).await;
    assert!(
        matches!(refused, Err(ManageError::KeySet(_))),
        "{refused:?}"
    );
    let refused = set("[]".to_owned()).await;
    assert!(
        matches!(refused, Err(ManageError::KeySet(_))),
        "{refused:?}"
    );
    let refused = set(r#"{"keys":[{"kty":"EC","crv":"P-384"}]}"#.to_owned()).await;
    assert!(
        matches!(refused, Err(ManageError::NoUsableKey)),
        "{refused:?}"
    );
    // RFC 7517 appendix A.1 prints this one; RFC 7515 appendix A.3 prints its private half.
    let known = r#"{"keys":[{"kty":"EC","crv":"P-256",
        "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    let refused = set(known.to_owned()).await;
    assert!(
        matches!(refused, Err(ManageError::KnownTestKey)),
        "{refused:?}"
    );
    let many: Vec<_> = (0..6)
        .map(|_| SigningKey::generate(Algorithm::EdDsa).unwrap())
        .collect();
    let names = ["a", "b", "c", "d", "e", "f"];
    let many: Vec<_> = names.into_iter().zip(&many).collect();
    let refused = set(key_set(&many)).await;
    assert!(
        matches!(refused, Err(ManageError::KeyLimit(5))),
        "{refused:?}"
    );
    set(key_set(&many[1..])).await.unwrap();
}
