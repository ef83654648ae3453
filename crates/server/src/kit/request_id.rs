//! The id under which one request is found again in answers and logs.

use std::fmt;
use std::hash::BuildHasher as _;
use std::hash::RandomState;
use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use uuid::Uuid;

/// Id of one request, made by us and sent with its answer.
///
/// Source: ANS-06; spec ims-protocol 1.6 (`x-debug-id`, a UUID, is our choice of form).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RequestId(Uuid);

impl RequestId {
    /// A new id (UUID version 4). It is as good as random for whoever sees one, and costs no call
    /// of the system: a count under a key that the process chose at its start.
    pub fn generate() -> Self {
        let number = COUNT.fetch_add(1, Relaxed);
        let [high, low] = KEYS.each_ref().map(|key| key.hash_one(number));
        let bytes = Uuid::from_u64_pair(high, low).into_bytes();
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Puts the id on an answer, as `x-debug-id` for IMS clients and as `x-request-id` for the
    /// rest of the world.
    pub fn mark(self, headers: &mut HeaderMap) {
        let value = self.header_value();
        headers.insert(X_DEBUG_ID, value.clone());
        headers.insert(X_REQUEST_ID, value);
    }

    /// The id as a gateway writes it: 32 hexadecimal digits.
    pub(crate) fn simple(self) -> HeaderValue {
        let mut text = [0; uuid::fmt::Simple::LENGTH];
        let text = self.0.simple().encode_lower(&mut text);
        HeaderValue::from_str(text).expect("a UUID is hexadecimal digits")
    }

    fn header_value(self) -> HeaderValue {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let text = self.0.hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).expect("a UUID is hexadecimal digits and hyphens")
    }
}

/// With hyphens or, as gateways write it, without.
impl FromStr for RequestId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::try_parse(text).map(Self)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a call goes by on its way through the gateway, as `x-request-id` in both directions: the
/// id that the caller gave if it can do no harm, else [`RequestId`] without hyphens. Found in the
/// request's extensions.
#[derive(Clone, Debug)]
pub struct CallId(pub(crate) HeaderValue);

impl CallId {
    pub(super) fn of(id: RequestId, headers: &HeaderMap) -> Self {
        Self(inbound(headers).unwrap_or_else(|| id.simple()))
    }

    pub(super) fn mark(self, id: RequestId, headers: &mut HeaderMap) {
        headers.insert(X_DEBUG_ID, id.header_value());
        headers.insert(X_REQUEST_ID, self.0);
    }
}

/// The id that the caller gave, if it can do no harm in a log line: 1 to 64 of `[A-Za-z0-9._-]`.
///
/// On our own endpoints it is only ever a field of the access log and never comes back.
pub(crate) fn inbound(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(X_REQUEST_ID)?;
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let fits = (1..=INBOUND_MAX_BYTES).contains(&value.len());
    (fits && value.as_bytes().iter().all(harmless)).then(|| value.clone())
}

static COUNT: AtomicU64 = AtomicU64::new(0);
static KEYS: LazyLock<[RandomState; 2]> =
    LazyLock::new(|| [RandomState::new(), RandomState::new()]);
const X_DEBUG_ID: HeaderName = HeaderName::from_static("x-debug-id");
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const INBOUND_MAX_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> bool {
        let value = HeaderValue::from_str(text).unwrap();
        inbound(&HeaderMap::from_iter([(X_REQUEST_ID, value)])).is_some()
    }

    #[test]
    fn inbound_ids_are_kept_only_when_harmless() {
        assert!(kept("abc-DEF_1.2"));
        assert!(kept(&"a".repeat(64)));
        assert!(!kept(&"a".repeat(65)));
        assert!(!kept(""));
        assert!(!kept("a b"));
        assert!(!kept("a=\"b\""));
    }
}
