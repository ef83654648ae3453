//! What single operations of a service ask for.

use std::fmt;
use std::str::FromStr;

use countersign_wire::{CanonicalPath, Scope};
use serde::{Deserialize, Serialize};

/// Operations, by method and path, and the scopes they ask for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// In capitals; any, where there is none. `GET` means `HEAD`, too.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Of the path that the upstream sees.
    pub path: PathPattern,
    /// All of which a token must have.
    pub scopes: Vec<Scope>,
}

impl Operation {
    pub(super) fn fits(&self, method: &str, path: &str) -> bool {
        let method = if method == "HEAD" { "GET" } else { method };
        (self.methods.is_empty() || self.methods.iter().any(|own| own == method))
            && self.path.fits(path)
    }
}

/// A path with places to fill: `/api/program/{id}/**`. A segment in braces stands for any one
/// segment, `**` at the end for any number of them, none included.
///
/// One slash at the end of a path means nothing here, and escapes are read before segments are
/// compared: an application that reads two spellings as one must not find a way around.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
    open: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Segment {
    Any,
    Literal(String),
}

/// Text that is not a pattern of paths.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "write a path such as `/api/program/{{id}}/**`: no escapes, braces around a whole segment, `**` only at the end"
)]
pub struct PatternError;

impl PathPattern {
    /// Whether `path`, in its canonical form, is meant.
    #[must_use]
    pub fn fits(&self, path: &str) -> bool {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let begins = self.segments.iter().all(|segment| {
            parts.next().is_some_and(|part| match segment {
                Segment::Any => true,
                Segment::Literal(text) => says(part, text),
            })
        });
        begins && (self.open || parts.next().is_none())
    }
}

/// Whether a segment of a path says `text` once its escapes are read.
fn says(part: &str, text: &str) -> bool {
    if !part.contains('%') {
        return part == text;
    }
    percent_encoding::percent_decode_str(part).eq(text.bytes())
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (path, open) = match text.strip_suffix("/**") {
            Some(path) => (path, true),
            None => (text, false),
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments = match path.strip_prefix('/') {
            Some(path) => path.split('/').map(segment).collect::<Result<_, _>>()?,
            None if path.is_empty() && text.starts_with('/') => Vec::new(),
            None => return Err(PatternError),
        };
        Ok(Self {
            text: text.to_owned(),
            segments,
            open,
        })
    }
}

fn segment(text: &str) -> Result<Segment, PatternError> {
    let name = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    if let Some(name) = name {
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        return is_name.then_some(Segment::Any).ok_or(PatternError);
    }
    // A literal must be a segment that a canonical path can have, or it would never fit.
    let canonical = CanonicalPath::parse(&format!("/{text}"));
    let stays = canonical.is_ok_and(|path| path.as_str().strip_prefix('/') == Some(text));
    let fits = stays && !text.is_empty() && !text.contains('*') && !text.contains('%');
    fits.then(|| Segment::Literal(text.to_owned()))
        .ok_or(PatternError)
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for PathPattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> PathPattern {
        text.parse().expect(text)
    }

    #[test]
    fn a_pattern_fits_whole_segments() {
        let table: [(&str, &[&str], &[&str]); 5] = [
            ("/", &["/"], &["/a"]),
            ("/**", &["/", "/a", "/a/b/"], &[]),
            (
                "/api/programs",
                &["/api/programs", "/api/programs/"],
                &["/api/program", "/api/programs/1", "/"],
            ),
            (
                "/api/program/{id}",
                &["/api/program/14", "/api/program/a%20b"],
                &["/api/program", "/api/program/", "/api/program/1/x"],
            ),
            (
                "/api/program/{id}/**",
                &[
                    "/api/program/14",
                    "/api/program/14/pipelines",
                    "/api/program/1/a/b",
                ],
                &["/api/programs/14"],
            ),
        ];
        for (text, fit, others) in table {
            assert!(fit.iter().all(|path| pattern(text).fits(path)), "{text}");
            assert!(
                !others.iter().any(|path| pattern(text).fits(path)),
                "{text}"
            );
        }
    }

    #[test]
    fn spellings_that_an_application_reads_as_one_fit_alike() {
        let by_mail = pattern("/users/a@example.com");
        assert!(by_mail.fits("/users/a@example.com") && by_mail.fits("/users/a%40example.com"));
        assert!(!by_mail.fits("/users/a%41example.com"));
    }

    #[test]
    fn what_could_never_fit_is_refused() {
        for text in [
            "", "api", "api/x", "/a//b", "/a/../b", "/a/{", "/a/{}", "/a/x{id}", "/**/a", "/a*",
            "/a%20b", "/a b", "/%61", "/a;b", "**", "/a/***",
        ] {
            assert!(text.parse::<PathPattern>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn head_asks_for_what_get_asks_for() {
        let operation = Operation {
            methods: vec!["GET".to_owned()],
            path: pattern("/a"),
            scopes: Vec::new(),
        };
        assert!(operation.fits("HEAD", "/a") && operation.fits("GET", "/a"));
        assert!(!operation.fits("PUT", "/a"));
    }

    proptest! {
        /// Whatever a path looks like on its way, what decides is what is forwarded.
        #[test]
        fn every_path_fits_the_pattern_of_its_own_text(parts in prop::collection::vec("[a-z0-9@:,+._~-]{1,8}", 0..6)) {
            let raw = format!("/{}", parts.join("/"));
            if let (Ok(path), Ok(own)) = (CanonicalPath::parse(&raw), raw.parse::<PathPattern>()) {
                prop_assert!(own.fits(path.as_str()));
                prop_assert!(pattern("/**").fits(path.as_str()));
            }
        }

        #[test]
        fn print_and_parse_agree(text in "(/[a-z{}*]{0,4}){0,4}") {
            if let Ok(pattern) = text.parse::<PathPattern>() {
                prop_assert_eq!(pattern.to_string().parse(), Ok(pattern));
            }
        }
    }
}
