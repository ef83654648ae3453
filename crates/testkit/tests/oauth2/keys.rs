//! Keys of several algorithms. Sources: security.md KEY-01, KEY-02, JOS-18.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_authority::Rotation;
use countersign_model::SigningAlgorithm;
use countersign_testkit::app::operator;
use countersign_testkit::{Caller, TestApp};
use serde_json::Value;

use crate::support::{ES256, client, header, standard};

async fn published(caller: &Caller) -> Vec<(String, String)> {
    let standard = caller.get("/oauth2/keys").send().await;
    assert_eq!(standard.body, caller.get("/ims/keys").send().await.body);
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    let keys = standard.json()["keys"].as_array().unwrap().clone();
    keys.iter()
        .map(|key| (text(key, "alg"), text(key, "kid")))
        .collect()
}

#[tokio::test]
async fn a_key_is_made_when_the_first_credential_wants_it() {
    let app = TestApp::new().await;
    let caller = app.anonymous();
    assert_eq!(published(&caller).await.len(), 1);

    client(&app, ES256).await;
    client(&app, ES256).await;
    client(&app, standard(SigningAlgorithm::EdDsa)).await;

    let keys = published(&caller).await;
    let algorithms: Vec<_> = keys.iter().map(|(alg, _)| alg.as_str()).collect();
    assert_eq!(algorithms, ["RS256", "ES256", "EdDSA"]);
    let kids: BTreeSet<_> = keys.iter().map(|(_, kid)| kid).collect();
    assert_eq!(kids.len(), 3);
}

#[tokio::test]
async fn a_new_node_and_an_old_one_know_every_key() {
    let app = TestApp::new().await;
    let old = app.second_node().await;
    let client = client(&app, ES256).await;
    let token = app.anonymous().token(&client, "openid").await.token();
    let new = app.second_node().await;
    for node in [&old, &new] {
        assert!(node.anonymous().holds(&client, &token).await);
        assert_eq!(published(&node.anonymous()).await.len(), 2);
    }
}

#[tokio::test]
async fn public_members_only_are_published() {
    let app = TestApp::new().await;
    client(&app, ES256).await;
    client(&app, standard(SigningAlgorithm::EdDsa)).await;
    let set = app.anonymous().get("/oauth2/keys").send().await;
    let members = |key: &Value| key.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let set = set.json();
    let all: Vec<_> = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(members)
        .collect();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names.join(" ")
    };
    let all: Vec<_> = all.into_iter().map(sorted).collect();
    assert_eq!(
        all,
        [
            "alg e kid kty n use",
            "alg crv kid kty use x y",
            "alg crv kid kty use x"
        ]
    );
    for kid in ["ims_na1-key-at-2", "ims_na1-key-at-3"] {
        let path = format!("/keys/prod/{kid}.cer");
        let certificate = app.anonymous().get(&path).send().await;
        certificate.must_fail(404, "not_found");
    }
}

#[tokio::test]
async fn a_rotation_moves_every_algorithm_and_no_token_fails() {
    let app = TestApp::new().await;
    let es = client(&app, ES256).await;
    let ed = client(&app, standard(SigningAlgorithm::EdDsa)).await;
    let mut tokens = Vec::new();
    let mut kids = BTreeSet::new();
    for step in 0..4 {
        for client in [&es, &ed] {
            let token = app.anonymous().token(client, "openid").await.token();
            kids.insert(header(&token)["kid"].to_string());
            tokens.push((client, token));
        }
        match app.authority.rotate_keys(&operator()).await.unwrap() {
            Rotation::Published { keys, .. } => assert_eq!((step % 2, keys.len()), (0, 3)),
            Rotation::Activated { keys, retired } => {
                assert_eq!((step % 2, keys.len(), retired.len()), (1, 3, 3));
            }
        }
        app.advance(Duration::from_secs(400));
        for (client, token) in &tokens {
            assert!(app.anonymous().holds(client, token).await, "step {step}");
        }
    }
    assert_eq!(kids.len(), 4, "{kids:?}");
    let keys = published(&app.anonymous()).await;
    let all: BTreeSet<_> = keys.iter().map(|(_, kid)| kid).collect();
    assert_eq!((keys.len(), all.len()), (9, 9));
}
