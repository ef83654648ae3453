//! What goes wrong between us and an upstream.

use std::error::Error;
use std::fmt::Write as _;

use super::watch::Cut;

/// Why a permitted call got no answer from an upstream. `Display` is for the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The settings of the service do not work.
    #[error("{0}")]
    Unusable(String),
    /// As many calls as its upstreams may have at once are running.
    #[error("every upstream of `{0}` has as many calls as it may have at once")]
    Full(String),
    /// No connection.
    #[error("`{upstream}` cannot be connected to: {why}")]
    Unreachable { upstream: String, why: String },
    /// The connection ended before an answer began.
    #[error("`{upstream}` ended the connection before its answer: {why}")]
    Reset { upstream: String, why: String },
    /// Something that is no HTTP.
    #[error("`{upstream}` answered something that is no HTTP: {why}")]
    Garbage { upstream: String, why: String },
    /// No head in time.
    #[error("`{0}` did not answer in time")]
    TooSlow(String),
    /// The body of the request did not come to its end.
    #[error("the request's body was cut: {0}")]
    Upload(Cut),
}

impl Failure {
    /// There is no connection.
    pub(super) fn unreachable(upstream: &str, error: &(dyn Error + 'static)) -> Self {
        Self::Unreachable {
            upstream: upstream.to_owned(),
            why: in_full(error),
        }
    }

    /// There was a connection.
    pub(super) fn broken(upstream: &str, error: &(dyn Error + 'static)) -> Self {
        let (upstream, why) = (upstream.to_owned(), in_full(error));
        let parse = sources(error)
            .filter_map(|source| source.downcast_ref::<hyper::Error>())
            .any(hyper::Error::is_parse);
        match parse {
            true => Self::Garbage { upstream, why },
            false => Self::Reset { upstream, why },
        }
    }

    /// Whether the upstream is to blame.
    pub(super) fn is_of_the_upstream(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Reset { .. }
            | Self::Garbage { .. }
            | Self::TooSlow(_) => true,
            Self::Unusable(_) | Self::Full(_) | Self::Upload(_) => false,
        }
    }

    /// Short and searchable.
    pub(in crate::gateway) fn code(&self) -> &'static str {
        match self {
            Self::Unusable(_) => "upstream_unusable",
            Self::Full(_) => "upstream_full",
            Self::Unreachable { .. } => "upstream_unreachable",
            Self::Reset { .. } => "upstream_reset",
            Self::Garbage { .. } => "upstream_garbage",
            Self::TooSlow(_) => "upstream_too_slow",
            Self::Upload(Cut::Idle) => "body_too_slow",
            Self::Upload(Cut::Revoked) => "revoked_while_running",
            Self::Upload(Cut::TooLarge) => "body_too_large",
            Self::Upload(Cut::Broken) => "body_broken",
        }
    }
}

/// An error with all its reasons; most libraries show the outermost only.
pub(super) fn in_full(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for source in sources(error).skip(1) {
        let source = source.to_string();
        if !text.ends_with(&source) {
            _ = write!(text, ": {source}");
        }
    }
    text
}

fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
