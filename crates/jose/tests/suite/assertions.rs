//! The assertion vectors, read as the exchange endpoint will.

use countersign_jose::{
    Candidate, ClaimError, ClaimFault, Malformed, Object, Rules, Unverified, Value, VerifyError,
    VerifyingKey,
};

use crate::support::{text, vector};

#[test]
fn assertions_verify_or_fail_as_marked() {
    let vectors = vector("assertions/assertions.json");
    let key = VerifyingKey::from_pem(text(&vectors, "publicKeyPem")).unwrap();
    let now = vectors["now"].as_i64().unwrap() * 1000;
    let tests = vectors["tests"].as_array().unwrap();
    assert_eq!(
        tests.len(),
        usize::try_from(vectors["numberOfTests"].as_u64().unwrap()).unwrap()
    );

    for test in tests {
        let outcome = exchange(text(test, "jwt"), &key, now, &vectors["expected"]);

        assert_eq!(
            outcome.is_ok(),
            test["result"] == "valid",
            "{} {outcome:?}",
            test["comment"]
        );
    }
}

/// The steps of the endpoint in their order (ims-protocol 2.2).
fn exchange(
    token: &str,
    key: &VerifyingKey,
    now: i64,
    expected: &serde_json::Value,
) -> Result<(), VerifyError> {
    let rules = Rules::assertion();
    let unverified = Unverified::parse(token)?;
    unverified.check_claims(&rules)?;
    unverified.check_algorithm(&rules)?;
    let read = |claims: &Object| accepted(claims, expected);
    unverified
        .verify(&[Candidate { kid: None, key }], &rules, now, read)
        .map(drop)
}

fn accepted(claims: &Object, expected: &serde_json::Value) -> Result<(), ClaimError> {
    let same = |name: &str, found: &str| {
        if found == text(expected, name) {
            Ok(())
        } else {
            Err(ClaimError::new(name, ClaimFault::Value))
        }
    };
    same("iss", claims.string("iss")?)?;
    same("sub", claims.string("sub")?)?;
    same("aud", claims.one_audience()?)?;
    let asked: Vec<&str> = claims
        .members()
        .filter(|(name, value)| name.contains("/s/") && **value == Value::Bool(true))
        .map(|(name, _)| name)
        .collect();
    same("metascope", asked.first().copied().unwrap_or_default())?;
    if asked.len() == 1 {
        Ok(())
    } else {
        Err(ClaimError::new("metascope", ClaimFault::Value))
    }
}

#[test]
fn errors_come_in_the_order_of_the_endpoint() {
    let rules = Rules::assertion();
    let step = |token: &str| {
        let unverified = Unverified::parse(token).map_err(VerifyError::from)?;
        unverified.check_claims(&rules)?;
        unverified.check_algorithm(&rules).map(drop)
    };
    let token = |header: &str, payload: &str| {
        let (header, payload) = (header.as_bytes(), payload.as_bytes());
        format!(
            "{}.{}.",
            crate::support::base64url(header),
            crate::support::base64url(payload)
        )
    };

    assert_eq!(step("abc"), Err(Malformed::Parts.into()));
    assert_eq!(step(&"a".repeat(16_385)), Err(Malformed::TooLong.into()));
    assert_eq!(step("a+.b.c"), Err(Malformed::Base64.into()));
    assert_eq!(step(&token("{}", "[]")), Err(Malformed::Json.into()));
    assert!(matches!(
        step(&token("{}", r#"{"exp":"1"}"#)),
        Err(VerifyError::Claim(_))
    ));
    assert_eq!(
        step(&token(r#"{"alg":"none"}"#, r#"{"exp":1}"#)),
        Err(VerifyError::Algorithm)
    );
}
