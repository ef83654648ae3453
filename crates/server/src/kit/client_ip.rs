//! Where a request comes from, when proxies may stand between.

use std::net::IpAddr;
use std::net::SocketAddr;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use ipnet::IpNet;
use serde::Deserialize;
use serde::Serialize;

/// The other end of the connection, put into a request's extensions by [`crate::listen`].
#[derive(Clone, Debug)]
pub struct Peer {
    pub(crate) address: IpAddr,
    /// The address as a header says it, written once for all requests of the connection.
    pub(crate) text: HeaderValue,
}

impl Peer {
    /// Who asks where there is no connection.
    pub(crate) fn nobody() -> Self {
        Self::new((std::net::Ipv4Addr::UNSPECIFIED, 0).into())
    }

    /// Somebody at `address`.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let address = address.ip();
        let text = address.to_canonical().to_string();
        Self {
            address,
            text: HeaderValue::from_str(&text).expect("an address is digits and signs"),
        }
    }
}

/// The address a request is counted and logged under. Found in the request's extensions.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Source(pub IpAddr);

/// Networks whose `X-Forwarded-For` is believed. Empty by default: nobody's.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Whether `address` is one of the proxies.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The right-most address that is no proxy of ours: the last one that somebody we trust has
    /// seen with his own eyes. Everything left of it is the caller's own story.
    ///
    /// An entry that is no address ends the search at the last trusted one.
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> Source {
        let mut nearest = peer.to_canonical();
        for claimed in entries(headers) {
            if !self.contain(nearest) {
                break;
            }
            match claimed {
                Some(address) => nearest = address.to_canonical(),
                None => break,
            }
        }
        Source(nearest)
    }
}

impl FromIterator<IpNet> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// All entries of all `X-Forwarded-For` lines from right to left, `None` for what is no address.
fn entries(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .rev()
        .flat_map(|line| line.to_str().unwrap_or_default().rsplit(','))
        .map(|entry| address(entry.trim()))
}

/// Proxies write bare addresses; some add the port.
fn address(entry: &str) -> Option<IpAddr> {
    let with_port = || entry.parse().map(|socket: SocketAddr| socket.ip());
    entry.parse().or_else(|_| with_port()).ok()
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

#[cfg(test)]
mod tests {
    use super::*;

    fn source(trusted: &[&str], peer: &str, lines: &[&str]) -> String {
        let proxies: TrustedProxies = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let lines = lines
            .iter()
            .map(|line| (X_FORWARDED_FOR, line.parse().unwrap()));
        let headers = HeaderMap::from_iter([]) as HeaderMap;
        let headers = lines.fold(headers, |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        });
        proxies
            .source(peer.parse().unwrap(), &headers)
            .0
            .to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_his_address() {
        assert_eq!(source(&[], "203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
        assert_eq!(
            source(&["10.0.0.0/8"], "203.0.113.9", &["1.2.3.4"]),
            "203.0.113.9"
        );
    }

    #[test]
    fn the_right_most_stranger_counts() {
        let trusted = &["10.0.0.0/8"];
        assert_eq!(
            source(trusted, "10.0.0.1", &["6.6.6.6, 1.2.3.4"]),
            "1.2.3.4"
        );
        assert_eq!(
            source(trusted, "10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.9.9.9"]),
            "1.2.3.4"
        );
        assert_eq!(
            source(trusted, "10.0.0.1", &["6.6.6.6", "1.2.3.4:555"]),
            "1.2.3.4"
        );
        assert_eq!(
            source(trusted, "::ffff:10.0.0.1", &["2001:db8::1"]),
            "2001:db8::1"
        );
    }

    #[test]
    fn nonsense_ends_at_the_last_trusted_proxy() {
        assert_eq!(
            source(&["10.0.0.0/8"], "10.0.0.1", &["1.2.3.4, \u{41}bc"]),
            "10.0.0.1"
        );
        assert_eq!(source(&["10.0.0.0/8"], "10.0.0.1", &[]), "10.0.0.1");
    }
}
