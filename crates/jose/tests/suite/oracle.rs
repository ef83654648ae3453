//! jsonwebtoken as a second opinion: what one side signs the other verifies.

use countersign_jose::{Algorithm, Candidate, Header, Rules, SigningKey, Unverified};
use jsonwebtoken::{DecodingKey, EncodingKey, Validation};
use serde_json::{Value, json};

use crate::support::{ED25519, NOW, P256, RSA};

fn theirs(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
    }
}

fn all() -> [&'static SigningKey; 3] {
    [&RSA, &P256, &ED25519]
}

#[test]
fn they_verify_what_we_sign() {
    for key in all() {
        let claims = json!({"exp": NOW, "iss": "us"});
        let header = Header::access_token(key.algorithm(), "k").to_json();
        let token = key
            .sign_compact(&header, claims.to_string().as_bytes())
            .unwrap();
        let jwk = serde_json::to_value(key.verifying_key().to_jwk("k")).unwrap();

        let decoding = DecodingKey::from_jwk(&serde_json::from_value(jwk).unwrap()).unwrap();
        let mut validation = Validation::new(theirs(key.algorithm()));
        validation.validate_exp = false;
        let read = jsonwebtoken::decode::<Value>(&token, &decoding, &validation).unwrap();
        assert_eq!(read.claims, claims);
        assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
    }
}

#[test]
fn we_verify_what_they_sign() {
    for key in all() {
        let pem = key.to_pem().unwrap();
        let encoding = match key.algorithm() {
            Algorithm::EdDsa => EncodingKey::from_ed_pem(pem.as_bytes()),
            Algorithm::Es256 => EncodingKey::from_ec_pem(pem.as_bytes()),
            Algorithm::Rs256 => EncodingKey::from_rsa_pem(pem.as_bytes()),
        };
        let header = jsonwebtoken::Header::new(theirs(key.algorithm()));
        let claims = json!({"exp": NOW, "iss": "them"});
        let token = jsonwebtoken::encode(&header, &claims, &encoding.unwrap()).unwrap();

        let candidate = Candidate {
            kid: None,
            key: key.verifying_key(),
        };
        let rules = Rules::assertion().with_algorithms([key.algorithm()]);
        let read =
            Unverified::parse(&token)
                .unwrap()
                .verify(&[candidate], &rules, NOW * 1000, |claims| {
                    claims.string("iss").map(str::to_owned)
                });
        assert_eq!(read.unwrap().into_claims(), "them");
    }
}
