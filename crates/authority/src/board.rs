//! The board of a migration: all credentials of an organization that were created with Service
//! Account (JWT), what is due for each, and how far the whole is.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use countersign_model::UseCase;
use countersign_model::board::{self, Duty, Known, Position, Risk};
use countersign_store::jwt_credentials::{self, JwtCredential, Which};
use countersign_store::migration_progress as progress;
use countersign_store::{self as store, Page};
use countersign_wire::{OrgId, Timestamp, WaveName};

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::lease::{Lease, WorkError};

/// Over how many days uses are counted.
const USED_WITHIN: Duration = Duration::from_secs(30 * 86_400);
/// How many days of progress are shown, and kept.
pub const PROGRESS_DAYS: u32 = 180;
/// Rows of the database that one page looks at, at most: a filter that seldom fits gives short
/// pages, not slow ones.
const MOST_READ: usize = 5_000;
const DAY: i64 = 86_400;

/// Which credentials of the board.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BoardFilter {
    /// Word for the stage of the migration; all, if empty.
    pub stage: String,
    /// Whether anything must be done.
    pub duty: Option<Duty>,
    /// What is at risk.
    pub risk: Option<Risk>,
    /// Name of the owner team, as a whole; all, if empty.
    pub owner: String,
    /// Where they are planned.
    pub wave: WaveFilter,
}

/// Which credentials, by the wave that they are in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum WaveFilter {
    /// All.
    #[default]
    Any,
    /// Those in this wave.
    In(WaveName),
    /// Those in none.
    None,
}

/// A line of the board.
#[derive(Clone, Debug)]
pub struct BoardRow {
    /// The credential.
    pub credential: JwtCredential,
    /// What is due.
    pub position: Position,
}

/// A part of the board.
#[derive(Clone, Debug)]
pub struct BoardPage {
    /// Its lines, by id.
    pub rows: Vec<BoardRow>,
    /// Id to go on behind; nothing at the end. There may be none that fit.
    pub next: Option<String>,
}

/// How many credentials are in which stage.
pub type Stages = BTreeMap<String, u64>;

/// How far the migration is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Now.
    pub now: Stages,
    /// On the last days (first instant of each, in UTC), as far as they were written down.
    pub days: Vec<(Timestamp, Stages)>,
}

impl BoardFilter {
    fn which<'w>(&'w self, org: &'w OrgId) -> Which<'w> {
        match &self.wave {
            WaveFilter::Any => Which::Of(org),
            WaveFilter::In(wave) => Which::InWave(org, wave),
            WaveFilter::None => Which::InNoWave(org),
        }
    }

    fn lets_pass(&self, row: &BoardRow) -> bool {
        let (credential, position) = (&row.credential, &row.position);
        (self.stage.is_empty() || self.stage == credential.migration.as_str())
            && self.duty.is_none_or(|duty| duty == position.duty)
            && self.risk.is_none_or(|risk| risk == position.risk)
            && (self.owner.is_empty() || self.owner == credential.owner.team)
    }
}

impl Authority {
    /// Lines of the board that a filter lets pass, by id; at most `page.limit` of them.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn migration_board(
        &self,
        org: &OrgId,
        filter: &BoardFilter,
        page: &Page,
        actor: &Actor,
    ) -> Result<BoardPage, ManageError> {
        actor.check(UseCase::ReadCredentials, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        let policy = self.policy_in(&mut read, org).await?;
        let now = self.clock.now();
        let (limit, mut looked_at) = (page.limit as usize, 0);
        let mut from = Page {
            after: page.after.clone(),
            limit: Page::MAX,
        };
        let mut rows = Vec::new();
        let which = filter.which(org);
        loop {
            let since = now.minus(USED_WITHIN);
            let some = jwt_credentials::list(&mut read, which, since, &from).await?;
            let is_last = some.len() < Page::MAX as usize;
            looked_at += some.len();
            let mut some = some.into_iter();
            while let Some(credential) = some.next() {
                from.after = Some(credential.id.to_string());
                let position = board::position(&known(&credential), &policy, now);
                let row = BoardRow {
                    credential,
                    position,
                };
                if filter.lets_pass(&row) {
                    rows.push(row);
                }
                if rows.len() >= limit {
                    let is_end = is_last && some.len() == 0;
                    let next = from.after.filter(|_| !is_end);
                    return Ok(BoardPage { rows, next });
                }
            }
            if is_last || looked_at >= MOST_READ {
                let next = from.after.filter(|_| !is_last);
                return Ok(BoardPage { rows, next });
            }
        }
    }

    /// How far the migration of an organization's credentials is, and was.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn migration_progress(
        &self,
        org: &OrgId,
        actor: &Actor,
    ) -> Result<Progress, ManageError> {
        actor.check(UseCase::ReadCredentials, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        let since = self.clock.now().minus(kept());
        let mut days: Vec<(Timestamp, Stages)> = Vec::new();
        for count in progress::list(&mut read, org, since).await? {
            match days.last_mut() {
                Some((day, stages)) if *day == count.day_at => {
                    stages.insert(count.stage, count.credentials);
                }
                _ => days.push((count.day_at, [(count.stage, count.credentials)].into())),
            }
        }
        Ok(Progress {
            now: progress::now(&mut read, org).await?.into_iter().collect(),
            days,
        })
    }

    /// Writes down how things stand, once a day.
    pub(crate) async fn note_progress(
        &self,
        lease: Lease,
        now: Timestamp,
    ) -> Result<(), WorkError> {
        let day = now.as_seconds().div_euclid(DAY);
        if self.progress_noted.load(Ordering::Relaxed) == day {
            return Ok(());
        }
        store::retry(|| async {
            let mut write = self.store.write().await?;
            lease.hold(&mut write).await?;
            progress::note(&mut write, Timestamp::from_seconds(day * DAY)).await?;
            progress::trim(&mut write, now.minus(kept())).await?;
            write.commit().await?;
            Ok::<_, WorkError>(())
        })
        .await?;
        self.progress_noted.store(day, Ordering::Relaxed);
        Ok(())
    }
}

fn kept() -> Duration {
    Duration::from_secs(u64::from(PROGRESS_DAYS) * 86_400)
}

fn known(credential: &JwtCredential) -> Known<'_> {
    Known {
        origin: credential.origin,
        migration: credential.migration,
        exemption: credential.exemption.as_ref(),
        last_certificate_ends: credential.last_certificate_ends,
        is_used: credential.exchanges > 0,
    }
}
