//! What holds for any input. Source: security.md ANS-04, REQ-02, REQ-13; the grammar of errors and
//! the absence of faults are checked for every answer.

use countersign_testkit::{TestApp, TestClient, keys, redact};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

const PATHS: [&str; 8] = [
    "/ims/token/v2",
    "/ims/token/v3",
    "/ims/exchange/jwt",
    "/ims/exchange/v1/jwt",
    "/ims/validate_token/v1",
    "/ims/revoke",
    "/ims/invalidate_token/v2",
    "/ims/profile/v1",
];
const TYPES: [&str; 5] = [
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/json",
    "x",
];
const NAMES: [&str; 12] = [
    "grant_type",
    "client_id",
    "client_secret",
    "scope",
    "jwt_token",
    "token",
    "token_type",
    "type",
    "resource",
    "org_id",
    "foo",
    "",
];

async fn app_and_client() -> (TestApp, TestClient) {
    let app = TestApp::new().await;
    let client = app
        .jwt(
            &app.organization().await,
            &["DocCloudSDK", "McDtmSDK"],
            keys::first(),
        )
        .await;
    app.authority
        .start_migration(&client.id, &countersign_testkit::app::operator())
        .await
        .unwrap();
    (app, client)
}

/// So many examples of a strategy. The requests are asynchronous, so that the runner's own loop
/// cannot send them; the seed is fixed, so that a failure comes again.
fn examples<T: std::fmt::Debug>(number: usize, strategy: impl Strategy<Value = T>) -> Vec<T> {
    let rng = proptest::test_runner::TestRng::deterministic_rng(
        proptest::test_runner::RngAlgorithm::ChaCha,
    );
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..number)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}

#[tokio::test]
async fn no_bytes_lead_to_a_fault() {
    let (app, _) = app_and_client().await;
    let requests = (
        select(&PATHS[..]),
        select(&TYPES[..]),
        vec(any::<u8>(), 0..300),
    );

    for (path, content_type, body) in examples(600, requests) {
        let answer = app
            .anonymous()
            .post(path)
            .body(content_type, body.clone())
            .send()
            .await;
        assert!(
            answer.status < 500 && answer.status != 200,
            "{path} {content_type} {body:?}"
        );
    }
}

#[tokio::test]
async fn no_form_leads_to_a_fault() {
    let (app, client) = app_and_client().await;
    let values = prop_oneof![
        Just(client.client_id.as_str().to_owned()),
        Just(client.secret.clone()),
        Just("client_credentials".to_owned()),
        Just("openid,DCAPI".to_owned()),
        "[a-zA-Z0-9._-]{0,40}",
        "\\PC{0,20}",
        "[%&=+;,]{0,6}",
    ];
    let field = (select(&NAMES[..]), values);
    let requests = (
        select(&PATHS[..]),
        vec(field.clone(), 0..6),
        vec(field, 0..6),
        any::<bool>(),
    );

    for (path, query, body, as_multipart) in examples(800, requests) {
        let borrow = |fields: &[(&'static str, String)]| fields.to_vec();
        let (query, body) = (borrow(&query), borrow(&body));
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let body: Vec<_> = body
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let call = app.anonymous().post(path).query(&query);
        let call = if as_multipart {
            call.multipart(&body)
        } else {
            call.form(&body)
        };

        let answer = call.send().await;

        assert!(answer.status < 500, "{path} {query:?} {body:?}");
    }
}

#[tokio::test]
async fn no_assertion_leads_to_a_fault() {
    let (app, client) = app_and_client().await;
    let good = countersign_testkit::Assertion::of(&client, app.now());
    let payload = good.payload();
    let json = prop_oneof![
        "\\PC{0,40}",
        (0..payload.len(), any::<char>()).prop_map({
            let payload = payload.clone();
            move |(at, letter)| {
                payload
                    .chars()
                    .enumerate()
                    .map(|(n, c)| if n == at { letter } else { c })
                    .collect()
            }
        }),
        (0..payload.len()).prop_map(move |at| payload.chars().take(at).collect::<String>()),
    ];

    for (text, sign) in examples(300, (json, any::<bool>())) {
        let assertion = if sign {
            good.sign_payload(&text)
        } else {
            text.clone()
        };
        let answer = app.anonymous().exchange(&client, &assertion).await;
        assert!(answer.status < 500, "{text:?}");
    }
}

#[tokio::test]
async fn a_token_holds_only_what_is_granted_and_asked_for() {
    let (app, client) = app_and_client().await;
    let granted = [
        "openid",
        "AdobeID",
        "DCAPI",
        "read_organizations",
        "additional_info.job_function",
        "additional_info.projectedProductContext",
        "additional_info.roles",
    ];
    let others = ["firefly_api", "ff_apis", "OPENID", "openid.", "dcapi"];
    let known = select(granted.to_vec());
    let any_scope = prop_oneof![9 => known, 1 => select(others.to_vec())];
    let separators = select(&[",", ", ", " ", ",,", "  "][..]);

    for list in examples(400, vec((any_scope, separators), 0..9)) {
        let asked: String = list
            .iter()
            .flat_map(|(scope, separator)| [*scope, *separator])
            .collect();
        let answer = app.anonymous().token(&client, &asked).await;

        let all_granted = list.iter().all(|(scope, _)| granted.contains(scope));
        assert_eq!(
            answer.status == 200,
            all_granted && !list.is_empty(),
            "{asked:?}: {}",
            answer.body
        );
        if answer.status == 200 {
            let claims: serde_json::Value =
                serde_json::from_str(&redact::payload_text(&answer.token())).unwrap();
            let held: Vec<_> = claims["scope"].as_str().unwrap().split(',').collect();
            let mut expected: Vec<&str> = Vec::new();
            for (scope, _) in &list {
                if !expected.contains(scope) {
                    expected.push(scope);
                }
            }
            assert_eq!(held, expected, "{asked:?}");
        }
    }
}
