//! Waves of a migration: made, changed, taken away, and filled with credentials. They are a plan:
//! the steps are taken by people and their programs.

use std::collections::HashMap;

use countersign_model::wave::{Late, Tally};
use countersign_model::{AuditEvent, UseCase, Wave};
use countersign_store::{self as store, Page, Reads, Write};
use countersign_wire::{OrgId, Timestamp, WaveName};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::revision::At;

mod plan;

pub use plan::{Direction as PlanDirection, Planning};

/// A wave to be made.
#[derive(Clone, Debug)]
pub struct NewWave {
    /// Unique in the organization.
    pub name: WaveName,
    /// For whoever reads the plan.
    pub note: String,
    /// When its credentials are to get their OAuth halves.
    pub start_on: Option<Timestamp>,
    /// When their JWT halves are to be disabled.
    pub disable_on: Option<Timestamp>,
}

/// What to change of a wave; `None` leaves a thing as it is, `Some(None)` takes a date away.
#[derive(Clone, Debug, Default)]
pub struct WaveChange {
    /// For whoever reads the plan.
    pub note: Option<String>,
    /// When its credentials are to get their OAuth halves.
    pub start_on: Option<Option<Timestamp>>,
    /// When their JWT halves are to be disabled.
    pub disable_on: Option<Option<Timestamp>>,
}

/// A wave, and how far it is.
#[derive(Clone, Debug)]
pub struct WaveStatus {
    /// The wave.
    pub wave: Wave,
    /// Its credentials by stage.
    pub tally: Tally,
    /// What it has not done by the date that was planned.
    pub late: Option<Late>,
}

impl WaveChange {
    fn over(&self, wave: &Wave) -> Wave {
        Wave {
            note: self
                .note
                .as_deref()
                .map_or_else(|| wave.note.clone(), |note| note.trim().to_owned()),
            start_on: self.start_on.unwrap_or(wave.start_on),
            disable_on: self.disable_on.unwrap_or(wave.disable_on),
            ..wave.clone()
        }
    }
}

impl Authority {
    /// Makes a wave, without credentials.
    ///
    /// # Errors
    /// [`ManageError::Taken`] where the organization has one of its name; [`ManageError::Wave`].
    pub async fn create_wave(
        &self,
        org: &OrgId,
        new: NewWave,
        actor: &Actor,
    ) -> Result<WaveStatus, ManageError> {
        actor.check(UseCase::PlanMigration, org, ManageError::NoOrganization)?;
        let now = self.clock.now();
        let wave = Wave {
            org_id: org.clone(),
            name: new.name,
            note: new.note.trim().to_owned(),
            start_on: new.start_on,
            disable_on: new.disable_on,
            created_by: actor.name().to_owned(),
            created_at: now,
            revision: 0,
        };
        let wave = wave.checked()?;
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = store::organizations::find(&mut write, org).await?;
            found.ok_or(ManageError::NoOrganization)?;
            store::waves::insert(&mut write, &wave).await?;
            let event = event(&wave, "wave.created", &described(&wave), (actor, now));
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok(WaveStatus::new(wave, Tally::default(), now))
    }

    /// The waves of an organization, by name.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn list_waves(
        &self,
        org: &OrgId,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<WaveStatus>, ManageError> {
        actor.check(UseCase::ReadCredentials, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        Ok(wave_statuses(&mut read, org, page, self.clock.now()).await?)
    }

    /// The wave of that name.
    ///
    /// # Errors
    /// [`ManageError::NoWave`], also for one of another organization.
    pub async fn find_wave(
        &self,
        org: &OrgId,
        name: &WaveName,
        actor: &Actor,
    ) -> Result<WaveStatus, ManageError> {
        actor.check(UseCase::ReadCredentials, org, ManageError::NoWave)?;
        let mut read = self.store.read().await?;
        let found = store::waves::find(&mut read, org, name).await?;
        let wave = found.ok_or(ManageError::NoWave)?;
        let tally = store::waves::tally(&mut read, org, name).await?;
        Ok(WaveStatus::new(wave, tally, self.clock.now()))
    }

    /// Changes note and dates of a wave.
    ///
    /// # Errors
    /// [`ManageError::NoWave`], [`ManageError::Wave`]; [`ManageError::Stale`] unless the revision is
    /// the stored one, where it is given.
    pub async fn change_wave(
        &self,
        org: &OrgId,
        of: impl Into<At<'_, WaveName>>,
        change: &WaveChange,
        actor: &Actor,
    ) -> Result<WaveStatus, ManageError> {
        let (of, now) = (of.into(), self.clock.now());
        let (wave, tally) = store::retry(|| async {
            let mut write = self.store.write().await?;
            let before = wave_to_change(&mut write, org, of, actor).await?;
            let mut after = change.over(&before).checked()?;
            let tally = store::waves::tally(&mut write, org, of.id()).await?;
            if after == before {
                return Ok((before, tally));
            }
            store::waves::save(&mut write, &after).await?;
            after.revision += 1;
            let detail = json!({"before": described(&before), "after": described(&after)});
            let event = event(&after, "wave.changed", &detail, (actor, now));
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>((after, tally))
        })
        .await?;
        Ok(WaveStatus::new(wave, tally, now))
    }

    /// Takes a wave away; its credentials stay as they are, in no wave.
    ///
    /// # Errors
    /// As [`change_wave`](Self::change_wave).
    pub async fn delete_wave(
        &self,
        org: &OrgId,
        of: impl Into<At<'_, WaveName>>,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let (of, now) = (of.into(), self.clock.now());
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let wave = wave_to_change(&mut write, org, of, actor).await?;
            let tally = store::waves::tally(&mut write, org, of.id()).await?;
            store::waves::delete(&mut write, &wave).await?;
            let mut detail = described(&wave);
            detail["credentials"] = tally.all().into();
            let event = event(&wave, "wave.deleted", &detail, (actor, now));
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }
}

impl WaveStatus {
    fn new(wave: Wave, tally: Tally, now: Timestamp) -> Self {
        Self {
            late: wave.late(&tally, now),
            wave,
            tally,
        }
    }
}

/// The waves of an organization, by name, as they are at `now`.
pub(crate) async fn wave_statuses(
    read: &mut impl Reads,
    org: &OrgId,
    page: &Page,
    now: Timestamp,
) -> Result<Vec<WaveStatus>, store::Error> {
    let waves = store::waves::list(read, org, page).await?;
    let tallies: HashMap<_, _> = store::waves::tallies(read, org)
        .await?
        .into_iter()
        .collect();
    let status = |wave: Wave| {
        let tally = tallies.get(&wave.name).copied().unwrap_or_default();
        WaveStatus::new(wave, tally, now)
    };
    Ok(waves.into_iter().map(status).collect())
}

async fn wave_to_change(
    write: &mut Write,
    org: &OrgId,
    of: At<'_, WaveName>,
    actor: &Actor,
) -> Result<Wave, ManageError> {
    actor.check(UseCase::PlanMigration, org, ManageError::NoWave)?;
    let found = store::waves::find(write, org, of.id()).await?;
    let wave = found.ok_or(ManageError::NoWave)?;
    of.check(wave.revision)?;
    Ok(wave)
}

fn event(
    wave: &Wave,
    action: &str,
    detail: &serde_json::Value,
    (actor, now): (&Actor, Timestamp),
) -> AuditEvent {
    actor.event(now, Some(&wave.org_id), action, wave.name.as_str(), detail)
}

fn described(wave: &Wave) -> serde_json::Value {
    json!({"note": wave.note, "start_on": wave.start_on, "disable_on": wave.disable_on})
}
