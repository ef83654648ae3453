//! People, what they may do, and where. Source: `spec/ims-protocol.md` 6.1, "roles".

use countersign_wire::{AccessTokenId, InvitationId, OrgId, PersonId, ProfileId, Timestamp};

use crate::credential::{Credential, Origin, State};

/// A person: one for the whole installation, a member of any number of organizations.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Person {
    /// Never changes and is never used again.
    pub id: PersonId,
    /// What the person signs in with.
    pub sign_in_name: SignInName,
    /// Shown to people.
    pub name: String,
    /// What the person may do with the installation as a whole.
    pub installation: InstallationRole,
    /// Whether the person can sign in.
    pub state: State,
    /// When the person was made.
    pub created_at: Timestamp,
    /// Counts changes; a writer must know the last one.
    pub revision: i64,
}

/// What somebody may do with the installation as a whole.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum InstallationRole {
    /// Nothing: members work in their organizations.
    #[default]
    None,
    /// Makes organizations, publishes services, rotates keys. Opens no organization that he is
    /// not a member of.
    Operator,
}

impl InstallationRole {
    /// The word for it in the store and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Operator => "operator",
        }
    }

    /// The role of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::None, Self::Operator]
            .into_iter()
            .find(|role| role.as_str() == word)
    }
}

/// A person in an organization.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Membership {
    /// Who.
    pub person_id: PersonId,
    /// Where.
    pub org_id: OrgId,
    /// As what.
    pub role: Role,
    /// Product profiles the person is a developer of; only [`Role::Developer`] needs any.
    pub profiles: Vec<ProfileId>,
    /// Whether it counts.
    pub state: State,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes; a writer must know the last one.
    pub revision: i64,
}

/// What somebody may do in an organization; each role may do what those before it may.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Role {
    /// Sees projects and credentials, no secrets, and changes nothing.
    Viewer,
    /// Makes projects and credentials, and works on those whose product profiles he has.
    Developer,
    /// Everything in the organization: members, profiles, every credential.
    SystemAdministrator,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Developer, Self::SystemAdministrator];

    /// The word for it in the store, in the API and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::SystemAdministrator => "system_administrator",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Developer => "Developer",
            Self::SystemAdministrator => "System Administrator",
        }
    }

    /// The role of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// An invitation to become a member; its code is in no row and in no log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Invitation {
    /// Names it where administrators see it.
    pub id: InvitationId,
    /// To which organization; `None` makes the first administrator of the installation.
    pub org_id: Option<OrgId>,
    /// Whom; `None` is whoever has the link.
    pub sign_in_name: Option<SignInName>,
    /// As what.
    pub role: Role,
    /// Developer of which product profiles.
    pub profiles: Vec<ProfileId>,
    /// By whom, as in the activity log.
    pub invited_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
}

/// A personal access token, without its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessToken {
    /// Names it.
    pub id: AccessTokenId,
    /// Its last four characters.
    pub hint: String,
    /// What it is for, in its owner's words.
    pub name: String,
    /// As whom it acts.
    pub acts: Acts,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be used.
    pub expires_at: Timestamp,
    /// When it was used last, to a minute.
    pub last_used_at: Option<Timestamp>,
}

/// As whom an access token acts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Acts {
    /// As the operator of the installation, in all organizations.
    Operator,
    /// As a member, never with more than the member's own role at the time.
    Member {
        /// Where.
        org: OrgId,
        /// Who.
        person: PersonId,
        /// As what at most.
        role: Role,
    },
}

/// What a person signs in with: a mail address in one spelling, so that a second spelling is
/// neither a second person nor a way around a limit.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SignInName(String);

/// Text that is no sign-in name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "a sign-in name is a mail address of at most 100 letters, digits and marks, as in `ada@example.com`"
)]
pub struct SignInNameError;

impl SignInName {
    /// Reads a name in any case, with blanks around it.
    ///
    /// # Errors
    /// [`SignInNameError`]; the text is not repeated: people paste passwords into the wrong field.
    pub fn parse(text: &str) -> Result<Self, SignInNameError> {
        let name = text.trim().to_ascii_lowercase();
        let parts = name.split_once('@');
        let fits = name.len() <= 100
            && name
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"\"<>\\,;:()[]`".contains(&b))
            && parts
                .is_some_and(|(who, at)| !who.is_empty() && !at.is_empty() && !at.contains('@'));
        fits.then_some(Self(name)).ok_or(SignInNameError)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SignInName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for SignInName {
    type Err = SignInNameError;

    fn from_str(text: &str) -> Result<Self, SignInNameError> {
        Self::parse(text)
    }
}

/// Why a member may not change a credential although the role would allow it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadOnly {
    /// A product made it for itself.
    #[error(
        "this was generated by a product for itself and is read-only for everybody: its product changes it"
    )]
    AutoGenerated,
    /// A profile that the developer lacks.
    #[error(
        "this needs the product profile {0}, which you are not a developer of: ask a System Administrator of the organization for it"
    )]
    Profile(ProfileId),
}

impl Membership {
    /// Whether the member, who may change credentials as such, may change this one.
    ///
    /// # Errors
    /// [`ReadOnly`] with the reason and what to do.
    pub fn may_change(&self, credential: &Credential) -> Result<(), ReadOnly> {
        if credential.origin == Origin::AutoGenerated {
            return Err(ReadOnly::AutoGenerated);
        }
        let profiles = credential.subscriptions.iter().flat_map(|s| &s.profiles);
        self.may_assign(profiles)
    }

    /// Whether the member may give a credential those profiles, or take them away: a developer
    /// those that he is a developer of, a System Administrator all.
    ///
    /// # Errors
    /// [`ReadOnly::Profile`] names the first one that is lacking.
    pub fn may_assign<'p>(
        &self,
        profiles: impl IntoIterator<Item = &'p ProfileId>,
    ) -> Result<(), ReadOnly> {
        if self.role == Role::SystemAdministrator {
            return Ok(());
        }
        match profiles.into_iter().find(|id| !self.profiles.contains(id)) {
            Some(lacking) => Err(ReadOnly::Profile(lacking.clone())),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_name_are_one_name() {
        let name = SignInName::parse(" Ada@Example.COM ").expect("a name");
        assert_eq!(name.as_str(), "ada@example.com");
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a@b@c",
            "a b@c",
            "\u{e4}@b",
            "a<b@c",
        ] {
            assert_eq!(SignInName::parse(text), Err(SignInNameError), "{text}");
        }
        assert!(SignInName::parse(&format!("{}@b", "a".repeat(99))).is_err());
    }

    #[test]
    fn roles_are_ordered_and_found_by_their_words() {
        assert!(Role::Viewer < Role::Developer && Role::Developer < Role::SystemAdministrator);
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Viewer"), None);
    }

    #[test]
    fn a_developer_assigns_only_his_own_profiles() {
        let [own, other] = [1, 2].map(ProfileId::from_number);
        let mut member = Membership {
            person_id: PersonId::from_random([1; 12]),
            org_id: OrgId::from_random([1; 12]),
            role: Role::Developer,
            profiles: vec![own.clone()],
            state: State::Enabled,
            created_at: Timestamp::default(),
            revision: 0,
        };
        assert_eq!(member.may_assign([&own]), Ok(()));
        let refused = member.may_assign([&own, &other]);
        assert_eq!(refused, Err(ReadOnly::Profile(other.clone())));
        member.role = Role::SystemAdministrator;
        assert_eq!(member.may_assign([&own, &other]), Ok(()));
    }
}
