//! Where a program gets its token from, every time it needs one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_wire::Timestamp;
use tokio::sync::Mutex;

use crate::cache::TokenFile;
use crate::clock::{Clock, system_now};
use crate::credentials::{Credential, Grant};
use crate::error::Error;
use crate::http::Http;
use crate::retry::Retry;
use crate::token::{AccessToken, Issued};

/// Gives a token that works, and asks the server only when it has to.
///
/// Share one per credential. Callers that come together wait for one request and share its
/// outcome. A token is renewed before its end; while the server is away, the old one is given out
/// until it really ends.
pub struct TokenSource {
    credential: Credential,
    http: Http,
    retry: Retry,
    clock: Clock,
    file: Option<TokenFile>,
    kept: Mutex<Kept>,
    /// How many requests have come to an end.
    flights: AtomicU64,
}

#[derive(Default)]
struct Kept {
    token: Option<AccessToken>,
    /// Why the last request failed, until one succeeds.
    failure: Option<Error>,
    /// Until when no renewal is tried while the old token works.
    rest_until: Timestamp,
}

impl TokenSource {
    /// Makes a source for `credential`. `http` must talk to the credential's IMS.
    #[must_use]
    pub fn new(credential: Credential, http: Http) -> Self {
        Self {
            credential,
            http,
            retry: Retry::default(),
            clock: Arc::new(system_now),
            file: None,
            kept: Mutex::default(),
            flights: AtomicU64::new(0),
        }
    }

    /// With another way to try again.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// With a file that keeps the token between runs.
    #[must_use]
    pub fn with_file(self, file: TokenFile) -> Self {
        Self {
            file: Some(file),
            ..self
        }
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Whose tokens these are.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// A token that works now, kept or new.
    ///
    /// # Errors
    /// [`Error`], the same one for all callers that waited for the same request.
    pub async fn token(&self) -> Result<AccessToken, Error> {
        let seen = self.flights.load(Ordering::Acquire);
        let mut kept = self.kept.lock().await;
        let now = (self.clock)();
        if let Some(token) = kept.usable(now) {
            return Ok(token);
        }
        let ended_while_waiting = self.flights.load(Ordering::Acquire) != seen;
        if let Some(failure) = kept.failure.as_ref().filter(|_| ended_while_waiting) {
            return Err(failure.clone());
        }
        if let Some(token) = self.restore(now)? {
            kept.token = Some(token.clone());
            return Ok(token);
        }
        let outcome = self.ask().await;
        self.flights.fetch_add(1, Ordering::Release);
        self.keep(&mut kept, outcome, now)
    }

    /// A new token, whatever is kept.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn ask(&self) -> Result<Issued, Error> {
        let (client, secret) = (&self.credential.client, &self.credential.secret);
        let (http, id) = (&self.http, &client.client_id);
        let once = || async {
            let now = (self.clock)();
            match &client.grant {
                Grant::ClientCredentials(request) => request.ask(http, id, secret, now).await,
                Grant::Jwt(signer) => signer.ask(http, id, secret, now).await,
            }
        };
        self.retry.run(once).await
    }

    fn keep(
        &self,
        kept: &mut Kept,
        outcome: Result<Issued, Error>,
        now: Timestamp,
    ) -> Result<AccessToken, Error> {
        match outcome {
            Ok(Issued { token, .. }) => {
                *kept = Kept {
                    token: Some(token.clone()),
                    ..Kept::default()
                };
                // The token is kept here even where it cannot be kept in the file.
                if let Some(file) = &self.file {
                    file.save(&self.credential.client, &token)?;
                }
                Ok(token)
            }
            Err(failure) => {
                kept.failure = Some(failure.clone());
                kept.rest_until = now.plus(REST);
                // The old token is as good as it was; being told no is something else.
                let old = kept.token.clone().filter(|_| failure.is_outage());
                old.filter(|token| token.expires_at() > now).ok_or(failure)
            }
        }
    }

    fn restore(&self, now: Timestamp) -> Result<Option<AccessToken>, Error> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let found = file.load(&self.credential.client)?;
        Ok(found.filter(|token| token.renew_at() > now))
    }
}

impl Kept {
    fn usable(&self, now: Timestamp) -> Option<AccessToken> {
        let resting = self.failure.as_ref().is_some_and(Error::is_outage) && now < self.rest_until;
        let good =
            |token: &&AccessToken| token.renew_at() > now || (resting && token.expires_at() > now);
        self.token.as_ref().filter(good).cloned()
    }
}

/// After a failed renewal; otherwise every caller would wait for a server that is away.
const REST: Duration = Duration::from_secs(30);
