//! Shapes of the two APIs of the original's console: secrets (I/O Management) and Transporter.
//! Source: `spec/ims-protocol.md` 6.8 and 6.9.
//!
//! Ids are text everywhere, the decimal ones, too. What is read is read kindly: members that are
//! not known are passed over, because programs send more than the description has.

mod credentials;
mod integrations;
mod projects;
mod secrets;
mod services;

pub use credentials::{
    ChangeCredential, ClientCredential, CreatedCredential, CreatedInWorkspace, CredentialSummary,
    FLOW_TYPE, MigrationStatus, NewCredential, OAuthBinding, Place, WorkspaceCredential,
};
pub use integrations::{
    Binding, Integration, IntegrationPage, IntegrationSummary, SelectedLicense,
    ServiceOfCredential, ServiceProperty,
};
pub use projects::{
    CanDelete, ChangeProject, ChangeWorkspace, CreatedProject, CreatedProjectWorkspaces,
    CreatedRuntime, CreatedWorkspace, CreatedWorkspaceId, Hindrance, InstallApi, InstallConfig,
    InstallCredential, NewProject, NewProjectWorkspaces, NewWorkspace, Organization,
    OrganizationRole, Project, ProjectMetadata, Recipient, Workspace, WorkspaceSummary,
};
pub use secrets::{CreatedSecret, PERMANENT, SecretList, SecretRecord, SecretUsage};
pub use services::{
    DisabledReason, LicenseConfig, LicenseRequest, Service, ServiceProperties, ServiceRequest,
    ServicesOfOrganization, SubscriptionResult,
};

use serde::Serialize;

/// The API key of Adobe's command line: it is no credential's, and comes with any token.
pub const CLI_API_KEY: &str = "aio-cli-console-auth";

/// A refusal of the Transporter API other than 401 and 403, which have the gateway's form.
#[derive(Clone, Debug, Serialize)]
pub struct ApiError<'a> {
    /// The HTTP status.
    pub code: u16,
    /// For people.
    pub message: &'a str,
}
