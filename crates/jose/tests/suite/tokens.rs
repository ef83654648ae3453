//! Which tokens are believed: kinds, headers, keys and times.

use countersign_jose::{
    Algorithm, Candidate, ClaimError, ClaimFault, Header, Rules, SigningKey, Unverified, Verified,
    VerifyError,
};
use serde_json::{Value, json};

use crate::support::{ED25519, NOW, OTHER_RSA, P256, RSA, base64url};

type Outcome = Result<Verified<()>, VerifyError>;

fn sign(key: &SigningKey, header: &Value, claims: &Value) -> String {
    key.sign_compact(header.to_string().as_bytes(), claims.to_string().as_bytes())
        .unwrap()
}

fn verify(token: &str, keys: &[(&str, &SigningKey)], rules: &Rules) -> Outcome {
    let candidates: Vec<_> = keys
        .iter()
        .map(|(kid, key)| Candidate {
            kid: Some(kid),
            key: key.verifying_key(),
        })
        .collect();
    Unverified::parse(token)?.verify(&candidates, rules, NOW * 1000, |_| Ok(()))
}

/// A fresh assertion with this header, in front of the key `a`.
fn with_header(header: &Value) -> Outcome {
    verify(
        &sign(&RSA, header, &assertion()),
        &[("a", &RSA)],
        &Rules::assertion(),
    )
}

/// An assertion with this claim, otherwise good.
fn with_claim(name: &str, value: Value) -> Outcome {
    let mut claims = assertion();
    claims[name] = value;
    let token = sign(&RSA, &json!({"alg": "RS256"}), &claims);
    verify(&token, &[("a", &RSA)], &Rules::assertion())
}

fn assertion() -> Value {
    json!({"exp": NOW + 300, "iss": "i", "sub": "s", "aud": "a"})
}

fn ims_token() -> Value {
    let created_at = (NOW * 1000).to_string();
    json!({"type": "access_token", "created_at": created_at, "expires_in": "86400000"})
}

fn ims_header() -> Value {
    serde_json::from_slice(&Header::ims_access_token("a").to_json()).unwrap()
}

fn at_jwt_header(algorithm: Algorithm) -> Value {
    serde_json::from_slice(&Header::access_token(algorithm, "a").to_json()).unwrap()
}

#[test]
fn every_algorithm_signs_what_its_key_verifies() {
    for key in [&*RSA, &*P256, &*ED25519] {
        let token = sign(key, &at_jwt_header(key.algorithm()), &assertion());

        let verified = verify(&token, &[("a", key)], &Rules::access_token()).unwrap();
        assert_eq!(verified.expires_at(), (NOW + 300) * 1000);
        // Assertions take RS256 only, unless the caller says otherwise.
        let assertion = sign(key, &json!({"alg": key.algorithm().name()}), &assertion());
        let ours = verify(&assertion, &[("a", key)], &Rules::assertion());
        assert_eq!(ours.is_ok(), key.algorithm() == Algorithm::Rs256);
        let rules = Rules::assertion().with_algorithms([key.algorithm()]);
        assert!(verify(&assertion, &[("a", key)], &rules).is_ok());
    }
}

#[test]
fn kinds_cannot_be_swapped() {
    let kinds = [
        Rules::assertion(),
        Rules::ims_access_token(),
        Rules::access_token(),
    ];
    let mut claims = assertion();
    claims
        .as_object_mut()
        .unwrap()
        .append(ims_token().as_object_mut().unwrap());
    let plain = json!({"alg": "RS256", "kid": "a"});
    let headers = [
        (plain.clone(), [true, false, false]),
        (ims_header(), [false, true, false]),
        (at_jwt_header(Algorithm::Rs256), [false, false, true]),
        (
            json!({"alg": "RS256", "kid": "a", "typ": "jwt"}),
            [true, false, false],
        ),
        (
            json!({"alg": "RS256", "kid": "a", "itt": "at"}),
            [false, true, false],
        ),
        (
            json!({"alg": "RS256", "kid": "a", "itt": "at", "typ": "JWT"}),
            [false; 3],
        ),
        (
            json!({"alg": "RS256", "kid": "a", "itt": "at", "typ": "at+jwt"}),
            [false; 3],
        ),
        (json!({"alg": "RS256", "kid": "a", "itt": "rt"}), [false; 3]),
        (json!({"alg": "RS256", "kid": "a", "typ": null}), [false; 3]),
        (json!({"alg": "RS256", "kid": "a", "itt": null}), [false; 3]),
    ];
    for (header, expected) in headers {
        let token = sign(&RSA, &header, &claims);
        let found = kinds
            .each_ref()
            .map(|rules| verify(&token, &[("a", &RSA)], rules).is_ok());

        assert_eq!(found, expected, "{header}");
    }
}

#[test]
fn only_the_exact_algorithm_is_one() {
    for alg in [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!("none "),
        json!(""),
        json!("rs256"),
        json!("RS256 "),
        json!("RS384"),
        json!("PS256"),
        json!("HS256"),
        json!("ES256"),
        json!("EdDSA"),
        Value::Null,
        json!(["RS256"]),
        json!(256),
        json!({}),
    ] {
        assert_eq!(
            with_header(&json!({"alg": alg})),
            Err(VerifyError::Algorithm),
            "{alg}"
        );
    }
    assert_eq!(with_header(&json!({})), Err(VerifyError::Algorithm));
    assert!(with_header(&json!({"alg": "RS256"})).is_ok());
}

#[test]
fn headers_bring_no_keys_and_no_extensions() {
    for (name, value) in [
        (
            "jwk",
            serde_json::to_value(RSA.verifying_key().to_jwk("a")).unwrap(),
        ),
        ("jku", json!("https://127.0.0.1/keys")),
        ("x5c", json!(["MII"])),
        ("x5u", json!("a.cer")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("crit", json!(["b64"])),
        ("crit", Value::Null),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("cty", json!("application/JWT")),
        ("cty", json!(1)),
        ("kid", json!(1)),
        ("kid", Value::Null),
        ("kid", json!(["a"])),
        ("kid", json!("k".repeat(257))),
    ] {
        let mut header = json!({"alg": "RS256"});
        header[name] = value;
        let expected = VerifyError::Header(name);
        assert_eq!(with_header(&header), Err(expected), "{header}");
    }
    assert!(
        with_header(&json!({"alg": "RS256", "x5t": "x", "cty": "json", "unknown": [1]})).is_ok()
    );
}

#[test]
fn x5u_of_an_ims_token_is_the_file_of_its_key() {
    let with = |x5u: Value| {
        let mut header = ims_header();
        header["x5u"] = x5u;
        verify(
            &sign(&RSA, &header, &ims_token()),
            &[("a", &RSA)],
            &Rules::ims_access_token(),
        )
    };

    assert!(with(json!("a.cer")).is_ok());
    for bad in [
        json!("b.cer"),
        json!("../a.cer"),
        json!("https://127.0.0.1/a.cer"),
        json!("a"),
        Value::Null,
    ] {
        assert_eq!(with(bad.clone()), Err(VerifyError::Header("x5u")), "{bad}");
    }
}

#[test]
fn the_key_id_of_an_assertion_is_a_hint() {
    for kid in [
        "a",
        "b",
        "unknown",
        "",
        "../../dev/null",
        "' OR 1=1--",
        "\0",
    ] {
        let token = sign(&RSA, &json!({"alg": "RS256", "kid": kid}), &assertion());
        let keys = [("a", &*OTHER_RSA), ("c", &*P256), ("b", &*RSA)];

        assert_eq!(
            verify(&token, &keys, &Rules::assertion()).unwrap().key(),
            2,
            "{kid}"
        );
        assert_eq!(
            verify(&token, &keys[..2], &Rules::assertion()),
            Err(VerifyError::Signature)
        );
        assert_eq!(
            verify(&token, &[], &Rules::assertion()),
            Err(VerifyError::Signature)
        );
    }
}

#[test]
fn at_most_ten_keys_are_tried_and_the_named_one_first() {
    let mut keys = vec![("a", &*OTHER_RSA); 10];
    keys.push(("b", &*RSA));
    let token = |header: Value| sign(&RSA, &header, &assertion());

    let unnamed = verify(&token(json!({"alg": "RS256"})), &keys, &Rules::assertion());
    assert_eq!(unnamed, Err(VerifyError::Signature));
    let named = verify(
        &token(json!({"alg": "RS256", "kid": "b"})),
        &keys,
        &Rules::assertion(),
    );
    assert_eq!(named.unwrap().key(), 10);
}

#[test]
fn our_own_tokens_name_their_key() {
    let token = |kid: Value| {
        sign(
            &RSA,
            &json!({"alg": "RS256", "itt": "at", "kid": kid}),
            &ims_token(),
        )
    };
    let keys = [("a", &*OTHER_RSA), ("b", &*RSA), ("c", &*P256)];
    let outcome = |kid: Value| verify(&token(kid), &keys, &Rules::ims_access_token());

    assert_eq!(outcome(json!("b")).unwrap().key(), 1);
    assert_eq!(outcome(json!("a")), Err(VerifyError::Signature));
    assert_eq!(outcome(json!("c")), Err(VerifyError::Algorithm));
    assert_eq!(outcome(json!("d")), Err(VerifyError::UnknownKey));
    let unnamed = sign(&RSA, &json!({"alg": "RS256", "itt": "at"}), &ims_token());
    assert_eq!(
        verify(&unnamed, &keys, &Rules::ims_access_token()),
        Err(VerifyError::UnknownKey)
    );
}

#[test]
fn expiry_has_thirty_seconds_and_a_horizon() {
    let exp = |at: i64| with_claim("exp", json!(at)).map(drop);

    assert_eq!(exp(NOW - 29), Ok(()));
    assert_eq!(
        exp(NOW - 30),
        Err(VerifyError::Expired {
            exp: NOW - 30,
            now: NOW
        })
    );
    assert_eq!(
        exp(NOW - 31),
        Err(VerifyError::Expired {
            exp: NOW - 31,
            now: NOW
        })
    );
    assert_eq!(exp(NOW + 90_000), Ok(()));
    assert_eq!(
        exp(NOW + 90_001),
        Err(VerifyError::TooFarAhead {
            exp: NOW + 90_001,
            now: NOW
        })
    );

    let rules = Rules::assertion().with_longest(0).with_skew(1_000_000);
    let at = |exp: i64| {
        let token = sign(&RSA, &json!({"alg": "RS256"}), &json!({"exp": exp}));
        verify(&token, &[("a", &RSA)], &rules).is_ok()
    };
    assert!(at((1 << 53) - 1));
    // Five minutes is the most anybody can configure.
    assert!(at(NOW - 299) && !at(NOW - 300));
}

#[test]
fn start_and_issue_have_their_own_horizons() {
    assert!(with_claim("nbf", json!(NOW + 30)).is_ok());
    let late = with_claim("nbf", json!(NOW + 31));
    assert_eq!(
        late,
        Err(VerifyError::NotYetValid {
            nbf: NOW + 31,
            now: NOW
        })
    );
    assert!(with_claim("iat", json!(NOW + 3_600)).is_ok());
    let late = with_claim("iat", json!(NOW + 3_601));
    assert_eq!(
        late,
        Err(VerifyError::IssuedInFuture {
            iat: NOW + 3_601,
            now: NOW
        })
    );
    assert!(with_claim("iat", json!(0)).is_ok());
}

#[test]
fn claims_of_the_wrong_type_are_errors() {
    let wrong = [
        Value::Null,
        json!(true),
        json!("1900000300"),
        json!([1]),
        json!({}),
        json!(1.5),
        json!(1e30),
    ];
    for name in ["exp", "nbf", "iat"] {
        for value in &wrong {
            let expected = ClaimError::new(name, ClaimFault::WrongType);
            assert_eq!(
                with_claim(name, value.clone()),
                Err(expected.into()),
                "{name} {value}"
            );
        }
        for value in [-1, 1 << 53, NOW * 10_000_000, i64::MAX, i64::MIN] {
            let expected = ClaimError::new(name, ClaimFault::Value);
            assert_eq!(
                with_claim(name, json!(value)),
                Err(expected.into()),
                "{name} {value}"
            );
        }
        let too_large = ClaimError::new(name, ClaimFault::WrongType);
        assert_eq!(with_claim(name, json!(u64::MAX)), Err(too_large.into()));
    }
    assert_eq!(
        with_claim("exp", json!(0)),
        Err(ClaimError::new("exp", ClaimFault::Value).into())
    );
    // Milliseconds are far in the future.
    assert!(matches!(
        with_claim("exp", json!(NOW * 1000)),
        Err(VerifyError::TooFarAhead { .. })
    ));
    for value in [json!(1), json!("1"), json!("x".repeat(256))] {
        assert!(with_claim("jti", value).is_ok());
    }
    for value in [
        Value::Null,
        json!(true),
        json!(1.5),
        json!([]),
        json!({}),
        json!(""),
        json!("x".repeat(257)),
    ] {
        assert!(matches!(
            with_claim("jti", value),
            Err(VerifyError::Claim(_))
        ));
    }
}

#[test]
fn a_missing_expiry_is_an_error() {
    let token = sign(&RSA, &json!({"alg": "RS256"}), &json!({"iat": NOW}));
    let missing = ClaimError::new("exp", ClaimFault::Missing);

    assert_eq!(
        verify(&token, &[("a", &RSA)], &Rules::assertion()),
        Err(missing.into())
    );
}

#[test]
fn ims_tokens_end_after_their_life() {
    let with = |name: &str, value: Value| {
        let mut claims = ims_token();
        claims[name] = value;
        verify(
            &sign(&RSA, &ims_header(), &claims),
            &[("a", &RSA)],
            &Rules::ims_access_token(),
        )
    };
    let ms = |seconds: i64| json!((seconds * 1000).to_string());

    assert_eq!(
        with("x", json!(1)).unwrap().expires_at(),
        NOW * 1000 + 86_400_000
    );
    assert!(with("created_at", ms(NOW - 86_404)).is_ok());
    assert!(matches!(
        with("created_at", ms(NOW - 86_405)),
        Err(VerifyError::Expired { .. })
    ));
    assert!(with("created_at", ms(NOW + 5)).is_ok());
    assert!(matches!(
        with("created_at", ms(NOW + 6)),
        Err(VerifyError::IssuedInFuture { .. })
    ));
    for value in [
        json!(86_400_000),
        json!("-1"),
        json!("1e3"),
        json!(""),
        json!("9".repeat(40)),
        Value::Null,
    ] {
        assert!(matches!(
            with("expires_in", value),
            Err(VerifyError::Claim(_))
        ));
    }
    for value in [json!("refresh_token"), json!(1), Value::Null] {
        assert!(matches!(with("type", value), Err(VerifyError::Claim(_))));
    }
}

#[test]
fn the_reader_of_claims_can_refuse() {
    let token = sign(&RSA, &json!({"alg": "RS256"}), &assertion());
    let candidate = Candidate {
        kid: None,
        key: RSA.verifying_key(),
    };
    let unverified = Unverified::parse(&token).unwrap();
    let read = |name: &'static str| {
        unverified.verify(&[candidate], &Rules::assertion(), NOW * 1000, |claims| {
            claims.string(name).map(str::to_owned)
        })
    };

    assert_eq!(read("iss").unwrap().into_claims(), "i");
    assert_eq!(
        read("x").unwrap_err(),
        ClaimError::new("x", ClaimFault::Missing).into()
    );
    assert_eq!(
        read("exp").unwrap_err(),
        ClaimError::new("exp", ClaimFault::WrongType).into()
    );
    assert_eq!(unverified.issuer(), Some("i"));
    assert_eq!(unverified.subject(), Some("s"));
    assert_eq!(unverified.key_id(), None);
}

#[test]
fn mac_with_a_public_form_as_key_is_refused() {
    use aws_lc_rs::hmac;
    let key = RSA.verifying_key();
    let jwk = serde_json::to_vec(&key.to_jwk("a")).unwrap();
    for secret in [key.to_spki_der(), jwk, Vec::new()] {
        for (alg, mac) in [
            ("HS256", hmac::HMAC_SHA256),
            ("HS512", hmac::HMAC_SHA512),
            ("RS256", hmac::HMAC_SHA256),
        ] {
            let header = base64url(json!({"alg": alg}).to_string().as_bytes());
            let input = format!("{header}.{}", base64url(assertion().to_string().as_bytes()));
            let tag = hmac::sign(&hmac::Key::new(mac, &secret), input.as_bytes());
            let token = format!("{input}.{}", base64url(tag.as_ref()));

            assert!(verify(&token, &[("a", &RSA)], &Rules::assertion()).is_err());
        }
    }
}

#[test]
fn signatures_are_exactly_one_number_of_full_length() {
    let token = sign(&RSA, &json!({"alg": "RS256"}), &assertion());
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = crate::support::from_base64url(signature);
    let modulus = serde_json::to_value(RSA.verifying_key().to_jwk("a")).unwrap();
    let modulus = crate::support::from_base64url(modulus["n"].as_str().unwrap());
    let one = [vec![0; 255], vec![1]].concat();
    for bad in [
        vec![],
        vec![0; 256],
        one,
        modulus,
        signature[1..].to_vec(),
        [&signature[..], &[0]].concat(),
        [&[0], &signature[..]].concat(),
    ] {
        let token = format!("{input}.{}", base64url(&bad));
        assert_eq!(
            verify(&token, &[("a", &RSA)], &Rules::assertion()),
            Err(VerifyError::Signature)
        );
    }
}

/// Headers of every era (ims-protocol 4.1); what brings a key along is refused as everywhere.
#[test]
fn tokens_of_another_ims_come_in_several_forms() {
    let foreign = |header: &Value, claims: &Value| {
        let key = Candidate {
            kid: None,
            key: RSA.verifying_key(),
        };
        let token = sign(&RSA, header, claims);
        let rules = Rules::foreign_ims_access_token();
        Unverified::parse(&token)
            .unwrap()
            .verify(&[key], &rules, NOW * 1000, |_| Ok(()))
    };
    for header in [
        json!({"alg": "RS256", "x5u": "ims_na1-key-at-1.cer", "kid": "ims_na1-key-at-1", "itt": "at"}),
        json!({"x5u": "ims_na1-key-1.cer", "alg": "RS256"}),
        json!({"alg": "RS256", "kid": "any"}),
    ] {
        assert!(foreign(&header, &ims_token()).is_ok(), "{header}");
    }
    for header in [
        json!({"alg": "RS256", "x5u": "https://evil.example/a.cer"}),
        json!({"alg": "RS256", "x5u": "../a.cer"}),
        json!({"alg": "RS256", "x5u": 1}),
        json!({"alg": "RS256", "typ": "at+jwt"}),
        json!({"alg": "RS256", "itt": "rt"}),
        json!({"alg": "RS256", "jwk": {}}),
        json!({"alg": "none"}),
    ] {
        assert!(foreign(&header, &ims_token()).is_err(), "{header}");
    }
    let mut refresh = ims_token();
    refresh["type"] = json!("refresh_token");
    assert!(foreign(&json!({"alg": "RS256"}), &refresh).is_err());
}
