//! What may pass from one side to the other, and what we say ourselves (GWY-03, GWY-06 to GWY-08).

use std::net::IpAddr;

use countersign_authority::Permit;
use countersign_model::PublishedService;
use countersign_wire::gateway;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::Version;
use http::header;
use http::response;

use crate::kit::client_ip::Peer;
use crate::kit::client_ip::TrustedProxies;
use crate::kit::request_id::X_REQUEST_ID;

/// What of a request's headers an upstream may see: not what belongs to the connection, what frames
/// the message, what only we may say, and what could be mistaken for any of these.
pub(super) fn passing(headers: &HeaderMap, service: &PublishedService) -> HeaderMap {
    let named: Vec<&str> = named_by_connection(headers).collect();
    let stays = |name: &HeaderName| {
        let text = name.as_str();
        let goes = is_hop_by_hop(text) || is_ours_to_say(text) || is_near_miss(text);
        let is_token = *name == header::AUTHORIZATION && !service.forward_token;
        !goes && !is_token && !named.iter().any(|named| named.eq_ignore_ascii_case(text))
    };
    let mut passing = HeaderMap::with_capacity(headers.len() + OURS);
    for (name, value) in headers {
        if stays(name) {
            passing.append(name.clone(), value.clone());
        }
    }
    passing
}

/// Fields of `Connection`, in any case.
pub(super) fn named_by_connection(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// Where a request came from, for headers that say so.
pub(super) struct Origin<'a> {
    /// The other end of the connection.
    pub(super) peer: &'a Peer,
    /// Whom the request is counted under.
    pub(super) source: IpAddr,
    /// The host that it named.
    pub(super) host: Option<HeaderValue>,
    /// Of the request.
    pub(super) version: Version,
    /// `https` or `http`.
    pub(super) scheme: &'static str,
}

/// What proxies in front of us, if we trust them, and we say of a request's origin.
pub(super) struct Forwarded([(HeaderName, Option<HeaderValue>); 5]);

impl Forwarded {
    pub(super) fn of(headers: &HeaderMap, origin: Origin<'_>, proxies: &TrustedProxies) -> Self {
        let peer = origin.peer;
        let trusted = proxies.contain(peer.address);
        let theirs = |name: &HeaderName| match trusted {
            true => headers.get(name).cloned(),
            false => None,
        };
        let path = match trusted {
            true => joined(headers, &peer.text),
            false => Some(peer.text.clone()),
        };
        let source = match origin.source == peer.address.to_canonical() {
            true => Some(peer.text.clone()),
            false => HeaderValue::from_str(&origin.source.to_string()).ok(),
        };
        let host = theirs(&X_FORWARDED_HOST).or(origin.host);
        let scheme = theirs(&X_FORWARDED_PROTO);
        let scheme = scheme.unwrap_or(HeaderValue::from_static(origin.scheme));
        let via = match origin.version {
            Version::HTTP_2 => "2 countersign",
            _ => "1.1 countersign",
        };
        Self([
            (X_FORWARDED_FOR, path),
            (X_FORWARDED_HOST, host),
            (X_FORWARDED_PROTO, Some(scheme)),
            (X_REAL_IP, source),
            (header::VIA, Some(HeaderValue::from_static(via))),
        ])
    }

    /// Says it to the upstream. `Via` is a list that grows; the others have one value.
    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            match value.clone() {
                Some(value) if *name == header::VIA => _ = headers.append(name, value),
                Some(value) => _ = headers.insert(name, value),
                None => {}
            }
        }
    }
}

fn joined(headers: &HeaderMap, peer: &HeaderValue) -> Option<HeaderValue> {
    let lines = headers.get_all(X_FORWARDED_FOR).iter().chain([peer]);
    let all: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    HeaderValue::from_str(&all.join(", ")).ok()
}

/// Says who calls. The last step: nothing after it touches the headers.
pub(super) fn add_identity(headers: &mut HeaderMap, permit: &Permit, call_id: &HeaderValue) {
    identify(headers, permit);
    headers.insert(X_REQUEST_ID, call_id.clone());
}

/// The caller alone, each header with our value or not at all.
pub(crate) fn identify(headers: &mut HeaderMap, permit: &Permit) {
    let identity = [
        (USER_ID, permit.user_id()),
        (CLIENT_ID, permit.client_id()),
        (ORG_ID, permit.org_id()),
        (SCOPE, permit.scope()),
    ];
    for (name, value) in identity {
        match value.and_then(|value| HeaderValue::from_str(value).ok()) {
            Some(value) => _ = headers.insert(name, value),
            None => _ = headers.remove(name),
        }
    }
}

/// Takes out of an answer's head what belongs to the upstream's connection. Its length is said
/// anew, except where it tells of a body that is not there.
pub(super) fn clean_answer(head: &mut response::Parts, method: &Method) {
    let headers = &mut head.headers;
    remove_named_by_connection(headers);
    let goes = |name: &HeaderName| HOP_BY_HOP_OF_ANSWERS.contains(&name.as_str());
    if headers.keys().any(goes) {
        for name in HOP_BY_HOP_OF_ANSWERS {
            headers.remove(name);
        }
    }
    let tells_only = *method == Method::HEAD || head.status == StatusCode::NOT_MODIFIED;
    if !tells_only {
        headers.remove(header::CONTENT_LENGTH);
    }
}

/// Trailers carry no framing and nobody's identity (RFC 9110 6.5.1).
pub(super) fn clean_trailers(trailers: &mut HeaderMap) {
    let goes = |name: &&HeaderName| is_hop_by_hop(name.as_str());
    let doomed: Vec<HeaderName> = trailers.keys().filter(goes).cloned().collect();
    for name in doomed {
        trailers.remove(name);
    }
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CONNECTION) {
        return;
    }
    let named = named_by_connection(headers).filter_map(|name| name.parse().ok());
    let named: Vec<HeaderName> = named.collect();
    for name in named {
        headers.remove(name);
    }
}

/// RFC 9110 7.6.1, and what frames a message or is meant for us: `Expect` is answered here, the
/// `Host` is the upstream's own, and `Cookie` is no credential of an API (GWY-08).
fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "content-length"
            | "cookie"
            | "expect"
            | "host"
            | "http2-settings"
            | "keep-alive"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    ) || name.starts_with("proxy-")
}

/// What upstreams believe because a gateway says it.
fn is_ours_to_say(name: &str) -> bool {
    gateway::IDENTITY.contains(&name)
        || name.starts_with("x-forwarded-")
        || matches!(name, "forwarded" | "x-real-ip" | "x-request-id")
}

/// Many applications read `_`, `.` and `-` as one (CVE-2025-64484): a name with anything but
/// letters, digits and hyphens poses as another one there.
fn is_near_miss(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !name.bytes().all(plain)
}

const HOP_BY_HOP_OF_ANSWERS: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Room for the headers that we add.
const OURS: usize = 11;
const USER_ID: HeaderName = HeaderName::from_static(gateway::USER_ID);
const CLIENT_ID: HeaderName = HeaderName::from_static(gateway::CLIENT_ID);
const ORG_ID: HeaderName = HeaderName::from_static(gateway::ORG_ID);
const SCOPE: HeaderName = HeaderName::from_static(gateway::SCOPE);
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn service() -> PublishedService {
        let text = r#"{"name": "a", "service": "A", "upstreams": ["http://127.0.0.1:1"]}"#;
        serde_json::from_str(text).unwrap()
    }

    /// Names that decide, names that frame, and what could pass for them.
    fn name() -> impl Strategy<Value = String> {
        let names = [
            "authorization",
            "x-api-key",
            "x-ims-user-id",
            "x-ims-client-id",
            "x-ims-org-id",
            "x-ims-scope",
            "x-forwarded-for",
            "x-forwarded-anything",
            "x-real-ip",
            "x-request-id",
            "forwarded",
            "connection",
            "content-length",
            "transfer-encoding",
            "te",
            "cookie",
            "host",
            "proxy-anything",
            "upgrade",
            "x-private",
            "accept",
        ];
        let posing = prop::sample::select(vec!["-", "_", "."]);
        let name = prop::sample::select(names.to_vec());
        (name, posing).prop_map(|(name, sign)| name.replace('-', sign))
    }

    proptest! {
        #[test]
        fn nothing_passes_that_only_we_may_say_or_that_belongs_to_the_connection(
            fields in prop::collection::vec((name(), "[a-z-]{0,12}"), 0..20),
            named in prop::collection::vec(name(), 0..4),
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                let name: HeaderName = name.parse().unwrap();
                headers.append(name, value.parse().unwrap());
            }
            headers.append(header::CONNECTION, named.join(", ").parse().unwrap());
            let headers = passing(&headers, &service());

            for name in headers.keys() {
                let name = name.as_str();
                prop_assert!(["x-api-key", "x-private", "accept"].contains(&name), "{name}");
                prop_assert!(!named.iter().any(|gone| gone == name), "{name}");
            }
        }

        #[test]
        fn what_passed_passes_again(fields in prop::collection::vec(name(), 0..20)) {
            let fields = fields.iter().map(|name| (name.parse().unwrap(), HeaderValue::from_static("1")));
            let headers: HeaderMap = fields.collect();
            let once = passing(&headers, &service());
            prop_assert_eq!(passing(&once, &service()), once);
        }
    }
}
