//! Keys that everybody has are recognised.

use std::collections::BTreeSet;
use std::path::Path;

use countersign_jose::{SigningKey, VerifyingKey, is_known_test_key};
use serde_json::{Value, json};

use crate::support::{RSA, vector};

#[test]
fn every_key_of_the_vectors_and_of_the_standards_is_known() {
    let mut found = BTreeSet::new();
    for folder in ["assertions", "rfc7515", "rfc7520", "wycheproof"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/vectors")
            .join(folder);
        for file in path.read_dir().unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".json") {
                collect(&vector(&format!("{folder}/{name}")), &mut found);
            }
        }
    }
    collect(&rfc_7515_a_3(), &mut found);
    collect(&rfc_8037_a_1(), &mut found);

    let recorded: BTreeSet<&str> = include_str!("../../src/test_keys.txt").lines().collect();
    let missing: Vec<_> = found
        .iter()
        .filter(|key| !recorded.contains(key.as_str()))
        .collect();
    assert!(
        missing.is_empty(),
        "add these to src/test_keys.txt: {missing:#?}"
    );
}

#[test]
fn the_key_of_rfc_7515_a_2_is_known_and_a_new_one_is_not() {
    let printed = vector("rfc7515/examples.json")["examples"][0]["key"].to_string();

    assert!(is_known_test_key(
        &VerifyingKey::from_jwk(printed.as_bytes()).unwrap()
    ));
    assert!(!is_known_test_key(RSA.verifying_key()));
}

/// Walks through a document and takes every key in it that we would accept.
fn collect(value: &Value, found: &mut BTreeSet<String>) {
    let mut take = |key: VerifyingKey| found.insert(key.fingerprint());
    match value {
        Value::Array(list) => list.iter().for_each(|one| collect(one, found)),
        Value::Object(members) => {
            if members.contains_key("kty") {
                let public = ["kty", "crv", "x", "y", "n", "e"];
                let public = members
                    .iter()
                    .filter(|(name, _)| public.contains(&name.as_str()));
                let public = Value::Object(public.map(|(k, v)| (k.clone(), v.clone())).collect());
                VerifyingKey::from_jwk(public.to_string().as_bytes())
                    .map(take)
                    .ok();
            }
            members.values().for_each(|one| collect(one, found));
        }
        Value::String(text) if text.contains("PRIVATE KEY") => {
            SigningKey::from_pem(text)
                .map(|key| take(key.verifying_key().clone()))
                .ok();
        }
        Value::String(text) if text.contains("PUBLIC KEY") => {
            VerifyingKey::from_pem(text).map(take).ok();
        }
        _ => {}
    }
}

fn rfc_7515_a_3() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

fn rfc_8037_a_1() -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
}
