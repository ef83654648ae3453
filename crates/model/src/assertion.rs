//! What an assertion must say to be believed, beyond its signature.

use std::time::Duration;

use crate::org::ReplayPolicy;

/// Allowed difference between a client's clock and ours, at every comparison
/// (`spec/security.md` REL-24).
pub const CLOCK_SKEW: Duration = Duration::from_secs(30);

/// Longest time ahead that an assertion may expire: covers every known client
/// (`spec/ims-protocol.md` 3.3).
pub const LONGEST_LIFE: Duration = Duration::from_secs(90_000);

/// What to do with the `jti` of a verified assertion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SingleUse {
    /// Nothing: the assertion may be used again.
    NotAsked,
    /// Record it, and refuse if it was recorded before.
    Record,
    /// Refuse: it is demanded and absent.
    Missing,
}

impl ReplayPolicy {
    /// What this policy asks of an assertion.
    #[must_use]
    pub fn single_use(self, has_jti: bool) -> SingleUse {
        match (self, has_jti) {
            (Self::Allow, _) | (Self::OnceIfJti, false) => SingleUse::NotAsked,
            (Self::OnceIfJti | Self::RequireJti, true) => SingleUse::Record,
            (Self::RequireJti, false) => SingleUse::Missing,
        }
    }
}
