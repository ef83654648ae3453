//! Projects and their workspaces. Source: `spec/ims-protocol.md` 6.1.

use countersign_wire::{OrgId, ProjectId, Timestamp, WorkspaceId};

use crate::credential::State;

/// A project of an organization.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Project {
    /// Nineteen or fewer decimal digits.
    pub id: ProjectId,
    /// Its owner.
    pub org_id: OrgId,
    /// Unique in the organization; see [`check_name`].
    pub name: String,
    /// Shown to people; see [`check_title`].
    pub title: String,
    /// At most 1000 characters.
    pub description: String,
    /// How many workspaces it may have.
    pub kind: ProjectKind,
    /// Whether anything of it works.
    pub state: State,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom, as in the activity log; empty where nobody wrote it down.
    pub created_by: String,
    /// When it, or a credential in it, was changed last.
    pub changed_at: Timestamp,
    /// By whom, as in the activity log; empty where nobody wrote it down.
    pub changed_by: String,
    /// The first instant of the day (UTC) of its last service activity: a token or a call.
    pub active_at: Option<Timestamp>,
    /// Counts changes; a writer must know the last one.
    pub revision: i64,
}

/// A place inside of a project for one server-to-server credential.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Workspace {
    /// Decimal digits.
    pub id: WorkspaceId,
    /// Its project.
    pub project_id: ProjectId,
    /// `Production` for the only one of a `default` project.
    pub name: String,
    /// Shown to people; the name is, where it is empty.
    pub title: String,
    /// At most 1000 characters.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom, as in the activity log.
    pub created_by: String,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// By whom, as in the activity log.
    pub changed_by: String,
}

impl Workspace {
    /// Whether it is the one that every project has.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.name == PRODUCTION
    }
}

/// Most workspaces of a project.
pub const MAX_WORKSPACES: usize = 50;

/// Why a workspace is not made, changed or deleted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WorkspaceError {
    /// Of a second one. The words are the original's.
    #[error(
        "Only one workspace allowed for project type default: projects of type jaeger have several"
    )]
    OneOnly,
    /// Of one more than [`MAX_WORKSPACES`].
    #[error("the project already has {MAX_WORKSPACES} workspaces: delete one of them first")]
    Limit,
    /// Of the one that every project starts with.
    #[error(
        "every project keeps its workspace `Production` under that name: delete the project, if nothing in it is needed any more"
    )]
    Production,
    /// It holds a credential.
    #[error("the workspace still has a credential: delete that first, then the workspace")]
    InUse,
}

/// The kinds of project.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ProjectKind {
    /// Exactly one workspace, `Production`.
    #[default]
    Default,
    /// App Builder: several workspaces.
    Jaeger,
}

impl ProjectKind {
    /// The word of the Transporter API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Jaeger => "jaeger",
        }
    }

    /// Whether a project of this kind that has `count` workspaces can have one more.
    ///
    /// # Errors
    /// [`WorkspaceError::OneOnly`], [`WorkspaceError::Limit`].
    pub const fn may_add_workspace(self, count: usize) -> Result<(), WorkspaceError> {
        match self {
            Self::Default if count >= 1 => Err(WorkspaceError::OneOnly),
            Self::Jaeger if count >= MAX_WORKSPACES => Err(WorkspaceError::Limit),
            Self::Default | Self::Jaeger => Ok(()),
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Default, Self::Jaeger]
            .into_iter()
            .find(|k| k.as_str() == word)
    }
}

/// The name of the workspace that every project starts with.
pub const PRODUCTION: &str = "Production";

/// A name or title that is refused, with what it should look like.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// Of a project or workspace name.
    #[error("a name has 1 to 20 letters and digits, no spaces")]
    Name,
    /// Of a title.
    #[error("a title has 1 to 45 letters, digits and spaces, and not only spaces")]
    Title,
    /// Of a description.
    #[error("a description has at most 1000 characters, none of them a control character")]
    Description,
    /// Of a label, a credential's name, a team or a contact.
    #[error("a label has 1 to 100 characters, none of them a control character")]
    Label,
}

/// Whether `text` can be the name of a project or workspace:
/// `^[A-Za-z0-9\u00C0-\u00D6\u00D8-\u00f6\u00f8-\u00ff]{1,20}$`.
///
/// # Errors
/// [`NameError::Name`].
pub fn check_name(text: &str) -> Result<(), NameError> {
    let fits = (1..=20).contains(&text.chars().count()) && text.chars().all(is_latin_alphanumeric);
    if fits { Ok(()) } else { Err(NameError::Name) }
}

/// Whether `text` can be a title.
///
/// # Errors
/// [`NameError::Title`].
pub fn check_title(text: &str) -> Result<(), NameError> {
    let fits = (1..=45).contains(&text.chars().count())
        && text.chars().all(|c| c.is_alphanumeric() || c == ' ')
        && text.chars().any(|c| c != ' ');
    if fits { Ok(()) } else { Err(NameError::Title) }
}

/// Whether `text` can be a description.
///
/// # Errors
/// [`NameError::Description`].
pub fn check_description(text: &str) -> Result<(), NameError> {
    let fits = text.chars().count() <= 1000 && !text.chars().any(|c| c.is_control() && c != '\n');
    if fits {
        Ok(())
    } else {
        Err(NameError::Description)
    }
}

/// Whether `text` can be a label: of a secret, a credential, an organization, a team, a contact.
///
/// # Errors
/// [`NameError::Label`].
pub fn check_label(text: &str) -> Result<(), NameError> {
    let fits = (1..=100).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
        && !text.trim().is_empty();
    if fits { Ok(()) } else { Err(NameError::Label) }
}

fn is_latin_alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_original() {
        assert!(check_name("Demo1").is_ok() && check_name("Über").is_ok());
        for name in ["", "with space", "a-b", &"x".repeat(21), "\u{d7}"] {
            assert_eq!(check_name(name), Err(NameError::Name), "{name:?}");
        }
        assert!(check_title("My first project").is_ok());
        assert_eq!(check_title("   "), Err(NameError::Title));
        assert_eq!(check_label("a\nb"), Err(NameError::Label));
    }

    #[test]
    fn only_projects_of_app_builder_have_several_workspaces() {
        assert!(ProjectKind::Default.may_add_workspace(0).is_ok());
        let second = ProjectKind::Default.may_add_workspace(1);
        assert_eq!(second, Err(WorkspaceError::OneOnly));
        assert!(
            ProjectKind::Jaeger
                .may_add_workspace(MAX_WORKSPACES - 1)
                .is_ok()
        );
        let beyond = ProjectKind::Jaeger.may_add_workspace(MAX_WORKSPACES);
        assert_eq!(beyond, Err(WorkspaceError::Limit));
    }
}
