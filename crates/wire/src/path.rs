//! The one form of a path that decides about a request and is forwarded.
//!
//! Proxies and applications that read one path in two ways are how checks are walked around, so a
//! gateway decides by a [`CanonicalPath`] and sends that very text on. What could still be read in
//! two ways is refused instead of mended. Sources: `spec/security.md` GWY-09; RFC 3986 6.2.2.

use std::fmt;

use crate::text::text_types;

/// Why a path has no canonical form. Never repeats the path.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with `/`: `*`, an authority, or nothing at all.
    #[error("the path does not begin with `/`")]
    NotAbsolute,
    /// A character that RFC 3986 wants escaped, a backslash, a control character or a `;`.
    #[error("the path holds a character that must not be there as it is")]
    Character,
    /// A lone `%`, digits that are not hexadecimal, or bytes that are no UTF-8.
    #[error("the path holds a broken escape")]
    BrokenEscape,
    /// An escaped `/`, `\`, `;` or control character, or a dot segment written with escapes.
    #[error("the path holds an escape that readers take in different ways")]
    AmbiguousEscape,
    /// More `..` than there are segments before them.
    #[error("the path leads out of the root")]
    AboveRoot,
}

/// The path of a request in the one form that is matched and forwarded: unreserved characters not
/// escaped, other escapes with capital digits, no dot segments, no empty segments (a final slash
/// is kept: it means something to many applications).
///
/// `parse` of a canonical path gives the same path.
#[derive(Clone, Eq, Hash, PartialEq)]
pub struct CanonicalPath(Box<str>);

impl CanonicalPath {
    /// Brings `raw`, a path without a query, into its canonical form.
    ///
    /// # Errors
    /// [`PathError`] where two readers could take the path in two ways.
    pub fn parse(raw: &str) -> Result<Self, PathError> {
        match is_canonical_as_it_is(raw) {
            true => Ok(Self(raw.into())),
            false => Self::rewritten(raw),
        }
    }

    fn rewritten(raw: &str) -> Result<Self, PathError> {
        let rest = raw.strip_prefix('/').ok_or(PathError::NotAbsolute)?;
        let mut canonical = String::with_capacity(raw.len());
        let mut segments = rest.split('/').peekable();
        while let Some(segment) = segments.next() {
            let last = segments.peek().is_none();
            push_segment(&mut canonical, segment, last)?;
        }
        std::str::from_utf8(&unescaped(&canonical)).map_err(|_| PathError::BrokenEscape)?;
        Ok(Self(canonical.into()))
    }

    /// The text to match and to forward; begins with `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, escapes as they are; a final slash shows as an empty last segment.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }

    /// Whether the path is at or below `prefix`: `/cm` holds `/cm` and `/cm/x`, not `/cmx`.
    #[must_use]
    pub fn starts_with_prefix(&self, prefix: &Prefix) -> bool {
        self.below(prefix).is_some()
    }

    /// The path as seen from `prefix`, beginning with `/`; `None` if it is not below it.
    #[must_use]
    pub fn without_prefix(&self, prefix: &Prefix) -> Option<&str> {
        self.below(prefix)
            .map(|rest| if rest.is_empty() { "/" } else { rest })
    }

    fn below(&self, prefix: &Prefix) -> Option<&str> {
        let rest = self.0.strip_prefix(prefix.stem())?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    }
}

impl fmt::Debug for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CanonicalPath({})", self.0)
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_types! {
    /// What the paths of one service begin with: canonical, `/` or without a final slash.
    Prefix: PathError, is_prefix, PathError::Character;
}

impl Prefix {
    /// The root: every path is below it.
    #[must_use]
    pub fn root() -> Self {
        Self("/".into())
    }

    /// How long it is, in bytes: of two prefixes of one path, the longer is the closer.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stem().len()
    }

    /// Whether this is the root, which prefixes everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn stem(&self) -> &str {
        self.as_str().trim_end_matches('/')
    }
}

fn is_prefix(text: &str) -> bool {
    let canonical = CanonicalPath::parse(text).is_ok_and(|path| path.as_str() == text);
    canonical && (text == "/" || !text.ends_with('/'))
}

/// Whether nothing of a path is escaped, empty or a dot segment, as of nearly all that are called.
/// Also says no to other names that begin with a dot.
fn is_canonical_as_it_is(raw: &str) -> bool {
    let mut begins = false;
    raw.starts_with('/')
        && raw.bytes().all(|byte| {
            let first_of_segment = std::mem::replace(&mut begins, byte == b'/');
            match byte {
                b'/' | b'.' => !first_of_segment,
                _ => is_plain(byte),
            }
        })
}

/// Adds one segment of a path to its canonical beginning. Segments end up as `/segment`, so that
/// the last one begins at the last slash.
fn push_segment(canonical: &mut String, segment: &str, last: bool) -> Result<(), PathError> {
    match segment {
        "" | "." => {}
        ".." => {
            let parent = canonical.rfind('/').ok_or(PathError::AboveRoot)?;
            canonical.truncate(parent);
        }
        _ => return push_name(canonical, segment),
    }
    // What was dropped at the end named a folder: `/a/.` is `/a/` (RFC 3986 5.2.4).
    if last {
        canonical.push('/');
    }
    Ok(())
}

fn push_name(canonical: &mut String, segment: &str) -> Result<(), PathError> {
    canonical.push('/');
    let begin = canonical.len();
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => push_escaped(canonical, decode(bytes.next(), bytes.next())?)?,
            _ if is_plain(byte) => canonical.push(byte.into()),
            _ => return Err(PathError::Character),
        }
    }
    match canonical.get(begin..) {
        Some("." | "..") => Err(PathError::AmbiguousEscape),
        _ => Ok(()),
    }
}

fn push_escaped(canonical: &mut String, byte: u8) -> Result<(), PathError> {
    if byte.is_ascii_control() || b"/\\;".contains(&byte) {
        return Err(PathError::AmbiguousEscape);
    }
    if is_unreserved(byte) {
        canonical.push(byte.into());
    } else {
        canonical.push_str(percent_encoding::percent_encode_byte(byte));
    }
    Ok(())
}

fn decode(high: Option<u8>, low: Option<u8>) -> Result<u8, PathError> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let value = digit(high).zip(digit(low)).map(|(h, l)| h * 16 + l);
    let value = value.ok_or(PathError::BrokenEscape)?;
    u8::try_from(value).map_err(|_| PathError::BrokenEscape)
}

/// What escapes stand for must be UTF-8: overlong forms are a way to hide a dot or a slash.
fn unescaped(canonical: &str) -> std::borrow::Cow<'_, [u8]> {
    percent_encoding::percent_decode_str(canonical).into()
}

/// `pchar` of RFC 3986 3.3 without the escape, and without `;`, which some applications cut off.
fn is_plain(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,=:@".contains(&byte)
}

/// RFC 3986 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(raw: &str) -> String {
        CanonicalPath::parse(raw).expect(raw).as_str().to_owned()
    }

    fn prefix(text: &str) -> Prefix {
        Prefix::parse(text).expect("a prefix")
    }

    #[test]
    fn equal_paths_get_one_form() {
        let table = [
            ("/", "/"),
            ("//", "/"),
            ("/a/b", "/a/b"),
            ("/a/b/", "/a/b/"),
            ("//a///b//", "/a/b/"),
            ("/a/./b/../c", "/a/c"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/%61%2D%7e", "/a-~"),
            ("/%c3%a4%20%2b%3a", "/%C3%A4%20%2B%3A"),
            ("/a%252e%252e/b", "/a%252e%252e/b"),
            ("/...", "/..."),
            ("/user@example.com:1,2=3+4", "/user@example.com:1,2=3+4"),
        ];
        for (raw, expected) in table {
            assert_eq!(canonical(raw), expected, "{raw}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        use PathError::{AboveRoot, AmbiguousEscape, BrokenEscape, Character, NotAbsolute};
        let table = [
            ("", NotAbsolute),
            ("*", NotAbsolute),
            ("a/b", NotAbsolute),
            ("http://a/", NotAbsolute),
            ("/..", AboveRoot),
            ("/a/../../b", AboveRoot),
            ("/a/%2e%2e/b", AmbiguousEscape),
            ("/a/.%2E/b", AmbiguousEscape),
            ("/a/%2e/b", AmbiguousEscape),
            ("/a%2fb", AmbiguousEscape),
            ("/a%5Cb", AmbiguousEscape),
            ("/a%00", AmbiguousEscape),
            ("/a%0d%0a", AmbiguousEscape),
            ("/a%3bb", AmbiguousEscape),
            ("/a;b=1", Character),
            ("/..;/a", Character),
            ("/a\\b", Character),
            ("/a?b", Character),
            ("/a#b", Character),
            ("/a b", Character),
            ("/\u{e4}", Character),
            ("/a\0", Character),
            ("/%", BrokenEscape),
            ("/%2", BrokenEscape),
            ("/%zz", BrokenEscape),
            ("/%+1", BrokenEscape),
            ("/%2%66", BrokenEscape),
            ("/%ff", BrokenEscape),
            ("/%c0%ae%c0%ae/a", BrokenEscape),
        ];
        for (raw, expected) in table {
            assert_eq!(CanonicalPath::parse(raw).err(), Some(expected), "{raw:?}");
        }
    }

    #[test]
    fn prefixes_end_at_the_border_of_a_segment() {
        let path = CanonicalPath::parse("/cm/api/").expect("fine");
        for (text, rest) in [
            ("/", Some("/cm/api/")),
            ("/cm", Some("/api/")),
            ("/cm/api", Some("/")),
            ("/c", None),
            ("/cm/api/x", None),
        ] {
            assert_eq!(path.without_prefix(&prefix(text)), rest, "{text}");
            assert_eq!(path.starts_with_prefix(&prefix(text)), rest.is_some());
        }
        let bare = CanonicalPath::parse("/cm").expect("fine");
        assert_eq!(bare.without_prefix(&prefix("/cm")), Some("/"));
        for text in ["", "cm", "/cm/", "/cm//x", "/a/../b", "/%61"] {
            assert!(Prefix::parse(text).is_err(), "{text}");
        }
        assert_eq!((prefix("/").len(), prefix("/cm").len()), (0, 3));
    }

    /// Text that tries: dots, slashes, escapes of both, and ordinary names.
    const TRICKY: &str =
        "(/|\\.|%2[eEfF]|%5c|%2[0-9]|%4[0-9a-f]|%25|;|[a-c~:@+]|%[0-9a-f]{0,2}){0,24}";

    proptest! {
        #[test]
        fn parsing_never_panics(raw in ".{0,80}") {
            _ = CanonicalPath::parse(&raw);
        }

        #[test]
        fn the_short_way_gives_what_the_long_one_does(raw in "(/|\\.|%2e|[a-c~:;]){0,12}") {
            let raw = format!("/{raw}");
            prop_assert_eq!(CanonicalPath::parse(&raw), CanonicalPath::rewritten(&raw));
        }

        #[test]
        fn a_canonical_path_stays_as_it_is(raw in TRICKY) {
            if let Ok(path) = CanonicalPath::parse(&format!("/{raw}")) {
                prop_assert_eq!(CanonicalPath::parse(path.as_str()), Ok(path));
            }
        }

        #[test]
        fn whoever_decodes_it_again_finds_no_way_out(raw in TRICKY) {
            if let Ok(path) = CanonicalPath::parse(&format!("/{raw}")) {
                let seen = percent_encoding::percent_decode_str(path.as_str());
                let seen = seen.decode_utf8().expect("UTF-8");
                prop_assert!(!seen.split('/').any(|s| s == "." || s == ".."), "{}", seen);
                prop_assert!(!seen.contains("//") && !seen.contains(['\\', ';', '\0']), "{}", seen);
                prop_assert_eq!(seen.split('/').count(), path.as_str().split('/').count());
            }
        }

        #[test]
        fn a_path_below_a_prefix_stays_below_it_when_read_again(raw in TRICKY) {
            let prefix = prefix("/a");
            if let Ok(path) = CanonicalPath::parse(&format!("/{raw}")) {
                let again = CanonicalPath::parse(path.as_str()).expect("canonical");
                prop_assert_eq!(
                    path.starts_with_prefix(&prefix),
                    again.starts_with_prefix(&prefix)
                );
            }
        }
    }
}
