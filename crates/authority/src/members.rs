//! Members of organizations: seen, changed, removed. What a person made stays: credentials belong
//! to the organization's technical accounts and know nothing of people.

use countersign_model::{Membership, Person, Role, State, UseCase};
use countersign_store::{self as store, Page, Reads, Write};
use countersign_wire::{OrgId, PersonId, ProfileId};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::organizations::switched;
use crate::revision::At;

/// What to change of a member; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct MemberChange {
    /// As what.
    pub role: Option<Role>,
    /// Developer of which product profiles.
    pub profiles: Option<Vec<ProfileId>>,
    /// Whether the membership counts.
    pub enabled: Option<bool>,
}

impl Authority {
    /// The members of an organization, by person's id.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`], [`ManageError::Forbidden`].
    pub async fn list_members(
        &self,
        org: &OrgId,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<(Person, Membership)>, ManageError> {
        actor.check(UseCase::ReadMembers, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        Ok(store::members::list(&mut read, org, page).await?)
    }

    /// A member of an organization.
    ///
    /// # Errors
    /// [`ManageError::NoMember`].
    pub async fn find_member(
        &self,
        org: &OrgId,
        person: &PersonId,
        actor: &Actor,
    ) -> Result<(Person, Membership), ManageError> {
        actor.check(UseCase::ReadMembers, org, ManageError::NoMember)?;
        let mut read = self.store.read().await?;
        member_in(&mut read, org, person).await
    }

    /// Changes what a member may do. All her sessions end when her rights change: whoever works
    /// on signs in again. Access tokens never have more than the role that she has left.
    ///
    /// # Errors
    /// [`ManageError::LastAdministrator`]; [`ManageError::Stale`] unless `revision` is the stored
    /// one, where it is given.
    pub async fn change_member(
        &self,
        org: &OrgId,
        person: &PersonId,
        change: MemberChange,
        revision: Option<i64>,
        actor: &Actor,
    ) -> Result<(Person, Membership), ManageError> {
        actor.check(UseCase::ChangeMembers, org, ManageError::NoMember)?;
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let (who, before) = member_in(&mut write, org, person).await?;
            if revision.is_some_and(|expected| expected != before.revision) {
                return Err(ManageError::Stale);
            }
            let mut after = before.clone();
            after.role = change.role.unwrap_or(after.role);
            after.state = switched(after.state, change.enabled, now);
            if let Some(profiles) = &change.profiles {
                check_profiles(&mut write, org, profiles).await?;
                after.profiles.clone_from(profiles);
            }
            if administers(&before) && !administers(&after) {
                after.revision = self.keep_an_administrator(&mut write, &before).await?;
            }
            store::members::save(&mut write, &after).await?;
            if after.role != before.role || after.state != before.state {
                store::sessions::delete_all(&mut write, person).await?;
            }
            let detail = json!({
                "name": who.sign_in_name.as_str(),
                "before": described(&before), "after": described(&after),
            });
            let event = actor.event(now, Some(org), "member.changed", person.as_str(), &detail);
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            after.revision += 1;
            Ok((who, after))
        })
        .await
    }

    /// Ends all sessions of a member, wherever she is signed in: for a device that was lost.
    /// She can sign in again.
    ///
    /// # Errors
    /// [`ManageError::NoMember`].
    pub async fn end_sessions(
        &self,
        org: &OrgId,
        person: &PersonId,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        actor.check(UseCase::ChangeMembers, org, ManageError::NoMember)?;
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let (who, _) = member_in(&mut write, org, person).await?;
            store::sessions::delete_all(&mut write, person).await?;
            let detail = json!({"name": who.sign_in_name.as_str()});
            let (org, id) = (Some(org), person.as_str());
            let event = actor.event(now, org, "member.sessions_ended", id, &detail);
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }

    /// Removes a member from an organization: her sessions and her access tokens there end at
    /// once. No credential notices.
    ///
    /// # Errors
    /// [`ManageError::NoMember`], [`ManageError::LastAdministrator`].
    pub async fn remove_member(
        &self,
        org: &OrgId,
        person: impl Into<At<'_, PersonId>>,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        actor.check(UseCase::ChangeMembers, org, ManageError::NoMember)?;
        let (at, now) = (person.into(), self.clock.now());
        let person = at.id();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let (who, mut member) = member_in(&mut write, org, person).await?;
            at.check(member.revision)?;
            if administers(&member) {
                member.revision = self.keep_an_administrator(&mut write, &member).await?;
            }
            store::access_tokens::delete_all(&mut write, person, Some(org)).await?;
            store::members::delete(&mut write, &member).await?;
            store::sessions::delete_all(&mut write, person).await?;
            let detail = json!({"name": who.sign_in_name.as_str(), "before": described(&member)});
            let event = actor.event(now, Some(org), "member.removed", person.as_str(), &detail);
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }

    /// Everybody, by id: for whoever runs the installation.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`].
    pub async fn list_people(
        &self,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<Person>, ManageError> {
        actor.check_role(UseCase::RunInstallation)?;
        let mut read = self.store.read().await?;
        Ok(store::people::list(&mut read, page).await?)
    }

    /// Switches a person off, everywhere and at once, or on again: sessions and access tokens end
    /// and do not come back.
    ///
    /// # Errors
    /// [`ManageError::NoMember`], [`ManageError::Forbidden`].
    pub async fn switch_person(
        &self,
        id: &PersonId,
        enabled: bool,
        actor: &Actor,
    ) -> Result<Person, ManageError> {
        actor.check_role(UseCase::RunInstallation)?;
        let now = self.clock.now();
        let action = match enabled {
            true => "person.enabled",
            false => "person.disabled",
        };
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = store::people::find(&mut write, id).await?;
            let mut person = found.ok_or(ManageError::NoMember)?;
            person.state = switched(person.state, Some(enabled), now);
            store::people::save(&mut write, &person).await?;
            if person.state != State::Enabled {
                store::sessions::delete_all(&mut write, id).await?;
                store::access_tokens::delete_all(&mut write, id, None).await?;
            }
            let detail = json!({"name": person.sign_in_name.as_str()});
            let event = actor.event(now, None, action, id.as_str(), &detail);
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            person.revision += 1;
            Ok::<_, ManageError>(person)
        })
        .await
    }

    /// Sees to it that the organization keeps an administrator without this one; gives the row's
    /// revision, which that counts up.
    async fn keep_an_administrator(
        &self,
        write: &mut Write,
        leaving: &Membership,
    ) -> Result<i64, ManageError> {
        let all = store::members::hold_administrators(write, &leaving.org_id).await?;
        if all < 2 {
            return Err(ManageError::LastAdministrator);
        }
        Ok(leaving.revision + 1)
    }
}

fn administers(member: &Membership) -> bool {
    member.role == Role::SystemAdministrator && member.state.is_enabled()
}

fn described(member: &Membership) -> serde_json::Value {
    json!({
        "role": member.role.as_str(), "profiles": member.profiles,
        "enabled": member.state.is_enabled(),
    })
}

/// Whether those are product profiles of the organization.
pub(crate) async fn check_profiles(
    read: &mut impl Reads,
    org: &OrgId,
    profiles: &[ProfileId],
) -> Result<(), ManageError> {
    let all = store::profiles::list(read, org).await?;
    match profiles
        .iter()
        .find(|id| !all.iter().any(|one| one.id == **id))
    {
        Some(unknown) => Err(ManageError::NoProfile(unknown.as_str().to_owned())),
        None => Ok(()),
    }
}

async fn member_in(
    read: &mut impl Reads,
    org: &OrgId,
    person: &PersonId,
) -> Result<(Person, Membership), ManageError> {
    let member = store::members::find(read, org, person).await?;
    let member = member.ok_or(ManageError::NoMember)?;
    let person = store::people::find(read, person).await?;
    Ok((person.ok_or(ManageError::NoMember)?, member))
}
