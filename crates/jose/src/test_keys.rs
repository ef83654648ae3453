//! Keys whose private half is public, because a standard or a test set prints it (JOS-23).

use crate::key::VerifyingKey;

/// Whether anybody can sign with the private half of this key. Such a key is refused in production.
pub fn is_known_test_key(key: &VerifyingKey) -> bool {
    let fingerprint = key.fingerprint();
    FINGERPRINTS.lines().any(|line| line == fingerprint)
}

/// One [`VerifyingKey::fingerprint`] per line, sorted; `tests/suite/test_keys.rs` says
/// which are missing.
const FINGERPRINTS: &str = include_str!("test_keys.txt");
