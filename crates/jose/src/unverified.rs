//! A token whose signature nobody has looked at.

use crate::compact::Compact;
use crate::error::{ClaimError, Malformed, VerifyError};
use crate::json::{Object, Value};
use crate::key::Algorithm;
use crate::rules::Rules;
use crate::time::Times;

/// A token that could be read, and no more than that.
///
/// Anybody may have written it. What it says serves to find the keys to verify it with and to
/// choose the words of an error, and is **nothing to decide with**; that is
/// [`Verified`](crate::Verified), which [`verify`](Self::verify) gives.
///
/// The checks come in steps, because the endpoint's errors have an order (ims-protocol 2.2):
/// [`parse`](Self::parse), [`check_claims`](Self::check_claims),
/// [`check_algorithm`](Self::check_algorithm), then whatever the caller compares, then
/// [`verify`](Self::verify), which repeats the first ones, so that leaving one out only changes
/// which error comes first.
pub struct Unverified<'t> {
    pub(crate) compact: Compact<'t>,
    pub(crate) header: Object,
    pub(crate) claims: Object,
}

impl<'t> Unverified<'t> {
    /// Takes a token in compact form apart: size, three parts, base64url, strict JSON objects.
    ///
    /// # Errors
    /// [`Malformed`]
    pub fn parse(token: &'t str) -> Result<Self, Malformed> {
        let compact = Compact::parse(token)?;
        let header = Object::parse(&compact.header)?;
        let claims = Object::parse(&compact.payload)?;
        Ok(Self {
            compact,
            header,
            claims,
        })
    }

    /// What it claims. Nothing to decide with.
    pub fn claims(&self) -> &Object {
        &self.claims
    }

    /// What its header says. Nothing to decide with.
    pub fn header(&self) -> &Object {
        &self.header
    }

    /// Who is said to have issued it, to find the keys with.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.optional_string("iss").ok().flatten()
    }

    /// Whom it is said to be about, to find the keys with.
    pub fn subject(&self) -> Option<&str> {
        self.claims.optional_string("sub").ok().flatten()
    }

    /// The key it names, to find the keys with.
    pub fn key_id(&self) -> Option<&str> {
        self.header.optional_string("kid").ok().flatten()
    }

    /// Whether the header names an algorithm of the rules. Absent, of another type or in another
    /// spelling is not (JOS-01, JOS-02).
    ///
    /// # Errors
    /// [`VerifyError::Algorithm`]
    pub fn check_algorithm(&self, rules: &Rules) -> Result<Algorithm, VerifyError> {
        named_algorithm(&self.header)
            .filter(|algorithm| rules.algorithms.contains(algorithm))
            .ok_or(VerifyError::Algorithm)
    }

    /// Whether `exp`, `nbf`, `iat` and `jti` (or what an IMS token has instead) are there as they
    /// must be and of the right form. Says nothing about the time.
    ///
    /// # Errors
    /// [`ClaimError`]
    pub fn check_claims(&self, rules: &Rules) -> Result<(), ClaimError> {
        self.claims.token_id()?;
        Times::read(&self.claims, rules.kind).map(drop)
    }
}

pub(crate) fn named_algorithm(header: &Object) -> Option<Algorithm> {
    match header.find("alg") {
        Some(Value::String(name)) => Algorithm::from_name(name),
        _ => None,
    }
}
