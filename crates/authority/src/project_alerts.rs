//! Who is told of what ends in a project: seen and changed.

use std::collections::BTreeSet;

use countersign_model::{Person, ProjectAlerts, Role, SignInName, UseCase};
use countersign_store::{self as store, Page};
use countersign_wire::{OrgId, ProjectId};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;

/// What to change of a project's alerts; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct AlertsChange {
    /// Whether nobody is told.
    pub paused: Option<bool>,
    /// Who else is told; as [`parse_others`](countersign_model::alerts::parse_others) reads them.
    pub others: Option<BTreeSet<SignInName>>,
    /// The revision that the change was made from; whoever has none takes what is there.
    pub revision: Option<i64>,
}

/// Whom mails about ends reach besides owners.
#[derive(Clone, Debug)]
pub struct Recipients {
    /// The System Administrators of the organization, by id: they cannot be taken off.
    pub administrators: Vec<Person>,
    /// The others of the project that was asked for.
    pub others: BTreeSet<SignInName>,
}

impl Authority {
    /// Whom mails about what ends in an organization reach, or in one project of it.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`], [`ManageError::NoProject`].
    pub async fn list_recipients(
        &self,
        org: &OrgId,
        project: Option<&ProjectId>,
        actor: &Actor,
    ) -> Result<Recipients, ManageError> {
        actor.check(UseCase::ReadMembers, org, ManageError::NoOrganization)?;
        let others = match project {
            None => BTreeSet::new(),
            Some(id) => self.find_alerts(id, actor).await?.others,
        };
        let mut read = self.store.read().await?;
        let (mut administrators, mut page) = (Vec::new(), Page::first());
        loop {
            let some = store::members::list(&mut read, org, &page).await?;
            let Some((last, _)) = some.last() else { break };
            page.after = Some(last.id.to_string());
            let told = some.into_iter().filter(|(person, member)| {
                let works = person.state.is_enabled() && member.state.is_enabled();
                works && member.role == Role::SystemAdministrator
            });
            administrators.extend(told.map(|(person, _)| person));
        }
        Ok(Recipients {
            administrators,
            others,
        })
    }

    /// Who else is told of what ends in a project, and whether anybody is.
    ///
    /// # Errors
    /// [`ManageError::NoProject`].
    pub async fn find_alerts(
        &self,
        id: &ProjectId,
        actor: &Actor,
    ) -> Result<ProjectAlerts, ManageError> {
        let project = self.locate_project(id, actor).await?;
        let mut read = self.store.read().await?;
        Ok(store::project_alerts::find(&mut read, &project.id).await?)
    }

    /// Changes who else is told, or pauses all of it.
    ///
    /// # Errors
    /// [`ManageError::NoProject`], [`ManageError::ReadOnly`]; [`ManageError::Stale`] unless
    /// `change.revision` is the stored one, where it is given.
    pub async fn change_alerts(
        &self,
        id: &ProjectId,
        change: &AlertsChange,
        actor: &Actor,
    ) -> Result<ProjectAlerts, ManageError> {
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let case = UseCase::ChangeProject;
            let project = self.project_to_change(&mut write, id, case, actor).await?;
            let before = store::project_alerts::find(&mut write, id).await?;
            if change.revision.is_some_and(|seen| seen != before.revision) {
                return Err(ManageError::Stale);
            }
            let mut after = before.clone();
            match change.paused {
                Some(true) => after.paused_at = before.paused_at.or(Some(now)),
                Some(false) => after.paused_at = None,
                None => {}
            }
            after.others = change.others.clone().unwrap_or(after.others);
            store::project_alerts::save(&mut write, id, &after).await?;
            let detail = json!({"before": described(&before), "after": described(&after)});
            let (org, action) = (Some(&project.org_id), "project.alerts_changed");
            let event = actor.event(now, org, action, id.as_str(), &detail);
            store::audit::append(&mut write, &event.in_project(id)).await?;
            write.commit().await?;
            after.revision += 1;
            Ok(after)
        })
        .await
    }
}

fn described(alerts: &ProjectAlerts) -> serde_json::Value {
    let others: Vec<_> = alerts.others.iter().map(SignInName::as_str).collect();
    json!({"paused": alerts.paused_at.is_some(), "others": others})
}
