//! Integrations: the name that credentials had before there were projects, and certificates.

use serde::Serialize;

use super::services::LicenseConfig;
use crate::id::{
    CertificateId, ClientId, CredentialId, NumericOrgId, ServiceCode, TechnicalAccountEmail,
    TechnicalAccountId,
};
use crate::scope::Scope;

/// A page of the credentials of an organization.
#[derive(Clone, Debug, Serialize)]
pub struct IntegrationPage {
    /// Which page, from 1.
    pub page: u32,
    /// How many there are.
    pub pages: u64,
    /// Most of a page.
    pub size: u32,
    /// How many credentials there are.
    pub total: u64,
    /// The credentials.
    pub content: Vec<IntegrationSummary>,
}

/// A credential in a list.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationSummary {
    /// Credential id.
    pub id: CredentialId,
    /// Client id, in this spelling.
    pub apikey: ClientId,
    /// For people.
    pub name: String,
    /// The numeric id.
    pub org_id: NumericOrgId,
    /// `entp`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `ENABLED` or `DISABLED`.
    pub status: &'static str,
    /// What it is subscribed to.
    pub sdk_list: Vec<ServiceCode>,
    /// There is no other kind here.
    pub production: bool,
    /// RFC 3339.
    pub created_date: String,
}

/// A credential.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Integration {
    /// What a list has of it.
    #[serde(flatten)]
    pub summary: IntegrationSummary,
    /// Whom it acts as.
    pub technical_account_id: TechnicalAccountId,
    /// Mail address of the technical account.
    pub technical_account_email: TechnicalAccountEmail,
    /// What its project is for.
    pub description: String,
    /// Nothing is known here.
    pub platform: Option<&'static str>,
    /// Whether the caller may not change it.
    pub read_only: bool,
    /// What it is subscribed to, in full.
    pub service_properties: Vec<ServiceProperty>,
}

/// A service that a credential is subscribed to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceProperty {
    /// Which.
    pub sdk_code: ServiceCode,
    /// For people.
    pub name: String,
    /// Services have no roles here: product profiles say what may be done.
    pub roles: [&'static str; 0],
    /// What a token for it may hold.
    pub scopes: Vec<Scope>,
    /// Product profiles it is used through.
    pub license_configs: Vec<LicenseConfig>,
}

/// A service, as one credential can use it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceOfCredential {
    /// Which.
    pub sdk_code: ServiceCode,
    /// For people.
    pub name: String,
    /// No service has parts here.
    pub sdk_list: [&'static str; 0],
    /// The organization's product profiles of it.
    pub license_configs: Vec<SelectedLicense>,
}

/// A product profile, and whether a credential uses it.
#[derive(Clone, Debug, Serialize)]
pub struct SelectedLicense {
    /// The product profile.
    #[serde(flatten)]
    pub license: LicenseConfig,
    /// Whether the credential uses it.
    pub selected: bool,
}

/// A certificate of a credential.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    /// Names the certificate.
    pub binding_id: CertificateId,
    /// The numeric id.
    pub org_id: NumericOrgId,
    /// Whom the credential acts as.
    pub technical_account_id: TechnicalAccountId,
    /// SHA-1, lower-case hexadecimal.
    pub certificate_fingerprint: String,
    /// First instant after its validity: milliseconds since 1970.
    pub not_after: i64,
}
