//! Exactly one valid `Host` (HTP-05). Source: RFC 9112 3.2, RFC 9113 8.3.1.

use http::HeaderValue;
use http::Version;
use http::header;
use http::request::Parts;
use http::uri::Authority;

use super::problem::Problem;

/// The host that a request names, or a refusal.
///
/// A request target may name it too (absolute form, HTTP/2's `:authority`); then both must agree,
/// because whatever stands before us may have believed the other one.
pub(super) fn check(head: &Parts) -> Result<(), Problem> {
    let mut lines = head.headers.get_all(header::HOST).iter();
    match (lines.next(), lines.next(), head.uri.authority()) {
        (_, Some(_), _) => Err(Problem::BAD_HOST),
        (None, None, Some(target)) if head.version == Version::HTTP_2 => valid(target),
        (None, None, _) => Err(Problem::BAD_HOST),
        (Some(line), None, None) if is_plain(line.as_bytes()) => Ok(()),
        (Some(line), None, None) => valid(&parse(line)?),
        (Some(line), None, Some(target)) => agree(&parse(line)?, target),
    }
}

/// Letters, digits, dots and hyphens, as nearly everybody is called who names no port: valid without
/// being taken apart.
fn is_plain(line: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    !line.is_empty() && line.iter().all(plain)
}

fn parse(line: &HeaderValue) -> Result<Authority, Problem> {
    Authority::try_from(line.as_bytes()).map_err(|_| Problem::BAD_HOST)
}

fn valid(authority: &Authority) -> Result<(), Problem> {
    let host = authority.host();
    // Not `Authority::port`: that gives nothing for a port that is no port.
    let port_is_usable = match authority.as_str().strip_prefix(host) {
        Some("") => true,
        Some(port) => port
            .strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok()),
        // User information stands before the host.
        None => false,
    };
    let usable = port_is_usable && !host.is_empty();
    usable.then_some(()).ok_or(Problem::BAD_HOST)
}

fn agree(line: &Authority, target: &Authority) -> Result<(), Problem> {
    valid(line)?;
    let same = line.as_str().eq_ignore_ascii_case(target.as_str());
    same.then_some(()).ok_or(Problem::BAD_HOST)
}
