//! Replaces what differs from run to run, by name, so that the rest can be compared byte for byte.

use serde_json::Value;

use crate::answer::Answer;

/// The body with the access token replaced by `<token>`.
#[must_use]
pub fn token(answer: &Answer) -> String {
    answer.body.replace(&answer.token(), "<token>")
}

/// The payload of a token with its random parts replaced by their kind: `<uuid>`, `<moi>` and
/// `<id>` of what it was minted with. Every part is checked for its form first.
#[must_use]
pub fn payload(token: &str) -> String {
    let text = payload_text(token);
    let claims: Value = serde_json::from_str(&text).unwrap();
    let id = claims["id"].as_str().unwrap();
    let uuid = id.split('_').nth(1).unwrap();
    assert!(uuid::Uuid::parse_str(uuid).is_ok(), "{id}");
    let moi = claims["moi"].as_str().unwrap();
    assert!(
        moi.len() == 8 && moi.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        "{moi}"
    );
    let minter = claims["minted_by"]
        .as_str()
        .unwrap()
        .split_once(':')
        .unwrap()
        .1;
    assert_eq!(minter.len(), 32, "{minter}");
    let member = format!(r#""moi":"{moi}""#);
    text.replace(uuid, "<uuid>")
        .replace(&member, r#""moi":"<moi>""#)
        .replace(minter, "<id>")
}

/// The payload of a token as it was signed.
#[must_use]
pub fn payload_text(token: &str) -> String {
    part(token, 1)
}

/// The header of a token as it was signed.
#[must_use]
pub fn header_text(token: &str) -> String {
    part(token, 0)
}

fn part(token: &str, at: usize) -> String {
    use base64::Engine as _;
    let part = token.split('.').nth(at).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(part)
        .unwrap();
    String::from_utf8(bytes).unwrap()
}
