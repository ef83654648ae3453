//! Ids of events: UUIDs of version 7, sorted by time.

use countersign_wire::Timestamp;
use uuid::{Builder, Uuid};

use crate::db::Session;

/// An id for an event of `at`. Ids sort by time; those of one transaction in their order.
///
/// The time is the caller's, so that a test's clock and the database agree; chance only keeps
/// writers of the same millisecond apart and protects nothing.
pub(crate) fn next(session: &mut Session, at: Timestamp) -> String {
    const LAST_MILLI: u64 = (1 << 48) - 1;
    let millis = u64::try_from(at.as_millis()).unwrap_or(0).min(LAST_MILLI);
    let mut tail = [0; 10];
    tail.copy_from_slice(&Uuid::new_v4().as_bytes()[..10]);
    let [high, low] = (session.events & 0x0fff).to_be_bytes();
    (tail[0], tail[1]) = (high, low);
    session.events = session.events.wrapping_add(1);
    Builder::from_unix_timestamp_millis(millis, &tail)
        .into_uuid()
        .hyphenated()
        .to_string()
}
