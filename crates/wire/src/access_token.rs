//! Personal access tokens: what programs of a person show to the management API.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::secret::checksum;

const PREFIX: &str = "cspat-";
/// 24 random bytes are 192 bits in exactly 32 characters.
const RANDOM_BYTES: usize = 24;
const RANDOM_CHARS: usize = 32;
const CHECKSUM_CHARS: usize = 4;

/// A token that acts for a person, or for the operator of the installation.
///
/// Like [`ClientSecret`](crate::ClientSecret) it has no `Display` and leaves by
/// [`expose`](Self::expose) only. Its prefix tells scanners what they found.
#[derive(Clone)]
pub struct PersonalAccessToken(Zeroizing<String>);

impl PersonalAccessToken {
    /// Takes a token as it came from outside; `None` for whatever cannot be one, a mistyped one
    /// included: no look-up is wasted on it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let fits = rest.len() == RANDOM_CHARS + CHECKSUM_CHARS
            && rest
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let (body, sum) = text.split_at_checked(PREFIX.len() + RANDOM_CHARS)?;
        (fits && sum == checksum(body)).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Makes a new token: `cspat-`, 32 base64url characters of chance, four of a checksum.
    #[must_use]
    pub fn from_random(random: &[u8; RANDOM_BYTES]) -> Self {
        let length = PREFIX.len() + RANDOM_CHARS + CHECKSUM_CHARS;
        let mut text = Zeroizing::new(String::with_capacity(length));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(random, &mut text);
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self(text)
    }

    /// The token itself. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The last four characters, which lists show so that people can tell tokens apart.
    #[must_use]
    pub fn hint(&self) -> &str {
        let at = self.0.len().saturating_sub(4);
        self.0.get(at..).unwrap_or_default()
    }
}

impl fmt::Debug for PersonalAccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonalAccessToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_token_is_taken_and_a_mistyped_one_is_not() {
        let token = PersonalAccessToken::from_random(&[7; RANDOM_BYTES]);
        assert!(token.expose().starts_with("cspat-"));
        assert!(PersonalAccessToken::parse(token.expose()).is_some());
        assert_eq!(format!("{token:?}"), "PersonalAccessToken");
        let typo = token.expose().replacen("BwcH", "BwcX", 1);
        for text in [
            "",
            "cspat-",
            "p8e-x",
            &typo,
            &format!("{}x", token.expose()),
        ] {
            assert!(PersonalAccessToken::parse(text).is_none(), "{text}");
        }
    }
}
