//! Who may do what: the one table of use cases and the least role of each. The use cases ask it,
//! the tests are generated from it, and `docs/people.md` shows it.

use crate::member::Role;

/// What it takes to be allowed to do something.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Least {
    /// At least this role in the organization concerned.
    Role(Role),
    /// To run the installation.
    Operator,
}

impl Least {
    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Role(role) => role.title(),
            Self::Operator => "operator of the installation",
        }
    }
}

/// Makes the enum, the list of all, and the table from one text.
macro_rules! use_cases {
    ($($name:ident $word:literal $least:expr;)+) => {
        /// A management use case, as far as rights go.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum UseCase {
            $(#[doc = concat!("To ", $word, ".")] $name,)+
        }

        impl UseCase {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What it is, so that "you may not .." can stand before it.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// The least that is needed for it.
            #[must_use]
            pub const fn least(self) -> Least {
                match self { $(Self::$name => $least,)+ }
            }
        }
    };
}

const VIEWER: Least = Least::Role(Role::Viewer);
const DEVELOPER: Least = Least::Role(Role::Developer);
const ADMINISTRATOR: Least = Least::Role(Role::SystemAdministrator);

use_cases! {
    ReadOrganization "see the organization" VIEWER;
    ReadProjects "see projects" VIEWER;
    ReadCredentials "see credentials" VIEWER;
    ReadUsage "see how credentials are used" VIEWER;
    ReadProfiles "see product profiles" VIEWER;
    ReadPolicy "see the dates of the deprecation policy" VIEWER;
    ReadKeys "see the signing keys" VIEWER;
    CreateProject "create projects" DEVELOPER;
    ChangeProject "change projects" DEVELOPER;
    DeleteProject "delete projects" DEVELOPER;
    CreateCredential "create credentials" DEVELOPER;
    ChangeCredential "change credentials" DEVELOPER;
    DeleteCredential "delete credentials" DEVELOPER;
    ReadSecrets "see the list of client secrets" DEVELOPER;
    ChangeSecrets "add and delete client secrets" DEVELOPER;
    ChangeCertificates "add and delete certificates" DEVELOPER;
    MakeTokens "generate access tokens by hand" DEVELOPER;
    EndTokens "end access tokens" DEVELOPER;
    Migrate "migrate credentials" DEVELOPER;
    PlanMigration "plan waves of a migration" DEVELOPER;
    ReadMembers "see the members" DEVELOPER;
    ReadActivity "see the activity log" DEVELOPER;
    UseAccessTokens "have personal access tokens" VIEWER;
    AddAdminService "add a service that is reserved for administrators" ADMINISTRATOR;
    ImportCredential "choose ids or origin of a credential" ADMINISTRATOR;
    ChangeOrganization "change the organization" ADMINISTRATOR;
    ChangeProfiles "change product profiles" ADMINISTRATOR;
    ChangeMembers "change members" ADMINISTRATOR;
    ChangeCalendar "make and withdraw the link of the calendar" ADMINISTRATOR;
    ReadNotices "see notices and who cannot be reached" ADMINISTRATOR;
    CreateOrganization "create organizations" Least::Operator;
    ChangePolicy "set the deprecation policy" Least::Operator;
    ExemptCredential "exempt credentials from the dates of the deprecation policy" Least::Operator;
    ChangeKeys "rotate and take out signing keys" Least::Operator;
    PublishServices "see and change published services" Least::Operator;
    RunInstallation "run the installation" Least::Operator;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_only_see_changes_nothing() {
        for case in UseCase::ALL {
            let sees = case.words().starts_with("see") || *case == UseCase::UseAccessTokens;
            let is_viewers = case.least() == VIEWER;
            assert!(!is_viewers || sees, "{}", case.words());
        }
        assert!(VIEWER < DEVELOPER && DEVELOPER < ADMINISTRATOR);
        assert!(ADMINISTRATOR < Least::Operator);
    }

    #[test]
    fn the_documentation_shows_this_table() {
        let shown = include_str!("../../../docs/people.md");
        for case in UseCase::ALL {
            let row = format!("| {} | {} |", case.words(), case.least().title());
            assert!(shown.contains(&row), "docs/people.md lacks: {row}");
        }
    }
}
