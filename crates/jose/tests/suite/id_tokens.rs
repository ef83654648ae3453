//! ID tokens of OpenID providers, as far as every one of them is checked alike.

use countersign_jose::{Candidate, Header, Rules, SigningKey, Unverified, VerifyError};
use serde_json::{Value, json};

use crate::support::{ED25519, NOW, OTHER_RSA, P256, RSA};

fn claims() -> Value {
    json!({"iss": "https://id.example.com", "iat": NOW, "exp": NOW + 300})
}

fn verify(header: &[u8], key: &SigningKey, claims: &Value) -> Result<usize, VerifyError> {
    let token = key
        .sign_compact(header, claims.to_string().as_bytes())
        .unwrap();
    let known = [("rsa", &*RSA), ("p256", &*P256), ("ed", &*ED25519)];
    let known = known.map(|(kid, key)| Candidate {
        kid: Some(kid),
        key: key.verifying_key(),
    });
    let token = Unverified::parse(&token).unwrap();
    let verified = token.verify(&known, &Rules::id_token(), NOW * 1000, |_| Ok(()));
    verified.map(|verified| verified.key())
}

#[test]
fn the_named_key_is_the_one_and_without_a_name_any_is() {
    for (at, (kid, key)) in [("rsa", &*RSA), ("p256", &*P256), ("ed", &*ED25519)]
        .into_iter()
        .enumerate()
    {
        let header = Header::jwt(key.algorithm());
        let named = header.clone().with_kid(kid).to_json();
        assert_eq!(verify(&named, key, &claims()), Ok(at));
        assert_eq!(verify(&header.to_json(), key, &claims()), Ok(at));
        let unknown = header.with_kid("another").to_json();
        assert_eq!(
            verify(&unknown, key, &claims()),
            Err(VerifyError::UnknownKey)
        );
    }
    let named = Header::jwt(OTHER_RSA.algorithm()).with_kid("rsa").to_json();
    assert_eq!(
        verify(&named, &OTHER_RSA, &claims()),
        Err(VerifyError::Signature)
    );
    let confused = Header::jwt(P256.algorithm()).with_kid("rsa").to_json();
    assert_eq!(
        verify(&confused, &P256, &claims()),
        Err(VerifyError::Algorithm)
    );
}

#[test]
fn no_other_kind_of_token_passes_for_one() {
    let access = Header::access_token(RSA.algorithm(), "rsa").to_json();
    assert_eq!(verify(&access, &RSA, &claims()), Err(VerifyError::Kind));
    let ims = Header::ims_access_token("rsa").without_x5u().to_json();
    assert_eq!(verify(&ims, &RSA, &claims()), Err(VerifyError::Kind));
    let untyped = br#"{"alg":"RS256","kid":"rsa"}"#;
    assert_eq!(verify(untyped, &RSA, &claims()), Ok(0));
    let brought = br#"{"alg":"RS256","kid":"rsa","jku":"https://evil.example"}"#;
    let refused = Err(VerifyError::Header("jku"));
    assert_eq!(verify(brought, &RSA, &claims()), refused);
}

#[test]
fn a_minute_is_allowed_between_clocks() {
    let header = Header::jwt(RSA.algorithm()).with_kid("rsa").to_json();
    for (claim, at, holds) in [
        ("exp", NOW - 59, true),
        ("exp", NOW - 60, false),
        ("nbf", NOW + 60, true),
        ("nbf", NOW + 61, false),
        ("iat", NOW + 60, true),
        ("iat", NOW + 61, false),
    ] {
        let mut claims = claims();
        claims[claim] = json!(at);
        assert_eq!(
            verify(&header, &RSA, &claims).is_ok(),
            holds,
            "{claim} {at}"
        );
    }
}
