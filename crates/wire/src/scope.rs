//! Scopes and metascopes. Source: `spec/ims-protocol.md` section 5.1.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use crate::text::text_types;

/// Longest list of scopes that is looked at, in bytes (`spec/security.md` REQ-07).
pub const MAX_SCOPE_LIST: usize = 4096;

/// Text that is not a scope, or not a list of scopes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ScopeError {
    /// A character outside of `[A-Za-z0-9_.:-]`.
    #[error("a scope holds letters, digits, `_`, `.`, `:` and `-` only")]
    Character,
    /// More than [`MAX_SCOPE_LIST`] bytes.
    #[error("the list of scopes is longer than {MAX_SCOPE_LIST} bytes")]
    TooLong,
}

text_types! {
    /// A fine permission, as asked for at the token endpoint.
    Scope: ScopeError, is_scope, ScopeError::Character;
    /// A coarse permission tied to one service, asked for in an assertion as the claim
    /// `https://{ims host}/s/{metascope}`.
    Metascope: ScopeError, is_scope, ScopeError::Character;
}

/// `[A-Za-z0-9_.:-]+`, case-sensitive.
fn is_scope(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"_.:-".contains(&b);
    !text.is_empty() && text.bytes().all(fits)
}

/// Scopes of one request, one credential or one token.
///
/// Keeps the order in which scopes came, because the token repeats it (`spec/ims-protocol.md`
/// 1.4), and drops repeats. Two sets are equal when they hold the same scopes in the same order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ScopeSet(Vec<Scope>);

impl ScopeSet {
    /// Reads scopes separated by any run of commas and ASCII white space.
    ///
    /// # Errors
    /// [`ScopeError`] when the list is too long or a scope has a character that none may have.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        if text.len() > MAX_SCOPE_LIST {
            return Err(ScopeError::TooLong);
        }
        text.split(|c: char| c == ',' || c.is_ascii_whitespace())
            .filter(|part| !part.is_empty())
            .map(Scope::parse)
            .collect()
    }

    /// Reads scopes separated by single blanks, as RFC 6749 section 3.3 has them and no wider.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); a comma, a tab or a doubled blank is a wrong character, too.
    pub fn parse_blank_separated(text: &str) -> Result<Self, ScopeError> {
        if text.len() > MAX_SCOPE_LIST {
            return Err(ScopeError::TooLong);
        }
        text.split(' ').map(Scope::parse).collect()
    }

    /// The scopes separated by single blanks (RFC 6749 section 3.3).
    #[must_use]
    pub fn blank_separated(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(Scope::as_str).collect();
        names.join(" ")
    }

    /// `self` when every scope of it is in `granted`; otherwise the scopes that are not.
    ///
    /// # Errors
    /// The scopes of `self` that are not granted, in their order; never empty.
    pub fn within(self, granted: &Self) -> Result<Self, Self> {
        let missing: Vec<Scope> = self
            .iter()
            .filter(|s| !granted.contains(s))
            .cloned()
            .collect();
        if missing.is_empty() {
            Ok(self)
        } else {
            Err(Self(missing))
        }
    }

    /// Whether `scope` is in the set.
    #[must_use]
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// The scopes in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Scope> {
        self.0.iter()
    }

    /// Whether there is no scope at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many scopes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut seen = HashSet::new();
        Self(
            scopes
                .into_iter()
                .filter(|scope| seen.insert(scope.clone()))
                .collect(),
        )
    }
}

/// Joined by commas without blanks, the canonical form of IMS.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, scope) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl FromStr for ScopeSet {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_standard_form_has_single_blanks_only() {
        let scopes = ScopeSet::parse_blank_separated("openid AdobeID").expect("well-formed");
        assert_eq!(scopes, set("openid,AdobeID"));
        assert_eq!(scopes.blank_separated(), "openid AdobeID");
        for text in [
            "", " ", "openid ", " openid", "a  b", "a,b", "a\tb", "a\u{a0}b",
        ] {
            let refused = ScopeSet::parse_blank_separated(text);
            assert_eq!(refused, Err(ScopeError::Character), "{text:?}");
        }
    }

    fn set(text: &str) -> ScopeSet {
        ScopeSet::parse(text).expect("well-formed")
    }

    #[test]
    fn separators_are_runs_of_commas_and_white_space() {
        for text in [
            "openid,AdobeID",
            "openid, AdobeID",
            "openid AdobeID",
            ",openid,,\tAdobeID \r\n",
        ] {
            assert_eq!(set(text), set("openid,AdobeID"), "{text:?}");
        }
    }

    #[test]
    fn order_is_kept_and_repeats_are_dropped() {
        assert_eq!(set("b,a,b,c,a").to_string(), "b,a,c");
    }

    #[test]
    fn foreign_characters_and_long_lists_are_refused() {
        for text in ["a\"b", "a\u{a0}b", "\u{1f600}", "a/b", "a\0"] {
            assert_eq!(
                ScopeSet::parse(text),
                Err(ScopeError::Character),
                "{text:?}"
            );
        }
        assert!(ScopeSet::parse(&"a".repeat(MAX_SCOPE_LIST)).is_ok());
        assert_eq!(
            ScopeSet::parse(&"a".repeat(MAX_SCOPE_LIST + 1)),
            Err(ScopeError::TooLong)
        );
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in ".{0,200}") {
            let _ = ScopeSet::parse(&text);
        }

        #[test]
        fn print_and_parse_agree(names in prop::collection::vec("[A-Za-z0-9_.:-]{1,12}", 0..20)) {
            let parsed = set(&names.join(" ,"));
            prop_assert_eq!(set(&parsed.to_string()), parsed);
        }

        #[test]
        fn within_gives_all_or_names_what_is_missing(
            asked in prop::collection::vec("[a-e]", 0..8),
            granted in prop::collection::vec("[a-e]", 0..8),
        ) {
            let (asked, granted) = (set(&asked.join(",")), set(&granted.join(",")));
            match asked.clone().within(&granted) {
                Ok(given) => {
                    prop_assert!(given.iter().all(|s| granted.contains(s)));
                    prop_assert_eq!(given, asked);
                }
                Err(missing) => {
                    prop_assert!(!missing.is_empty());
                    prop_assert!(missing.iter().all(|s| asked.contains(s) && !granted.contains(s)));
                }
            }
        }
    }
}
