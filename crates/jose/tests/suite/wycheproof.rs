//! Project Wycheproof, read as `tests/vectors/README.md` says.

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};
use countersign_jose::{
    Algorithm, Candidate, JwkSet, Rules, SigningKey, Unverified, VerifyingKey, verify_content,
};
use serde_json::Value;

use crate::support::{NOW, has_flag, text, unhex, wycheproof};

#[test]
fn rsa_signatures() {
    for file in [
        "rsa_signature_2048_sha256_test.json",
        "rsa_signature_3072_sha256_test.json",
        "rsa_signature_4096_sha256_test.json",
    ] {
        for (group, test) in wycheproof(file) {
            let accepted = VerifyingKey::from_pem(text(&group, "publicKeyPem"))
                .is_ok_and(|key| accepts(&key, &test));

            // Policy: RSA with e = 3 (JOS-14). `acceptable` is a DigestInfo without NULL (JOS-15).
            let expected = test["result"] == "valid" && !has_flag(&test, "SmallPublicKey");
            assert_eq!(accepted, expected, "{file} {test}");
        }
    }
}

#[test]
fn rsa_signatures_over_longer_digests_are_not_rs256() {
    for (size, sha) in [
        (2048, 384),
        (2048, 512),
        (3072, 384),
        (3072, 512),
        (4096, 384),
        (4096, 512),
    ] {
        let file = format!("rsa_signature_{size}_sha{sha}_test.json");
        for (group, test) in wycheproof(&file) {
            let accepted = VerifyingKey::from_pem(text(&group, "publicKeyPem"))
                .is_ok_and(|key| accepts(&key, &test));
            assert!(!accepted, "{file} {test}");

            // That the library reads them as marked tells that the refusal is ours.
            let algorithm: &'static dyn VerificationAlgorithm = match sha {
                384 => &RSA_PKCS1_2048_8192_SHA384,
                _ => &RSA_PKCS1_2048_8192_SHA512,
            };
            let key = UnparsedPublicKey::new(algorithm, unhex(text(&group, "publicKeyDer")));
            let (message, signature) = (unhex(text(&test, "msg")), unhex(text(&test, "sig")));
            let expected = test["result"] == "valid";
            assert_eq!(
                key.verify(&message, &signature).is_ok(),
                expected,
                "{file} {test}"
            );
        }
    }
}

#[test]
fn rsa_signing_gives_the_one_possible_signature() {
    let mut signed = 0;
    for size in [2048, 3072, 4096] {
        for (group, test) in wycheproof(&format!("rsa_pkcs1_{size}_sig_gen_test.json")) {
            let key = SigningKey::from_pem(text(&group, "privateKeyPem"));
            if has_flag(&test, "SmallPublicKey") {
                assert!(key.is_err(), "{test}");
                continue;
            }
            let (key, message) = (key.unwrap(), unhex(text(&test, "msg")));
            assert_eq!(
                SigningKey::from_pkcs8(&key.to_pkcs8().unwrap())
                    .unwrap()
                    .verifying_key(),
                key.verifying_key()
            );
            let is_ours = key.sign(&message).unwrap() == unhex(text(&test, "sig"));
            // We sign with SHA-256 and nothing else.
            assert_eq!(is_ours, group["sha"] == "SHA-256", "{test}");
            signed += usize::from(is_ours);
        }
    }
    assert!(signed > 0);
}

#[test]
fn ecdsa_signatures_of_fixed_length() {
    for (group, test) in wycheproof("ecdsa_secp256r1_sha256_p1363_test.json") {
        let key = VerifyingKey::from_pem(text(&group, "publicKeyPem")).unwrap();

        assert_eq!(accepts(&key, &test), test["result"] == "valid", "{test}");
        if group["publicKeyJwk"].is_object() {
            let jwk = group["publicKeyJwk"].to_string();
            assert_eq!(VerifyingKey::from_jwk(jwk.as_bytes()).unwrap(), key);
        }
    }
}

#[test]
fn ecdsa_signatures_in_der_are_no_jws() {
    for (group, test) in wycheproof("ecdsa_secp256r1_sha256_test.json") {
        let key = VerifyingKey::from_pem(text(&group, "publicKeyPem")).unwrap();

        assert!(!accepts(&key, &test), "{test}");
    }
}

#[test]
fn other_curves_are_refused() {
    for file in [
        "ecdsa_secp384r1_sha384_p1363_test.json",
        "ecdsa_secp384r1_sha384_test.json",
    ] {
        for (group, _) in wycheproof(file) {
            assert!(VerifyingKey::from_pem(text(&group, "publicKeyPem")).is_err());
        }
    }
    for (group, test) in wycheproof("ecdsa_secp384r1_sha384_p1363_test.json") {
        let point = unhex(text(&group["publicKey"], "uncompressed"));
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point);
        let (message, signature) = (unhex(text(&test, "msg")), unhex(text(&test, "sig")));
        assert_eq!(
            key.verify(&message, &signature).is_ok(),
            test["result"] == "valid",
            "{test}"
        );
    }
}

#[test]
fn ed25519_signatures() {
    for (group, test) in wycheproof("ed25519_test.json") {
        let key = VerifyingKey::from_pem(text(&group, "publicKeyPem")).unwrap();

        assert_eq!(accepts(&key, &test), test["result"] == "valid", "{test}");
        if group["publicKeyJwk"].is_object() {
            let jwk = group["publicKeyJwk"].to_string();
            assert_eq!(VerifyingKey::from_jwk(jwk.as_bytes()).unwrap(), key);
        }
    }
}

#[test]
fn json_web_signatures_keys_and_the_mix_of_them() {
    let mut accepted = 0;
    for file in [
        "json_web_signature_test.json",
        "json_web_key_test.json",
        "json_web_crypto_test.json",
    ] {
        for (group, test) in wycheproof(file) {
            let public = if group["public"].is_object() {
                &group["public"]
            } else {
                &group["private"]
            };
            // A token in JSON serialization is given as its text.
            let token = match test.get("jws").or(test.get("jwe")).unwrap() {
                Value::String(token) => token.clone(),
                other => other.to_string(),
            };

            let is_valid = test["result"] == "valid" && is_of_our_algorithms(public);
            let is_accepted = keys_of(public)
                .iter()
                .any(|key| verify_content(&token, key).is_ok());
            assert_eq!(is_accepted, is_valid, "{file} {test}");
            accepted += usize::from(is_accepted);

            // No content of theirs is an assertion, and most are not RS256 either.
            assert!(!is_assertion(&token, public), "{file} {test}");
        }
    }
    assert!(accepted > 0);
}

fn accepts(key: &VerifyingKey, test: &Value) -> bool {
    key.accepts(&unhex(text(test, "msg")), &unhex(text(test, "sig")))
}

/// Policy: three algorithms; among other kinds of keys also the strange `ES521` of the file.
fn is_of_our_algorithms(key: &Value) -> bool {
    key["alg"]
        .as_str()
        .is_some_and(|name| Algorithm::from_name(name).is_some())
}

/// The keys of a key or of a key set, without those we refuse.
fn keys_of(public: &Value) -> Vec<VerifyingKey> {
    let json = public.to_string();
    if public["keys"].is_array() {
        let set = JwkSet::parse(json.as_bytes());
        return set
            .iter()
            .flat_map(|set| set.candidates())
            .map(|one| one.key.clone())
            .collect();
    }
    VerifyingKey::from_jwk(json.as_bytes())
        .into_iter()
        .collect()
}

fn is_assertion(token: &str, public: &Value) -> bool {
    let keys = keys_of(public);
    let candidates: Vec<_> = keys
        .iter()
        .map(|key| Candidate { kid: None, key })
        .collect();
    Unverified::parse(token).is_ok_and(|token| {
        token
            .verify(&candidates, &Rules::assertion(), NOW * 1000, |_| Ok(()))
            .is_ok()
    })
}
