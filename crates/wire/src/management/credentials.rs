//! Credentials.

use serde::{Deserialize, Serialize};

use super::services::{ServiceRequest, SubscriptionResult};
use crate::id::{
    ClientId, CredentialId, NumericOrgId, OrgId, ProjectId, ServiceCode, TechnicalAccountId,
    WorkspaceId,
};

/// `flow_type` of server-to-server credentials.
pub const FLOW_TYPE: &str = "entp";

/// A credential of a workspace. The description calls `integration_type` otherwise than the
/// original sends it: both are there.
#[derive(Clone, Debug, Serialize)]
pub struct WorkspaceCredential {
    /// Where.
    pub id_workspace: WorkspaceId,
    /// Credential id.
    pub id_integration: CredentialId,
    /// [`FLOW_TYPE`].
    pub flow_type: &'static str,
    /// `service`, `oauth_server_to_server` or `oauth_server_to_server_migrate`.
    pub integration_type: &'static str,
    /// The same.
    pub credential_type: &'static str,
}

/// An OAuth Server-to-Server credential to be made.
#[derive(Clone, Debug, Deserialize)]
pub struct NewCredential {
    /// For people.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// What to subscribe to.
    #[serde(default)]
    pub services: Option<Vec<ServiceRequest>>,
}

/// A credential that was made in a workspace.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedInWorkspace {
    /// Credential id.
    pub id: CredentialId,
    /// Client id.
    pub api_key: ClientId,
    /// The numeric id.
    pub org_id: NumericOrgId,
}

/// A credential that was made with a project of its own.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedCredential {
    /// Credential id.
    pub id: CredentialId,
    /// Client id.
    pub api_key: ClientId,
    /// The numeric id.
    pub org_id: NumericOrgId,
    /// Whom it acts as.
    pub technical_account_id: TechnicalAccountId,
    /// The project that was made for it.
    pub project_id: ProjectId,
    /// The project's workspace.
    pub workspace_id: WorkspaceId,
    /// What it is subscribed to.
    pub subscription_result: SubscriptionResult,
}

/// What to change of a credential.
#[derive(Clone, Debug, Deserialize)]
pub struct ChangeCredential {
    /// For people.
    pub name: String,
}

/// A credential that was changed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialSummary {
    /// Credential id.
    pub id: CredentialId,
    /// Client id, in this spelling.
    pub apikey: ClientId,
    /// The numeric id.
    pub org_id: NumericOrgId,
    /// For people.
    pub name: String,
    /// What its project is for.
    pub description: String,
    /// `ENABLED` or `DISABLED`.
    pub status: &'static str,
    /// [`FLOW_TYPE`].
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// RFC 3339.
    pub created_date: String,
}

/// Where a credential or a workspace is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Its project.
    pub project_id: ProjectId,
    /// Its workspace.
    pub workspace_id: WorkspaceId,
    /// The credential that was asked for by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_id: Option<CredentialId>,
    /// The credential that was asked for by its client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration_id: Option<CredentialId>,
}

/// The credential of a client id, wherever the caller may look.
#[derive(Clone, Debug, Serialize)]
pub struct ClientCredential {
    /// The numeric id.
    pub org_id: NumericOrgId,
    /// `…@AdobeOrg`.
    pub org_code: OrgId,
    /// Its project.
    pub project_id: ProjectId,
    /// Its workspace.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub credential_id: CredentialId,
    /// As it was asked for.
    pub client_id: ClientId,
    /// [`FLOW_TYPE`].
    pub flow_type: &'static str,
    /// As `integration_type` of [`WorkspaceCredential`].
    pub credential_type: &'static str,
    /// What it is subscribed to.
    pub services: Vec<ServiceCode>,
}

/// The OAuth half of a credential that migrates.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OAuthBinding {
    /// `…@AdobeOrg`.
    pub organization_id: OrgId,
    /// Client id.
    pub client_id: ClientId,
    /// Scopes with commas between them.
    pub allowed_scopes: String,
    /// Whom it acts as.
    pub service_principal_id: TechnicalAccountId,
    /// RFC 3339.
    pub created_at: String,
}

/// Where a migration stands.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationStatus {
    /// `NONE`, `NOT_STARTED`, `STARTED` or `COMPLETED`.
    pub migration_status: &'static str,
}
