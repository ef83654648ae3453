//! The dates of an organization, for calendar programs: they cannot sign in, so they show what
//! nobody guesses. It opens names and dates, and nothing else.

use std::time::Duration;

use countersign_model::notice::{self, Ending};
use countersign_model::{Organization, UseCase};
use countersign_store::calendar_links::{self, CalendarLink};
use countersign_store::endings::{self, Part};
use countersign_store::notices::About;
use countersign_store::{self as store, Page, credentials, organizations};
use countersign_wire::{NumericOrgId, Opaque, OrgId, Timestamp};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::master_key::Mark;
use crate::notices::{about, attempts_of};
use crate::sessions::random_code;
use crate::waves::{WaveStatus, wave_statuses};

/// How long what is over stays on a calendar.
const BEFORE: Duration = Duration::from_secs(30 * 86_400);
/// How far a calendar looks ahead.
const AHEAD: Duration = Duration::from_secs(400 * 86_400);

/// What ends in an organization, and when.
#[derive(Clone, Debug)]
pub struct Dates {
    /// Whose.
    pub organization: Organization,
    /// What ends, and of which credential, if it is of one; the first one first.
    pub endings: Vec<(Ending, Option<About>)>,
    /// Waves of the migration that have dates, and how far they are; by name.
    pub waves: Vec<WaveStatus>,
    /// The time by which this was written.
    pub now: Timestamp,
}

impl Authority {
    /// The link of an organization's calendar, if there is one.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`], [`ManageError::Forbidden`].
    pub async fn find_calendar_link(
        &self,
        org: &OrgId,
        actor: &Actor,
    ) -> Result<Option<CalendarLink>, ManageError> {
        actor.check(UseCase::ChangeCalendar, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        Ok(calendar_links::find(&mut read, org).await?)
    }

    /// Makes a link for calendar programs; one that was there before opens nothing any more. The
    /// secret of it is given this once.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`], [`ManageError::Forbidden`].
    pub async fn renew_calendar_link(
        &self,
        org: &OrgId,
        actor: &Actor,
    ) -> Result<Opaque, ManageError> {
        actor.check(UseCase::ChangeCalendar, org, ManageError::NoOrganization)?;
        let secret = random_code()?;
        let digest = self.master_key.mark(Mark::Calendar, secret.expose());
        let now = self.clock.now();
        let link = CalendarLink {
            created_by: actor.name().to_owned(),
            created_at: now,
        };
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = organizations::find(&mut write, org).await?;
            found.ok_or(ManageError::NoOrganization)?;
            calendar_links::put(&mut write, org, &digest, &link).await?;
            let event = actor.event(now, Some(org), "calendar.linked", org.as_str(), &json!({}));
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok(secret)
    }

    /// Takes the link away.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`], [`ManageError::Forbidden`].
    pub async fn withdraw_calendar_link(
        &self,
        org: &OrgId,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        actor.check(UseCase::ChangeCalendar, org, ManageError::NoOrganization)?;
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            calendar_links::remove(&mut write, org).await?;
            let event = actor.event(
                now,
                Some(org),
                "calendar.unlinked",
                org.as_str(),
                &json!({}),
            );
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }

    /// What the calendar of an organization shows to whoever has its link; nothing to anybody else.
    /// It has what ends from thirty days ago to four hundred days from now, of each kind at most
    /// five hundred.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn read_calendar(
        &self,
        number: &NumericOrgId,
        secret: &str,
    ) -> Result<Option<Dates>, ManageError> {
        let digest = self.master_key.mark(Mark::Calendar, secret);
        let mut read = self.store.read().await?;
        let Some(org) = calendar_links::find_organization(&mut read, &digest).await? else {
            return Ok(None);
        };
        let found = organizations::find(&mut read, &org).await?;
        let is_asked = |org: &Organization| org.numeric_id == *number && org.state.is_enabled();
        let Some(organization) = found.filter(is_asked) else {
            return Ok(None);
        };
        let now = self.clock.now();
        let span = (now.minus(BEFORE), now.plus(AHEAD));
        let mut ids = Vec::new();
        for part in [Part::Certificates, Part::Secrets] {
            let ends = endings::of_organization(&mut read, part, &org, span).await?;
            ids.extend(ends.into_iter().map(|end| end.credential_id));
        }
        ids.sort_unstable();
        ids.dedup();
        let policy = self.policies.load().of(&org);
        let dates = notice::policy_endings(&policy);
        let mut all: Vec<_> = dates.into_iter().map(|date| (date, None)).collect();
        for credential in credentials::of_ids(&mut read, &ids).await? {
            let ending = notice::endings(&credential, &policy).into_iter();
            all.extend(ending.map(|ending| (ending, Some(about(&credential)))));
        }
        let tried = endings::tried(&mut read, &org).await?;
        for credential in credentials::of_ids(&mut read, &tried).await? {
            let ending = attempts_of(&mut read, &credential).await?;
            all.extend(ending.map(|ending| (ending, Some(about(&credential)))));
        }
        all.retain(|(ending, _)| span.0 <= ending.at && ending.at < span.1);
        all.sort_by(|a, b| (a.0.at, &a.0.subject).cmp(&(b.0.at, &b.0.subject)));
        let mut waves = wave_statuses(&mut read, &org, &Page::first(), now).await?;
        waves.retain(|one| one.wave.start_on.or(one.wave.disable_on).is_some());
        Ok(Some(Dates {
            organization,
            endings: all,
            waves,
            now,
        }))
    }
}
