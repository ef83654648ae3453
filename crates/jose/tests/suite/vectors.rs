//! Examples printed in RFC 7515 and RFC 7520.

use countersign_jose::{Candidate, Rules, Unverified, VerifyError, VerifyingKey, verify_content};

use crate::support::{NOW, text, vector};

#[test]
fn examples_of_rfc_7515() {
    for example in vector("rfc7515/examples.json")["examples"]
        .as_array()
        .unwrap()
    {
        let token = text(example, "jws");
        let key = VerifyingKey::from_jwk(example["key"].to_string().as_bytes());
        match text(example, "signature") {
            "valid" => {
                let key = key.unwrap();
                verify_content(token, &key).unwrap();
                let candidate = Candidate {
                    kid: None,
                    key: &key,
                };
                let outcome = Unverified::parse(token).unwrap().verify(
                    &[candidate],
                    &Rules::assertion(),
                    NOW * 1000,
                    |_| Ok(()),
                );
                assert_eq!(
                    outcome,
                    Err(VerifyError::Expired {
                        exp: 1_300_819_380,
                        now: NOW
                    })
                );
            }
            _ => {
                let unsigned = Unverified::parse(token).unwrap();
                assert_eq!(
                    unsigned.check_algorithm(&Rules::assertion()),
                    Err(VerifyError::Algorithm)
                );
            }
        }
    }
}

#[test]
fn cookbook_of_rfc_7520() {
    let key = VerifyingKey::from_jwk(
        vector("rfc7520/jwk-3_3.rsa_public_key.json")
            .to_string()
            .as_bytes(),
    );
    let key = key.unwrap();
    let compact = |file| {
        vector(file)["output"]["compact"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };

    let example = vector("rfc7520/jws-4_1.rsa_v15_signature.json");
    let content = verify_content(text(&example["output"], "compact"), &key).unwrap();
    assert_eq!(
        String::from_utf8(content).unwrap(),
        text(&example["input"], "payload")
    );

    // Not ours: PSS, HMAC with detached content, content that is not encoded.
    for file in [
        "rfc7520/jws-4_2.rsa-pss_signature.json",
        "rfc7520/jws-4_5.signature_with_detached_content.json",
        "rfc7520/rfc7797-4.2.hmac-sha2_b64_false.json",
    ] {
        assert!(verify_content(&compact(file), &key).is_err(), "{file}");
    }
    let private = vector("rfc7520/jwk-3_4.rsa_private_key.json").to_string();
    assert!(VerifyingKey::from_jwk(private.as_bytes()).is_err());
    let p521 = vector("rfc7520/jwk-3_1.ec_public_key.json").to_string();
    assert!(VerifyingKey::from_jwk(p521.as_bytes()).is_err());
}

#[test]
fn example_of_rfc_8037() {
    let key = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let key = VerifyingKey::from_jwk(key.as_bytes()).unwrap();
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                 hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    assert_eq!(
        verify_content(token, &key).unwrap(),
        b"Example of Ed25519 signing"
    );
}
