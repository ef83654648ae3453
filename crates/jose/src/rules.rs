//! What is demanded of a token, beyond a good signature.

use crate::key::Algorithm;

/// What nodes allow each other for clocks that differ, in seconds (security.md REL-24).
pub const BETWEEN_NODES_SECONDS: i64 = 5;

/// The rules one kind of token is verified by. Kinds cannot be swapped (RFC 8725 section 3.11):
/// each set of rules takes its own kind and refuses the others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rules {
    pub(crate) kind: Kind,
    pub(crate) algorithms: Vec<Algorithm>,
    /// Seconds.
    pub(crate) skew: i64,
    /// Seconds from now to the latest `exp`; 0 means no limit.
    pub(crate) longest: i64,
    /// Seconds `iat` may lie ahead.
    pub(crate) iat_ahead: i64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Signed by a client. `kid` is a hint, `typ` absent or `JWT`.
    Assertion,
    /// Signed by us as the original does: `itt: at`, `type: access_token`, no `exp`.
    ImsAccessToken,
    /// Signed by us as RFC 9068 says: `typ: at+jwt`.
    AccessToken,
    /// Signed by another IMS, of any era: `kid` or `x5u` names the key, `itt` may be absent.
    ForeignImsAccessToken,
    /// Signed by an OpenID provider: who somebody is. `typ` absent or `JWT`.
    IdToken,
}

impl Rules {
    /// For assertions: RS256, 30 s of skew, `exp` at most 90 000 s ahead, `iat` at most 1 h ahead
    /// (ims-protocol 3.1 to 3.3, decisions.md 1).
    pub fn assertion() -> Self {
        Self {
            kind: Kind::Assertion,
            algorithms: vec![Algorithm::Rs256],
            skew: 30,
            longest: 90_000,
            iat_ahead: 3_600,
        }
    }

    /// For our own IMS access tokens: RS256, `kid` names one of our keys, 5 s between our nodes
    /// (ims-protocol 4.1 and 4.2, security.md JOS-13 and REL-24).
    pub fn ims_access_token() -> Self {
        Self {
            kind: Kind::ImsAccessToken,
            algorithms: vec![Algorithm::Rs256],
            skew: BETWEEN_NODES_SECONDS,
            longest: 0,
            iat_ahead: BETWEEN_NODES_SECONDS,
        }
    }

    /// For access tokens of another IMS: RS256, 30 s between its clock and ours (ims-protocol 4.1,
    /// all eras). The caller finds the key by `kid` or `x5u`, and gives no other.
    pub fn foreign_ims_access_token() -> Self {
        Self {
            kind: Kind::ForeignImsAccessToken,
            iat_ahead: 30,
            ..Self::ims_access_token()
        }
    }

    /// For our own standard access tokens (RFC 9068): the algorithm of the key that `kid` names,
    /// 5 s between our nodes.
    pub fn access_token() -> Self {
        Self {
            kind: Kind::AccessToken,
            algorithms: vec![Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256],
            ..Self::ims_access_token()
        }
    }

    /// For ID tokens of an OpenID provider: a minute between its clock and ours (OpenID Connect Core
    /// 3.1.3.7). The key is the one that `kid` names; where a token names none, any of the
    /// provider's.
    pub fn id_token() -> Self {
        Self {
            kind: Kind::IdToken,
            algorithms: vec![Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256],
            skew: 60,
            longest: 0,
            iat_ahead: 60,
        }
    }

    /// With exactly these algorithms, as for client authentication by `private_key_jwt`.
    pub fn with_algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        Self {
            algorithms: algorithms.into_iter().collect(),
            ..self
        }
    }

    /// With this allowance for clocks that differ, in seconds; never more than 5 minutes (REL-24).
    pub fn with_skew(self, seconds: u32) -> Self {
        Self {
            skew: i64::from(seconds).min(300),
            ..self
        }
    }

    /// The allowance for clocks that differ, in seconds: what was used once must be remembered this
    /// much longer than it holds (RPL-04).
    pub fn skew(&self) -> i64 {
        self.skew
    }

    /// With `exp` at most so many seconds ahead; 0 means no limit.
    pub fn with_longest(self, seconds: u32) -> Self {
        Self {
            longest: i64::from(seconds),
            ..self
        }
    }
}
