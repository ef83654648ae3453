//! Loading, publishing and refusing keys.

use countersign_jose::{Algorithm, Header, JwkSet, JwksError, KeyError, SigningKey, VerifyingKey};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{ED25519, P256, RSA, base64url, from_base64url, text, wycheproof};

fn all() -> [&'static SigningKey; 3] {
    [&RSA, &P256, &ED25519]
}

fn jwk(key: &SigningKey) -> Value {
    serde_json::to_value(key.verifying_key().to_jwk("k")).unwrap()
}

fn read(jwk: &Value) -> Result<VerifyingKey, KeyError> {
    VerifyingKey::from_jwk(jwk.to_string().as_bytes())
}

#[test]
fn private_keys_survive_being_stored() {
    for key in all() {
        let from_der = SigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        let pem = key.to_pem().unwrap().replace('\n', "\r\n");
        let from_pem = SigningKey::from_pem(&pem).unwrap();

        for same in [from_der, from_pem] {
            assert_eq!(same.verifying_key(), key.verifying_key());
            assert_eq!(same.algorithm(), key.algorithm());
            assert!(key.verifying_key().accepts(b"x", &same.sign(b"x").unwrap()));
        }
    }
}

#[test]
fn private_keys_in_pkcs1_are_read() {
    let (group, _) = wycheproof("rsa_pkcs1_2048_sig_gen_test.json").swap_remove(0);
    let pem = text(&group, "privateKeyPem").replace('\n', "\r\n");
    let pkcs8 = crate::support::unhex(text(&group, "privateKeyPkcs8"));

    assert!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    assert_eq!(
        SigningKey::from_pem(&pem).unwrap().verifying_key(),
        SigningKey::from_pkcs8(&pkcs8).unwrap().verifying_key()
    );
}

#[test]
fn private_keys_that_cannot_be_used_say_why() {
    let refusal = |pem: &str| SigningKey::from_pem(pem).unwrap_err();
    let section = |label: &str, body: &str| {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
    };
    let pkcs1 = section(
        "RSA PRIVATE KEY",
        "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA",
    );
    let key = RSA.to_pem().unwrap();

    assert_eq!(
        refusal(&section("ENCRYPTED PRIVATE KEY", "AAAA")),
        KeyError::Encrypted
    );
    assert_eq!(refusal(&pkcs1), KeyError::Encrypted);
    assert_eq!(
        refusal(&section("CERTIFICATE", "AAAA")),
        KeyError::NotOnePemSection("private key")
    );
    assert_eq!(
        refusal(&key.repeat(2)),
        KeyError::NotOnePemSection("private key")
    );
    assert_eq!(refusal(&section("EC PRIVATE KEY", "AAAA")), KeyError::Kind);
    assert_eq!(refusal(&section("PRIVATE KEY", "AAAA")), KeyError::Kind);
    assert_eq!(refusal(&section("PRIVATE KEY", "%")), KeyError::NotAKey);
    assert_eq!(refusal(""), KeyError::NotOnePemSection("private key"));
    // A broken key file does not come into service (KEY-07).
    let der = RSA.to_pkcs8().unwrap();
    for at in [30, der.len() / 2, der.len() - 1] {
        let mut broken = der.to_vec();
        broken[at] ^= 1;
        assert!(SigningKey::from_pkcs8(&broken).is_err(), "{at}");
    }
}

#[test]
fn debug_shows_no_private_key() {
    let shown = format!("{:?}", *RSA);

    assert_eq!(
        shown,
        format!("SigningKey(RS256 {})", RSA.verifying_key().thumbprint())
    );
}

#[test]
fn every_public_form_is_the_same_key() {
    for key in all().map(SigningKey::verifying_key) {
        let jwk = serde_json::to_vec(&key.to_jwk("k")).unwrap();

        assert_eq!(
            VerifyingKey::from_spki_der(&key.to_spki_der()).as_ref(),
            Ok(key)
        );
        assert_eq!(VerifyingKey::from_jwk(&jwk).as_ref(), Ok(key));
    }
    let private = RSA.to_pem().unwrap();
    assert_eq!(VerifyingKey::from_pem(&private), Err(KeyError::PrivateKey));
}

#[test]
fn thumbprints_are_those_of_the_standards() {
    let rfc_7638 = json!({"kty": "RSA", "e": "AQAB", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"});
    let rfc_8037 =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});

    assert_eq!(
        read(&rfc_7638).unwrap().thumbprint(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    assert_eq!(
        read(&rfc_8037).unwrap().thumbprint(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

#[test]
fn published_keys_have_the_members_of_the_original_in_its_order() {
    let rfc_8037 =
        json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let mut set = JwkSet::new();
    set.insert("ed", read(&rfc_8037).unwrap()).unwrap();
    assert_snapshot!(set.to_json(), @r#"{"keys":[{"kty":"OKP","alg":"EdDSA","use":"sig","kid":"ed","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#);

    let members = |key: &SigningKey| {
        let json = serde_json::to_string(&key.verifying_key().to_jwk("k")).unwrap();
        let names = json.split('"').skip(1).step_by(4).collect::<Vec<_>>();
        names.join(" ")
    };
    assert_eq!(members(&RSA), "kty alg use kid e n");
    assert_eq!(members(&P256), "kty alg use kid crv x y");
}

#[test]
fn rsa_keys_out_of_bounds_are_refused() {
    let n = from_base64url(text(&jwk(&RSA), "n"));
    let with =
        |n: &[u8], e: &[u8]| read(&json!({"kty": "RSA", "n": base64url(n), "e": base64url(e)}));
    let even = [&n[..255], &[n[255] & 0xfe]].concat();

    assert!(with(&n, &[1, 0, 1]).is_ok());
    for e in [&[1][..], &[2], &[3], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
        assert_eq!(with(&n, e), Err(KeyError::RsaExponent), "{e:?}");
    }
    assert_eq!(with(&n, &[]), Err(KeyError::JwkMember("e")));
    assert_eq!(with(&n, &[0, 1, 0, 1]), Err(KeyError::JwkMember("e")));
    assert_eq!(
        with(&[&[0], &n[..]].concat(), &[1, 0, 1]),
        Err(KeyError::JwkMember("n"))
    );
    assert_eq!(with(&even, &[1, 0, 1]), Err(KeyError::RsaModulus));
    assert_eq!(with(&n[..128], &[1, 0, 1]), Err(KeyError::RsaSize(1024)));
    assert_eq!(
        with(&n.repeat(5), &[1, 0, 1]),
        Err(KeyError::RsaSize(10_240))
    );
}

#[test]
fn jwks_for_another_purpose_are_refused() {
    let with = |name: &str, value: Value| {
        let mut jwk = jwk(&RSA);
        jwk[name] = value;
        read(&jwk)
    };

    assert!(with("x5t", json!("ignored")).is_ok());
    assert!(with("key_ops", json!(["verify"])).is_ok());
    for (name, value) in [
        ("use", json!("enc")),
        ("use", json!(["sig"])),
        ("key_ops", json!(["encrypt"])),
        ("key_ops", json!(["verify", "encrypt"])),
        ("key_ops", json!("verify")),
        ("alg", json!("PS256")),
        ("alg", json!("HS256")),
        ("alg", json!("none")),
        ("alg", Value::Null),
        ("kty", json!("oct")),
        ("kty", json!("EC")),
        ("n", json!(1)),
        ("d", json!("AQAB")),
        ("k", json!("AQAB")),
    ] {
        assert!(with(name, value.clone()).is_err(), "{name} {value}");
    }
}

#[test]
fn points_that_are_none_are_refused() {
    let mut p256 = jwk(&P256);
    p256["y"] = p256["x"].clone();
    assert_eq!(read(&p256), Err(KeyError::Point));

    // Small order, or a number beyond the field.
    let minus_one = [&[0xec][..], &[0xff; 30], &[0x7f]].concat();
    let beyond = [&[0xee][..], &[0xff; 30], &[0x7f]].concat();
    let sign_bit = [&[1][..], &[0; 30], &[0x80]].concat();
    for point in [
        vec![0; 32],
        [&[1][..], &[0; 31]].concat(),
        minus_one,
        beyond,
        sign_bit,
        vec![0; 31],
    ] {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(&point)});
        assert_eq!(read(&jwk), Err(KeyError::Point), "{jwk}");
    }
}

#[test]
fn key_sets_are_read_without_the_keys_we_cannot_use() {
    let weak = json!({"kty": "RSA", "kid": "weak", "n": base64url(&[0xff; 128]), "e": "AQAB"});
    let encryption = json!({"kty": "RSA", "kid": "enc", "use": "enc", "n": "AQAB", "e": "AQAB"});
    let unknown = json!({"kty": "future", "kid": "unknown"});
    let set = json!({"keys": [weak, encryption, jwk(&RSA), unknown]}).to_string();

    let set = JwkSet::parse(set.as_bytes()).unwrap();

    assert_eq!(set.len(), 1);
    assert_eq!(set.find("k"), Some(RSA.verifying_key()));
    assert_eq!(JwkSet::parse(set.to_json().as_bytes()), Ok(set));
}

#[test]
fn key_sets_with_a_fault_are_refused_as_a_whole() {
    let refusal = |set: Value| JwkSet::parse(set.to_string().as_bytes()).unwrap_err();
    let mut private = jwk(&RSA);
    private["d"] = json!("AQAB");
    let symmetric = json!({"kty": "oct", "k": "AQAB"});
    let unusable = json!({"kty": "future", "kid": "k"});

    assert_eq!(
        refusal(json!({"keys": [jwk(&RSA), jwk(&P256)]})),
        JwksError::DoubledKid
    );
    assert_eq!(
        refusal(json!({"keys": [jwk(&RSA), unusable]})),
        JwksError::DoubledKid
    );
    assert_eq!(
        refusal(json!({"keys": [jwk(&P256), private]})),
        JwksError::PrivateMember
    );
    assert_eq!(
        refusal(json!({"keys": [symmetric, jwk(&P256)]})),
        JwksError::PrivateMember
    );
    for none in [
        json!([]),
        json!({}),
        json!({"keys": {}}),
        json!({"keys": ["k"]}),
        json!({"keys": [{"kid": 1}]}),
    ] {
        assert_eq!(refusal(none), JwksError::NotAKeySet);
    }
    assert_eq!(JwkSet::parse(&[b' '; 65_537]), Err(JwksError::TooLarge));
    assert_eq!(
        refusal(json!({"keys": vec![json!({}); 65]})),
        JwksError::TooLarge
    );
    let mut ours = JwkSet::new();
    ours.insert("k", RSA.verifying_key().clone()).unwrap();
    assert_eq!(
        ours.insert("k", P256.verifying_key().clone()),
        Err(JwksError::DoubledKid)
    );
}

#[test]
fn headers_are_those_of_the_original_and_of_the_standards() {
    let json = |header: Header| String::from_utf8(header.to_json()).unwrap();

    assert_snapshot!(json(Header::ims_access_token("ims_na1-key-at-1")), @r#"{"alg":"RS256","x5u":"ims_na1-key-at-1.cer","kid":"ims_na1-key-at-1","itt":"at"}"#);
    assert_snapshot!(json(Header::ims_access_token("ims_na1-key-at-1").without_x5u()), @r#"{"alg":"RS256","kid":"ims_na1-key-at-1","itt":"at"}"#);
    assert_snapshot!(json(Header::access_token(Algorithm::Es256, "es-1")), @r#"{"alg":"ES256","typ":"at+jwt","kid":"es-1"}"#);
    assert_snapshot!(json(Header::jwt(Algorithm::Rs256)), @r#"{"alg":"RS256","typ":"JWT"}"#);
    assert_snapshot!(json(Header::jwt(Algorithm::EdDsa).with_kid("k")), @r#"{"alg":"EdDSA","typ":"JWT","kid":"k"}"#);
}
