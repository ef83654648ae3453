//! Headers that a service demands (`spec/ims-protocol.md` 8.1).

use countersign_wire::gateway::{API_KEY, ORGANIZATION};
use serde::{Deserialize, Serialize};

use super::PublishedError;

/// A header that a call must have exactly once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RequiredHeader {
    /// Its name, in lower case.
    pub name: String,
    /// What it holds.
    pub holds: Holds,
}

/// What a required header holds.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// The organization of the token, or the call is refused.
    Organization,
    /// Anything: the upstream reads it.
    Anything,
}

impl RequiredHeader {
    /// Headers as the catalogue names them.
    pub(super) fn of_catalogue(names: &[String]) -> Vec<Self> {
        let header = |name: &String| {
            let holds = if OF_AN_ORGANIZATION.contains(&name.as_str()) {
                Holds::Organization
            } else {
                Holds::Anything
            };
            Self {
                name: name.clone(),
                holds,
            }
        };
        names.iter().map(header).collect()
    }
}

/// Whether each can be demanded.
pub(super) fn check(headers: &[RequiredHeader]) -> Result<(), PublishedError> {
    for (at, header) in headers.iter().enumerate() {
        let name = header.name.as_str();
        let doubled = headers[..at].iter().any(|earlier| earlier.name == name);
        if doubled || !is_name(name) || IS_TAKEN.contains(&name) {
            return Err(PublishedError::Header(name.to_owned()));
        }
    }
    Ok(())
}

/// `token` of RFC 9110 section 5.6.2 without capitals, `_` and `.`: proxies confuse those.
fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

/// Headers by which services of the original name the organization.
const OF_AN_ORGANIZATION: [&str; 3] = [ORGANIZATION, "x-ims-org-id", "x-organization-id"];

/// Read by every check already, or removed before anybody could read them.
const IS_TAKEN: [&str; 12] = [
    API_KEY,
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-authorization",
];
