//! When a request is sent again: only where it certainly was not acted upon.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};

use crate::error::{Error, Refusal};

/// How often and after which pauses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Retry {
    /// How often at most, after the first time.
    pub again: usize,
    /// The first pause; each further one is twice as long, with jitter.
    pub first_pause: Duration,
    /// A server that asks for a longer pause is not waited for.
    pub longest_pause: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            again: 2,
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(30),
        }
    }
}

impl Retry {
    /// Asks once.
    #[must_use]
    pub const fn never() -> Self {
        Self {
            again: 0,
            first_pause: Duration::ZERO,
            longest_pause: Duration::ZERO,
        }
    }

    /// Does `work` until it succeeds, fails for good, or has failed too often.
    pub(crate) async fn run<T, F>(self, work: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.again)
            .with_jitter();
        work.retry(pauses)
            .when(|error| self.pause(error, self.first_pause).is_some())
            .adjust(|error, planned| self.pause(error, planned?))
            .await
    }

    /// How long to wait before the next try; `None` for never.
    ///
    /// A connection that never came about carried no request. 429 and 503 say themselves that
    /// nothing was done, and when to come back. Every other refusal stays one.
    fn pause(self, error: &Error, planned: Duration) -> Option<Duration> {
        match error {
            Error::Unreachable { why, .. } => why.is_before_request().then_some(planned),
            Error::Refused(Refusal {
                status: 429 | 503,
                retry_after: Some(wait),
                ..
            }) => (*wait <= self.longest_pause).then_some((*wait).max(planned)),
            _ => None,
        }
    }
}
