//! What clients find out by themselves. Source: security.md MET-01 to MET-03, JOS-18, JOS-19;
//! RFC 8414; ims-protocol 1.7, 4.3.

use std::collections::BTreeSet;

use countersign_jose::Certificate;
use countersign_testkit::app::operator;
use countersign_testkit::{ISSUER, TestApp};
use serde_json::{Value, json};

const DOCUMENTS: [&str; 2] = [
    "/ims/.well-known/openid-configuration",
    "/.well-known/openid-configuration",
];

#[tokio::test]
async fn the_issuer_is_the_configured_one_whatever_the_host_says() {
    let app = TestApp::new().await;
    for path in DOCUMENTS {
        let usual = app.anonymous().get(path).send().await;
        let foreign = app
            .anonymous()
            .get(path)
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example");
        let foreign = foreign
            .header("x-forwarded-proto", "http")
            .header("forwarded", "host=evil.example")
            .send()
            .await;

        assert_eq!(usual.status, 200);
        assert_eq!(usual.json()["issuer"], ISSUER);
        assert_eq!(usual.body, foreign.body);
        assert_eq!(
            usual.header("content-type"),
            Some("application/json;charset=UTF-8")
        );
    }
}

#[tokio::test]
async fn everything_that_is_advertised_works() {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    let (id, secret) = (client.client_id.as_str(), client.secret.as_str());
    for path in DOCUMENTS {
        let document = app.anonymous().get(path).send().await.json();
        let at = |name: &str| {
            document[name]
                .as_str()
                .unwrap()
                .strip_prefix(ISSUER)
                .unwrap()
                .to_owned()
        };
        for (name, value) in document.as_object().unwrap() {
            if name.ends_with("_endpoint") || name.ends_with("_uri") {
                let answer = app.anonymous().post(&at(name)).send().await;
                assert_ne!(answer.status, 404, "{name} {value}");
            }
        }
        assert_eq!(
            document["grant_types_supported"],
            json!(["client_credentials"])
        );
        assert_eq!(
            document["token_endpoint_auth_methods_supported"],
            json!(["client_secret_basic", "client_secret_post"])
        );
        let form = client.form("openid");
        let post = app
            .anonymous()
            .post(&at("token_endpoint"))
            .form(&form)
            .send()
            .await
            .token();
        let basic = app
            .anonymous()
            .post(&at("token_endpoint"))
            .form(&[form[0], form[3]])
            .basic(id, secret);
        let basic = basic.send().await.token();
        app.anonymous()
            .post(&at("revocation_endpoint"))
            .form(&[("token", &post)])
            .basic(id, secret)
            .send()
            .await
            .must_be(200, "");
        let by_form = [("token", basic.as_str()), form[1], form[2]];
        app.anonymous()
            .post(&at("revocation_endpoint"))
            .form(&by_form)
            .send()
            .await
            .must_be(200, "");
        assert!(
            !app.anonymous().holds(&client, &post).await
                && !app.anonymous().holds(&client, &basic).await
        );
        assert_eq!(
            app.anonymous().get(&at("jwks_uri")).send().await.status,
            200
        );
    }
}

#[tokio::test]
async fn the_key_set_shows_public_members_only() {
    let app = TestApp::new().await;

    let answer = app.anonymous().get("/ims/keys").send().await;

    let keys = answer.json();
    assert_eq!(keys.as_object().unwrap().len(), 1);
    let members: BTreeSet<_> = ["kty", "use", "alg", "kid", "n", "e"].into();
    for key in keys["keys"].as_array().unwrap() {
        let names: BTreeSet<_> = key
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(names, members);
        assert_eq!(
            (&key["kty"], &key["use"], &key["alg"]),
            (&json!("RSA"), &json!("sig"), &json!("RS256"))
        );
    }
    assert_eq!(
        answer.header("content-type"),
        Some("application/json;charset=UTF-8")
    );
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
}

#[tokio::test]
async fn the_key_set_is_answered_without_the_database_and_not_sent_twice() {
    let app = TestApp::new().await;
    let first = app.anonymous().get("/ims/keys").send().await;
    let etag = first.header("etag").unwrap().to_owned();

    app.store.close().await;

    let again = app.anonymous().get("/ims/keys").send().await;
    assert_eq!(again.body, first.body);
    let same = app
        .anonymous()
        .get("/ims/keys")
        .header("if-none-match", &etag)
        .send()
        .await;
    assert_eq!(
        (same.status, same.body.as_str(), same.header("etag")),
        (304, "", Some(etag.as_str()))
    );
    let other = app
        .anonymous()
        .get("/ims/keys")
        .header("if-none-match", "\"x\"")
        .send()
        .await;
    assert_eq!(other.status, 200);
}

#[tokio::test]
async fn certificates_are_found_under_the_name_in_x5u_only() {
    let app = TestApp::new().await;
    for path in [
        "/keys/prod/ims_na1-key-at-1.cer",
        "/keys/nonprod/ims_na1-key-at-1.cer",
    ] {
        let answer = app.anonymous().get(path).send().await;
        assert!(
            answer.body.starts_with("-----BEGIN CERTIFICATE-----"),
            "{}",
            answer.body
        );
        Certificate::parse(answer.body.as_bytes()).unwrap();
        assert!(
            answer
                .header("cache-control")
                .unwrap()
                .contains("immutable")
        );
    }
    for path in [
        "/keys/stage/ims_na1-key-at-1.cer",
        "/keys/prod/ims_na1-key-at-2.cer",
        "/keys/prod/ims_na1-key-at-1",
        "/keys/prod/..%2f..%2fetc%2fpasswd",
        "/keys/prod/",
    ] {
        app.anonymous()
            .get(path)
            .send()
            .await
            .must_fail(404, "not_found");
    }
}

#[tokio::test]
async fn a_new_key_is_published_before_it_signs_and_the_old_one_stays() {
    let app = TestApp::new().await;
    let client = app.oauth(&app.organization().await, &["DocCloudSDK"]).await;
    let kids = async || {
        let keys = app.anonymous().get("/ims/keys").send().await.json();
        let kids = keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned());
        kids.collect::<Vec<_>>()
    };
    let signs = async || {
        let token = app.anonymous().token(&client, "openid").await.token();
        let header: Value =
            serde_json::from_str(&countersign_testkit::redact::header_text(&token)).unwrap();
        (header["kid"].as_str().unwrap().to_owned(), token)
    };
    let (first, old) = signs().await;

    app.authority.rotate_keys(&operator()).await.unwrap();
    assert_eq!(kids().await.len(), 2);
    assert_eq!(signs().await.0, first);
    app.authority.rotate_keys(&operator()).await.unwrap_err();
    app.advance(std::time::Duration::from_secs(600));
    app.authority.rotate_keys(&operator()).await.unwrap();

    let (second, new) = signs().await;
    assert_eq!(second, "ims_na1-key-at-2");
    assert_eq!(kids().await.len(), 2);
    for token in [&old, &new] {
        assert!(app.anonymous().holds(&client, token).await);
    }
    let node = app.second_node().await;
    assert!(
        node.anonymous().holds(&client, &new).await && node.anonymous().holds(&client, &old).await
    );
}
