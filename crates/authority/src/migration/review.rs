//! What the callers of a JWT half say about its end.

use countersign_model::blocker::{Beside, Half};
use countersign_model::evidence::Seen;
use countersign_model::migration::MigrationError;
use countersign_model::review::{self, Evidence, Review};
use countersign_model::{Certificate, Credential, Migration};
use countersign_store::{self as store, Reads};
use countersign_wire::{CredentialId, Timestamp};

use crate::Authority;
use crate::activity::Grant;
use crate::actor::Actor;
use crate::credentials::{Change, may_read_usage};
use crate::error::ManageError;
use crate::evidence::{Callers, callers_of};

impl Authority {
    /// Whether the JWT half may be disabled or deleted, by what its callers did so far: at the
    /// token endpoint, with its tokens at the gateway, and in vain while it was disabled. What they
    /// did within the last ten seconds may be missing.
    ///
    /// # Errors
    /// [`ManageError::Migration`] when there is no JWT half.
    pub async fn review_migration(
        &self,
        id: &CredentialId,
        actor: &Actor,
    ) -> Result<Review, ManageError> {
        let mut read = self.store.read().await?;
        may_read_usage(&mut read, id, actor).await?;
        let found = store::credentials::find(&mut read, id).await?;
        let credential = found.ok_or(ManageError::NoCredential)?;
        let now = self.clock.now();
        let known = self.known_of(&mut read, &credential, now).await?;
        Ok(known.review(now))
    }

    /// The same inside of a change, about the credential as it was.
    pub(super) async fn review_in(
        &self,
        change: &mut Change,
        now: Timestamp,
    ) -> Result<Review, ManageError> {
        let Change { write, before, .. } = change;
        Ok(self.known_of(write, before, now).await?.review(now))
    }

    /// Reads what is known of the use of a credential at `now`.
    ///
    /// # Errors
    /// [`ManageError::Migration`] when there is no JWT half.
    pub(crate) async fn known_of(
        &self,
        read: &mut impl Reads,
        credential: &Credential,
        now: Timestamp,
    ) -> Result<Known, ManageError> {
        let migration = credential.migration()?;
        if let Migration::Completed { .. } = migration {
            return Err(MigrationError::AlreadyCompleted.into());
        }
        let policy = self.policy_in(read, &credential.org_id).await?;
        let dates = credential.dates(&policy);
        let live_until = self.tokens_live_until(read, credential, &dates, now);
        let tokens_live_until = live_until.await?;
        let callers = callers_of(read, &credential.id).await?;
        let (old, new) = by_half(&callers);
        Ok(Known {
            since: credential.created_at,
            old,
            new,
            attempts: store::attempts::list(read, &credential.id).await?,
            certificates: credential.certificates.clone(),
            tokens_live_until,
            final_on: dates.final_on,
            beside: beside(migration),
        })
    }
}

/// What is known of the use of a credential.
pub(crate) struct Known {
    /// Since when calls are recorded.
    pub(super) since: Timestamp,
    /// Who used the JWT half.
    pub(super) old: Vec<Seen>,
    /// Who used the OAuth half.
    pub(super) new: Vec<Seen>,
    /// Who tried the JWT half in vain.
    pub(super) attempts: Vec<Seen>,
    certificates: Vec<Certificate>,
    tokens_live_until: Option<Timestamp>,
    final_on: Option<Timestamp>,
    beside: Beside,
}

impl Known {
    /// What it says at `now`. Whoever tries in vain would use the JWT half if he could.
    pub(crate) fn review(&self, now: Timestamp) -> Review {
        let evidence = Evidence {
            since: self.since,
            old: &[&self.old[..], &self.attempts].concat(),
            new: &self.new,
            half: Half {
                certificates: &self.certificates,
                tokens_live_until: self.tokens_live_until,
                final_on: self.final_on,
                beside: self.beside,
            },
        };
        review::review(&evidence, now)
    }
}

const fn beside(migration: Migration) -> Beside {
    match migration {
        Migration::Disabled { until, .. } => Beside::OAuthAlone { until },
        Migration::Paired { .. } | Migration::Completed { .. } => Beside::OAuth,
        Migration::NotStarted | Migration::Cancelled { .. } => Beside::Nothing,
    }
}

/// Whether somebody used the JWT half. A certificate that authenticates at the standard face
/// (`private_key_jwt`) belongs to it and goes with it.
pub(crate) fn is_of_jwt_half(grant: Grant, seen: &Seen) -> bool {
    let minted_by = seen.trace.as_ref().map(|trace| &*trace.minted_by);
    grant == Grant::JwtExchange || minted_by.is_some_and(|by| by.starts_with(CERTIFICATE))
}

/// Who used the JWT half, and who the other one.
fn by_half(callers: &[Callers]) -> (Vec<Seen>, Vec<Seen>) {
    let mut halves = (Vec::new(), Vec::new());
    for of_grant in callers {
        for seen in &of_grant.seen {
            match is_of_jwt_half(of_grant.grant, seen) {
                true => halves.0.push(seen.clone()),
                false => halves.1.push(seen.clone()),
            }
        }
    }
    halves
}

/// As tokens name what minted them.
const CERTIFICATE: &str = "certificate:";
