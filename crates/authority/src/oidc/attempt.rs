//! A sign-in on its way. Nothing of it is stored here: `state` holds it, sealed for the browser that
//! began and for the provider that it leads to. Several tabs of a browser do not hinder each other.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_wire::{InvitationId, Opaque, PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::ManageError;
use crate::master_key::{Mark, MasterKey};
use crate::sessions::random_code;

/// How long somebody may take at the provider.
pub(super) const LIFE: Duration = Duration::from_secs(600);

/// What a sign-in at a provider is for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To sign in.
    SignIn,
    /// To accept an invitation.
    Accept(InvitationId),
    /// To add the identity to those of this person, who is signed in.
    Link(PersonId),
    /// To prove again that the person who is signed in sits there.
    Confirm(PersonId),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Attempt {
    /// 256 bits of chance.
    id: String,
    /// In milliseconds.
    begun: i64,
    #[serde(rename = "for")]
    pub(super) purpose: Purpose,
    /// Where to go on.
    pub(super) next: String,
}

impl Attempt {
    pub(super) fn begin(purpose: Purpose, next: &str, now: Timestamp) -> Result<Self, ManageError> {
        Ok(Self {
            id: random_code()?.expose().to_owned(),
            begun: now.as_millis(),
            purpose,
            next: next.to_owned(),
        })
    }

    pub(super) fn begun(&self) -> Timestamp {
        Timestamp::from_millis(self.begun)
    }

    /// The parameter `state`.
    pub(super) fn seal(
        &self,
        key: &MasterKey,
        provider: &str,
        browser: &str,
    ) -> Result<String, ManageError> {
        let text = serde_json::to_vec(self).map_err(|_| crate::master_key::SealError)?;
        Ok(key.seal(&sealed_for(provider, browser), &text)?)
    }

    /// What came back as `state`, if it is of that browser and provider, and of now.
    pub(super) fn open(
        key: &MasterKey,
        provider: &str,
        browser: &str,
        state: &str,
        now: Timestamp,
    ) -> Option<Self> {
        let text = key.open(&sealed_for(provider, browser), state).ok()?;
        let attempt: Self = serde_json::from_slice(&text).ok()?;
        (now < attempt.begun().plus(LIFE)).then_some(attempt)
    }

    /// What the ID token must repeat.
    pub(super) fn nonce(&self, key: &MasterKey, browser: &str) -> String {
        key.mark(Mark::Nonce, &format!("{browser} {}", self.id))
    }

    /// What shows to the token endpoint that whoever comes with the code began (RFC 7636): 43
    /// characters that leave this server for nobody else.
    pub(super) fn verifier(&self, key: &MasterKey, browser: &str) -> Opaque {
        Opaque::new(key.mark(Mark::Verifier, &format!("{browser} {}", self.id)))
    }
}

/// The method `S256` (RFC 7636 section 4.2).
pub(super) fn challenge(verifier: &Opaque) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.expose().as_bytes()))
}

fn sealed_for(provider: &str, browser: &str) -> String {
    format!("sign-in at {provider} by browser {browser}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROWSER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn key(byte: u8) -> MasterKey {
        MasterKey::parse(&URL_SAFE_NO_PAD.encode([byte; 32])).expect("well-formed")
    }

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636 appendix B.
        let verifier = Opaque::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        assert_eq!(
            challenge(&verifier),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn a_state_is_of_one_browser_and_one_provider_and_of_ten_minutes() {
        let now = Timestamp::from_seconds(1_000);
        let begun = Attempt::begin(Purpose::SignIn, "/console", now).expect("chance");
        let state = begun.seal(&key(1), "one", BROWSER).expect("seals");
        let open = |key: &MasterKey, provider, browser, seconds| {
            Attempt::open(
                key,
                provider,
                browser,
                &state,
                Timestamp::from_seconds(seconds),
            )
        };
        let back = open(&key(1), "one", BROWSER, 1_599).expect("in time");
        assert_eq!(
            (back.id.as_str(), &back.purpose),
            (begun.id.as_str(), &Purpose::SignIn)
        );
        assert!(open(&key(1), "one", BROWSER, 1_600).is_none());
        assert!(open(&key(1), "two", BROWSER, 1_000).is_none());
        assert!(open(&key(1), "one", "another", 1_000).is_none());
        assert!(open(&key(2), "one", BROWSER, 1_000).is_none());
    }

    #[test]
    fn each_attempt_has_words_of_its_own() {
        let now = Timestamp::from_seconds(1_000);
        let [one, other] =
            [(), ()].map(|()| Attempt::begin(Purpose::SignIn, "/console", now).expect("chance"));
        let key = key(1);
        assert_ne!(one.nonce(&key, BROWSER), other.nonce(&key, BROWSER));
        assert_ne!(one.nonce(&key, BROWSER), one.nonce(&key, "another"));
        let verifier = one.verifier(&key, BROWSER);
        assert_ne!(one.nonce(&key, BROWSER), verifier.expose());
        assert_eq!(verifier.expose().len(), 43);
    }
}
