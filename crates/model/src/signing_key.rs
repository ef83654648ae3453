//! Life cycle of the server's signing keys: *next* (published, not used), *active*, *retired*
//! (published, not used), *removed*. Source: `spec/security.md` KEY-01, KEY-02.

use std::time::Duration;

use countersign_wire::{KeyId, Timestamp};

use crate::token_kind::SigningAlgorithm;

/// What a change may take to reach every node (1 s), and what the clocks of two nodes may differ by
/// (5 s): one publishes a key, and another one may be the one that lets it sign.
const BETWEEN_NODES: Duration = Duration::from_secs(6);

/// How long a key is published before it signs, when others may keep the key set for
/// `key_set_life`: with a shorter time, a verifier could meet a token whose key it has not heard of.
#[must_use]
pub const fn publish_ahead(key_set_life: Duration) -> Duration {
    key_set_life.saturating_add(BETWEEN_NODES)
}

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
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// PKCS#8, sealed under the master key; base64url.
    pub sealed_private_key: String,
    /// The self-signed certificate that is served under the key's file name; PEM. Only IMS tokens
    /// name one, so only RS256 keys have one.
    pub certificate: Option<String>,
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

    /// From when on it may sign, when others may keep the key set for `key_set_life`.
    #[must_use]
    pub fn ready_at(&self, key_set_life: Duration) -> Timestamp {
        self.created_at.plus(publish_ahead(key_set_life))
    }

    /// When no token that it signed can be alive any more, if it has stopped signing.
    #[must_use]
    pub fn free_at(&self, token_life: Duration) -> Option<Timestamp> {
        match self.state {
            KeyState::Retired { since } => Some(since.plus(token_life).plus(KEEP_AFTER)),
            _ => None,
        }
    }

    /// Lets a published key sign.
    ///
    /// # Errors
    /// [`KeyError::TooEarly`] before it was published for long enough.
    pub fn activate(&mut self, key_set_life: Duration, now: Timestamp) -> Result<(), KeyError> {
        let ready = self.ready_at(key_set_life);
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
        let free = self.free_at(token_life).ok_or(KeyError::WrongState)?;
        if now < free {
            return Err(KeyError::InUse(free));
        }
        self.state = KeyState::Removed { since: now };
        Ok(())
    }

    /// Takes a key out whatever it signed: all its tokens fail. For a key that others may have.
    ///
    /// # Errors
    /// [`KeyError::WrongState`] when it is out already.
    pub fn danger_remove(&mut self, now: Timestamp) -> Result<(), KeyError> {
        if !self.is_published() {
            return Err(KeyError::WrongState);
        }
        self.state = KeyState::Removed { since: now };
        Ok(())
    }

    /// Lets a key sign that verifiers may not have seen: for the place of one that was taken out.
    ///
    /// # Errors
    /// [`KeyError::WrongState`].
    pub fn danger_activate(&mut self, now: Timestamp) -> Result<(), KeyError> {
        if self.state != KeyState::Next {
            return Err(KeyError::WrongState);
        }
        self.state = KeyState::Active { since: now };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY_SET_LIFE: Duration = Duration::from_secs(300);

    fn key(created_at: Timestamp) -> SigningKeyRecord {
        SigningKeyRecord {
            id: KeyId::parse("ims_na1-key-at-1").expect("valid"),
            sequence: 1,
            algorithm: SigningAlgorithm::Rs256,
            sealed_private_key: String::new(),
            certificate: None,
            state: KeyState::Next,
            created_at,
        }
    }

    #[test]
    fn a_key_signs_only_after_everybody_could_see_it() {
        let made = Timestamp::from_seconds(1000);
        let mut early = key(made);
        let ready = made.plus(KEY_SET_LIFE).plus(Duration::from_secs(6));
        let just_before = ready.minus(Duration::from_millis(1));
        assert_eq!(
            early.activate(KEY_SET_LIFE, just_before),
            Err(KeyError::TooEarly(ready))
        );
        assert_eq!(early.state, KeyState::Next);
        assert_eq!(early.activate(KEY_SET_LIFE, ready), Ok(()));
    }

    proptest! {
        /// In whatever order and at whatever times the steps are tried: a key that may have signed
        /// a living token is published.
        #[test]
        fn a_key_with_living_tokens_is_published(
            steps in prop::collection::vec((0_u8..3, 0_u64..200_000), 0..12),
            life in 60_u64..100_000,
        ) {
            let life = Duration::from_secs(life);
            let mut now = Timestamp::from_seconds(1000);
            let mut key = key(now);
            let mut last_signed = None;
            for (step, wait) in steps {
                now = now.plus(Duration::from_secs(wait));
                if key.is_active() {
                    last_signed = Some(now);
                }
                let before = key.state;
                let taken = match step {
                    0 => key.activate(KEY_SET_LIFE, now),
                    1 => key.retire(now),
                    _ => key.remove(life, now),
                };
                if taken.is_err() {
                    prop_assert_eq!(key.state, before);
                }
                if let Some(signed) = last_signed.filter(|signed: &Timestamp| now < signed.plus(life)) {
                    prop_assert!(key.is_published(), "signed at {signed}, gone at {now}");
                }
            }
        }
    }
}
