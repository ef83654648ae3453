//! What bounds a credential over the management API: dates, registered keys, the end of tokens.

use countersign_jose::{Algorithm, JwkSet, SigningKey};
use countersign_model::Role;
use countersign_testkit::assertion::Assertion;
use countersign_testkit::{TestApp, keys};
use http::Method;
use serde_json::{Value, json};

use crate::caller::{json as with, operators, problem, program};

on_both_engines!(
    the_operator_sets_dates_that_act_at_once,
    keys_are_registered_and_taken_away,
    tokens_end_before_their_time,
    a_client_id_leads_to_its_credential,
);

async fn the_operator_sets_dates_that_act_at_once(app: &TestApp) {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let by = operators(app).await;
    let path = format!("/organizations/{org}/policy");
    let set = by
        .patch(&path, &json!({"preset": "as-it-went", "no_new_on": null}))
        .await;
    assert_eq!(set.status, 200, "{}", set.body);
    let dates = json!({
        "deprecated_on": "2023-05-01T00:00:00Z", "no_new_on": null,
        "end_of_life_on": "2025-07-01T00:00:00Z", "final_on": "2026-03-01T00:00:00Z",
    });
    assert_eq!(set.json(), dates);
    // What is absent stays; the clock of the test stands in February.
    let ended = by.patch(&path, &json!({"final_on": "2026-01-01"})).await;
    assert_eq!(ended.json()["end_of_life_on"], dates["end_of_life_on"]);
    let assertion = Assertion::of(&client, app.now()).sign();
    let refused = app.anonymous().exchange(&client, &assertion).await;
    assert!(
        refused.body.contains("ended on 2026-01-01"),
        "{}",
        refused.body
    );

    let whole = by
        .patch("/policy", &json!({"final_on": "2031-01-01"}))
        .await;
    assert_eq!(whole.json()["final_on"], "2031-01-01T00:00:00Z");
    assert_eq!(by.delete(&path).await.status, 204);
    assert_eq!(by.get(&path).await.json(), by.get("/policy").await.json());
    app.anonymous().exchange(&client, &assertion).await.token();

    for (body, expected) in [
        (json!({"final_on": "2020-01-01"}), (422, "invalid")),
        (json!({"final_on": "soon"}), (400, "bad_request")),
        (json!({"preset": "none"}), (400, "bad_request")),
        (json!({"finally_on": null}), (400, "bad_request")),
    ] {
        let (status, code) = problem(&by.patch(&path, &body).await);
        assert_eq!((status, code.as_str()), expected, "{body}");
    }
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let refused = ada.patch(&path, &json!({"preset": "open"})).await;
    assert_eq!(problem(&refused), (403, "role_too_low".to_owned()));
    let told = "SELECT detail FROM audit WHERE action = 'policy.set'";
    let told = app.database.query(told).await;
    let mut told = told
        .iter()
        .map(|text| serde_json::from_str::<Value>(text).unwrap());
    let change = (instant("2026-03-01"), instant("2026-01-01"));
    let is_told = |one: Value| {
        (
            one["before"]["final_on"].clone(),
            one["after"]["final_on"].clone(),
        )
    };
    assert!(told.any(|one| is_told(one) == change));
}

/// Times stand in the activity log as instants.
fn instant(date: &str) -> Value {
    let at: countersign_wire::Timestamp = date.parse().unwrap();
    json!(at)
}

async fn keys_are_registered_and_taken_away(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let bob = program(app, &org, "bob@example.com", Role::Developer).await;
    let path = format!("/organizations/{org}/credentials/{}/jwks", client.id);
    let shown = bob.get(&path).await;
    assert_eq!(
        (shown.json(), shown.header("etag")),
        (json!({"keys": []}), Some("\"0\""))
    );
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let mut set = JwkSet::new();
    set.insert("one", key.verifying_key().clone()).unwrap();
    let set: Value = serde_json::from_str(&set.to_json()).unwrap();
    let put = async |tag: &str, body: &Value| {
        let call = bob.call(Method::PUT, &path).header("if-match", tag);
        with(call, body).send().await
    };
    let put_first = put("\"0\"", &set).await;
    assert_eq!(
        (put_first.status, put_first.header("etag")),
        (200, Some("\"1\""))
    );
    assert_eq!(
        (put_first.json(), bob.get(&path).await.json()),
        (set.clone(), set)
    );
    assert_eq!(problem(&put("\"0\"", &json!({"keys": []})).await).0, 412);
    let useless = put("\"1\"", &json!({"keys": [{"kty": "oct", "k": "AA"}]})).await;
    assert_eq!(problem(&useless), (422, "invalid".to_owned()));
    assert_eq!(
        put("\"1\"", &json!({"keys": []})).await.json(),
        json!({"keys": []})
    );
}

async fn tokens_end_before_their_time(app: &TestApp) {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let bob = program(app, &org, "bob@example.com", Role::Developer).await;
    let base = format!("/organizations/{org}/credentials/{}", client.id);
    let exchanged = async || {
        app.anonymous()
            .exchange(&client, &Assertion::of(&client, app.now()).sign())
            .await
            .token()
    };
    let certificate = client.certificate_id.clone().unwrap();
    for (path, subject) in [
        (
            format!("{base}/certificates/{certificate}/tokens"),
            format!("certificate:{certificate}"),
        ),
        (
            format!("{base}/tokens"),
            format!("credential:{}", client.id),
        ),
    ] {
        let token = exchanged().await;
        assert!(app.anonymous().holds(&client, &token).await);
        let ended = bob.delete(&path).await;
        assert_eq!(
            (ended.status, ended.json()["subject"].clone()),
            (200, json!(subject))
        );
        assert!(!app.anonymous().holds(&client, &token).await, "{path}");
        app.advance(std::time::Duration::from_secs(1));
        let later = exchanged().await;
        assert!(
            app.anonymous().holds(&client, &later).await,
            "what comes later holds"
        );
    }

    let other = app.oauth(&org, &["DocCloudSDK"]).await;
    let token = app.anonymous().token(&other, "openid").await.token();
    let path = format!(
        "/organizations/{org}/credentials/{}/secrets/{}/tokens",
        other.id, other.secret_id
    );
    assert_eq!(
        bob.delete(&path).await.json()["subject"],
        format!("secret:{}", other.secret_id)
    );
    assert!(!app.anonymous().holds(&other, &token).await);
    // A secret of another credential is not there.
    let elsewhere = format!("{base}/secrets/{}/tokens", other.secret_id);
    assert_eq!(
        problem(&bob.delete(&elsewhere).await),
        (404, "not_found".to_owned())
    );
}

async fn a_client_id_leads_to_its_credential(app: &TestApp) {
    let (org, other) = (app.organization().await, app.organization().await);
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let ada = program(app, &org, "ada@example.com", Role::Viewer).await;
    let eve = program(app, &other, "eve@example.com", Role::Viewer).await;
    let find = |org: &countersign_wire::OrgId, id: &str| {
        format!("/organizations/{org}/credentials?client_id={id}")
    };
    let found = ada.get(&find(&org, client.client_id.as_str())).await.json();
    assert_eq!(found["items"][0]["id"], client.id.to_string());
    for nothing in ["x", &"0".repeat(32)] {
        assert_eq!(
            ada.get(&find(&org, nothing)).await.json()["items"],
            json!([]),
            "{nothing}"
        );
    }
    let foreign = eve.get(&find(&other, client.client_id.as_str())).await;
    assert_eq!(foreign.json()["items"], json!([]));
    let foreign = eve.get(&find(&org, client.client_id.as_str())).await;
    assert_eq!(problem(&foreign).0, 404);
}
