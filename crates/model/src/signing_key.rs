//! Life cycle of the server's signing keys: *next* (published, not used), *active*, *retired*
//! (published, not used), *removed*. Source: `spec/security.md` KEY-01, KEY-02.

use std::time::Duration;

use countersign_wire::{KeyId, Timestamp};

/// How long a key is published before it signs: foreign caches of the key set (5 minutes) plus
/// the time a change takes to reach every node. A shorter time would let a verifier meet a token
/// whose key it has not heard of.
pub const PUBLISH_AHEAD: Duration = Duration::from_secs(301);

/// How long a key stays published beyond the last token's life: clock skew between nodes and
/// foreign caches.
pub const KEEP_AFTER: Duration = Duration::from_secs(3600);

/// A signing key, its private part sealed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SigningKeyRecord {
    /// `kid`; never used twice, because clients keep certificates by file name for ever.
    pub id: KeyId,
    /// Counts keys of this installation, from 1.
    pub sequence: i64,
    /// `RS256`, later also others.
    pub algorithm: String,
    /// PKCS#8, sealed under the master key; base64url.
    pub sealed_private_key: String,
    /// The self-signed certificate that is served under the key's file name; PEM.
    pub certificate: String,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made and thereby published.
    pub created_at: Timestamp,
}

/// Where a signing key stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyState {
    /// Published, does not sign yet.
    Next,
    /// Signs.
    Active {
        /// Since when.
        since: Timestamp,
    },
    /// Published, does not sign any more.
    Retired {
        /// Since when.
        since: Timestamp,
    },
    /// Not published: no token that it signed is alive.
    Removed {
        /// Since when.
        since: Timestamp,
    },
}

/// Why a key does not move on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// Published too short a time ago.
    #[error(
        "the next key may sign from {0} on: verifiers that cached the key set must see it first"
    )]
    TooEarly(Timestamp),
    /// Tokens that it signed may still be alive.
    #[error("the key may be removed from {0} on: until then, tokens that it signed can be alive")]
    InUse(Timestamp),
    /// A step that its state does not have.
    #[error("the key is not in the state for this step")]
    WrongState,
}

impl SigningKeyRecord {
    /// Whether it belongs into the key set.
    #[must_use]
    pub fn is_published(&self) -> bool {
        !matches!(self.state, KeyState::Removed { .. })
    }

    /// Whether it signs.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.state, KeyState::Active { .. })
    }

    /// Lets a published key sign.
    ///
    /// # Errors
    /// [`KeyError::TooEarly`] before [`PUBLISH_AHEAD`] has passed.
    pub fn activate(&mut self, now: Timestamp) -> Result<(), KeyError> {
        let ready = self.created_at.plus(PUBLISH_AHEAD);
        match self.state {
            KeyState::Next if now < ready => Err(KeyError::TooEarly(ready)),
            KeyState::Next => {
                self.state = KeyState::Active { since: now };
                Ok(())
            }
            _ => Err(KeyError::WrongState),
        }
    }

    /// Stops an active key from signing.
    ///
    /// # Errors
    /// [`KeyError::WrongState`].
    pub fn retire(&mut self, now: Timestamp) -> Result<(), KeyError> {
        if !self.is_active() {
            return Err(KeyError::WrongState);
        }
        self.state = KeyState::Retired { since: now };
        Ok(())
    }

    /// Takes a retired key out of the key set.
    ///
    /// # Errors
    /// [`KeyError::InUse`] while a token of `token_life` can be alive.
    pub fn remove(&mut self, token_life: Duration, now: Timestamp) -> Result<(), KeyError> {
        let KeyState::Retired { since } = self.state else {
            return Err(KeyError::WrongState);
        };
        let free = since.plus(token_life).plus(KEEP_AFTER);
        if now < free {
            return Err(KeyError::InUse(free));
        }
        self.state = KeyState::Removed { since: now };
        Ok(())
    }
}
