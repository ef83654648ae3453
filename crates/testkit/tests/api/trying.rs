//! What people do on the page of a credential, done by their programs: try it out, download its
//! project, look at its days and at its own log.

use std::time::Duration;

use countersign_model::Role;
use countersign_testkit::{TestApp, keys};
use serde_json::json;

use crate::caller::{problem, program};

on_both_engines!(
    tokens_and_assertions_are_made_by_hand,
    projects_are_downloaded_and_days_are_listed,
    logs_are_narrowed_to_a_project_or_a_credential,
    services_say_what_is_in_the_way,
);

async fn tokens_and_assertions_are_made_by_hand(app: &TestApp) {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let bob = program(app, &org, "bob@example.com", Role::Developer).await;
    let path = format!("/organizations/{org}/credentials/{}", client.id);
    let (tokens, assertions) = (format!("{path}/tokens"), format!("{path}/assertions"));
    let key = keys::first().to_pem().unwrap().to_string();

    let made = bob.post(&assertions, &json!({"private_key": key})).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert!(!made.body.contains("PRIVATE KEY"));
    let made = made.json();
    assert_eq!(made["payload"]["iss"], org.as_str());
    let assertion = made["assertion"].as_str().unwrap();
    app.anonymous().exchange(&client, assertion).await.token();
    let token = bob.post(&tokens, &json!({"private_key": key})).await;
    assert!(app.anonymous().holds(&client, &token.token()).await);
    let life = token.json()["expires_in_seconds"].as_u64().unwrap();
    assert!((86_000..=86_400).contains(&life), "{life}");

    for (body, expected) in [
        (json!({}), (409, "not_possible_now")),
        (json!({"private_key": "no key"}), (422, "invalid")),
        (
            json!({"private_key": key, "scopes": ["openid"]}),
            (400, "bad_request"),
        ),
    ] {
        let refused = bob.post(&tokens, &body).await;
        let (status, code) = problem(&refused);
        assert_eq!((status, code.as_str()), expected, "{}", refused.body);
        assert!(!refused.body.contains("no key"), "{}", refused.body);
    }
    let step = json!({"step": "start"});
    let started = bob.post(&format!("{path}/migration"), &step).await;
    assert_eq!(started.status, 200, "{}", started.body);
    let some = bob.post(&tokens, &json!({"scopes": ["openid"]})).await;
    assert!(app.anonymous().holds(&client, &some.token()).await);
    assert_eq!(some.json()["scope"], "openid");
    let foreign = bob.post(&tokens, &json!({"scopes": ["target_sdk"]})).await;
    assert_eq!(problem(&foreign).0, 409, "{}", foreign.body);
}

async fn projects_are_downloaded_and_days_are_listed(app: &TestApp) {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let bob = program(app, &org, "bob@example.com", Role::Developer).await;
    let path = format!("/organizations/{org}/credentials/{}", client.id);
    let detail = bob.get(&path).await.json();
    assert_eq!(detail["metascopes"], json!(["ent_documentcloud_sdk"]));
    assert!(
        detail["scopes"]
            .as_array()
            .unwrap()
            .contains(&json!("openid"))
    );
    assert!(detail["deprecation"]["deprecated_on"].is_string());
    assert_eq!(detail["deprecation"]["sunset"], json!(null));
    let oauth = app.oauth(&org, &["DocCloudSDK"]).await;
    let other = format!("/organizations/{org}/credentials/{}", oauth.id);
    let other = bob.get(&other).await.json();
    assert_eq!(
        (&other["deprecation"], &other["metascopes"]),
        (&json!(null), &json!([]))
    );

    let project = format!("/organizations/{org}/projects/{}", client.project_id);
    let document = bob.get(&format!("{project}/download")).await;
    assert_eq!(document.status, 200, "{}", document.body);
    let workspace = &document.json()["project"]["workspace"];
    let credential = &workspace["details"]["credentials"][0];
    assert_eq!(credential["integration_type"], "service");
    assert_eq!(credential["jwt"]["client_id"], client.client_id.as_str());

    let key = json!({"private_key": keys::first().to_pem().unwrap().to_string()});
    bob.post(&format!("{path}/tokens"), &key).await.token();
    app.authority.flush().await;
    let usage = bob.get(&format!("{path}/usage")).await.json();
    let day = json!({"day": "2026-02-01", "kind": "token", "grant": "jwt_exchange", "uses": 1});
    assert_eq!(usage["days"], json!([day]));
}

async fn logs_are_narrowed_to_a_project_or_a_credential(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let other = app.oauth(&org, &["DocCloudSDK"]).await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let path = format!("/organizations/{org}/credentials/{}", client.id);
    app.advance(Duration::from_secs(1));
    assert_eq!(ada.delete(&format!("{path}/tokens")).await.status, 200);
    app.advance(Duration::from_secs(1));
    assert_eq!(ada.delete(&path).await.status, 204);
    let listed = async |query: &str| -> Vec<String> {
        let found = ada
            .get(&format!("/organizations/{org}/activity?{query}"))
            .await;
        let found = found.json();
        let events = found["items"].as_array().unwrap().iter();
        let text = |event: &serde_json::Value| event["action"].as_str().unwrap().to_owned();
        events.map(text).collect()
    };
    let of_credential = ["credential.deleted", "tokens.ended", "credential.created"];
    let by_credential = format!("credential={}", client.id);
    assert_eq!(listed(&by_credential).await, of_credential);
    let mut by_project = listed(&format!("project={}", client.project_id)).await;
    // The first two are of one moment.
    by_project[2..].sort_unstable();
    assert_eq!(by_project[..3], of_credential);
    assert_eq!(by_project[3..], ["project.created"]);
    let both = format!("project={}&credential={}", client.project_id, other.id);
    assert_eq!(listed(&both).await, [""; 0]);
    let one = format!("{by_credential}&action=tokens.ended");
    assert_eq!(listed(&one).await, ["tokens.ended"]);
}

async fn services_say_what_is_in_the_way(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let path = format!("/organizations/{org}");
    let new = json!({"service": "DocCloudSDK", "name": "p"});
    assert_eq!(
        ada.post(&format!("{path}/profiles"), &new).await.status,
        201
    );
    for (who, role, expected) in [
        (
            "v@example.com",
            Role::Viewer,
            ["developer_role", "developer_role"],
        ),
        (
            "d@example.com",
            Role::Developer,
            ["product_profiles", "administrator_role"],
        ),
    ] {
        let by = program(app, &org, who, role).await;
        let services = by.get(&format!("{path}/services")).await.json();
        let obstacle = |code: &str| {
            let mut all = services["items"].as_array().unwrap().iter();
            let service = all.find(|one| one["code"] == code).unwrap();
            service["obstacles"][0].as_str().unwrap().to_owned()
        };
        assert_eq!(["DocCloudSDK", "UserMgmtSDK"].map(obstacle), expected);
    }
    let all = ada.get(&format!("{path}/services")).await.json();
    let all = all["items"].as_array().unwrap();
    assert!(all.iter().all(|one| one["obstacles"] == json!([])));
}
