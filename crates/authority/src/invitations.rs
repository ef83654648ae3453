//! How people come in: links that are used once. Source: `spec/security.md` ORG-15.

use std::time::Duration;

use countersign_model::member::Invitation;
use countersign_model::project::check_label;
use countersign_model::{
    InstallationRole, Membership, Organization, Person, Role, SignInName, State, UseCase, password,
};
use countersign_store::sessions::Stage;
use countersign_store::{self as store, Page, Write};
use countersign_wire::{InvitationId, Opaque, OrgId, PersonId, ProfileId, Timestamp};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::error::ManageError;
use crate::master_key::Mark;
use crate::members::check_profiles;
use crate::oidc::{Identity, for_invitation};
use crate::organizations::NewOrganization;
use crate::sessions::{NewSession, Session, Visitor, gone, random_code, written};

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

/// What a new person says of herself.
#[derive(Debug)]
pub struct Acceptance {
    /// Shown to others.
    pub name: String,
    /// The sign-in name; only the first administrator chooses it.
    pub sign_in_name: Option<SignInName>,
    /// The password.
    pub password: Opaque,
    /// Name of the first organization, where there is none.
    pub organization: Option<String>,
}

/// What a new person says of herself who signs in at a provider.
#[derive(Debug)]
pub struct Newcomer {
    /// Shown to others.
    pub name: String,
    /// The sign-in name; only the first administrator chooses it.
    pub sign_in_name: Option<SignInName>,
    /// Name of the first organization, where there is none.
    pub organization: Option<String>,
}

/// What a new person signs in with.
enum FirstWay {
    /// The slow hash of it.
    Password(String),
    Identity(Identity),
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

    /// Makes the person of an invitation, with a password, and signs her in. The link is used up;
    /// of two who use it at once, one does.
    ///
    /// # Errors
    /// [`ManageError::NoInvitation`]; [`ManageError::Password`]; [`ManageError::Taken`] when there
    /// is a person of that name, who must [`join`](Self::join) instead.
    pub async fn accept_invitation(
        &self,
        code: &str,
        acceptance: Acceptance,
        visitor: &Visitor,
    ) -> Result<NewSession, ManageError> {
        let invitation = self.live_invitation(code).await?;
        let newcomer = Newcomer {
            name: acceptance.name,
            sign_in_name: acceptance.sign_in_name,
            organization: acceptance.organization,
        };
        let name = named(&invitation, &newcomer)?;
        password::check(acceptance.password.expose(), &name)?;
        let way = FirstWay::Password(self.hash_password(acceptance.password).await?);
        self.accept(&invitation, newcomer, &way, visitor).await
    }

    /// Makes the person of an invitation, who signs in with an identity that was
    /// [shown](crate::Arrival::Accept) for it and has no password, and signs her in.
    ///
    /// # Errors
    /// As [`accept_invitation`](Self::accept_invitation); [`ManageError::OfferOver`];
    /// [`ManageError::IdentityTaken`].
    pub async fn accept_with_identity(
        &self,
        id: &InvitationId,
        sealed: &str,
        newcomer: Newcomer,
        visitor: &Visitor,
    ) -> Result<NewSession, ManageError> {
        let identity = self.offered(sealed, &for_invitation(id))?;
        let invitation = self.live_invitation_of(id).await?;
        let way = FirstWay::Identity(identity);
        self.accept(&invitation, newcomer, &way, visitor).await
    }

    async fn accept(
        &self,
        invitation: &Invitation,
        newcomer: Newcomer,
        way: &FirstWay,
        visitor: &Visitor,
    ) -> Result<NewSession, ManageError> {
        let name = named(invitation, &newcomer)?;
        check_label(&newcomer.name)?;
        let organization = newcomer.organization.map(|name| NewOrganization {
            name,
            ..NewOrganization::default()
        });
        let organization = organization.map(|new| self.prepare_organization(new));
        let organization = organization.transpose()?;
        let now = self.clock.now();
        let person = Person {
            id: PersonId::from_random(random()?),
            sign_in_name: name,
            name: newcomer.name,
            installation: match invitation.org_id {
                Some(_) => InstallationRole::None,
                None => InstallationRole::Operator,
            },
            state: State::Enabled,
            created_at: now,
            revision: 0,
        };
        let actor = Actor::witness(written(&person)).from(visitor.source);
        store::retry(|| async {
            let mut write = self.store.write().await?;
            use_up(&mut write, invitation).await?;
            if invitation.org_id.is_none() && is_inhabited(&mut write).await? {
                return Err(ManageError::NoInvitation);
            }
            match way {
                FirstWay::Password(hash) => {
                    store::people::insert(&mut write, &person, Some(hash)).await?;
                }
                FirstWay::Identity(identity) => {
                    store::people::insert(&mut write, &person, None).await?;
                    self.insert_identity(&mut write, &person, identity, &actor)
                        .await?;
                }
            }
            let joined = match &invitation.org_id {
                Some(org) => vec![org.clone()],
                None => {
                    self.all_organizations(&mut write, organization.as_ref(), &actor)
                        .await?
                }
            };
            for org in &joined {
                self.enter(&mut write, &person, org, invitation, &actor)
                    .await?;
            }
            let begun = self
                .begin_session(&mut write, &person, Stage::Whole, visitor)
                .await?;
            write.commit().await?;
            Ok(begun)
        })
        .await
    }

    /// Makes a person who is signed in a member of the organization that she is invited to.
    ///
    /// # Errors
    /// [`ManageError::NoInvitation`], also for an invitation of somebody else.
    pub async fn join(&self, code: &str, session: &Session) -> Result<OrgId, ManageError> {
        let invitation = self.live_invitation(code).await?;
        let person = session.person();
        let org = match (&invitation.org_id, &invitation.sign_in_name) {
            (Some(org), Some(name)) if *name == person.sign_in_name => org.clone(),
            _ => return Err(ManageError::NoInvitation),
        };
        let actor = Actor::witness(written(person)).from(session.source());
        store::retry(|| async {
            let mut write = self.store.write().await?;
            use_up(&mut write, &invitation).await?;
            self.enter(&mut write, person, &org, &invitation, &actor)
                .await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok(org)
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

    /// Where the first administrator is one: everywhere, and in the organization that she names
    /// where there is none yet.
    async fn all_organizations(
        &self,
        write: &mut Write,
        named: Option<&Organization>,
        actor: &Actor,
    ) -> Result<Vec<OrgId>, ManageError> {
        let mut ids = Vec::new();
        let mut page = Page::first();
        loop {
            let some = store::organizations::list(write, &page).await?;
            let is_last = some.len() < Page::MAX as usize;
            page.after = some.last().map(|org| org.id.as_str().to_owned());
            ids.extend(some.into_iter().map(|org| org.id));
            if is_last {
                break;
            }
        }
        if let (true, Some(new)) = (ids.is_empty(), named) {
            self.insert_organization(write, new, actor).await?;
            ids.push(new.id.clone());
        }
        Ok(ids)
    }

    async fn enter(
        &self,
        write: &mut Write,
        person: &Person,
        org: &OrgId,
        invitation: &Invitation,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        let now: Timestamp = self.clock.now();
        let membership = Membership {
            person_id: person.id.clone(),
            org_id: org.clone(),
            role: invitation.role,
            profiles: invitation.profiles.clone(),
            state: State::Enabled,
            created_at: now,
            revision: 0,
        };
        store::members::insert(write, &membership).await?;
        let detail = json!({
            "name": person.sign_in_name.as_str(), "role": invitation.role.as_str(),
            "profiles": invitation.profiles, "invited_by": invitation.invited_by,
        });
        let id = person.id.as_str();
        let event = actor.event(now, Some(org), "member.joined", id, &detail);
        Ok(store::audit::append(write, &event).await?)
    }
}

/// What the person of an invitation signs in as.
fn named(invitation: &Invitation, newcomer: &Newcomer) -> Result<SignInName, ManageError> {
    let invited = invitation.sign_in_name.as_ref();
    let name = invited.or(newcomer.sign_in_name.as_ref());
    Ok(name
        .cloned()
        .ok_or(countersign_model::member::SignInNameError)?)
}

async fn use_up(write: &mut Write, invitation: &Invitation) -> Result<(), ManageError> {
    let used = store::invitations::use_up(write, &invitation.id).await;
    gone(used, ManageError::NoInvitation)
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
