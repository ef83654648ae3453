//! Client secrets: several may live at once, so that one can be replaced without an outage.

use std::collections::BTreeSet;

use countersign_wire::{SecretId, Timestamp};

/// Most live secrets of one credential, unless configured otherwise (`spec/decisions.md`, 2).
///
/// Every comparison round looks at exactly this many digests, so that its time tells nothing.
pub const MAX_SECRETS: usize = 5;

/// One secret of a credential, without the secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Secret {
    /// Names it in lists, logs and tokens.
    pub id: SecretId,
    /// What people call it.
    pub label: String,
    /// What it is compared with.
    pub digest: SecretDigest,
    /// The last four characters, shown in lists.
    pub hint: String,
    /// Whether its strength is known to be low: chosen by people or imported short.
    pub strength: Strength,
    /// When it was made or imported.
    pub created_at: Timestamp,
    /// From when on it is refused; `None` is permanent.
    pub expires_at: Option<Timestamp>,
}

impl Secret {
    /// Whether it authenticates at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// The stored form of a secret.
#[derive(Clone, Eq, PartialEq)]
pub enum SecretDigest {
    /// HMAC-SHA-256 under a pepper that is not in the database.
    Keyed {
        /// Names the pepper, so that it can be replaced.
        pepper: String,
        /// The MAC.
        mac: [u8; 32],
    },
    /// Argon2id in PHC form: an imported weak secret before its first use.
    Slow(String),
}

/// A digest is no secret, but nobody needs to read one.
impl std::fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keyed { .. } => "Keyed",
            Self::Slow(_) => "Slow",
        })
    }
}

/// How hard a secret is to guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Strength {
    /// Made by us, or imported with at least as much room for chance.
    Strong,
    /// Imported and short: worth replacing.
    Weak,
}

impl Strength {
    /// The word for it in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Weak => "weak",
        }
    }

    /// The strength of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Strong, Self::Weak]
            .into_iter()
            .find(|s| s.as_str() == word)
    }

    /// Judges an imported secret by its form: strong is what generators write and people do not.
    /// Hexadecimal digits with at least 110 bits (a UUID has 122), the original's `p8e-` and 32
    /// characters, or at least 22 characters with digits and letters of both cases, not many of
    /// them twice. Our choice: nothing better can be known of a text that somebody else made.
    #[must_use]
    pub fn of_imported(text: &str) -> Self {
        let plain = text.strip_prefix("p8e-").unwrap_or(text);
        let distinct = plain.bytes().collect::<BTreeSet<u8>>().len();
        let hexadecimal = plain.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
            && plain.bytes().filter(u8::is_ascii_hexdigit).count() >= 28
            && distinct >= 8;
        let mixed = plain.len() >= 22
            && plain.bytes().any(|b| b.is_ascii_digit())
            && plain.bytes().any(|b| b.is_ascii_uppercase())
            && plain.bytes().any(|b| b.is_ascii_lowercase())
            && distinct >= 10;
        if hexadecimal || mixed {
            Self::Strong
        } else {
            Self::Weak
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_generators_write_is_strong() {
        for text in [
            "3f8d2c9e-1b2a-4c3d-8e4f-1a2b3c4d5e6f",
            "0123456789abcdef0123456789abcdef",
            "p8e-xK3vq9ZtB7mNwR2sYcLfHjPdGaUe5T8o",
        ] {
            assert_eq!(Strength::of_imported(text), Strength::Strong, "{text}");
        }
    }

    #[test]
    fn what_people_write_is_weak() {
        let long = "a".repeat(64);
        for text in [
            "changeme",
            "passwordpasswordpasswordx",
            "P8e-P8e-P8e-P8e-P8e-P8e-",
            &long,
        ] {
            assert_eq!(Strength::of_imported(text), Strength::Weak, "{text}");
        }
    }
}
