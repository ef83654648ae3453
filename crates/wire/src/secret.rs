//! Secrets: mute, zeroed, compared in constant time.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const PREFIX: &str = "p8e-";
/// 21 random bytes are 168 bits in exactly 28 characters; three bytes of checksum are four more.
const RANDOM_BYTES: usize = 21;
const RANDOM_CHARS: usize = 28;
const CHECKSUM_CHARS: usize = 4;

/// A secret that authenticates a client.
///
/// Has no `Display`, no `Serialize`, and a `Debug` that prints the type's name: it leaves by
/// [`expose`](Self::expose) only. Zeroed when dropped.
#[derive(Clone)]
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// Takes a secret as it came from outside: 1 to 512 printable ASCII characters (RFC 6749
    /// appendix A.2; `spec/security.md` REQ-06, REQ-07).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits =
            (1..=512).contains(&text.len()) && text.bytes().all(|b| matches!(b, 0x20..=0x7e));
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Makes a new secret: `p8e-`, 28 base64url characters of chance, and four of a checksum, by
    /// which a scanner or a form tells a typing error from a wrong secret without asking anybody.
    #[must_use]
    pub fn from_random(random: &[u8; RANDOM_BYTES]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(
            PREFIX.len() + RANDOM_CHARS + CHECKSUM_CHARS,
        ));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(random, &mut text);
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self(text)
    }

    /// The secret itself. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What a secret of our own making says of itself; see [`Shape`].
    #[must_use]
    pub fn shape(&self) -> Shape {
        let Some(rest) = self.0.strip_prefix(PREFIX) else {
            return Shape::Foreign;
        };
        let known = rest.len() == RANDOM_CHARS + CHECKSUM_CHARS
            && rest
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        match self.0.split_at_checked(PREFIX.len() + RANDOM_CHARS) {
            Some((body, sum)) if known && sum == checksum(body) => Shape::Ours,
            _ if known => Shape::Mistyped,
            _ => Shape::Foreign,
        }
    }

    /// The last four characters, which lists show so that people can tell secrets apart.
    #[must_use]
    pub fn hint(&self) -> &str {
        self.0
            .len()
            .checked_sub(4)
            .and_then(|at| self.0.get(at..))
            .unwrap_or_default()
    }
}

/// What the form of a secret tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shape {
    /// `p8e-` with a checksum that agrees: made by this product.
    Ours,
    /// `p8e-` and 32 characters whose checksum does not agree: a typing error, or the original's.
    Mistyped,
    /// Anything else: a secret of older credentials, or imported.
    Foreign,
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// Compares in constant time for texts of equal length.
impl PartialEq for ClientSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for ClientSecret {}

/// Reads without ever repeating the text in an error.
impl<'de> Deserialize<'de> for ClientSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a client secret"))
    }
}

pub(crate) fn checksum(text: &str) -> String {
    let [_, bytes @ ..] = crc32fast::hash(text.as_bytes()).to_be_bytes();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Text that travels but must not be seen: an assertion, an access token, a private key.
///
/// Like [`ClientSecret`], without a form of its own.
#[derive(Clone)]
pub struct Opaque(Zeroizing<String>);

impl Opaque {
    /// Takes any text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Opaque {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opaque")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_made_secret_has_prefix_and_32_characters() {
        let secret = ClientSecret::from_random(&[7; RANDOM_BYTES]);
        assert_eq!(secret.expose().len(), 36);
        assert!(secret.expose().starts_with("p8e-"));
        assert_eq!(secret.shape(), Shape::Ours);
    }

    #[test]
    fn debug_says_nothing() {
        let secret = ClientSecret::from_random(&[7; RANDOM_BYTES]);
        assert_eq!(format!("{secret:?}"), "ClientSecret");
        assert_eq!(format!("{:?}", Opaque::new("token".to_owned())), "Opaque");
    }

    #[test]
    fn lengths_and_characters_are_bounded() {
        assert!(ClientSecret::parse(&"x".repeat(512)).is_some());
        for text in ["", "a\nb", "\u{e9}", &"x".repeat(513)] {
            assert!(ClientSecret::parse(text).is_none());
        }
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(random in any::<[u8; RANDOM_BYTES]>(), at in 4_usize..36) {
            let secret = ClientSecret::from_random(&random);
            let mut bytes = secret.expose().as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let typo = ClientSecret::parse(std::str::from_utf8(&bytes).expect("ASCII")).expect("fits");
            prop_assert_eq!(typo.shape(), Shape::Mistyped);
        }

        #[test]
        fn shape_never_panics(text in "\\PC{0,60}") {
            if let Some(secret) = ClientSecret::parse(&text) {
                let _ = (secret.shape(), secret.hint());
            }
        }
    }
}
