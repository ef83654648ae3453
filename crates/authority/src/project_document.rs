//! The document of a project that people download: `spec/ims-protocol.md` 6.10.

use countersign_model::{Credential, TechnicalAccount, UseCase};
use countersign_store as store;
use countersign_wire::project_json::{
    Credential as CredentialJson, Details, Jwt, OauthServerToServer, Organization, Project,
    ProjectJson, Runtime, Service, Workspace,
};
use countersign_wire::{ProjectId, WorkspaceId};

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;

impl Authority {
    /// The document of a project with one workspace, the first one if `workspace` is `None`.
    /// Without secrets: they were shown once (`spec/decisions.md`, decision 2).
    ///
    /// # Errors
    /// [`ManageError::NoProject`], [`ManageError::NoWorkspace`]; as the list of secrets,
    /// [`ManageError::Forbidden`] for a role that is too low and [`ManageError::ReadOnly`] for
    /// somebody who lacks a product profile of a credential in it.
    pub async fn download_project(
        &self,
        id: &ProjectId,
        workspace: Option<&WorkspaceId>,
        actor: &Actor,
    ) -> Result<ProjectJson, ManageError> {
        let mut read = self.store.read().await?;
        let found = store::projects::find(&mut read, id).await?;
        let project = found.ok_or(ManageError::NoProject)?;
        actor.check(
            UseCase::ReadSecrets,
            &project.org_id,
            ManageError::NoProject,
        )?;
        let organization = store::organizations::find(&mut read, &project.org_id).await?;
        let organization = organization.ok_or(ManageError::NoOrganization)?;
        let workspaces = store::workspaces::list(&mut read, id).await?;
        let wanted = |id: &WorkspaceId| workspace.is_none_or(|wanted| wanted == id);
        let workspace = workspaces.into_iter().find(|one| wanted(&one.id));
        let workspace = workspace.ok_or(ManageError::NoWorkspace)?;
        let mut all = store::credentials::of_projects(&mut read, std::slice::from_ref(id)).await?;
        all.retain(|credential| credential.workspace_id == workspace.id);
        let (mut credentials, mut services) = (Vec::new(), Vec::new());
        for credential in &all {
            actor.may_change(UseCase::ReadSecrets, credential)?;
            let account = &credential.technical_account_id;
            let account = store::technical_accounts::find(&mut read, account).await?;
            let account = account.ok_or(ManageError::NoCredential)?;
            credentials.push(self.document_of(credential, &account));
            services.extend(self.services_of(credential));
        }
        Ok(ProjectJson {
            project: Project {
                id: project.id,
                name: project.name,
                title: project.title,
                description: project.description,
                org: Organization {
                    id: organization.numeric_id,
                    name: organization.name,
                    ims_org_id: organization.id,
                },
                workspace: Workspace {
                    id: workspace.id,
                    title: match workspace.title.is_empty() {
                        true => workspace.name.clone(),
                        false => workspace.title,
                    },
                    name: workspace.name,
                    description: workspace.description,
                    action_url: String::new(),
                    app_url: String::new(),
                    details: Details {
                        credentials,
                        services,
                        runtime: Runtime::default(),
                    },
                },
            },
        })
    }

    fn document_of(&self, credential: &Credential, account: &TechnicalAccount) -> CredentialJson {
        let metascopes = credential.bound_metascopes(&self.catalogue).cloned();
        let jwt = Jwt {
            client_id: credential.client_id.clone(),
            client_secret: None,
            technical_account_email: Some(account.email.clone()),
            technical_account_id: account.id.clone(),
            meta_scopes: metascopes.collect(),
        };
        let scopes = credential.granted_scopes(&self.catalogue);
        let oauth = OauthServerToServer {
            client_id: credential.client_id.clone(),
            client_secrets: Vec::new(),
            technical_account_email: Some(account.email.clone()),
            technical_account_id: Some(account.id.clone()),
            scopes: scopes.iter().cloned().collect(),
        };
        let grants = credential.grants;
        CredentialJson {
            id: credential.id.clone(),
            name: credential.name.clone(),
            integration_type: grants.integration_type().to_owned(),
            jwt: grants.has_jwt_half().then_some(jwt),
            oauth_server_to_server: grants.has_oauth_half().then_some(oauth),
        }
    }

    fn services_of(&self, credential: &Credential) -> impl Iterator<Item = Service> {
        let codes = credential.subscriptions.iter();
        codes
            .map(|one| Service {
                code: one.service.clone(),
                name: self
                    .catalogue
                    .find(&one.service)
                    .map_or_else(|| one.service.to_string(), |service| service.name.clone()),
            })
            .collect::<Vec<_>>()
            .into_iter()
    }
}
