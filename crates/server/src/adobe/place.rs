//! Ids of paths, and things that are where the path says.

use countersign_authority::{Actor, ManageError};
use countersign_model::{Credential, Organization, Project, TechnicalAccount};
use countersign_wire::{
    CertificateId, ClientId, CredentialId, ProjectId, SecretId, ServiceCode, WorkspaceId,
};
use serde::Deserialize;

use super::error::Failure;
use super::guard::In;
use crate::app::App;

#[derive(Deserialize)]
pub(super) struct InProject {
    pub(super) project: ProjectId,
}

#[derive(Deserialize)]
pub(super) struct InWorkspace {
    pub(super) project: ProjectId,
    pub(super) workspace: WorkspaceId,
}

#[derive(Deserialize)]
pub(super) struct OfWorkspace {
    pub(super) workspace: WorkspaceId,
}

#[derive(Deserialize)]
pub(super) struct CredentialInWorkspace {
    pub(super) project: ProjectId,
    pub(super) workspace: WorkspaceId,
    pub(super) credential: CredentialId,
}

#[derive(Deserialize)]
pub(super) struct OfCredential {
    pub(super) credential: CredentialId,
}

#[derive(Deserialize)]
pub(super) struct OfSecret {
    pub(super) credential: CredentialId,
    pub(super) secret: SecretId,
}

#[derive(Deserialize)]
pub(super) struct OfCertificate {
    pub(super) credential: CredentialId,
    pub(super) certificate: CertificateId,
}

#[derive(Deserialize)]
pub(super) struct ServiceOfCredential {
    pub(super) credential: CredentialId,
    pub(super) service: ServiceCode,
}

#[derive(Deserialize)]
pub(super) struct OfClient {
    pub(super) client: ClientId,
}

/// The project of an organization; by id only.
pub(super) async fn project(
    app: &App,
    org: &Organization,
    id: &ProjectId,
    by: &Actor,
) -> Result<Project, Failure> {
    let found = app.authority.find_project(&org.id, id.as_str(), by).await?;
    match found.id == *id {
        true => Ok(found),
        false => Err(ManageError::NoProject.into()),
    }
}

/// The credential of an organization, with its technical account; by id only.
pub(super) async fn credential(
    app: &App,
    at: &In,
    id: &CredentialId,
) -> Result<(Credential, TechnicalAccount), Failure> {
    let (found, account) = app.authority.find_credential(id.as_str(), &at.by).await?;
    match found.id == *id && found.org_id == at.org.id {
        true => Ok((found, account)),
        false => Err(ManageError::NoCredential.into()),
    }
}

/// The same, in a workspace of a project.
pub(super) async fn credential_in(
    app: &App,
    at: &In,
    ids: &CredentialInWorkspace,
) -> Result<Credential, Failure> {
    let (found, _) = credential(app, at, &ids.credential).await?;
    match found.project_id == ids.project && found.workspace_id == ids.workspace {
        true => Ok(found),
        false => Err(ManageError::NoCredential.into()),
    }
}

/// The credential of a client id.
pub(super) async fn of_client(app: &App, id: &ClientId, by: &Actor) -> Result<Credential, Failure> {
    let (found, _) = app.authority.find_credential(id.as_str(), by).await?;
    match found.client_id == *id {
        true => Ok(found),
        false => Err(ManageError::NoCredential.into()),
    }
}
