//! Where an IMS is: scheme, host and port, and nothing else.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use crate::public::is_public;

/// Origin of an IMS (RFC 6454): `https://ims.example.com`, with a port where it is not the usual
/// one, without a slash at the end.
///
/// Plain `http` is taken for this machine only, because the client secret travels to it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Origin(String);

/// Text that is not the origin of an IMS. It is left out on purpose: it may hold a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// Not a URL, of another scheme, or with a path, a query or a user in it.
    #[error("not an origin: write `https://ims.example.com`, without path, query or user")]
    Form,
    /// `http` to another machine.
    #[error("plain http would show the secret to the network: use https")]
    Plaintext,
}

impl Origin {
    /// Reads an origin; a bare host name means https, as in AEM service credentials.
    ///
    /// # Errors
    /// [`OriginError`]
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let url = parse(text)?;
        if url.scheme() == "http" && !is_this_machine(&url) {
            return Err(OriginError::Plaintext);
        }
        Ok(Self(url.origin().ascii_serialization()))
    }

    /// Reads an origin that may be plain `http` to another machine: for networks in which nobody
    /// listens. The client secret travels readable.
    ///
    /// # Errors
    /// [`OriginError::Form`]
    pub fn danger_parse_plaintext(text: &str) -> Result<Self, OriginError> {
        parse(text).map(|url| Self(url.origin().ascii_serialization()))
    }

    /// The production IMS of Adobe, which credential files mean that name no IMS.
    #[must_use]
    pub fn adobe_production() -> Self {
        Self("https://ims-na1.adobelogin.com".to_owned())
    }

    /// The origin as it travels in `aud` and in metascope claims.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it may be on the public internet: an address that is written out is, and a name may
    /// resolve to one that is.
    pub(crate) fn may_be_public(&self) -> bool {
        match Url::parse(&self.0).as_ref().map(Url::host) {
            Ok(Some(Host::Ipv4(ip))) => is_public(IpAddr::V4(ip)),
            Ok(Some(Host::Ipv6(ip))) => is_public(IpAddr::V6(ip)),
            Ok(Some(Host::Domain(_))) => true,
            _ => false,
        }
    }

    /// Whether connections to it are encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.0.starts_with("https:")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        Self::parse(text)
    }
}

fn parse(text: &str) -> Result<Url, OriginError> {
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let url = Url::parse(&whole).map_err(|_| OriginError::Form)?;
    let bare = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if bare && url.has_host() && matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err(OriginError::Form)
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_of_each_origin() {
        for text in [
            "ims.example.com",
            "https://IMS.example.com/",
            "https://ims.example.com:443",
        ] {
            let origin = Origin::parse(text).expect(text);
            assert_eq!(origin.as_str(), "https://ims.example.com");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        for text in [
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost",
        ] {
            assert!(Origin::parse(text).is_ok(), "{text}");
        }
        let remote = "http://ims.example.com";
        assert_eq!(Origin::parse(remote), Err(OriginError::Plaintext));
        assert!(Origin::danger_parse_plaintext(remote).is_ok());
    }

    #[test]
    fn anything_more_than_an_origin_is_refused_and_not_repeated() {
        for text in [
            "",
            "https://user:p8e-secret@ims.example.com",
            "https://ims.example.com/ims",
            "https://ims.example.com?x=1",
            "ftp://ims.example.com",
        ] {
            let error = Origin::parse(text).expect_err(text);
            assert!(!error.to_string().contains("p8e-"));
        }
    }
}
