//! Why there is no token. No error holds a secret, a key, an assertion or a token.

use std::time::Duration;

use countersign_jose::SignError;
use countersign_wire::Timestamp;

use crate::cache::CacheError;
use crate::unreachable::Unreachable;

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No answer came.
    #[error("cannot reach `{origin}`: {why}")]
    Unreachable {
        /// Who was asked.
        origin: String,
        /// What kept it away.
        why: Unreachable,
    },
    /// An answer came that is none of an IMS.
    #[error("the answer of `{origin}` cannot be used: {why}")]
    Malformed {
        /// Who was asked.
        origin: String,
        /// What is wrong with the answer.
        why: Malformed,
    },
    /// The file with further trusted certificates.
    #[error("the CA file {0}")]
    CaFile(String),
    /// The host is an address that is not of the public internet, and must be.
    #[error("the host is an address of this machine or of a private network")]
    PrivateAddress,
    /// The assertion could not be signed.
    #[error("no assertion: {0}")]
    Sign(#[from] SignError),
    /// The token file.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl Error {
    /// Whether nobody said no: the server is away, overloaded or broken.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.is_temporary(),
            Self::Unreachable { .. } | Self::Malformed { .. } => true,
            Self::CaFile(_) | Self::PrivateAddress | Self::Sign(_) | Self::Cache(_) => false,
        }
    }
}

/// What the server said instead of giving a token.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Member `error`; empty when the answer had none.
    pub code: String,
    /// Member `error_description` (or `message`), made harmless: no control characters, not
    /// overlong, and without the secrets that were sent.
    pub description: String,
    /// Header `x-debug-id`, by which the owner of the credential finds the cause.
    pub debug_id: Option<String>,
    /// Header `Retry-After`.
    pub retry_after: Option<Duration>,
    /// Header `Date`: the server's clock.
    pub server_time: Option<Timestamp>,
}

impl Refusal {
    /// A refusal of which only the status is known.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self {
            status,
            code: String::new(),
            description: String::new(),
            debug_id: None,
            retry_after: None,
            server_time: None,
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.status == 429 || self.status >= 500
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused with status {}", self.status)?;
        if !self.code.is_empty() {
            write!(f, " `{}`", self.code)?;
        }
        if !self.description.is_empty() {
            write!(f, ": {}", self.description)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// What is wrong with an answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Longer than [`MAX_ANSWER`](crate::http::MAX_ANSWER).
    #[error("it is longer than 1 MiB")]
    TooLong,
    /// A redirect. It is never followed, because the secret would go along.
    #[error("it is a redirect (status {0}), which is not followed with credentials")]
    Redirect(u16),
    /// Not the JSON of a token reply.
    #[error("it is not a token reply")]
    NotATokenReply,
    /// Not the JSON of the management API.
    #[error("it is not the answer of a management API")]
    NotAnAnswer,
    /// Not UTF-8.
    #[error("it is not text")]
    NotText,
}
