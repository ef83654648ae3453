//! What an ID token says about the access token that it came with.

use aws_lc_rs::digest::{SHA256, SHA512, digest};

use crate::base64url;
use crate::key::Algorithm;

/// `at_hash` of an access token in an ID token of that algorithm: the left half of its digest, by
/// the hash function of the signature (OpenID Connect Core 3.1.3.6; Ed25519 hashes by SHA-512).
pub fn access_token_hash(algorithm: Algorithm, access_token: &str) -> String {
    let function = match algorithm {
        Algorithm::Rs256 | Algorithm::Es256 => &SHA256,
        Algorithm::EdDsa => &SHA512,
    };
    let whole = digest(function, access_token.as_bytes());
    let (left, _) = whole.as_ref().split_at(whole.as_ref().len() / 2);
    base64url::encode(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification() {
        // OpenID Connect Core A.3: an access token, and `at_hash` beside it.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(
            access_token_hash(Algorithm::Rs256, token),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
        assert_eq!(access_token_hash(Algorithm::EdDsa, token).len(), 43);
    }
}
