//! To a provider and back.

use std::sync::Arc;

use countersign_store::{self as store};
use countersign_wire::{InvitationId, Opaque, PersonId, Timestamp};

use super::arrival::{OfferedIdentity, for_invitation, for_person};
use super::attempt::{Attempt, LIFE, Purpose, challenge};
use super::metadata::Metadata;
use super::provider::{Redeemed, Words};
use super::{Identity, Provider, ProviderConfig, ProviderError, ProviderHttp};
use crate::Authority;
use crate::error::ManageError;
use crate::master_key::Mark;
use crate::sessions::{NewSession, Session, Visitor, random_code};

/// Where a browser goes to sign in at a provider.
#[derive(Debug)]
pub struct Departure {
    /// The address, at the provider.
    pub address: String,
    /// What the browser shows when it comes back: for a cookie.
    pub browser: Opaque,
}

/// What a browser came back with: the parameters of the redirect, and its cookie.
#[derive(Clone, Debug, Default)]
pub struct Returned {
    /// The cookie of the departure.
    pub browser: Option<String>,
    /// `state`.
    pub state: String,
    /// `code`.
    pub code: Option<String>,
    /// `error`.
    pub error: Option<String>,
    /// `iss` (RFC 9207).
    pub issuer: Option<String>,
}

/// What comes of it.
#[derive(Debug)]
pub enum Arrival {
    /// Somebody who is known is signed in, and goes on there.
    SignedIn(NewSession, String),
    /// Somebody can accept an invitation with this identity.
    Accept(InvitationId, OfferedIdentity),
    /// The person who is signed in can link this identity.
    Link(OfferedIdentity),
    /// The person who is signed in has proved again who she is, and goes on there.
    Confirmed(String),
}

impl Authority {
    /// Lets people sign in at these providers, too.
    #[must_use]
    pub fn with_providers(
        mut self,
        providers: impl IntoIterator<Item = (ProviderConfig, Arc<dyn ProviderHttp>)>,
    ) -> Self {
        let providers = providers.into_iter();
        self.providers = providers
            .map(|(config, http)| Provider::new(config, http))
            .collect();
        self
    }

    /// The providers that people may sign in at.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderConfig> {
        self.providers.iter().map(|provider| &provider.config)
    }

    /// Sends a browser to a provider. Changes nothing here.
    ///
    /// # Errors
    /// [`ProviderError::NoProvider`], [`ProviderError::Unavailable`].
    pub async fn depart(
        &self,
        provider: &str,
        purpose: Purpose,
        next: &str,
        browser: Option<&str>,
    ) -> Result<Departure, ProviderError> {
        let (provider, now) = (self.provider(provider)?, self.clock.now());
        let browser = match browser.filter(|browser| is_ours(browser)) {
            Some(browser) => Opaque::new(browser.to_owned()),
            None => random_code()?,
        };
        let metadata = provider.metadata(now).await?;
        let next = if next.len() <= LONGEST_NEXT { next } else { "" };
        let attempt = Attempt::begin(purpose, next, now)?;
        let (key, shown) = (&self.master_key, browser.expose());
        let words = Words {
            redirect_uri: &self.redirect_uri(&provider.config),
            state: &attempt.seal(key, &provider.config.id, shown)?,
            nonce: &attempt.nonce(key, shown),
            challenge: &challenge(&attempt.verifier(key, shown)),
            asks_again: matches!(attempt.purpose, Purpose::Confirm(_)),
        };
        Ok(Departure {
            address: provider.address(&metadata, &words).into(),
            browser,
        })
    }

    /// Takes what a browser came back with, once.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn arrive(
        &self,
        provider: &str,
        returned: &Returned,
        session: Option<&Session>,
        visitor: &Visitor,
    ) -> Result<Arrival, ProviderError> {
        let provider = self.provider(provider)?;
        if self.people_throttle.is_source_exhausted(visitor.source) {
            return Err(ProviderError::Throttled);
        }
        let now = self.clock.now();
        let arrived = match self.take(provider, returned, now).await {
            Ok((attempt, identity)) => {
                self.go_on(provider, attempt, identity, session, visitor)
                    .await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = &arrived {
            self.note_failure(provider, error, visitor).await?;
        }
        arrived
    }

    async fn take(
        &self,
        provider: &Provider,
        returned: &Returned,
        now: Timestamp,
    ) -> Result<(Attempt, Identity), ProviderError> {
        let (key, config) = (&self.master_key, &provider.config);
        let browser = returned.browser.as_deref().ok_or(ProviderError::Stale)?;
        let attempt = Attempt::open(key, &config.id, browser, &returned.state, now);
        let attempt = attempt.ok_or(ProviderError::Stale)?;
        self.use_state(&returned.state, now).await?;
        let metadata = provider.metadata(now).await?;
        check_sender(provider, &metadata, returned.issuer.as_deref())?;
        if let Some(code) = &returned.error {
            return Err(ProviderError::Declined {
                provider: config.name.clone(),
                code: code.chars().take(100).collect(),
            });
        }
        let code = returned.code.as_deref().filter(|code| !code.is_empty());
        let redeemed = Redeemed {
            code: code.ok_or_else(|| provider.doubted("its answer has no code"))?,
            redirect_uri: &self.redirect_uri(config),
            verifier: &attempt.verifier(key, browser),
            nonce: &attempt.nonce(key, browser),
            begun: attempt.begun(),
        };
        let identity = provider.redeem(&metadata, &redeemed, now).await?;
        Ok((attempt, identity))
    }

    async fn go_on(
        &self,
        provider: &Provider,
        attempt: Attempt,
        identity: Identity,
        session: Option<&Session>,
        visitor: &Visitor,
    ) -> Result<Arrival, ProviderError> {
        let is_hers = |person: &PersonId| session.filter(|here| here.person().id == *person);
        match &attempt.purpose {
            Purpose::SignIn => {
                let begun = self.enter_with(provider, &identity, visitor).await?;
                Ok(Arrival::SignedIn(begun, attempt.next))
            }
            Purpose::Accept(invitation) => {
                let sealed = self.offer(provider, identity, &for_invitation(invitation))?;
                Ok(Arrival::Accept(invitation.clone(), sealed))
            }
            Purpose::Link(person) => {
                is_hers(person).ok_or(ProviderError::Stale)?;
                let sealed = self.offer(provider, identity, &for_person(person))?;
                Ok(Arrival::Link(sealed))
            }
            Purpose::Confirm(person) => {
                let session = is_hers(person).ok_or(ProviderError::Stale)?;
                let since = attempt.begun();
                self.confirm_with(provider, &identity, session, since)
                    .await?;
                Ok(Arrival::Confirmed(attempt.next))
            }
        }
    }

    /// Each state is taken once, on whatever node.
    async fn use_state(&self, state: &str, now: Timestamp) -> Result<(), ProviderError> {
        let digest = self.master_key.mark(Mark::State, state);
        let is_first = store::retry(|| async {
            let mut write = self.store.write().await?;
            let is_first = store::used_states::insert(&mut write, &digest, now.plus(LIFE)).await?;
            write.commit().await?;
            Ok::<_, ManageError>(is_first)
        })
        .await?;
        is_first.then_some(()).ok_or(ProviderError::Stale)
    }

    fn provider(&self, id: &str) -> Result<&Provider, ProviderError> {
        let found = self.providers.iter().find(|one| one.config.id == id);
        found.ok_or(ProviderError::NoProvider)
    }

    /// One for each provider: an answer of one never passes for another's (RFC 9700 section 4.4).
    fn redirect_uri(&self, provider: &ProviderConfig) -> String {
        let origin = &self.config.issuer;
        format!("{origin}/console/sign-in/with/{}/answer", provider.id)
    }
}

/// RFC 9207 section 2.4: whoever says that it names itself must, and must be the one that was asked.
fn check_sender(
    provider: &Provider,
    metadata: &Metadata,
    named: Option<&str>,
) -> Result<(), ProviderError> {
    match named {
        Some(named) if named == provider.config.issuer => Ok(()),
        Some(_) => Err(provider.doubted("the answer is of another issuer (`iss`)")),
        None if metadata.names_itself => {
            Err(provider.doubted("the answer does not name its issuer (`iss`), as it should"))
        }
        None => Ok(()),
    }
}

/// 256 bits of chance, as we gave them out.
fn is_ours(browser: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    browser.len() == 43 && browser.bytes().all(fits)
}

/// Bytes of a path to go on at; it travels in `state`.
const LONGEST_NEXT: usize = 1000;
