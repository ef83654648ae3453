//! Organizations, projects, workspaces.

use serde::{Deserialize, Serialize};

use super::credentials::WorkspaceCredential;
use crate::id::{NumericOrgId, OrgId, PersonId, ProjectId, ServiceCode, WorkspaceId};

/// An organization that the caller may work in.
#[derive(Clone, Debug, Serialize)]
pub struct Organization {
    /// The numeric id, as in paths.
    pub id: NumericOrgId,
    /// `…@AdobeOrg`.
    pub code: OrgId,
    /// For people.
    pub name: String,
    /// Nothing is known here.
    pub description: Option<String>,
    /// `entp`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What the caller is in it.
    pub role: &'static str,
    /// The same in another form.
    pub roles: [OrganizationRole; 1],
}

/// What somebody is in an organization.
#[derive(Clone, Debug, Serialize)]
pub struct OrganizationRole {
    /// `org`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `ADMIN`, `DEVELOPER` or `VIEWER`.
    pub name: &'static str,
}

/// Whom mails about what ends reach.
#[derive(Clone, Debug, Serialize)]
pub struct Recipient {
    /// Of a person here; `null` of another address.
    pub user_id: Option<PersonId>,
    /// Mail address.
    pub email: String,
    /// Empty where no name is known.
    pub firstname: String,
    /// Empty where no name is known.
    pub lastname: String,
    /// `ORG_ADMIN` or `TEAM_MEMBER`.
    pub role: &'static str,
}

/// A project.
#[derive(Clone, Debug, Serialize)]
pub struct Project {
    /// Project id.
    pub id: ProjectId,
    /// The numeric id of its organization.
    pub org_id: NumericOrgId,
    /// Unique in the organization.
    pub name: String,
    /// For people.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// `default` or `jaeger`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether anything of it works.
    pub enabled: bool,
    /// Deleted projects are not shown.
    pub deleted: bool,
    /// RFC 3339.
    pub date_created: String,
    /// The same of the last change, of the project or of what is in it.
    pub date_last_modified: String,
    /// As the activity log names who made it.
    pub who_created: String,
    /// As the activity log names who changed it last.
    pub who_last_modified: String,
    /// What is in it.
    pub metadata: ProjectMetadata,
}

/// What is in a project.
#[derive(Clone, Debug, Serialize)]
pub struct ProjectMetadata {
    /// Its workspaces, by name.
    pub workspaces: Vec<WorkspaceSummary>,
}

/// A workspace in a project.
#[derive(Clone, Debug, Serialize)]
pub struct WorkspaceSummary {
    /// Workspace id.
    pub id: WorkspaceId,
    /// `Production` or what it was called.
    pub name: String,
    /// Its credentials, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<WorkspaceCredential>>,
}

/// A project to be made.
#[derive(Clone, Debug, Deserialize)]
pub struct NewProject {
    /// 1 to 20 letters and digits.
    pub name: String,
    /// For people; the name, if absent.
    #[serde(default)]
    pub title: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// `default` or `jaeger`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// A project that was made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedProject {
    /// Its id.
    pub project_id: ProjectId,
    /// `default` or `jaeger`.
    pub project_type: &'static str,
    /// Its first workspace, `Production`.
    pub workspace_id: WorkspaceId,
}

/// A project to be made together with its workspaces.
#[derive(Clone, Debug, Deserialize)]
pub struct NewProjectWorkspaces {
    /// The project.
    pub project: NewProject,
    /// The workspaces.
    pub workspaces: Vec<NewWorkspace>,
}

/// A project that was made together with its workspaces.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedProjectWorkspaces {
    /// Its id.
    pub project_id: ProjectId,
    /// There are no applications here.
    pub app_id: Option<&'static str>,
    /// `default` or `jaeger`.
    pub project_type: &'static str,
    /// What of App Builder's runtime was made.
    pub runtime: CreatedRuntime,
    /// Its workspaces, `Production` first.
    pub workspaces: Vec<CreatedWorkspaceId>,
}

/// What of App Builder's runtime was made: nothing.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CreatedRuntime {
    /// Whether it was asked for.
    pub error: bool,
    /// Namespaces.
    pub details: [&'static str; 0],
}

/// The id of a workspace that was made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedWorkspaceId {
    /// Its id.
    pub workspace_id: WorkspaceId,
}

/// What to change of a project; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ChangeProject {
    /// For people.
    #[serde(default)]
    pub title: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether anybody is told of what ends in it.
    #[serde(default)]
    pub notifications_enabled: Option<bool>,
}

/// Whether a project can be deleted: yes, if there are no errors.
#[derive(Clone, Debug, Serialize)]
pub struct CanDelete {
    /// What is in the way.
    pub errors: Vec<Hindrance>,
}

/// Something that is in the way of deleting a project.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hindrance {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// Where.
    pub workspace_id: WorkspaceId,
    /// What, as paths of this API.
    pub resource_urls: Vec<String>,
}

/// A workspace to be made.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewWorkspace {
    /// 1 to 20 letters and digits.
    pub name: String,
    /// For people.
    #[serde(default)]
    pub title: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Whether functions shall run in it.
    #[serde(default)]
    pub runtime_enabled: bool,
}

/// What to change of a workspace; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ChangeWorkspace {
    /// 1 to 20 letters and digits.
    #[serde(default)]
    pub name: Option<String>,
    /// For people.
    #[serde(default)]
    pub title: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
}

/// A workspace that was made.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedWorkspace {
    /// Its project.
    pub project_id: ProjectId,
    /// Its id.
    pub workspace_id: WorkspaceId,
}

/// What a program needs to know of a project that is installed elsewhere.
#[derive(Clone, Debug, Serialize)]
pub struct InstallConfig {
    /// Its credentials.
    pub credentials: Vec<InstallCredential>,
}

/// A credential of an [`InstallConfig`].
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallCredential {
    /// Its kind in capitals, such as `OAUTH_SERVER_TO_SERVER`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `ENTP`.
    pub flow_type: String,
    /// What it may call.
    pub apis: Vec<InstallApi>,
}

/// A service of an [`InstallCredential`].
#[derive(Clone, Debug, Serialize)]
pub struct InstallApi {
    /// Its code in the catalogue.
    pub code: ServiceCode,
}

/// A workspace.
#[derive(Clone, Debug, Serialize)]
pub struct Workspace {
    /// Workspace id.
    pub id: WorkspaceId,
    /// `Production` or what it was called.
    pub name: String,
    /// For people; may be empty.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Whether anything of it works.
    pub enabled: bool,
    /// No functions run here.
    pub runtime_enabled: bool,
    /// RFC 3339.
    pub date_created: String,
    /// RFC 3339.
    pub date_last_modified: String,
    /// As the activity log names who made it.
    pub who_created: String,
    /// As the activity log names who changed it last.
    pub who_last_modified: String,
}
