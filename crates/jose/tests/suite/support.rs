//! Keys made once, and vectors.

use std::path::Path;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_jose::{Algorithm, SigningKey};
use serde_json::Value;

/// 2030-03-17, the time at which the assertion vectors live, in seconds.
pub const NOW: i64 = 1_900_000_000;

pub static RSA: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::Rs256).unwrap());
pub static OTHER_RSA: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::Rs256).unwrap());
pub static P256: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());
pub static ED25519: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(Algorithm::EdDsa).unwrap());

pub fn vector(path: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(path);
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// Groups and their tests.
pub fn wycheproof(file: &str) -> Vec<(Value, Value)> {
    let groups = vector(&format!("wycheproof/{file}"))["testGroups"]
        .as_array()
        .unwrap()
        .clone();
    groups
        .iter()
        .flat_map(|group| {
            let tests = group["tests"].as_array().unwrap();
            tests
                .iter()
                .map(|test| (group.clone(), test.clone()))
                .collect::<Vec<_>>()
        })
        .collect()
}

pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

pub fn has_flag(test: &Value, flag: &str) -> bool {
    test["flags"]
        .as_array()
        .unwrap()
        .iter()
        .any(|one| one == flag)
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn from_base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
