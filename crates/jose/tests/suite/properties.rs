//! What holds for every input.

use countersign_jose::{
    Algorithm, Candidate, Certificate, JwkSet, Malformed, Object, Rules, SigningKey, Unverified,
    VerifyingKey, verify_content,
};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{ED25519, NOW, P256, RSA, base64url, from_base64url};

fn key(index: usize) -> &'static SigningKey {
    [&*RSA, &*P256, &*ED25519][index]
}

fn header(algorithm: Algorithm) -> Vec<u8> {
    json!({"alg": algorithm.name()}).to_string().into_bytes()
}

fn is_believed(token: &str, key: &SigningKey) -> bool {
    let candidate = Candidate {
        kid: None,
        key: key.verifying_key(),
    };
    let rules = Rules::assertion().with_algorithms([key.algorithm()]);
    Unverified::parse(token).is_ok_and(|token| {
        token
            .verify(&[candidate], &rules, NOW * 1000, |_| Ok(()))
            .is_ok()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_is_signed_is_what_is_read(index in 0..3_usize, content in prop::collection::vec(any::<u8>(), 0..300)) {
        let key = key(index);
        let token = key.sign_compact(&header(key.algorithm()), &content).unwrap();

        prop_assert_eq!(verify_content(&token, key.verifying_key()).unwrap(), content);
    }

    #[test]
    fn any_single_bit_counts(index in 0..3_usize, part in 0..3_usize, at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let key = key(index);
        let claims = json!({"exp": NOW + 300, "iss": "i", "sub": "s"}).to_string();
        let token = key.sign_compact(&header(key.algorithm()), claims.as_bytes()).unwrap();
        prop_assert!(is_believed(&token, key));

        let mut parts: Vec<Vec<u8>> = token.split('.').map(from_base64url).collect();
        let at = at.index(parts[part].len());
        parts[part][at] ^= 1_u8 << bit;
        let changed = parts.iter().map(|part| base64url(part)).collect::<Vec<_>>().join(".");
        prop_assert!(!is_believed(&changed, key));
    }

    #[test]
    fn any_changed_character_counts(at in any::<prop::sample::Index>(), with in any::<char>()) {
        let claims = json!({"exp": NOW + 300}).to_string();
        let token = ED25519.sign_compact(&header(Algorithm::EdDsa), claims.as_bytes()).unwrap();
        let mut characters: Vec<char> = token.chars().collect();
        let at = at.index(characters.len());
        prop_assume!(characters[at] != with);
        characters[at] = with;

        prop_assert!(!is_believed(&characters.into_iter().collect::<String>(), &ED25519));
    }

    #[test]
    fn readers_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), text in ".{0,200}") {
        let _ = Unverified::parse(&text);
        let _ = Object::parse(&bytes);
        let _ = Object::parse(text.as_bytes());
        let _ = JwkSet::parse(text.as_bytes());
        let _ = Certificate::parse(&bytes);
        let _ = Certificate::parse(text.as_bytes());
        let _ = VerifyingKey::from_pem(&text);
        let _ = VerifyingKey::from_spki_der(&bytes);
        let _ = VerifyingKey::from_pkcs1_der(&bytes);
        let _ = SigningKey::from_pem(&text);
        let _ = SigningKey::from_pkcs8(&bytes);
        let three = format!("{}.{}.{}", base64url(&bytes), base64url(text.as_bytes()), base64url(&bytes));
        prop_assert!(Unverified::parse(&three).is_err());
    }

    #[test]
    fn broken_certificates_and_keys_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let made = Certificate::make_self_signed(&RSA, "x", NOW, NOW + 1).unwrap();
        let mut der = made.der().to_vec();
        let place = at.index(der.len());
        der[place] = byte;
        let _ = Certificate::parse(&der);
        let mut spki = RSA.verifying_key().to_spki_der();
        let place = at.index(spki.len());
        spki[place] = byte;
        let _ = VerifyingKey::from_spki_der(&spki);
    }

    #[test]
    fn a_member_twice_is_always_refused(
        names in prop::collection::hash_set("[a-z\"\\\\é😀]{0,6}", 1..20),
        twice in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        escaped in any::<bool>(),
        nested in any::<bool>(),
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let member = |name: &str| format!("{}:1", serde_json::to_string(name).unwrap());
        let mut members: Vec<String> = names.iter().map(|name| member(name)).collect();
        let object = |members: &[String]| format!("{{{}}}", members.join(","));
        prop_assert!(Object::parse(object(&members).as_bytes()).is_ok());

        let name = &names[twice.index(names.len())];
        let units: String = name.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let double = if escaped { format!("\"{units}\":2") } else { member(name) };
        members.insert(at.index(members.len() + 1), double);
        let json = if nested { format!("{{\"x\":[{}]}}", object(&members)) } else { object(&members) };
        prop_assert_eq!(Object::parse(json.as_bytes()), Err(Malformed::Json));
    }
}
