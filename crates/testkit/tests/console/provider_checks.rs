//! Everything that an OpenID provider, or somebody between it and us, can do wrong: each is one row,
//! and nobody is signed in by it. Source: OpenID Connect Core 3.1.3.7, RFC 9207, RFC 9700.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use countersign_jose::Algorithm;
use countersign_testkit::TestDatabase;
use countersign_testkit::provider::{CLIENT_ID, CLIENT_SECRET, Fault, Signature, redirect};
use serde_json::{Value, json};

use crate::at_provider::{Departed, World};
use crate::provider_flows::linked;

/// What is wrong, how, and what the operator reads about it.
const FAULTS: &[(&str, Fault, &str)] = &[
    (
        "another issuer in the metadata",
        Fault::Metadata(|m| m["issuer"] = json!("https://evil.example")),
        "is of the issuer",
    ),
    (
        "a slash less in the issuer",
        Fault::Metadata(|m| cut_slash(&mut m["issuer"])),
        "is of the issuer",
    ),
    (
        "an endpoint without TLS",
        Fault::Metadata(|m| m["token_endpoint"] = json!("http://192.0.2.1/token")),
        "is not https",
    ),
    (
        "keys without TLS",
        Fault::Metadata(|m| m["jwks_uri"] = json!("http://192.0.2.1/keys")),
        "is not https",
    ),
    (
        "no PKCE",
        Fault::Metadata(|m| m["code_challenge_methods_supported"] = json!(["plain"])),
        "PKCE",
    ),
    (
        "an answer of another issuer",
        Fault::Answer(|a| a[2].1 = "https://evil.example".to_owned()),
        "another issuer (`iss`)",
    ),
    (
        "an answer that does not name its issuer",
        Fault::Answer(|a| {
            a.remove(2);
        }),
        "does not name its issuer",
    ),
    (
        "another state",
        Fault::Answer(|a| a[1].1.truncate(60)),
        "in another browser",
    ),
    (
        "no state",
        Fault::Answer(|a| {
            a.remove(1);
        }),
        "in another browser",
    ),
    (
        "no code",
        Fault::Answer(|a| {
            a.remove(0);
        }),
        "has no code",
    ),
    (
        "a code of nobody",
        Fault::Answer(|a| a[0].1 = "x".repeat(32)),
        "400 `invalid_grant`",
    ),
    (
        "a refusal",
        Fault::Answer(|a| a[0] = ("error".to_owned(), "access_denied".to_owned())),
        "answered `access_denied`",
    ),
    (
        "no ID token",
        Fault::Tokens(|t| t["id_token"] = Value::Null),
        "`id_token` of its answer is no text",
    ),
    (
        "an ID token of no form",
        Fault::Tokens(|t| t["id_token"] = json!("a.b")),
        "not three parts",
    ),
    (
        "an access token beside that of `at_hash`",
        Fault::Tokens(|t| t["access_token"] = json!("another")),
        "claim `at_hash`",
    ),
    (
        "no signature",
        Fault::Signature(Signature::Absent),
        "algorithm not allowed",
    ),
    (
        "a signature by the client secret",
        Fault::Signature(Signature::ClientSecret),
        "algorithm not allowed",
    ),
    (
        "an algorithm that is not offered",
        Fault::Signature(Signature::OtherAlgorithm),
        "algorithm not allowed",
    ),
    (
        "a signature by another key",
        Fault::Signature(Signature::OtherKey),
        "no key matches",
    ),
    (
        "a key that nobody knows",
        Fault::Signature(Signature::UnknownName),
        "unknown key",
    ),
    (
        "another issuer in the ID token",
        Fault::Claims(|c| c["iss"] = json!("https://evil.example")),
        "claim `iss`",
    ),
    (
        "a slash less in its issuer",
        Fault::Claims(|c| cut_slash(&mut c["iss"])),
        "claim `iss`",
    ),
    (
        "an ID token for somebody else",
        Fault::Claims(|c| c["aud"] = json!("another client")),
        "claim `aud`",
    ),
    (
        "an ID token for several, of nobody",
        Fault::Claims(|c| c["aud"] = json!([CLIENT_ID, "another client"])),
        "claim `azp`",
    ),
    (
        "an ID token that somebody else asked for",
        Fault::Claims(|c| c["azp"] = json!("another client")),
        "claim `azp`",
    ),
    (
        "another nonce",
        Fault::Claims(|c| c["nonce"] = json!("x".repeat(43))),
        "claim `nonce`",
    ),
    (
        "no nonce",
        Fault::Claims(|c| c["nonce"] = Value::Null),
        "claim `nonce`",
    ),
    (
        "an ID token that is over",
        Fault::Claims(|c| c["exp"] = json!(seconds(c, "iat") - 61)),
        "expired",
    ),
    (
        "an ID token without an end",
        Fault::Claims(|c| {
            c.as_object_mut().unwrap().remove("exp");
        }),
        "claim `exp` is missing",
    ),
    (
        "an ID token of the future",
        Fault::Claims(|c| c["iat"] = json!(seconds(c, "iat") + 62)),
        "issued in the future",
    ),
    (
        "an ID token from before",
        Fault::Claims(|c| c["iat"] = json!(seconds(c, "iat") - 62)),
        "claim `iat`",
    ),
    (
        "an ID token of no time",
        Fault::Claims(|c| {
            c.as_object_mut().unwrap().remove("iat");
        }),
        "claim `iat` is missing",
    ),
    (
        "no subject",
        Fault::Claims(|c| c["sub"] = json!("")),
        "claim `sub`",
    ),
    (
        "another subject",
        Fault::Claims(|c| c["sub"] = json!("eve-at-the-provider")),
        "nobody here signs in as",
    ),
    (
        "a redirect of the token endpoint",
        Fault::Endpoint(redirect),
        "answered 307",
    ),
    (
        "an answer without end",
        Fault::Endpoint(endless),
        "longer than 64 KiB",
    ),
    (
        "an answer of no form",
        Fault::Endpoint(|| "tokens".into_response()),
        "no JSON object",
    ),
];

#[tokio::test]
async fn nobody_is_signed_in_by_what_is_wrong() {
    let world = World::new().await;
    linked(&world, "ada@example.com").await;
    let mut passed = Vec::new();
    for (name, fault, cause) in FAULTS {
        // What was learnt before is forgotten by then; failures, too.
        world.app.advance(Duration::from_secs(2 * 3600));
        world.provider.misbehave(*fault);
        let path = "/console/sign-in/with/example";
        let left = world
            .app
            .anonymous()
            .get(path)
            .faults_expected()
            .send()
            .await;
        let answer = match left.status {
            303 => world.arrive(&Departed::by(&left), "").await,
            _ => left,
        };
        let session = answer.cookie("__Host-countersign");
        let read = world.cause(&answer).await;
        if session.is_some() || answer.status < 400 || !read.contains(cause) {
            passed.push(format!("{name}: {} {read}", answer.status));
        }
        assert!(
            answer.body.contains("This sign-in did not work"),
            "{name}: {}",
            answer.body
        );
        assert!(
            !answer.body.contains("CANARY") && !read.contains("CANARY"),
            "{name}"
        );
    }
    assert!(passed.is_empty(), "{passed:#?}");

    world.app.advance(Duration::from_secs(2 * 3600));
    world.provider.misbehave(Fault::None);
    let fine = world.sign_in().await;
    assert_eq!(fine.header("location"), Some("/console"), "{}", fine.body);
    let failed = world.events("sign_in.failed").await;
    assert!(
        failed.len() > 25
            && failed
                .iter()
                .all(|line| line.starts_with("anonymous example "))
    );
    assert!(!failed.join(" ").contains(CLIENT_SECRET));
}

#[tokio::test]
async fn every_algorithm_of_ours_is_taken() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let database = TestDatabase::sqlite().await;
        let world = World::on(database, algorithm, "").await;
        linked(&world, "ada@example.com").await;
        assert_eq!(world.sign_in().await.status, 303, "{algorithm:?}");
    }
}

#[tokio::test]
async fn the_secret_goes_where_the_metadata_wants_it() {
    let world = World::new().await;
    linked(&world, "ada@example.com").await;
    for change in [
        (|m| m["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]))
            as fn(&mut Value),
        |m| {
            m["token_endpoint_auth_methods_supported"] =
                json!(["client_secret_post", "client_secret_basic"])
        },
        |m| {
            m.as_object_mut()
                .unwrap()
                .remove("token_endpoint_auth_methods_supported");
        },
    ] {
        world.app.advance(Duration::from_secs(2 * 3600));
        world.provider.misbehave(Fault::Metadata(change));
        let answer = world.sign_in().await;
        assert_eq!(answer.status, 303, "{}", world.cause(&answer).await);
    }
}

#[tokio::test]
async fn a_provider_may_say_less_and_mean_the_same() {
    let world = World::new().await;
    linked(&world, "ada@example.com").await;
    for fault in [
        Fault::Claims(|c| c["aud"] = json!([CLIENT_ID])),
        Fault::Claims(|c| {
            c["aud"] = json!(["another", CLIENT_ID]);
            c["azp"] = json!(CLIENT_ID);
        }),
        Fault::Claims(|c| {
            c.as_object_mut().unwrap().remove("at_hash");
        }),
        Fault::Claims(|c| c["iat"] = json!(seconds(c, "iat") + 59)),
        Fault::Claims(|c| c["iat"] = json!(seconds(c, "iat") - 59)),
        Fault::Claims(|c| c["exp"] = json!(seconds(c, "iat") - 59)),
    ] {
        world.provider.misbehave(fault);
        let answer = world.sign_in().await;
        assert_eq!(answer.status, 303, "{}", world.cause(&answer).await);
    }
}

fn seconds(claims: &Value, name: &str) -> i64 {
    claims[name].as_i64().unwrap()
}

fn cut_slash(issuer: &mut Value) {
    *issuer = json!(issuer.as_str().unwrap().trim_end_matches('/'));
}

fn endless() -> Response {
    format!("{{\"id_token\":\"{}\"}}", "x".repeat(70_000)).into_response()
}
