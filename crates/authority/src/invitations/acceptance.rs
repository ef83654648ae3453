//! Invitations are accepted: with a password, with an identity at a provider, by somebody who is here
//! already.

use countersign_model::member::Invitation;
use countersign_model::project::check_label;
use countersign_model::{
    InstallationRole, Membership, Organization, Person, SignInName, State, password,
};
use countersign_store::sessions::Stage;
use countersign_store::{self as store, Page, Write};
use countersign_wire::{InvitationId, Opaque, OrgId, PersonId, Timestamp};
use serde_json::json;

use super::is_inhabited;
use crate::Authority;
use crate::actor::Actor;
use crate::clock::random;
use crate::error::ManageError;
use crate::oidc::{Identity, for_invitation};
use crate::organizations::NewOrganization;
use crate::sessions::{NewSession, Session, Visitor, gone, written};

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
