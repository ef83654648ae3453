//! Credentials that are put into a wave, or taken out.

use std::collections::HashSet;

use countersign_model::UseCase;
use countersign_store::waves::Planned;
use countersign_store::{self as store, Page, Write};
use countersign_wire::{CredentialId, OrgId, Timestamp, WaveName};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::board::{BoardFilter, BoardRow, WaveFilter};
use crate::error::ManageError;

/// Most credentials of a filter that one call looks at.
const MOST_FOUND: u32 = 500;

/// Into a wave, or out of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// Into it, out of any other.
    In,
    /// Out of it, into none.
    Out,
}

/// What became of credentials that were to be planned.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Planning {
    /// How many came into the wave, or out of it.
    pub changed: u64,
    /// How many were there already, or were not in it.
    pub unchanged: u64,
    /// How many of a filter were left alone: they are in another wave, or people have nothing to do
    /// for them.
    pub skipped: u64,
    /// Those that the organization has not, or that never had a JWT half.
    pub unknown: Vec<CredentialId>,
}

impl Planning {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.unknown.extend(other.unknown);
        self
    }
}

impl Authority {
    /// Puts credentials into a wave, out of any other that they are in, or takes them out of it; all
    /// or nothing. Their migration is left as it is.
    ///
    /// # Errors
    /// [`ManageError::NoWave`], also for one of another organization.
    pub async fn plan_credentials(
        &self,
        org: &OrgId,
        wave: &WaveName,
        (direction, credentials): (Direction, &[CredentialId]),
        actor: &Actor,
    ) -> Result<Planning, ManageError> {
        actor.check(UseCase::PlanMigration, org, ManageError::NoWave)?;
        let now = self.clock.now();
        let mut credentials = credentials.to_vec();
        credentials.sort_unstable();
        credentials.dedup();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            if !store::waves::hold(&mut write, org, wave).await? {
                return Err(ManageError::NoWave);
            }
            let planned = store::waves::planned(&mut write, org, &credentials).await?;
            let (is_there, others): (Vec<_>, Vec<_>) = planned
                .into_iter()
                .partition(|one| one.wave.as_ref() == Some(wave));
            let (moved, unmoved) = match direction {
                Direction::In => (others, is_there),
                Direction::Out => (is_there, others),
            };
            let ids: Vec<_> = moved.iter().map(|one| one.credential.clone()).collect();
            match direction {
                Direction::In => store::waves::put(&mut write, org, wave, &ids).await?,
                Direction::Out => drop(store::waves::take_out(&mut write, &ids).await?),
            }
            note(&mut write, org, (wave, direction), &moved, (actor, now)).await?;
            write.commit().await?;
            Ok::<_, ManageError>(planning(&credentials, &moved, &unmoved))
        })
        .await
    }

    /// The same with credentials of the board that a filter lets pass, by id, behind `after`; at
    /// most some hundreds. Gives the id to go on behind, if there is more.
    ///
    /// What is found goes into a wave only if it is in no other (or in the one that the filter
    /// names), and if people have anything to do for it.
    ///
    /// # Errors
    /// As [`plan_credentials`](Self::plan_credentials).
    pub async fn plan_found(
        &self,
        org: &OrgId,
        wave: &WaveName,
        (direction, filter, after): (Direction, &BoardFilter, Option<&str>),
        actor: &Actor,
    ) -> Result<(Planning, Option<String>), ManageError> {
        actor.check(UseCase::PlanMigration, org, ManageError::NoWave)?;
        let mut filter = filter.clone();
        if direction == Direction::Out {
            filter.wave = WaveFilter::In(wave.clone());
        }
        let page = Page {
            after: after.map(ToOwned::to_owned),
            limit: MOST_FOUND,
        };
        let board = self.migration_board(org, &filter, &page, actor).await?;
        let is_meant = |row: &BoardRow| {
            let credential = &row.credential;
            let is_elsewhere = credential.wave.as_ref().is_some_and(|one| one != wave);
            direction == Direction::Out
                || row.position.next.is_for_people()
                    && (!is_elsewhere || filter.wave != WaveFilter::Any)
        };
        let all = board.rows.len();
        let meant: Vec<_> = board.rows.into_iter().filter(is_meant).collect();
        let ids: Vec<_> = meant.into_iter().map(|row| row.credential.id).collect();
        let skipped = u64::try_from(all - ids.len()).unwrap_or(u64::MAX);
        let mut planning = self
            .plan_credentials(org, wave, (direction, &ids), actor)
            .await?;
        planning.skipped = skipped;
        Ok((planning, board.next))
    }
}

/// Each in the activity log of its credential.
async fn note(
    write: &mut Write,
    org: &OrgId,
    (wave, direction): (&WaveName, Direction),
    moved: &[Planned],
    (actor, now): (&Actor, Timestamp),
) -> Result<(), ManageError> {
    let action = match direction {
        Direction::In => "migration.planned",
        Direction::Out => "migration.unplanned",
    };
    for one in moved {
        let detail = match direction {
            Direction::In => json!({"wave": wave, "before": one.wave}),
            Direction::Out => json!({"wave": wave}),
        };
        let subject = one.credential.as_str();
        let event = actor.event(now, Some(org), action, subject, &detail);
        let event = event.about_one(&one.credential, &one.project);
        store::audit::append(write, &event).await?;
    }
    Ok(())
}

fn planning(asked: &[CredentialId], moved: &[Planned], unmoved: &[Planned]) -> Planning {
    let count = |some: &[Planned]| u64::try_from(some.len()).unwrap_or(u64::MAX);
    let known = moved.iter().chain(unmoved);
    let known: HashSet<_> = known.map(|one| &one.credential).collect();
    let unknown = asked.iter().filter(|id| !known.contains(id));
    Planning {
        changed: count(moved),
        unchanged: count(unmoved),
        skipped: 0,
        unknown: unknown.cloned().collect(),
    }
}
