//! Why no answer came, in words that lead somewhere.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;

/// Why no answer came.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreachable {
    /// The name has no address.
    #[error("the host name cannot be resolved")]
    Name,
    /// Nobody listens there, or there is no way.
    #[error("the connection was not accepted")]
    Connection,
    /// No connection in time.
    #[error("no connection in time")]
    ConnectTimeout,
    /// The other side does not speak TLS.
    #[error("the other side does not speak TLS")]
    NotTls,
    /// Its certificate is of nobody we trust.
    #[error("its TLS certificate is not issued by anybody this machine trusts")]
    Untrusted,
    /// Its certificate is for another name.
    #[error("its TLS certificate is for another host name")]
    WrongName,
    /// Its certificate is expired or not valid yet, by the clock of this machine.
    #[error("its TLS certificate is expired or not valid yet")]
    Validity,
    /// TLS failed otherwise.
    #[error("the TLS handshake failed")]
    Tls,
    /// The request may have arrived, but no answer came in time.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke off.
    #[error("the connection broke off before the answer was complete")]
    Interrupted,
}

impl Unreachable {
    /// Whether the request was certainly not sent and another try may help.
    #[must_use]
    pub fn is_before_request(self) -> bool {
        matches!(self, Self::Name | Self::Connection | Self::ConnectTimeout)
    }

    pub(crate) fn classify(error: &reqwest::Error) -> Self {
        if let Some(tls) = chain(error).find_map(|error| error.downcast_ref()) {
            return Self::of_tls(tls);
        }
        // A connection that came about and broke before a request was sent: only TLS lies between.
        let broke = chain(error)
            .filter_map(|error| error.downcast_ref::<io::Error>())
            .any(|error| BROKEN.contains(&error.kind()));
        if error.is_connect() && broke {
            return Self::Tls;
        }
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => Self::ConnectTimeout,
            (true, false) if error.is_dns() => Self::Name,
            (true, false) => Self::Connection,
            (false, true) => Self::Timeout,
            (false, false) => Self::Interrupted,
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            rustls::Error::InvalidCertificate(fault) => match fault {
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => Self::Validity,
                CertificateError::UnknownIssuer => Self::Untrusted,
                _ => Self::Tls,
            },
            _ => Self::Tls,
        }
    }
}

/// An error and everything behind it. An `io::Error` hides what it carries from `source`.
fn chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| behind(*error))
}

fn behind<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match error.downcast_ref().and_then(io::Error::get_ref) {
        Some(carried) => Some(carried),
        None => error.source(),
    }
}

const BROKEN: [io::ErrorKind; 2] = [io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof];
