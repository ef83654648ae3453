//! The headers we write (RFC 7515 section 4).

use serde::Serialize;

use crate::key::Algorithm;

/// Header of a token we sign, with its members in the order the original prints them. Made once
/// per key; signing takes the bytes of [`to_json`](Self::to_json).
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Header {
    alg: Algorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5u: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    itt: Option<&'static str>,
}

impl Header {
    /// Of an IMS access token: `alg`, `x5u` (a bare file name, not a URI), `kid`, `itt`, no `typ`
    /// (ims-protocol 4.1).
    pub fn ims_access_token(kid: &str) -> Self {
        Self {
            alg: Algorithm::Rs256,
            typ: None,
            x5u: Some(format!("{kid}.cer")),
            kid: Some(kid.to_owned()),
            itt: Some("at"),
        }
    }

    /// Without `x5u`, for resource servers whose library wants a URI there.
    pub fn without_x5u(self) -> Self {
        Self { x5u: None, ..self }
    }

    /// Of a standard access token, `typ: at+jwt` (RFC 9068 section 2.1).
    pub fn access_token(algorithm: Algorithm, kid: &str) -> Self {
        Self {
            typ: Some("at+jwt"),
            kid: Some(kid.to_owned()),
            ..Self::jwt(algorithm)
        }
    }

    /// Of any other JWT, such as an assertion: `alg` and `typ: JWT` (ims-protocol 3.1).
    pub fn jwt(algorithm: Algorithm) -> Self {
        Self {
            alg: algorithm,
            typ: Some("JWT"),
            x5u: None,
            kid: None,
            itt: None,
        }
    }

    /// With the name of the key.
    pub fn with_kid(self, kid: &str) -> Self {
        Self {
            kid: Some(kid.to_owned()),
            ..self
        }
    }

    /// The JSON to sign.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings only, which always serialize")
    }
}
