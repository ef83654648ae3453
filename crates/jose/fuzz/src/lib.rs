//! What each fuzz target does with its bytes. `tests/fuzz_corpus.rs` calls the same functions.

use std::sync::LazyLock;

use countersign_jose::{
    Candidate, Certificate, JwkSet, Object, Rules, Unverified, Value, VerifyingKey, verify_content,
};

/// A key nobody signs with: RFC 8037 appendix A.
const KEY: &[u8] =
    br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

static PARSED: LazyLock<VerifyingKey> =
    LazyLock::new(|| VerifyingKey::from_jwk(KEY).expect("printed in RFC 8037"));

/// Reads a token and verifies it by all rules. Only the one example of RFC 8037 A.4 may pass.
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(content) = verify_content(text, &PARSED) {
        assert_eq!(content, b"Example of Ed25519 signing");
    }
    let Ok(unverified) = Unverified::parse(text) else {
        return;
    };
    let candidate = Candidate {
        kid: Some("k"),
        key: &PARSED,
    };
    for rules in [
        Rules::assertion(),
        Rules::ims_access_token(),
        Rules::access_token(),
    ] {
        let rules = rules.with_algorithms([PARSED.algorithm()]);
        let _ = unverified.check_claims(&rules);
        let outcome = unverified.verify(&[candidate], &rules, 1_900_000_000_000, |_| Ok(()));
        assert!(outcome.is_err());
    }
}

/// Reads JSON. What is accepted also is JSON to everybody else, and has no member twice.
pub fn json(data: &[u8]) {
    let Ok(object) = Object::parse(data) else {
        return;
    };
    let _ = (
        object.token_id(),
        object.audiences(),
        object.digits("created_at"),
    );
    check_object(&object, 1);
}

fn check_object(object: &Object, depth: usize) {
    assert!(depth <= 16);
    for (name, value) in object.members() {
        assert!(object.members().filter(|(other, _)| *other == name).count() == 1);
        check_value(value, depth);
    }
}

fn check_value(value: &Value, depth: usize) {
    match value {
        Value::Object(object) => check_object(object, depth + 1),
        Value::Array(list) => list.iter().for_each(|value| check_value(value, depth + 1)),
        _ => {}
    }
}

/// Reads a certificate. What is accepted survives being written.
pub fn certificate(data: &[u8]) {
    if let Ok(certificate) = Certificate::parse(data) {
        let again = Certificate::parse(certificate.to_pem().as_bytes());
        assert_eq!(again.as_ref(), Ok(&certificate));
    }
    let _ = std::str::from_utf8(data).map(VerifyingKey::from_pem);
    let _ = VerifyingKey::from_spki_der(data);
}

/// Reads a key set. What is accepted survives being written.
pub fn jwks(data: &[u8]) {
    if let Ok(set) = JwkSet::parse(data) {
        let again = JwkSet::parse(set.to_json().as_bytes()).expect("we wrote it");
        assert_eq!(again.len(), set.len());
    }
}
