//! The move of a JWT credential to OAuth Server-to-Server: its steps. Source:
//! `spec/ims-protocol.md` 6.5.

use std::time::Duration;

use countersign_model::credential::Moved;
use countersign_model::migration::MigrationError;
use countersign_model::review::{Review, Verdict};
use countersign_model::{Credential, Grants, Migration, UseCase};
use countersign_store::revocations::Revocation;
use countersign_store::usage::UsageSubject;
use countersign_store::{self as store};
use countersign_wire::{CertificateId, CredentialId, Timestamp};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::credentials::Change;
use crate::error::ManageError;
use crate::kill::{LivingTokens, TokensOf, revocation_at};
use crate::revision::At;
use crate::revoke::revoke_in;

mod bulk;
mod export;
mod living;
mod platform;
mod quarantine;
mod review;
mod status;

pub use bulk::{Outcome, Stepped};
pub(crate) use platform::Sweep;
pub(crate) use review::is_of_jwt_half;
pub use status::{MigrationDetail, MigrationStatus};

/// How a JWT half is disabled.
#[derive(Clone, Debug, Default)]
pub struct Disabling {
    /// Whether tokens that were exchanged before go on living.
    pub tokens: LivingTokens,
    /// Goes on although the review does not say *safe*.
    pub despite: Option<Despite>,
}

/// What somebody says who goes on against the review. It is written into the activity log.
#[derive(Clone, Debug)]
pub struct Despite {
    /// The name of the credential's project, so that nobody means another one.
    pub project: String,
    /// Why.
    pub reason: String,
}

/// A step that was taken, now or before.
struct Taken {
    credential: Credential,
    moved: Moved,
}

impl Taken {
    fn before(change: Change) -> Self {
        Self {
            credential: change.unchanged(),
            moved: Moved::Not,
        }
    }
}

/// The steps that ask for no review.
#[derive(Clone, Copy)]
enum Unreviewed {
    Start,
    Restore,
    Cancel,
}

type Transition = fn(Migration, Timestamp) -> Result<Migration, MigrationError>;

impl Unreviewed {
    /// How it is written into the activity log, and what it does.
    fn parts(self) -> (&'static str, Transition) {
        match self {
            Self::Start => ("migration.started", Migration::start),
            Self::Restore => ("migration.restored", |migration, _| migration.restore()),
            Self::Cancel => ("migration.cancelled", Migration::cancel),
        }
    }
}

/// A node that has not heard of it yet mints for as long as this.
const REACH: Duration = Duration::from_secs(2);
/// Longest reason, in characters.
const LONGEST_REASON: usize = 1000;

impl Authority {
    /// Adds the OAuth half: same client id, technical account, secrets, services and profiles.
    /// From now on both grants work.
    ///
    /// # Errors
    /// [`ManageError::Migration`].
    pub async fn start_migration(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let taken = self.take_unreviewed(of, Unreviewed::Start, actor).await?;
        Ok(taken.credential)
    }

    /// Takes the OAuth half back; programs that use it fail at once. A JWT half that was disabled
    /// works again.
    ///
    /// # Errors
    /// [`ManageError::Migration`].
    pub async fn cancel_migration(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let taken = self.take_unreviewed(of, Unreviewed::Cancel, actor).await?;
        Ok(taken.credential)
    }

    /// Takes the JWT half out of quarantine: it works again, here at once and on other nodes
    /// within a second.
    ///
    /// # Errors
    /// [`ManageError::Migration`].
    pub async fn restore_jwt_half(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let taken = self.take_unreviewed(of, Unreviewed::Restore, actor).await?;
        Ok(taken.credential)
    }

    /// Puts the JWT half into quarantine: no assertion is exchanged, here at once and on other
    /// nodes within a second. Nothing of it is lost until the quarantine ends.
    ///
    /// # Errors
    /// [`ManageError::NotSafe`] when the review says so and nobody insists;
    /// [`ManageError::Migration`].
    pub async fn disable_jwt_half(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        disabling: &Disabling,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        self.write_evidence().await;
        let taken = self.disable(of.into(), disabling, actor).await?;
        Ok(taken.credential)
    }

    /// The same by the evidence that is written down already.
    async fn disable(
        &self,
        of: At<'_, CredentialId>,
        disabling: &Disabling,
        actor: &Actor,
    ) -> Result<Taken, ManageError> {
        let now = self.clock.now();
        let (taken, revocations) = store::retry(|| async {
            let mut change = self.begin_change(of, UseCase::Migrate, actor).await?;
            let length = self.quarantine_in(&mut change).await?;
            let disable = |migration: Migration| migration.disable(length, now);
            let moved = change.after.migrate(disable)?;
            let mut detail = json!({});
            if moved == Moved::On {
                let review = self.review_in(&mut change, now).await?;
                check(&review, disabling.despite.as_ref(), &mut change).await?;
                store::attempts::clear(&mut change.write, of.id()).await?;
                detail = described(&review, disabling.despite.as_ref());
            }
            if moved == Moved::Not && disabling.tokens == LivingTokens::Keep {
                return Ok((Taken::before(change), Vec::new()));
            }
            let revocations = match disabling.tokens {
                LivingTokens::Keep => Vec::new(),
                LivingTokens::End => self.end_exchanged(&mut change, now).await?,
            };
            detail["tokens_ended"] = (disabling.tokens == LivingTokens::End).into();
            detail["until"] = json!(quarantine_ends(&change.after));
            let action = match moved {
                Moved::On => "migration.disabled",
                Moved::Not => "migration.tokens_ended",
            };
            let credential = self.finish_change(change, action, &detail, actor).await?;
            Ok::<_, ManageError>((Taken { credential, moved }, revocations))
        })
        .await?;
        for revocation in revocations {
            self.ended(revocation);
        }
        Ok(self.acting(taken).await)
    }

    /// Deletes a JWT half in quarantine, and its certificates, for good. Tokens that were exchanged
    /// before live to their end.
    ///
    /// # Errors
    /// [`ManageError::Migration`] unless it is in quarantine; before the quarantine's end
    /// [`ManageError::NotSafe`] when the review says so and nobody insists.
    pub async fn finish_migration(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        despite: Option<&Despite>,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        self.write_evidence().await;
        let taken = self.finish(of.into(), despite, actor).await?;
        Ok(taken.credential)
    }

    /// The same by the evidence that is written down already.
    async fn finish(
        &self,
        of: At<'_, CredentialId>,
        despite: Option<&Despite>,
        actor: &Actor,
    ) -> Result<Taken, ManageError> {
        let now = self.clock.now();
        let finished = store::retry(|| async {
            let mut change = self.begin_change(of, UseCase::Migrate, actor).await?;
            let before = change.after.migration()?;
            before.finish(now)?;
            let mut detail = json!({"before_its_time": !before.is_due(now)});
            if before.has_jwt_half() && !before.is_due(now) {
                let review = self.review_in(&mut change, now).await?;
                check(&review, despite, &mut change).await?;
                detail = described(&review, despite);
            }
            let moved = change.after.migrate(|migration| migration.finish(now))?;
            self.end_step(change, moved, "migration.completed", &detail, actor)
                .await
        })
        .await?;
        Ok(self.acting(finished).await)
    }

    /// Takes a step that asks for no review.
    async fn take_unreviewed(
        &self,
        of: impl Into<At<'_, CredentialId>>,
        step: Unreviewed,
        actor: &Actor,
    ) -> Result<Taken, ManageError> {
        let (of, now) = (of.into(), self.clock.now());
        let (action, take) = step.parts();
        let taken = store::retry(|| async {
            let mut change = self.begin_change(of, UseCase::Migrate, actor).await?;
            let before = change.after.migration()?;
            let moved = change.after.migrate(|migration| take(migration, now))?;
            let detail = json!({"before": before.as_str()});
            self.end_step(change, moved, action, &detail, actor).await
        })
        .await?;
        Ok(self.acting(taken).await)
    }

    /// Saves a step that changed something.
    async fn end_step(
        &self,
        change: Change,
        moved: Moved,
        action: &str,
        detail: &serde_json::Value,
        actor: &Actor,
    ) -> Result<Taken, ManageError> {
        match moved {
            Moved::Not => Ok(Taken::before(change)),
            Moved::On => {
                let credential = self.finish_change(change, action, detail, actor).await?;
                Ok(Taken { credential, moved })
            }
        }
    }

    /// Makes a step that is durable act on this node.
    async fn acting(&self, taken: Taken) -> Taken {
        Taken {
            credential: self.changed(taken.credential).await,
            ..taken
        }
    }

    /// Ends what was exchanged for assertions of any certificate that the credential has or had.
    async fn end_exchanged(
        &self,
        change: &mut Change,
        now: Timestamp,
    ) -> Result<Vec<Revocation>, ManageError> {
        let of = &change.after;
        let used = store::usage::list(&mut change.write, &of.id).await?;
        let used = used.into_iter().filter_map(|used| match used.subject {
            UsageSubject::Certificate(id) => Some(id),
            _ => None,
        });
        let held = of.certificates.iter().map(|one| one.id.clone());
        let mut certificates: Vec<CertificateId> = held.chain(used).collect();
        certificates.sort_unstable();
        certificates.dedup();
        // What is restored mints again, at once: the end lies ahead by as little as can be.
        let until = now.plus(REACH);
        let mut ended = Vec::new();
        for id in certificates {
            let revocation = revocation_at(&TokensOf::Certificate(id), until, now);
            revoke_in(&mut change.write, &revocation, self.clock.now()).await?;
            ended.push(revocation);
        }
        Ok(ended)
    }
}

/// Lets a JWT half go that nobody is expected to use, or that somebody insists on.
async fn check(
    review: &Review,
    despite: Option<&Despite>,
    change: &mut Change,
) -> Result<(), ManageError> {
    if review.verdict == Verdict::Safe {
        return Ok(());
    }
    let despite = despite.ok_or_else(|| ManageError::NotSafe(review.verdict.clone()))?;
    let Change { write, after, .. } = change;
    let project = store::projects::find(write, &after.project_id).await?;
    if project.is_none_or(|project| project.name != despite.project) {
        return Err(ManageError::OtherProject);
    }
    let reason = despite.reason.trim();
    let is_fine = (1..=LONGEST_REASON).contains(&reason.chars().count())
        && !reason.chars().any(|c| c.is_control() && c != '\n');
    match is_fine {
        true => Ok(()),
        false => Err(ManageError::NoReason),
    }
}

fn described(review: &Review, despite: Option<&Despite>) -> serde_json::Value {
    let mut detail = json!({
        "review": review.verdict.as_str(), "confidence": review.confidence,
        "callers": review.callers.len(), "blockers": review.blockers.len(),
    });
    if let (Some(despite), true) = (despite, review.verdict != Verdict::Safe) {
        detail["despite_review"] = despite.reason.trim().into();
    }
    detail
}

fn quarantine_ends(credential: &Credential) -> Option<String> {
    match credential.grants {
        Grants::Jwt(Migration::Disabled { until, .. }) => Some(until.to_string()),
        _ => None,
    }
}
