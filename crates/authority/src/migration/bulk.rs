//! One step for many credentials: each in a transaction of its own, so that what was done stays done
//! whatever becomes of the others.

use std::time::{Duration, Instant};

use countersign_model::credential::Moved;
use countersign_model::step::{Fit, Step};
use countersign_model::{Credential, UseCase};
use countersign_store::{self as store, Page};
use countersign_wire::{CredentialId, OrgId};

use super::{Disabling, Taken, Unreviewed};
use crate::actor::Actor;
use crate::board::BoardFilter;
use crate::error::ManageError;
use crate::kill::LivingTokens;
use crate::{At, Authority};

/// How long one call goes on: whoever asks is answered in time, and asks for the rest again.
const LONGEST: Duration = Duration::from_secs(10);
/// Most credentials of a filter that one call looks at.
const MOST_FOUND: u32 = 500;

/// How a step went with one of many.
#[derive(Debug)]
pub struct Stepped {
    /// The credential that was asked for.
    pub id: CredentialId,
    /// As it is now; nothing, where the organization has none of that id.
    pub credential: Option<Credential>,
    /// How it went.
    pub outcome: Outcome,
}

/// How a step went.
#[derive(Debug)]
pub enum Outcome {
    /// It was taken.
    Done,
    /// It was taken before.
    Unchanged,
    /// It is not for this one: why. Only where nobody named it.
    Skipped(&'static str),
    /// It was not taken.
    Refused(ManageError),
    /// The time was over before its turn came, or the database does not answer.
    NotTried,
}

/// What all of them have in common.
struct Bulk<'b> {
    step: Step,
    tokens: LivingTokens,
    is_named: bool,
    actor: &'b Actor,
    end: Instant,
}

impl Authority {
    /// Takes a step with each of these credentials of an organization, in their order. For how long
    /// that may take is bounded: who did not have a turn is [`Outcome::NotTried`].
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`], [`ManageError::Forbidden`]; what is in the way of one is
    /// said of that one.
    pub async fn take_steps(
        &self,
        org: &OrgId,
        credentials: &[CredentialId],
        step: Step,
        tokens: LivingTokens,
        actor: &Actor,
    ) -> Result<Vec<Stepped>, ManageError> {
        actor.check(UseCase::Migrate, org, ManageError::NoOrganization)?;
        let bulk = Bulk {
            step,
            tokens,
            is_named: true,
            actor,
            end: Instant::now() + LONGEST,
        };
        self.take_each(&bulk, org, credentials).await
    }

    /// Takes a step with the credentials of the board that a filter lets pass and that it is next
    /// for, by id, behind `after`. Gives the id to go on behind, if there is more.
    ///
    /// # Errors
    /// As [`take_steps`](Self::take_steps).
    pub async fn take_found_steps(
        &self,
        org: &OrgId,
        (filter, after): (&BoardFilter, Option<&CredentialId>),
        step: Step,
        actor: &Actor,
    ) -> Result<(Vec<Stepped>, Option<CredentialId>), ManageError> {
        actor.check(UseCase::Migrate, org, ManageError::NoOrganization)?;
        let bulk = Bulk {
            step,
            tokens: LivingTokens::Keep,
            is_named: false,
            actor,
            end: Instant::now() + LONGEST,
        };
        let page = Page {
            after: after.map(ToString::to_string),
            limit: MOST_FOUND,
        };
        let board = self.migration_board(org, filter, &page, actor).await?;
        let ids: Vec<_> = board
            .rows
            .into_iter()
            .map(|row| row.credential.id)
            .collect();
        let mut done = self.take_each(&bulk, org, &ids).await?;
        let last = done.iter().rposition(Stepped::is_tried);
        if last.map_or(0, |last| last + 1) == done.len() {
            let next = board.next.and_then(|id| CredentialId::parse(&id).ok());
            return Ok((done, next));
        }
        // The time was over: the rest is for the next call.
        let last = last.ok_or(ManageError::Busy)?;
        done.truncate(last + 1);
        let next = done.last().map(|one| one.id.clone());
        Ok((done, next))
    }

    async fn take_each(
        &self,
        bulk: &Bulk<'_>,
        org: &OrgId,
        ids: &[CredentialId],
    ) -> Result<Vec<Stepped>, ManageError> {
        let mut read = self.store.read().await?;
        let mut found = store::credentials::of_ids(&mut read, ids).await?;
        drop(read);
        found.retain(|credential| credential.org_id == *org);
        if matches!(bulk.step, Step::Disable | Step::Finish) {
            self.write_evidence().await;
        }
        let mut all = Vec::with_capacity(ids.len());
        let mut is_stopped = false;
        for id in ids {
            let known = found.iter().find(|credential| credential.id == *id);
            let stepped = match known {
                None => Stepped {
                    id: id.clone(),
                    credential: None,
                    outcome: Outcome::Refused(ManageError::NoCredential),
                },
                Some(known) if is_stopped || Instant::now() >= bulk.end => {
                    Stepped::of(known.clone(), Outcome::NotTried)
                }
                Some(known) => self.take_one(bulk, known).await,
            };
            is_stopped |= stepped.is_hopeless();
            all.push(stepped);
        }
        Ok(all)
    }

    async fn take_one(&self, bulk: &Bulk<'_>, known: &Credential) -> Stepped {
        if let (false, Ok(migration)) = (bulk.is_named, known.migration()) {
            match bulk.step.fit(migration.as_str()) {
                Fit::Next => {}
                Fit::Taken => return Stepped::of(known.clone(), Outcome::Unchanged),
                Fit::Not(why) => return Stepped::of(known.clone(), Outcome::Skipped(why)),
            }
        }
        let of = At::from(&known.id);
        let disabling = Disabling {
            tokens: bulk.tokens,
            despite: None,
        };
        let taken = match bulk.step {
            Step::Start => {
                self.take_unreviewed(of, Unreviewed::Start, bulk.actor)
                    .await
            }
            Step::Disable => self.disable(of, &disabling, bulk.actor).await,
            Step::Restore => {
                self.take_unreviewed(of, Unreviewed::Restore, bulk.actor)
                    .await
            }
            Step::Finish => self.finish(of, None, bulk.actor).await,
            Step::Cancel => {
                self.take_unreviewed(of, Unreviewed::Cancel, bulk.actor)
                    .await
            }
        };
        match taken {
            Ok(Taken { credential, moved }) => {
                let outcome = match moved {
                    Moved::On => Outcome::Done,
                    Moved::Not => Outcome::Unchanged,
                };
                Stepped::of(credential, outcome)
            }
            Err(error) => Stepped::of(known.clone(), Outcome::Refused(error)),
        }
    }
}

impl Stepped {
    fn of(credential: Credential, outcome: Outcome) -> Self {
        Self {
            id: credential.id.clone(),
            credential: Some(credential),
            outcome,
        }
    }

    fn is_tried(&self) -> bool {
        !matches!(self.outcome, Outcome::NotTried)
    }

    /// Whether the next ones would only wait for the same answer.
    fn is_hopeless(&self) -> bool {
        matches!(self.outcome, Outcome::Refused(ManageError::Store(_)))
    }
}
