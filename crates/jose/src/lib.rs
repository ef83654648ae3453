//! Keys, certificates and signatures: the only place that calls a cryptography library for tokens.
//!
//! A thin, strict layer over JWS in its compact form (RFC 7515): the algorithm is the key's and
//! never the token's, each part is canonical base64url, JSON members are not doubled, and no
//! header parameter can bring a key along. It knows nothing of networks, storage, credentials or
//! projects, and it never asks for the time: `now` is an argument, in milliseconds since 1970.
//!
//! The way in is [`Unverified::parse`], the way to a fact is [`Unverified::verify`], and
//! [`Verified`] is the proof. The way out is [`SigningKey::sign_compact`].

#![warn(missing_docs)]

mod base64url;
mod certificate;
mod compact;
mod error;
mod hash;
mod header;
mod hex;
mod json;
mod jwk;
mod jwks;
mod key;
mod modulus;
mod pem;
mod rules;
mod sign;
mod test_keys;
mod time;
mod unverified;
mod verify;

pub use certificate::Certificate;
pub use compact::LONGEST_TOKEN;
pub use error::{
    CertificateError, ClaimError, ClaimFault, JwksError, KeyError, Malformed, SignError,
    VerifyError,
};
pub use hash::access_token_hash;
pub use header::Header;
pub use json::{Object, TokenId, Value};
pub use jwk::Jwk;
pub use jwks::JwkSet;
pub use key::{Algorithm, VerifyingKey};
pub use rules::{BETWEEN_NODES_SECONDS, Rules};
pub use sign::SigningKey;
pub use test_keys::is_known_test_key;
pub use unverified::Unverified;
pub use verify::{Candidate, Verified, verify_content};
