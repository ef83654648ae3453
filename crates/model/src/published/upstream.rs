//! Where a service is served from.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An origin that calls are sent to: scheme, host and port, nothing else.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Upstream {
    text: String,
    tls: bool,
    host: String,
    port: u16,
}

/// Text that is not an origin.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("write an origin such as `http://127.0.0.1:9000`, without a path or a slash at the end")]
pub struct UpstreamError;

impl Upstream {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is spoken to in TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// Host name or address; IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, which follows from the scheme if it was left out.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as they stand in a `Host` header.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text.split("://").nth(1).unwrap_or(&self.text)
    }
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        let (tls, authority) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(UpstreamError),
        };
        let (host, port) = split(authority).ok_or(UpstreamError)?;
        let port = match port {
            Some(port) => port.parse().map_err(|_| UpstreamError)?,
            None if tls => 443,
            None => 80,
        };
        if port == 0 {
            return Err(UpstreamError);
        }
        Ok(Self {
            host: host.to_owned(),
            text: text.to_owned(),
            tls,
            port,
        })
    }
}

fn split(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, rest) = rest.split_once(']')?;
        address.parse::<Ipv6Addr>().ok()?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':')?),
        };
        return Some((address, port));
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_';
    (!host.is_empty() && host.bytes().all(fits)).then_some((host, port))
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Upstream {
    type Error = UpstreamError;

    fn try_from(text: String) -> Result<Self, UpstreamError> {
        text.parse()
    }
}

impl From<Upstream> for String {
    fn from(upstream: Upstream) -> Self {
        upstream.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_taken_apart() {
        let table = [
            ("http://127.0.0.1:9000", (false, "127.0.0.1", 9000)),
            ("https://api.example.com", (true, "api.example.com", 443)),
            ("http://[::1]:81", (false, "::1", 81)),
            ("http://[::1]", (false, "::1", 80)),
        ];
        for (text, expected) in table {
            let upstream: Upstream = text.parse().expect(text);
            assert_eq!(
                (upstream.is_tls(), upstream.host(), upstream.port()),
                expected
            );
        }
    }

    #[test]
    fn more_or_less_than_an_origin_is_refused() {
        for text in [
            "",
            "127.0.0.1:9000",
            "http://",
            "http://a/",
            "http://a/x",
            "http://u@a",
            "http://a:",
            "http://a:0",
            "http://a:99999",
            "http://[::1",
            "http://[x]",
            "http://[::1]x",
            "ftp://a",
            "http://a b",
            "HTTP://a",
        ] {
            assert!(text.parse::<Upstream>().is_err(), "{text:?}");
        }
    }
}
