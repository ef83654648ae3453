//! Brown-outs: planned short refusals of JWT halves. Planned and ended here; what an exchange asks
//! is in `running.rs`, and what came of it in `report.rs`.

use std::time::Duration;

use countersign_model::brownout::{
    Brownout, BrownoutError, Fate, MOST_AHEAD, Member, Repeat, Share, Windows, has_both_halves,
};
use countersign_model::{Credential, UseCase};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Page, Write};
use countersign_wire::{BrownoutId, CredentialId, Opaque, OrgId, Timestamp};
use serde_json::{Value, json};

use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::error::ManageError;
use crate::master_key::Mark;
use crate::sessions::random_code;

mod link;
mod report;
mod running;
mod tally;

pub use link::Undoable;
pub use report::{BrownoutReport, CredentialReport};
pub use running::BrownedOut;
pub(crate) use running::Brownouts;

/// A brown-out to be planned.
#[derive(Clone, Debug)]
pub struct NewBrownout {
    /// By which it is recognized when it is planned again; made from the plan if absent.
    pub name: Option<String>,
    /// Of which credentials; order and repeats do not matter.
    pub credentials: Vec<CredentialId>,
    /// When its first window begins; now if absent.
    pub at: Option<Timestamp>,
    /// How long each window lasts.
    pub lasts: Duration,
    /// How often it comes again.
    pub repeat: Repeat,
    /// How many windows there are.
    pub times: u32,
    /// Which exchanges are refused.
    pub share: Share,
    /// How many callers may fail.
    pub allowed: u32,
}

/// A brown-out that was planned, now or before.
#[derive(Debug)]
pub struct PlannedBrownout {
    /// It.
    pub brownout: Brownout,
    /// What its undo link carries: shown now and never again. `None` where it was planned before.
    pub undo: Option<Opaque>,
}

impl Authority {
    /// Plans a brown-out. What was planned before, by the same name and alike, changes nothing, also
    /// when it is over or was undone.
    ///
    /// # Errors
    /// [`ManageError::Brownout`] says what cannot be; [`ManageError::NoCredential`],
    /// [`ManageError::Forbidden`], [`ManageError::ReadOnly`].
    pub async fn plan_brownout(
        &self,
        org: &OrgId,
        new: NewBrownout,
        actor: &Actor,
    ) -> Result<PlannedBrownout, ManageError> {
        actor.check(UseCase::Migrate, org, ManageError::NoOrganization)?;
        let (now, at) = (self.clock.now(), new.at);
        let plan = self.brownout_of(org, new, actor, now)?;
        let undo = random_code()?;
        let digest = self.master_key.mark(Mark::Undo, undo.expose());
        let planned = store::retry(|| async {
            let mut write = self.store.write().await?;
            store::brownouts::lock(&mut write).await?;
            let credentials = changeable(&mut write, &plan, actor).await?;
            let found = store::brownouts::find_by_name(&mut write, org, &plan.name).await?;
            if let Some(before) = found {
                return match before.is_same_plan(&plan, at) {
                    true => Ok((before, false)),
                    false => Err(BrownoutError::OtherPlan.into()),
                };
            }
            check(&mut write, &plan, &credentials, now).await?;
            store::brownouts::insert(&mut write, &plan, &digest).await?;
            let event = actor.event(
                now,
                Some(org),
                "brownout.planned",
                plan.id.as_str(),
                &json!({"after": described(&plan)}),
            );
            let event = match credentials.as_slice() {
                [one] => event.about(one),
                _ => event,
            };
            store::audit::append(&mut write, &event).await?;
            store::changes::append(&mut write, &Topic::Brownouts, self.clock.now()).await?;
            write.commit().await?;
            Ok::<_, ManageError>((plan.clone(), true))
        })
        .await?;
        let (brownout, is_new) = planned;
        if is_new {
            self.apply(&Topic::Brownouts).await;
        }
        Ok(PlannedBrownout {
            brownout,
            undo: is_new.then_some(undo),
        })
    }

    /// Ends a brown-out, whether it has begun or not: at once here, within a second on other nodes.
    /// One that is over stays as it is.
    ///
    /// # Errors
    /// [`ManageError::NoBrownout`], [`ManageError::Forbidden`].
    pub async fn undo_brownout(
        &self,
        org: &OrgId,
        id: &BrownoutId,
        actor: &Actor,
    ) -> Result<Brownout, ManageError> {
        actor.check(UseCase::Migrate, org, ManageError::NoOrganization)?;
        let undone = store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = store::brownouts::find(&mut write, id).await?;
            let found = found.filter(|one| one.org_id == *org);
            let before = found.ok_or(ManageError::NoBrownout)?;
            self.end_brownout(write, before, actor).await
        });
        let undone = undone.await?;
        self.apply(&Topic::Brownouts).await;
        Ok(undone)
    }

    async fn end_brownout(
        &self,
        mut write: Write,
        before: Brownout,
        actor: &Actor,
    ) -> Result<Brownout, ManageError> {
        let now = self.clock.now();
        let after = before.clone().undo(actor.name(), now);
        if after != before {
            save_end(&mut write, (&before, &after), actor, now).await?;
            store::changes::append(&mut write, &Topic::Brownouts, self.clock.now()).await?;
            write.commit().await?;
        }
        Ok(after)
    }

    /// Takes a credential that lost one of its halves out of what would refuse it: should both come
    /// back, nobody expects it any more.
    pub(crate) async fn leave_brownouts(
        &self,
        write: &mut Write,
        credential: &CredentialId,
        now: Timestamp,
    ) -> Result<(), store::Error> {
        if store::brownouts::leave(write, credential, now).await? > 0 {
            store::changes::append(write, &Topic::Brownouts, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Brown-outs of an organization, the newest first, or only those of one credential.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`].
    pub async fn list_brownouts(
        &self,
        org: &OrgId,
        credential: Option<&CredentialId>,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<Brownout>, ManageError> {
        actor.check(UseCase::ReadUsage, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        Ok(store::brownouts::list(&mut read, org, credential, page).await?)
    }

    fn brownout_of(
        &self,
        org: &OrgId,
        new: NewBrownout,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Brownout, ManageError> {
        let mut ids = new.credentials;
        ids.sort_unstable();
        ids.dedup();
        let mut plan = Brownout {
            id: BrownoutId::new(now, random()?),
            org_id: org.clone(),
            name: String::new(),
            members: ids
                .into_iter()
                .map(|id| Member { id, left_at: None })
                .collect(),
            windows: Windows {
                first_at: new.at.unwrap_or(now),
                lasts: new.lasts,
                repeat: new.repeat,
                times: new.times,
            },
            share: new.share.checked()?,
            allowed: new.allowed,
            fate: Fate::Scheduled,
            planned_by: actor.name().to_owned(),
            planned_at: now,
        };
        plan.check_bounds()?;
        plan.name = match new.name {
            Some(name) => name.trim().to_owned(),
            None => self.name_of(&plan),
        };
        countersign_model::project::check_label(&plan.name)?;
        Ok(plan)
    }

    /// The same for the same plan.
    fn name_of(&self, plan: &Brownout) -> String {
        let mark = self
            .master_key
            .mark(Mark::Request, &described(plan).to_string());
        let mark: String = mark
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(6)
            .collect();
        let at = plan.windows.first_at.to_string();
        let at = at.get(..19).unwrap_or_default().replace('T', " ");
        format!("{at} {mark}")
    }
}

/// All credentials of a plan: they are there, and the actor may change each.
async fn changeable(
    write: &mut Write,
    plan: &Brownout,
    actor: &Actor,
) -> Result<Vec<Credential>, ManageError> {
    let ids: Vec<_> = plan
        .members
        .iter()
        .map(|member| member.id.clone())
        .collect();
    let found = store::credentials::of_ids(write, &ids).await?;
    let is_here = |one: &Credential| one.org_id == plan.org_id;
    if found.len() != ids.len() || !found.iter().all(is_here) {
        return Err(ManageError::NoCredential);
    }
    for credential in &found {
        actor.may_change(UseCase::Migrate, credential)?;
    }
    Ok(found)
}

async fn check(
    write: &mut Write,
    plan: &Brownout,
    credentials: &[Credential],
    now: Timestamp,
) -> Result<(), ManageError> {
    plan.windows.checked(now)?;
    if let Some(one) = credentials.iter().find(|one| !has_both_halves(one)) {
        return Err(ManageError::Brownout(BrownoutError::NotPaired {
            id: one.id.clone(),
            name: one.name.clone(),
        }));
    }
    let ahead = store::brownouts::count_scheduled(write, &plan.org_id, now).await?;
    match usize::try_from(ahead).unwrap_or(usize::MAX) < MOST_AHEAD {
        true => Ok(()),
        false => Err(BrownoutError::TooMany.into()),
    }
}

/// Saves that a brown-out was undone or aborted, with an event.
async fn save_end(
    write: &mut Write,
    (before, after): (&Brownout, &Brownout),
    actor: &Actor,
    now: Timestamp,
) -> Result<(), ManageError> {
    store::brownouts::save_end(write, after).await?;
    let action = match after.fate {
        Fate::Aborted { .. } => "brownout.aborted",
        Fate::Undone { .. } | Fate::Scheduled => "brownout.undone",
    };
    let mut detail = json!({
        "name": after.name,
        "before": before.phase(now).as_str(), "after": after.phase(now).as_str(),
    });
    if let Fate::Aborted { failed, .. } = after.fate {
        detail["failed_callers"] = failed.into();
        detail["allowed_callers"] = after.allowed.into();
    }
    let org = Some(&after.org_id);
    let event = actor.event(now, org, action, after.id.as_str(), &detail);
    let event = match after.members.as_slice() {
        [one] => match store::credentials::find(write, &one.id).await? {
            Some(credential) => event.about(&credential),
            None => event,
        },
        _ => event,
    };
    Ok(store::audit::append(write, &event).await?)
}

/// A plan, for the activity log.
fn described(plan: &Brownout) -> Value {
    let share = match &plan.share {
        Share::All => json!("all"),
        Share::PerCent(share) => json!({"per_cent": share}),
        Share::Callers(patterns) => patterns
            .iter()
            .map(|one| {
                json!({
                    "network": one.network.map(|network| network.to_string()),
                    "agent": one.agent.as_ref().map(ToString::to_string),
                    "consumer": one.consumer.as_ref().map(ToString::to_string),
                })
            })
            .collect(),
    };
    let ids: Vec<_> = plan.members.iter().map(|member| &member.id).collect();
    json!({
        "name": plan.name, "credentials": ids, "at": plan.windows.first_at,
        "seconds": plan.windows.lasts.as_secs(), "repeat": plan.windows.repeat.as_str(),
        "times": plan.windows.times, "share": share, "allowed_callers": plan.allowed,
    })
}
