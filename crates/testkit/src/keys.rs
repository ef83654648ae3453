//! Private keys of clients. Made once per process: RSA takes a noticeable fraction of a second,
//! and a private key in a repository is an alarm for every scanner.

use std::sync::OnceLock;

use countersign_jose::{Algorithm, Certificate, SigningKey};
use countersign_wire::Timestamp;

/// The key that clients sign with unless a test says otherwise.
pub fn first() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    made(&KEY)
}

/// A second key: of another organization, or of a rotation.
pub fn second() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    made(&KEY)
}

/// A key that nobody registered.
pub fn foreign() -> &'static SigningKey {
    static KEY: OnceLock<SigningKey> = OnceLock::new();
    made(&KEY)
}

/// A self-signed certificate of `key`, valid from `from` until `until`, as PEM.
#[must_use]
pub fn certificate(key: &SigningKey, from: Timestamp, until: Timestamp) -> Vec<u8> {
    let made = Certificate::make_self_signed(key, "test", from.as_seconds(), until.as_seconds());
    made.unwrap().to_pem().into_bytes()
}

fn made(cell: &'static OnceLock<SigningKey>) -> &'static SigningKey {
    cell.get_or_init(|| SigningKey::generate(Algorithm::Rs256).unwrap())
}
