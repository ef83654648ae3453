//! What the next page says once: "Project deleted."
//!
//! It travels in a cookie, because an address can be made by others and kept.

use http::HeaderMap;
use http::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::cookies::{Cookie, Cookies};

/// Longest text, in characters.
const LONGEST: usize = 300;
/// How long it waits for the next page, in seconds.
const LIFE: u32 = 60;

/// The notice that came with a request.
pub(crate) fn find(cookies: &Cookies, headers: &HeaderMap) -> Option<String> {
    let value = cookies.find(Cookie::Notice, headers)?;
    let text = percent_decode_str(&value).decode_utf8().ok()?;
    let text: String = text.chars().take(LONGEST).collect();
    (!text.is_empty()).then_some(text)
}

/// Keeps a notice for the next page. Never a secret.
pub(crate) fn keep(cookies: &Cookies, text: &str) -> HeaderValue {
    let text: String = text.chars().take(LONGEST).collect();
    let value = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
    cookies.set(Cookie::Notice, &value, Some(LIFE))
}
