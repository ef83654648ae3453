//! Doing work again that only failed because somebody else was in the way.

use std::time::Duration;

use backon::ExponentialBuilder;
use backon::Retryable as _;

use crate::error::Retryable;

/// Does `work`, and does it again from the start, a bounded number of times and after jittered
/// pauses, when it fails with a [retryable](Retryable) error: busy, deadlock, serialization,
/// connection lost before the commit (`spec/security.md` REL-53).
///
/// `work` begins, works on and commits its own [`Write`](crate::Write); it may run several times,
/// so it has no other side effects: ids, secrets and `now` are made outside.
///
/// # Errors
/// The last error of `work`.
pub async fn retry<T, E, F, Fut>(work: F) -> Result<T, E>
where
    E: Retryable,
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    work.retry(pauses()).when(E::is_retryable).await
}

/// Up to 12 more tries within about three seconds. Without jitter, writers that collided once
/// collide again: eight unjittered tries were not enough for eight writers.
fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(4))
        .with_max_delay(Duration::from_millis(300))
        .with_factor(2.0)
        .with_max_times(12)
        .with_jitter()
}
