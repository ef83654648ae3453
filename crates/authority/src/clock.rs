//! The one clock and the one source of chance.
//!
//! Everything that decides takes `now` as an argument; this is where it comes from.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use countersign_wire::Timestamp;

/// What nodes allow each other for clocks that differ, everywhere (`spec/security.md` REL-24).
pub(crate) const BETWEEN_NODES: Duration =
    Duration::from_secs(countersign_jose::BETWEEN_NODES_SECONDS.unsigned_abs());

/// The clocks of the machine, read at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The wall clock: the time, which dates are held against. It can be set.
    pub now: Timestamp,
    /// How much time has passed since some moment. It goes on evenly, whatever is done to the
    /// wall clock.
    pub uptime: Duration,
}

/// Tells the time (`spec/security.md` REL-20).
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Reading + Send + Sync>);

impl Clock {
    /// The clocks of the machine.
    #[must_use]
    pub fn system() -> Self {
        let began = Instant::now();
        Self::new(move || Reading {
            now: system_time(),
            uptime: began.elapsed(),
        })
    }

    /// Clocks that somebody else moves: for tests.
    #[must_use]
    pub fn new(read: impl Fn() -> Reading + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.read().now
    }

    /// Both clocks.
    #[must_use]
    pub fn read(&self) -> Reading {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
fn system_time() -> Timestamp {
    let since_1970 = std::time::SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::default().plus(since_1970)
}

/// Random bytes of the system's generator.
///
/// # Errors
/// [`NoRandomness`] when the system has none to give; nothing may be made then.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// The system's random number generator failed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system's random number generator failed")]
pub struct NoRandomness;
