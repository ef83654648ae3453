//! Who asks, and what that allows.

use std::net::IpAddr;

use countersign_model::access::Least;
use countersign_model::member::ReadOnly;
use countersign_model::{AuditEvent, Credential, Membership, Role, UseCase};
use countersign_wire::{OrgId, PersonId, ProfileId, Timestamp};

use crate::accounts::Account;
use crate::error::ManageError;

/// Who asks for a change, and with which right. Every management use case takes one and asks it
/// about the row that was loaded, never about an id that somebody sent.
#[derive(Clone, Debug)]
pub struct Actor {
    name: String,
    source: Option<IpAddr>,
    rights: Rights,
}

#[derive(Clone, Debug)]
enum Rights {
    /// Everything, everywhere.
    Operator,
    /// What concerns the installation as a whole, and no organization's own things.
    Installation(Option<PersonId>),
    /// What the role allows, in one organization.
    Member(Box<Membership>),
    /// What the scopes of its token allow a technical account.
    Account(Box<Account>),
}

impl Actor {
    /// The operator of the installation, who may do everything: whoever can open the database and
    /// the master key could do it anyway.
    #[must_use]
    pub fn operator(face: &str) -> Self {
        Self::new(format!("operator:{face}"), Rights::Operator)
    }

    /// Nobody: it was time.
    pub(crate) fn schedule() -> Self {
        Self::new("schedule".to_owned(), Rights::Operator)
    }

    /// A member in his organization. `name` as it is written down.
    pub(crate) fn member(name: String, membership: Membership) -> Self {
        Self::new(name, Rights::Member(Box::new(membership)))
    }

    /// A technical account, with what its token is for.
    pub(crate) fn account(account: Account) -> Self {
        let name = format!("credential:{}", account.client_id);
        Self::new(name, Rights::Account(Box::new(account)))
    }

    /// A person who runs the installation, outside of any organization.
    pub(crate) fn installation(name: String, person: PersonId) -> Self {
        Self::new(name, Rights::Installation(Some(person)))
    }

    /// Somebody who is only written down.
    pub(crate) fn witness(name: String) -> Self {
        Self::new(name, Rights::Installation(None))
    }

    fn new(name: String, rights: Rights) -> Self {
        Self {
            name,
            source: None,
            rights,
        }
    }

    /// The same, from the address it came from.
    #[must_use]
    pub fn from(self, source: IpAddr) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    /// As it is written down.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The organization that a member or a technical account acts in.
    #[must_use]
    pub fn organization(&self) -> Option<&OrgId> {
        match &self.rights {
            Rights::Operator | Rights::Installation(_) => None,
            Rights::Member(member) => Some(&member.org_id),
            Rights::Account(account) => Some(&account.org_id),
        }
    }

    /// The person that asks, where it is one.
    #[must_use]
    pub fn person(&self) -> Option<&PersonId> {
        match &self.rights {
            Rights::Operator | Rights::Account(_) => None,
            Rights::Installation(person) => person.as_ref(),
            Rights::Member(membership) => Some(&membership.person_id),
        }
    }

    /// What a member is in the organization.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.membership().map(|membership| membership.role)
    }

    /// Whether this is the operator, who opens every organization.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        matches!(self.rights, Rights::Operator)
    }

    pub(crate) fn membership(&self) -> Option<&Membership> {
        match &self.rights {
            Rights::Member(membership) => Some(membership),
            Rights::Operator | Rights::Installation(_) | Rights::Account(_) => None,
        }
    }

    /// Whether this is a program with an access token of a credential.
    #[must_use]
    pub fn is_account(&self) -> bool {
        matches!(self.rights, Rights::Account(_))
    }

    /// Whether the actor may do something as far as the role goes: for faces that show what can
    /// be done. The use cases ask again.
    #[must_use]
    pub fn may(&self, case: UseCase) -> bool {
        match (&self.rights, case.least()) {
            (Rights::Operator, _) | (Rights::Installation(Some(_)), Least::Operator) => true,
            (Rights::Member(member), Least::Role(least)) => member.role >= least,
            (Rights::Installation(Some(_)), _) => case == UseCase::ReadKeys,
            (Rights::Installation(None), _) => false,
            (Rights::Member(_), Least::Operator) => false,
            (Rights::Account(account), _) => account.may(case),
        }
    }

    /// Lets the actor do something in an organization. What belongs to another organization is
    /// answered by `missing`, as what does not exist (ORG-01).
    pub(crate) fn check(
        &self,
        case: UseCase,
        org: &OrgId,
        missing: ManageError,
    ) -> Result<(), ManageError> {
        match &self.rights {
            Rights::Operator => Ok(()),
            Rights::Member(member) if member.org_id == *org => self.check_role(case),
            Rights::Account(account) if account.org_id == *org => self.check_role(case),
            Rights::Member(_) | Rights::Installation(_) | Rights::Account(_) => Err(missing),
        }
    }

    /// Lets the actor do something that concerns no organization, or any.
    pub(crate) fn check_role(&self, case: UseCase) -> Result<(), ManageError> {
        if self.may(case) {
            return Ok(());
        }
        Err(ManageError::Forbidden {
            case,
            role: self.role(),
        })
    }

    /// Lets the actor see what of a credential is not for everybody; a technical account sees its
    /// own.
    pub(crate) fn check_own(
        &self,
        case: UseCase,
        credential: &Credential,
    ) -> Result<(), ManageError> {
        self.check(case, &credential.org_id, ManageError::NoCredential)?;
        match &self.rights {
            Rights::Account(account) if account.credential_id != credential.id => {
                Err(ManageError::Forbidden { case, role: None })
            }
            _ => Ok(()),
        }
    }

    /// Lets the actor change a credential: by role, by product profiles, and not at all if it is
    /// a product's own. A technical account changes its own.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::ReadOnly`]; [`ManageError::NoCredential`] for one
    /// of another organization.
    pub fn may_change(&self, case: UseCase, credential: &Credential) -> Result<(), ManageError> {
        self.check_own(case, credential)?;
        match self.membership() {
            Some(member) => Ok(member.may_change(credential)?),
            None => Ok(()),
        }
    }

    /// Whether the actor may give a credential those profiles.
    ///
    /// # Errors
    /// [`ReadOnly::Profile`] names the first one that is lacking.
    pub fn may_assign<'p>(
        &self,
        profiles: impl IntoIterator<Item = &'p ProfileId>,
    ) -> Result<(), ReadOnly> {
        match self.membership() {
            Some(member) => member.may_assign(profiles),
            None => Ok(()),
        }
    }

    pub(crate) fn event(
        &self,
        at: Timestamp,
        org: Option<&OrgId>,
        action: &str,
        subject: &str,
        detail: &serde_json::Value,
    ) -> AuditEvent {
        AuditEvent {
            at,
            org_id: org.cloned(),
            project_id: None,
            credential_id: None,
            actor: self.name.clone(),
            source: self.source.map(|source| source.to_canonical().to_string()),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_string(),
        }
    }
}
