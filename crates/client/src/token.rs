//! An access token and how long it can be used.

use std::time::Duration;

use countersign_jose::Unverified;
use countersign_wire::{Opaque, Timestamp};

/// An access token. What it says is for resource servers; a client only needs to know its end.
#[derive(Clone, Debug)]
pub struct AccessToken {
    text: Opaque,
    expires_at: Timestamp,
    renew_at: Timestamp,
}

/// A token fresh from the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Issued {
    /// The token.
    pub token: AccessToken,
    /// The whole reply, as it came.
    pub reply: Opaque,
    /// Header `x-debug-id` of the reply.
    pub debug_id: Option<String>,
}

impl AccessToken {
    /// A token obtained at `now`, of which the reply says that `life` is left.
    ///
    /// The token's own `expires_in` is read too, and the shorter one counts: the two grants answer
    /// in different units, and a server or proxy that mixes them up must not make us keep a dead
    /// token (`spec/ims-protocol.md` 9.1, trap 1). Text that fits no header is no token.
    pub(crate) fn new(text: Opaque, life: Duration, now: Timestamp) -> Option<Self> {
        let fits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        fits(text.expose()).then(|| Self::living(text, life, now))
    }

    fn living(text: Opaque, life: Duration, now: Timestamp) -> Self {
        let life = claimed_life(text.expose()).map_or(life, |claimed| claimed.min(life));
        Self {
            text,
            expires_at: now.plus(life),
            renew_at: now.plus(life - RENEW_AHEAD.min(life / 2)),
        }
    }

    pub(crate) fn restored(text: Opaque, expires_at: Timestamp, renew_at: Timestamp) -> Self {
        Self {
            text,
            expires_at,
            renew_at,
        }
    }

    /// The token itself. Whoever calls this answers for where it goes.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// When it ends, by the clock of this machine.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// When a new one should be fetched: 10 minutes before the end, or in the middle of a life
    /// shorter than 20 minutes.
    #[must_use]
    pub fn renew_at(&self) -> Timestamp {
        self.renew_at
    }
}

/// What the token says about its whole life. `created_at` is by the server's clock and therefore
/// no use; a token is fresh when it comes.
fn claimed_life(token: &str) -> Option<Duration> {
    let token = Unverified::parse(token).ok()?;
    let millis = token.claims().optional_string("expires_in").ok()??;
    millis.parse().ok().map(Duration::from_millis)
}

const RENEW_AHEAD: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_900_000_000);
    const DAY: Duration = Duration::from_hours(24);

    fn token(text: &str, life: Duration) -> AccessToken {
        AccessToken::new(Opaque::new(text.to_owned()), life, NOW).expect("a token")
    }

    #[test]
    fn a_token_is_renewed_ten_minutes_before_its_end() {
        let token = token("opaque", DAY);
        assert_eq!(token.expires_at(), NOW.plus(DAY));
        assert_eq!(token.renew_at(), NOW.plus(DAY - Duration::from_mins(10)));
    }

    #[test]
    fn a_short_token_is_renewed_in_the_middle_of_its_life() {
        let token = token("opaque", Duration::from_mins(5));
        assert_eq!(token.renew_at(), NOW.plus(Duration::from_secs(150)));
    }

    #[test]
    fn the_token_knows_better_when_units_were_mixed_up() {
        // {"alg":"RS256"} . {"created_at":"1735689600123","expires_in":"86400000"}
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJjcmVhdGVkX2F0IjoiMTczNTY4OTYwMDEyMyIsImV4cGlyZXNfaW4iOiI4NjQwMDAwMCJ9.AAAA";
        let token = token(jwt, DAY * 1000);
        assert_eq!(token.expires_at(), NOW.plus(DAY));
    }
}
