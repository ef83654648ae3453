//! From a token to something to rely on.

use crate::compact::Compact;
use crate::error::{ClaimError, ClaimFault, VerifyError};
use crate::json::{Object, Value};
use crate::key::{Algorithm, VerifyingKey};
use crate::rules::{Kind, Rules};
use crate::time::Times;
use crate::unverified::{Unverified, named_algorithm};

/// Claims that were signed by a known key and hold now. Only [`Unverified::verify`] makes one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified<T> {
    claims: T,
    key: usize,
    expires_at: i64,
}

impl<T> Verified<T> {
    /// What was signed.
    pub fn claims(&self) -> &T {
        &self.claims
    }

    /// What was signed, without the proof.
    pub fn into_claims(self) -> T {
        self.claims
    }

    /// Which of the candidates made the signature, counted from 0.
    pub fn key(&self) -> usize {
        self.key
    }

    /// When it ends, in milliseconds since 1970 and without skew.
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }
}

/// A key that may have signed the token.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'k> {
    /// Its name, if it has one.
    pub kid: Option<&'k str>,
    /// The key.
    pub key: &'k VerifyingKey,
}

impl Unverified<'_> {
    /// Checks everything: algorithm, header, signature, forms of the claims and times. `now` is in
    /// milliseconds since 1970. `read` makes of the claims what the caller needs, and refuses what
    /// it cannot use; it runs only after the signature was found good.
    ///
    /// An assertion is tried with at most ten candidates, those its `kid` names first. A token of
    /// our own must name its key.
    ///
    /// # Errors
    /// The first reason not to believe it, in the order above.
    pub fn verify<T>(
        &self,
        candidates: &[Candidate<'_>],
        rules: &Rules,
        now: i64,
        read: impl FnOnce(&Object) -> Result<T, ClaimError>,
    ) -> Result<Verified<T>, VerifyError> {
        let algorithm = self.check_algorithm(rules)?;
        check_header(&self.header, rules.kind)?;
        let key = match rules.kind {
            Kind::Assertion | Kind::ForeignImsAccessToken => {
                self.find_signer(candidates, algorithm)
            }
            Kind::ImsAccessToken | Kind::AccessToken => self.named_signer(candidates, algorithm),
            Kind::IdToken if self.key_id().is_some() => self.named_signer(candidates, algorithm),
            Kind::IdToken => self.find_signer(candidates, algorithm),
        }?;
        self.check_claims(rules)?;
        check_type(&self.claims, rules.kind)?;
        let times = Times::read(&self.claims, rules.kind)?;
        let claims = read(&self.claims)?;
        times.check(rules, now)?;
        Ok(Verified {
            claims,
            key,
            expires_at: times.expires,
        })
    }

    /// `kid` is a hint: keys it names come first, the others after them (JOS-04).
    fn find_signer(
        &self,
        candidates: &[Candidate<'_>],
        algorithm: Algorithm,
    ) -> Result<usize, VerifyError> {
        let hint = self.key_id();
        let usable = || {
            let all = candidates.iter().enumerate();
            all.filter(|(_, candidate)| candidate.key.algorithm() == algorithm)
        };
        let is_named = |candidate: &Candidate<'_>| hint.is_some() && candidate.kid == hint;
        let named = usable().filter(|(_, candidate)| is_named(candidate));
        let others = usable().filter(|(_, candidate)| !is_named(candidate));
        named
            .chain(others)
            .take(MOST_CANDIDATES)
            .find(|(_, candidate)| self.is_signed_by(candidate.key))
            .map(|(index, _)| index)
            .ok_or(VerifyError::Signature)
    }

    fn named_signer(
        &self,
        candidates: &[Candidate<'_>],
        algorithm: Algorithm,
    ) -> Result<usize, VerifyError> {
        let kid = self.key_id().ok_or(VerifyError::UnknownKey)?;
        let named = |candidate: &Candidate<'_>| candidate.kid == Some(kid);
        let index = candidates
            .iter()
            .position(named)
            .ok_or(VerifyError::UnknownKey)?;
        let key = candidates[index].key;
        if key.algorithm() != algorithm {
            return Err(VerifyError::Algorithm);
        }
        if self.is_signed_by(key) {
            Ok(index)
        } else {
            Err(VerifyError::Signature)
        }
    }

    fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        key.accepts(
            self.compact.signing_input.as_bytes(),
            &self.compact.signature,
        )
    }
}

/// Verifies a signature over any content, which need not be JSON (RFC 7515 section 5.2), and gives
/// the content. The header follows the same rules as elsewhere; there is no claim to check.
///
/// # Errors
/// [`VerifyError`], without those about claims and times.
pub fn verify_content(token: &str, key: &VerifyingKey) -> Result<Vec<u8>, VerifyError> {
    let compact = Compact::parse(token)?;
    let header = Object::parse(&compact.header)?;
    if named_algorithm(&header) != Some(key.algorithm()) {
        return Err(VerifyError::Algorithm);
    }
    check_extensions(&header)?;
    check_key_id(&header)?;
    refuse("x5u", &header)?;
    if key.accepts(compact.signing_input.as_bytes(), &compact.signature) {
        Ok(compact.payload)
    } else {
        Err(VerifyError::Signature)
    }
}

fn check_header(header: &Object, kind: Kind) -> Result<(), VerifyError> {
    check_extensions(header)?;
    check_key_id(header)?;
    check_content_type(header)?;
    check_x5u(header, kind)?;
    let text = |name| match header.find(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(VerifyError::Kind),
    };
    let (typ, itt) = (text("typ")?, text("itt")?);
    let is_kind = match kind {
        Kind::Assertion | Kind::IdToken => {
            itt.is_none() && typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"))
        }
        Kind::ImsAccessToken => itt == Some("at") && typ.is_none(),
        Kind::ForeignImsAccessToken => itt.is_none_or(|itt| itt == "at") && typ.is_none(),
        Kind::AccessToken => {
            itt.is_none() && typ.is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt"))
        }
    };
    if is_kind {
        Ok(())
    } else {
        Err(VerifyError::Kind)
    }
}

/// Nothing in a header brings a key along, changes how the payload is read, or is critical
/// (JOS-03, JOS-05, JOS-20, RFC 7797 section 6).
fn check_extensions(header: &Object) -> Result<(), VerifyError> {
    ["crit", "jwk", "jku", "x5c", "zip", "b64"]
        .into_iter()
        .try_for_each(|name| refuse(name, header))
}

fn refuse(name: &'static str, header: &Object) -> Result<(), VerifyError> {
    match header.find(name) {
        None => Ok(()),
        Some(_) => Err(VerifyError::Header(name)),
    }
}

/// A string of at most 256 bytes, if it is there (JOS-04).
fn check_key_id(header: &Object) -> Result<(), VerifyError> {
    match header.find("kid") {
        None => Ok(()),
        Some(Value::String(kid)) if kid.len() <= LONGEST_KEY_ID => Ok(()),
        Some(_) => Err(VerifyError::Header("kid")),
    }
}

/// A token inside a token is refused (RFC 8725 section 3.3).
fn check_content_type(header: &Object) -> Result<(), VerifyError> {
    let is_nested = |text: &str| {
        ["JWT", "application/jwt"]
            .iter()
            .any(|jwt| text.eq_ignore_ascii_case(jwt))
    };
    match header.find("cty") {
        None => Ok(()),
        Some(Value::String(text)) if !is_nested(text) => Ok(()),
        Some(_) => Err(VerifyError::Header("cty")),
    }
}

/// In our IMS tokens the bare file name of the key that `kid` names; elsewhere nothing (JOS-03).
fn check_x5u(header: &Object, kind: Kind) -> Result<(), VerifyError> {
    match (header.find("x5u"), header.find("kid")) {
        (None, _) => Ok(()),
        (Some(Value::String(file)), Some(Value::String(kid)))
            if kind == Kind::ImsAccessToken && file.strip_suffix(".cer") == Some(kid) =>
        {
            Ok(())
        }
        // By which the caller found the key; it is no address for us.
        (Some(Value::String(file)), _)
            if kind == Kind::ForeignImsAccessToken && !file.contains('/') =>
        {
            Ok(())
        }
        (Some(_), _) => Err(VerifyError::Header("x5u")),
    }
}

/// IMS tokens say in a claim what they are (JOS-13).
fn check_type(claims: &Object, kind: Kind) -> Result<(), VerifyError> {
    let is_of_ims = matches!(kind, Kind::ImsAccessToken | Kind::ForeignImsAccessToken);
    if is_of_ims && claims.string("type")? != "access_token" {
        return Err(ClaimError::new("type", ClaimFault::Value).into());
    }
    Ok(())
}

/// Bytes of a `kid`.
const LONGEST_KEY_ID: usize = 256;

/// Keys a client's assertion is tried with (JOS-04).
const MOST_CANDIDATES: usize = 10;
