//! Parameters of a request to an IMS endpoint: from the query, an urlencoded body, a multipart
//! body, or several of these at once.
//!
//! Stricter than a browser's form parser, because two readers that disagree about one request are
//! how parameters get smuggled. Sources: `spec/security.md` REQ-02 to REQ-07, `spec/decisions.md`
//! ("same parameter in body and query").

use std::borrow::Cow;
use std::fmt;

use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::scope::MAX_SCOPE_LIST;

/// Longest body of a request, in bytes.
pub const MAX_BODY: usize = 65_536;
/// Longest assertion or token in a parameter, in bytes.
pub const MAX_TOKEN: usize = 16_384;
const MAX_FIELDS: usize = 64;
const MAX_OTHER: usize = 4096;

/// Where a parameter came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// After the `?` of the target.
    Query,
    /// The body, of whichever type.
    Body,
}

/// Why a request's parameters were not taken. Never repeats a name or a value from outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormError {
    /// A name occurs twice in one place; only `resource` may.
    #[error("A parameter occurs more than once.")]
    Repeated,
    /// Query and body give the same name different values.
    #[error("A parameter has one value in the query and another in the body.")]
    Conflict,
    /// A broken percent escape, or bytes that are no UTF-8.
    #[error("A parameter is not correctly encoded.")]
    Encoding,
    /// A control character or a character that this parameter may not have.
    #[error("A parameter holds a character that is not allowed.")]
    Character,
    /// A value beyond its limit.
    #[error("A parameter is too long.")]
    TooLong,
    /// More parameters than any client sends.
    #[error("There are too many parameters.")]
    TooMany,
}

struct Field {
    place: Place,
    name: String,
    value: Zeroizing<String>,
}

/// The parameters of one request, each at most once (`resource` apart).
#[derive(Default)]
pub struct Params(Vec<Field>);

impl Params {
    /// Adds what an urlencoded query or body holds.
    ///
    /// # Errors
    /// [`FormError`]; the request is then refused as a whole.
    pub fn read(&mut self, place: Place, text: &str) -> Result<(), FormError> {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = std::mem::take(&mut *decode(name)?);
            self.push(place, name, decode(value)?)?;
        }
        Ok(())
    }

    /// Adds one parameter that is decoded already (a part of a multipart body).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn push(
        &mut self,
        place: Place,
        name: String,
        value: Zeroizing<String>,
    ) -> Result<(), FormError> {
        if self.0.len() >= MAX_FIELDS {
            return Err(FormError::TooMany);
        }
        if value.len() > limit(&name) || name.len() > MAX_OTHER {
            return Err(FormError::TooLong);
        }
        if has_control(&name) || has_control(&value) {
            return Err(FormError::Character);
        }
        for field in self
            .0
            .iter()
            .filter(|f| f.name == name && name != "resource")
        {
            if field.place == place {
                return Err(FormError::Repeated);
            }
            if field.value != value {
                return Err(FormError::Conflict);
            }
        }
        self.0.push(Field { place, name, value });
        Ok(())
    }

    /// The value of `name`; one without a value counts as absent (RFC 6749 section 3.2).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of `name`: for `resource`, which alone may be repeated.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |f| f.name == name && !f.value.is_empty())
            .map(|f| f.value.as_str())
    }

    /// Whether the query holds one of `names`: for secrets that travel in URLs.
    #[must_use]
    pub fn query_holds(&self, names: &[&str]) -> bool {
        let in_query = |f: &&Field| f.place == Place::Query && !f.value.is_empty();
        self.0
            .iter()
            .filter(in_query)
            .any(|f| names.contains(&f.name.as_str()))
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|field| &field.name))
            .finish()
    }
}

/// Decodes `application/x-www-form-urlencoded`, once, refusing what a lenient decoder would keep
/// or replace: lone `%`, `%zz`, bytes that are no UTF-8.
///
/// # Errors
/// [`FormError::Encoding`].
pub fn decode(text: &str) -> Result<Zeroizing<String>, FormError> {
    // Ids and secrets are sent as they are: one copy, and nothing to look at twice.
    if !text.bytes().any(|b| matches!(b, b'%' | b'+')) {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    let escaped = text
        .bytes()
        .enumerate()
        .filter(|(_, b)| *b == b'%')
        .all(|(at, _)| {
            let digits = text.as_bytes().get(at + 1..at + 3);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        });
    if !escaped {
        return Err(FormError::Encoding);
    }
    let blanks = Zeroizing::new(text.replace('+', " "));
    let decoded: Cow<'_, str> = percent_decode_str(&blanks)
        .decode_utf8()
        .map_err(|_| FormError::Encoding)?;
    Ok(Zeroizing::new(decoded.into_owned()))
}

fn has_control(text: &str) -> bool {
    match text.is_ascii() {
        true => text.bytes().any(|b| b.is_ascii_control()),
        false => text.chars().any(char::is_control),
    }
}

fn limit(name: &str) -> usize {
    match name {
        "client_id" => 128,
        "client_secret" => 512,
        "scope" => MAX_SCOPE_LIST,
        "client_assertion" | "jwt_token" | "token" => MAX_TOKEN,
        _ => MAX_OTHER,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(query: &str, body: &str) -> Result<Params, FormError> {
        let mut params = Params::default();
        params.read(Place::Query, query)?;
        params.read(Place::Body, body)?;
        Ok(params)
    }

    #[test]
    fn query_and_body_mix() {
        let params = read("client_id=a", "client_secret=b&scope=openid%2CAdobeID+x").expect("fine");
        assert_eq!(params.get("client_id"), Some("a"));
        assert_eq!(params.get("scope"), Some("openid,AdobeID x"));
        assert!(params.query_holds(&["client_id"]));
        assert!(!params.query_holds(&["client_secret"]));
    }

    #[test]
    fn decoding_happens_once() {
        assert_eq!(read("", "a=%2541").expect("fine").get("a"), Some("%41"));
    }

    #[test]
    fn a_parameter_without_a_value_is_absent() {
        let params = read("", "client_secret=&foo").expect("fine");
        assert_eq!(params.get("client_secret"), None);
        assert_eq!(params.get("foo"), None);
    }

    #[test]
    fn broken_requests_are_refused() {
        let table = [
            ("", "a=1&a=1", FormError::Repeated),
            ("", "a=1&%61=2", FormError::Repeated),
            ("a=1&a=1", "", FormError::Repeated),
            ("a=1", "a=2", FormError::Conflict),
            ("", "a=%", FormError::Encoding),
            ("", "a=%zz", FormError::Encoding),
            ("", "a=%ff", FormError::Encoding),
            ("", "a=%c0%af", FormError::Encoding),
            ("", "a=%00", FormError::Character),
            ("", "a=%0d%0a", FormError::Character),
        ];
        for (query, body, error) in table {
            assert_eq!(read(query, body).err(), Some(error), "{query:?} {body:?}");
        }
        assert!(read("a=1", "a=1").is_ok());
        assert!(read("", "resource=a&resource=a").is_ok());
    }

    #[test]
    fn limits_hold_to_the_byte() {
        for (name, most) in [
            ("client_id", 128),
            ("client_secret", 512),
            ("scope", 4096),
            ("jwt_token", 16_384),
        ] {
            assert!(
                read("", &format!("{name}={}", "a".repeat(most))).is_ok(),
                "{name}"
            );
            let long = read("", &format!("{name}={}", "a".repeat(most + 1)));
            assert_eq!(long.err(), Some(FormError::TooLong), "{name}");
        }
        let many: Vec<String> = (0..=MAX_FIELDS).map(|i| format!("p{i}=1")).collect();
        assert_eq!(read("", &many.join("&")).err(), Some(FormError::TooMany));
    }

    #[test]
    fn debug_shows_names_only() {
        let params = read("", "client_secret=p8e-canary").expect("fine");
        assert_eq!(format!("{params:?}"), r#"["client_secret"]"#);
    }

    proptest! {
        #[test]
        fn reading_never_panics(query in "\\PC{0,80}", body in "[a-z0-9%&=+\u{e9}]{0,120}") {
            let _ = read(&query, &body);
        }

        #[test]
        fn what_was_encoded_comes_back(value in "[ -~\u{e4}\u{4e00}]{1,60}") {
            let encoded: String = value.bytes().map(|b| format!("%{b:02x}")).collect();
            let params = read("", &format!("x={encoded}")).expect("fine");
            prop_assert_eq!(params.get("x"), Some(value.as_str()));
        }

        #[test]
        fn a_doubled_name_is_always_refused(name in "[a-q]{1,8}", a in "[a-z]{0,5}", b in "[a-z]{0,5}") {
            let doubled = read("", &format!("{name}={a}&x0=1&{name}={b}"));
            prop_assert_eq!(doubled.err(), Some(FormError::Repeated));
        }
    }
}
