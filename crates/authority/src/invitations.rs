//! How people come in: links that are used once. Source: `spec/security.md` ORG-15.

use std::time::Duration;

use countersign_model::member::Invitation;
use countersign_model::{Role, SignInName, UseCase};
use countersign_store::{self as store, Page, Write};
use countersign_wire::{InvitationId, Opaque, OrgId, ProfileId};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::error::ManageError;
use crate::master_key::Mark;
use crate::members::check_profiles;
use crate::oidc::for_invitation;
use crate::sessions::{gone, random_code};

pub use acceptance::{Acceptance, Newcomer};

mod acceptance;

/// How long the link of the first administrator works.
pub const FIRST_LINK: Duration = Duration::from_secs(30 * 60);
/// How long every other link works.
pub const LINK: Duration = Duration::from_secs(7 * 86_400);

/// Somebody to be invited.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Whom.
    pub sign_in_name: SignInName,
    /// As what.
    pub role: Role,
    /// Developer of which product profiles.
    pub profiles: Vec<ProfileId>,
}

/// An invitation, and the code of its link: shown now and never again.
#[derive(Debug)]
pub struct Invited {
    /// The invitation.
    pub invitation: Invitation,
    /// What the link carries.
    pub code: Opaque,
}

/// An invitation as whoever has its link sees it.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The invitation.
    pub invitation: Invitation,
    /// The organization, by name. `None` for the first administrator.
    pub organization: Option<String>,
    /// What the invited person does next.
    pub next: Next,
}

/// What an invited person does next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Chooses a password: [`Authority::accept_invitation`].
    ChoosePassword,
    /// Signs in, because she has one: [`Authority::join`].
    SignIn,
    /// As the first, and names the first organization, too, because there is none.
    NameOrganization,
}

impl Authority {
    /// Invites somebody to an organization. A later invitation replaces an earlier one. Nothing
    /// tells whether the person is known to the installation.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::NoProfile`].
    pub async fn invite_member(
        &self,
        org: &OrgId,
        new: NewInvitation,
        actor: &Actor,
    ) -> Result<Invited, ManageError> {
        actor.check(UseCase::ChangeMembers, org, ManageError::NoOrganization)?;
        let invited = self.prepare(Some(org), Some(new.sign_in_name), new.role, LINK, actor)?;
        let (invitation, code) = (
            Invitation {
                profiles: new.profiles,
                ..invited.invitation
            },
            invited.code,
        );
        let digest = self.master_key.mark(Mark::Invitation, code.expose());
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::organizations::find(&mut write, org)
                .await?
                .ok_or(ManageError::NoOrganization)?;
            check_profiles(&mut write, org, &invitation.profiles).await?;
            self.save_invitation(&mut write, &invitation, &digest, actor)
                .await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok(Invited { invitation, code })
    }

    /// A link for the first administrator, as long as there is nobody; it replaces the one before.
    /// Whoever uses it administers every organization and runs the installation.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`].
    pub async fn invite_first_administrator(
        &self,
        actor: &Actor,
    ) -> Result<Option<Invited>, ManageError> {
        actor.check_role(UseCase::RunInstallation)?;
        let role = Role::SystemAdministrator;
        let invited = self.prepare(None, None, role, FIRST_LINK, actor)?;
        let digest = self
            .master_key
            .mark(Mark::Invitation, invited.code.expose());
        let is_needed = store::retry(|| async {
            let mut write = self.store.write().await?;
            if is_inhabited(&mut write).await? {
                return Ok(false);
            }
            self.save_invitation(&mut write, &invited.invitation, &digest, actor)
                .await?;
            write.commit().await?;
            Ok::<_, ManageError>(true)
        })
        .await?;
        Ok(is_needed.then_some(invited))
    }

    /// Invitations of an organization that were not used, by id; also those that are over, for a
    /// day.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`], [`ManageError::Forbidden`].
    pub async fn list_invitations(
        &self,
        org: &OrgId,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<Invitation>, ManageError> {
        actor.check(UseCase::ReadMembers, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        Ok(store::invitations::list(&mut read, org, page).await?)
    }

    /// Withdraws an invitation.
    ///
    /// # Errors
    /// [`ManageError::UnknownInvitation`].
    pub async fn withdraw_invitation(
        &self,
        org: &OrgId,
        id: &InvitationId,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        actor.check(UseCase::ChangeMembers, org, ManageError::UnknownInvitation)?;
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            let deleted = store::invitations::delete(&mut write, org, id).await;
            gone(deleted, ManageError::UnknownInvitation)?;
            let event = actor.event(
                now,
                Some(org),
                "invitation.withdrawn",
                id.as_str(),
                &json!({}),
            );
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await
    }

    /// The invitation of a link.
    ///
    /// # Errors
    /// [`ManageError::NoInvitation`].
    pub async fn find_invitation(&self, code: &str) -> Result<Welcome, ManageError> {
        let invitation = self.live_invitation(code).await?;
        self.welcome(invitation).await
    }

    /// The invitation that an identity was shown for.
    ///
    /// # Errors
    /// [`ManageError::OfferOver`], [`ManageError::NoInvitation`].
    pub async fn find_offered_invitation(
        &self,
        id: &InvitationId,
        sealed: &str,
    ) -> Result<(Welcome, String), ManageError> {
        let identity = self.offered(sealed, &for_invitation(id))?;
        let invitation = self.live_invitation_of(id).await?;
        Ok((self.welcome(invitation).await?, identity.shown))
    }

    async fn welcome(&self, invitation: Invitation) -> Result<Welcome, ManageError> {
        let mut read = self.store.read().await?;
        let organization = match &invitation.org_id {
            Some(org) => store::organizations::find(&mut read, org).await?,
            None => None,
        };
        let known = match &invitation.sign_in_name {
            Some(name) => store::people::find_by_name(&mut read, name)
                .await?
                .is_some(),
            None => false,
        };
        let next = match (known, &invitation.org_id) {
            (true, _) => Next::SignIn,
            (false, None) if has_no_organization(&mut read).await? => Next::NameOrganization,
            (false, _) => Next::ChoosePassword,
        };
        Ok(Welcome {
            invitation,
            organization: organization.map(|org| org.name),
            next,
        })
    }

    fn prepare(
        &self,
        org: Option<&OrgId>,
        sign_in_name: Option<SignInName>,
        role: Role,
        life: Duration,
        actor: &Actor,
    ) -> Result<Invited, ManageError> {
        let now = self.clock.now();
        let invitation = Invitation {
            id: InvitationId::from_random(random()?),
            org_id: org.cloned(),
            sign_in_name,
            role,
            profiles: Vec::new(),
            invited_by: actor.name().to_owned(),
            created_at: now,
            expires_at: now.plus(life),
        };
        Ok(Invited {
            invitation,
            code: random_code()?,
        })
    }

    async fn save_invitation(
        &self,
        write: &mut Write,
        invitation: &Invitation,
        digest: &str,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let (org, name) = (invitation.org_id.as_ref(), invitation.sign_in_name.as_ref());
        store::invitations::delete_earlier(write, org, name).await?;
        store::invitations::insert(write, invitation, digest).await?;
        let detail = json!({
            "name": name.map(SignInName::as_str), "role": invitation.role.as_str(),
            "profiles": invitation.profiles, "until": invitation.expires_at.to_string(),
        });
        let id = invitation.id.as_str();
        let event = actor.event(invitation.created_at, org, "member.invited", id, &detail);
        Ok(store::audit::append(write, &event).await?)
    }

    async fn live_invitation(&self, code: &str) -> Result<Invitation, ManageError> {
        let digest = self.master_key.mark(Mark::Invitation, code);
        let mut read = self.store.read().await?;
        let found = store::invitations::find(&mut read, &digest).await?;
        self.live(found)
    }

    /// Of somebody who has shown the code before.
    async fn live_invitation_of(&self, id: &InvitationId) -> Result<Invitation, ManageError> {
        let mut read = self.store.read().await?;
        let found = store::invitations::find_by_id(&mut read, id).await?;
        self.live(found)
    }

    fn live(&self, found: Option<Invitation>) -> Result<Invitation, ManageError> {
        let now = self.clock.now();
        let found = found.filter(|invitation| now < invitation.expires_at);
        found.ok_or(ManageError::NoInvitation)
    }
}

async fn is_inhabited(read: &mut impl store::Reads) -> Result<bool, store::Error> {
    let one = Page {
        after: None,
        limit: 1,
    };
    Ok(!store::people::list(read, &one).await?.is_empty())
}

async fn has_no_organization(read: &mut impl store::Reads) -> Result<bool, store::Error> {
    let one = Page {
        after: None,
        limit: 1,
    };
    Ok(store::organizations::list(read, &one).await?.is_empty())
}
