//! Kinds of tokens, and keys that clients authenticate with.

use crate::place::Place;

fn created(place: &Place) -> String {
    let ran = place.create("oauth-server-to-server", &["--json"]);
    let made: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    made["client_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_credential_is_switched_to_standard_tokens_and_back() {
    let place = Place::with_project();
    let id = created(&place);
    let set = |more: &[&str]| {
        let args = [&["credentials", "set-token-kind", &id], more].concat();
        place.json(&args)["token_kind"].clone()
    };

    assert_eq!(
        place.json(&["credentials", "show", &id])["token_kind"],
        "ims"
    );
    assert_eq!(set(&["standard"]), "standard:RS256");
    assert_eq!(set(&["standard", "--algorithm", "ES256"]), "standard:ES256");
    assert_eq!(place.json(&["keys", "list"])[1]["algorithm"], "ES256");
    assert_eq!(set(&["ims"]), "ims");
    let senseless = ["ims", "--algorithm", "ES256"];
    let refused = place.admin(&[&["credentials", "set-token-kind", &id], &senseless[..]].concat());
    assert!(
        refused.exit == 2 && refused.stderr.contains("RS256 only"),
        "{}",
        refused.stderr
    );
    let unknown = ["standard", "--algorithm", "none"];
    let refused = place.admin(&[&["credentials", "set-token-kind", &id], &unknown[..]].concat());
    assert!(
        refused.exit == 2 && refused.stderr.contains("RS256, ES256 or EdDSA"),
        "{}",
        refused.stderr
    );
}

#[test]
fn public_keys_are_registered_from_a_file_or_stdin() {
    let place = Place::with_project();
    let id = created(&place);
    // RFC 8037 appendix A.2 prints this one with its private half.
    let known = r#"{"keys":[{"kty":"OKP","crv":"Ed25519",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let key = countersign_jose::SigningKey::generate(countersign_jose::Algorithm::EdDsa).unwrap();
    let mut set = countersign_jose::JwkSet::new();
    set.insert("one", key.verifying_key().clone()).unwrap();
    std::fs::write(place.path("keys.json"), set.to_json()).unwrap();

    let registered = place.admin(&["credentials", "set-jwks", &id, "keys.json"]);
    assert_eq!(registered.exit, 0, "{}", registered.stderr);
    let shown = place.json(&["credentials", "show", &id])["keys"].clone();
    assert_eq!(shown[0]["thumbprint"], key.verifying_key().thumbprint());
    assert_eq!(
        (&shown[0]["kid"], shown.as_array().unwrap().len()),
        (&"one".into(), 1)
    );

    let args = ["credentials", "set-jwks", &id, "-"];
    let refused = place.admin_with_stdin(&args, known);
    assert!(
        refused.exit == 1 && refused.stderr.contains("public knowledge"),
        "{}",
        refused.stderr
    );
    let private = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}]}"#;
    let refused = place.admin_with_stdin(&args, private);
    assert!(
        refused.exit == 1 && refused.stderr.contains("private"),
        "{}",
        refused.stderr
    );
    assert_eq!(place.admin_with_stdin(&args, r#"{"keys":[]}"#).exit, 0);
    let shown = place.json(&["credentials", "show", &id]);
    assert_eq!(shown["keys"].as_array().unwrap().len(), 0);
}
