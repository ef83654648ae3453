//! The project document of the Developer Console ("Download JSON"). Source:
//! `spec/ims-protocol.md` 6.10.
//!
//! Reading passes over members that are not known (runtime namespaces, credentials of other
//! kinds); private keys are never in the document.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::id::{
    ClientId, CredentialId, NumericOrgId, OrgId, ProjectId, ServiceCode, TechnicalAccountEmail,
    TechnicalAccountId, WorkspaceId,
};
use crate::scope::{Metascope, Scope};
use crate::secret::ClientSecret;

/// The document. `S` is what secrets are held as: with the default it can be read and not
/// serialized; [`to_json_with_secrets`](Self::to_json_with_secrets) is the one way out.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ProjectJson<S = ClientSecret> {
    /// The one project in it.
    pub project: Project<S>,
}

/// A project with the one workspace that was downloaded.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Project<S = ClientSecret> {
    /// Project id.
    pub id: ProjectId,
    /// Name as used in paths.
    pub name: String,
    /// Name for people.
    #[serde(default)]
    pub title: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Who owns it.
    pub org: Organization,
    /// The workspace that was downloaded.
    pub workspace: Workspace<S>,
}

/// The organization of a project.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Organization {
    /// The numeric id.
    pub id: NumericOrgId,
    /// Name for people.
    #[serde(default)]
    pub name: String,
    /// `…@AdobeOrg`.
    pub ims_org_id: OrgId,
}

/// A workspace and what is in it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Workspace<S = ClientSecret> {
    /// Workspace id.
    pub id: WorkspaceId,
    /// `Production`, `Stage` or what it was called.
    pub name: String,
    /// Name for people.
    #[serde(default)]
    pub title: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Where its actions would run; empty here.
    #[serde(default)]
    pub action_url: String,
    /// Where its pages would be; empty here.
    #[serde(default)]
    pub app_url: String,
    /// Credentials and services.
    pub details: Details<S>,
}

/// Credentials and services of a workspace.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Details<S = ClientSecret> {
    /// Credentials of every kind; of those that are no server-to-server ones only the frame.
    #[serde(default = "Vec::new")]
    pub credentials: Vec<Credential<S>>,
    /// Services that were added.
    #[serde(default)]
    pub services: Vec<Service>,
    /// Where functions would run.
    #[serde(default)]
    pub runtime: Runtime,
}

/// Function namespaces of a workspace. There are none here, and importers look for the member.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Runtime {
    /// Always empty; those of other documents are passed over.
    #[serde(default, skip_deserializing)]
    pub namespaces: [(); 0],
}

/// One credential. During migration it has both halves.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Credential<S = ClientSecret> {
    /// Credential id.
    pub id: CredentialId,
    /// Name for people.
    pub name: String,
    /// `service`, `oauth_server_to_server`, `oauth_server_to_server_migrate`, or another kind.
    pub integration_type: String,
    /// The JWT half.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub jwt: Option<Jwt<S>>,
    /// The OAuth half.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub oauth_server_to_server: Option<OauthServerToServer<S>>,
}

/// The Service Account (JWT) half.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Jwt<S = ClientSecret> {
    /// The client id.
    pub client_id: ClientId,
    /// One secret: singular, unlike the other half. Absent where it is not shown again.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<S>,
    /// Mail address of the technical account.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub technical_account_email: Option<TechnicalAccountEmail>,
    /// `sub` of the assertion.
    pub technical_account_id: TechnicalAccountId,
    /// What to ask for.
    #[serde(default)]
    pub meta_scopes: Vec<Metascope>,
}

/// The OAuth Server-to-Server half.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct OauthServerToServer<S = ClientSecret> {
    /// The client id.
    pub client_id: ClientId,
    /// All secrets, any of which works. Empty where they are not shown again.
    #[serde(default = "Vec::new")]
    pub client_secrets: Vec<S>,
    /// Mail address of the technical account.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub technical_account_email: Option<TechnicalAccountEmail>,
    /// The technical account.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub technical_account_id: Option<TechnicalAccountId>,
    /// What to ask for.
    #[serde(default)]
    pub scopes: Vec<Scope>,
}

/// A service of the catalogue.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Service {
    /// `sdkCode`.
    pub code: ServiceCode,
    /// Name for people.
    pub name: String,
}

impl ProjectJson {
    /// Reads the document.
    ///
    /// # Errors
    /// What is wrong and where. The text of values is not repeated.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The document as it is to be written, secrets included. Whoever calls this answers for where
    /// it goes.
    #[must_use]
    pub fn to_json_with_secrets(&self) -> Zeroizing<String> {
        Zeroizing::new(serde_json::to_string(&self.exposed()).unwrap_or_default())
    }

    fn exposed(&self) -> ProjectJson<&str> {
        let Project {
            id,
            name,
            title,
            description,
            org,
            workspace,
        } = &self.project;
        ProjectJson {
            project: Project {
                id: id.clone(),
                name: name.clone(),
                title: title.clone(),
                description: description.clone(),
                org: org.clone(),
                workspace: workspace.exposed(),
            },
        }
    }
}

impl Workspace {
    fn exposed(&self) -> Workspace<&str> {
        let credentials = self.details.credentials.iter().map(Credential::exposed);
        Workspace {
            id: self.id.clone(),
            name: self.name.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            action_url: self.action_url.clone(),
            app_url: self.app_url.clone(),
            details: Details {
                credentials: credentials.collect(),
                services: self.details.services.clone(),
                runtime: Runtime::default(),
            },
        }
    }
}

impl Credential {
    fn exposed(&self) -> Credential<&str> {
        Credential {
            id: self.id.clone(),
            name: self.name.clone(),
            integration_type: self.integration_type.clone(),
            jwt: self.jwt.as_ref().map(|half| Jwt {
                client_id: half.client_id.clone(),
                client_secret: half.client_secret.as_ref().map(ClientSecret::expose),
                technical_account_email: half.technical_account_email.clone(),
                technical_account_id: half.technical_account_id.clone(),
                meta_scopes: half.meta_scopes.clone(),
            }),
            oauth_server_to_server: self.oauth_server_to_server.as_ref().map(|half| {
                OauthServerToServer {
                    client_id: half.client_id.clone(),
                    client_secrets: half
                        .client_secrets
                        .iter()
                        .map(ClientSecret::expose)
                        .collect(),
                    technical_account_email: half.technical_account_email.clone(),
                    technical_account_id: half.technical_account_id.clone(),
                    scopes: half.scopes.clone(),
                }
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = concat!(
        r#"{"project":{"id":"4566206088344958295","name":"p","title":"P","description":"","#,
        r#""org":{"id":"23294","name":"Org","ims_org_id":"0A1B2C3D4E5F60718293A4B5@AdobeOrg"},"#,
        r#""workspace":{"id":"4566206088344958296","name":"Production","title":"","description":"","#,
        r#""action_url":"","app_url":"","details":{"credentials":[{"id":"436084","name":"both","#,
        r#""integration_type":"oauth_server_to_server_migrate","#,
        r#""jwt":{"client_id":"0123456789abcdef0123456789abcdef","client_secret":"s3cret-one","#,
        r#""technical_account_id":"1122334455667788990A0B0C@techacct.adobe.com","#,
        r#""meta_scopes":["ent_cloudmgr_sdk"]},"#,
        r#""oauth_server_to_server":{"client_id":"0123456789abcdef0123456789abcdef","#,
        r#""client_secrets":["s3cret-one","s3cret-two"],"scopes":["openid","AdobeID"]}}],"#,
        r#""services":[{"code":"AdobeIOManagementAPISDK","name":"I/O Management API"}],"#,
        r#""runtime":{"namespaces":[]}}}}}"#
    );

    #[test]
    fn read_and_write_agree() {
        let document = ProjectJson::from_json(DOCUMENT).expect("reads");
        assert_eq!(document.to_json_with_secrets().as_str(), DOCUMENT);
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", ProjectJson::from_json(DOCUMENT).expect("reads"));
        assert!(!shown.contains("s3cret"));
    }

    #[test]
    fn other_kinds_of_credentials_are_passed_over() {
        let document = DOCUMENT.replace(r#""jwt":{"#, r#""oauth2":{"#).replace(
            r#""oauth_server_to_server":{"#,
            r#""runtime":{"namespaces":[{"auth":"x"}]},"api_key":{"#,
        );
        let document = ProjectJson::from_json(&document).expect("reads");
        let credential = &document.project.workspace.details.credentials[0];
        assert!(credential.jwt.is_none() && credential.oauth_server_to_server.is_none());
    }
}
