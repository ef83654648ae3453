//! The time of this machine: the library's one look at it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_wire::Timestamp;

/// Gives the time. A test, or a program with a clock of its own, brings another one.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The time by the clock of this machine.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the library runs without a server, so this is its one clock"
)]
pub fn system_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
    Timestamp::from_millis(millis)
}
