//! Credentials made, alone or with a project of their own.

use countersign_model::project::check_label;
use countersign_model::{
    Credential, Grants, Migration, Origin, Owner, State, Subscription, TechnicalAccount, UseCase,
};
use countersign_store::changes::Topic;
use countersign_store::{self as store, Page, Reads};
use countersign_wire::{
    ClientId, ClientSecret, CredentialId, OrgId, ProjectId, TechnicalAccountEmail,
    TechnicalAccountId, WorkspaceId,
};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::certificates::NewCertificate;
use crate::clock::random;
use crate::error::ManageError;
use crate::organizations::random_number;
use crate::projects::{NewProject, PreparedProject, insert_project};

/// A credential to be made.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// Where.
    pub project_id: ProjectId,
    /// In which workspace; the project's first, if `None`.
    pub workspace_id: Option<WorkspaceId>,
    /// Shown to people.
    pub name: String,
    /// Whom warnings reach.
    pub owner: Owner,
    /// Where it comes from.
    pub origin: Origin,
    /// With which grant it starts.
    pub grant: NewGrant,
    /// Services and product profiles.
    pub subscriptions: Vec<Subscription>,
    /// Its client id, where it has one already: a credential that moves here keeps it.
    pub client_id: Option<ClientId>,
    /// Its technical account's id, where it has one already.
    pub technical_account_id: Option<TechnicalAccountId>,
}

impl NewCredential {
    /// Whether it brings something along that is otherwise made here.
    fn is_import(&self) -> bool {
        self.origin != Origin::Console
            || self.client_id.is_some()
            || self.technical_account_id.is_some()
    }
}

/// The grant a credential starts with.
#[derive(Clone, Debug)]
pub enum NewGrant {
    /// OAuth Server-to-Server.
    OAuth,
    /// Service Account (JWT), with its first certificate.
    Jwt(NewCertificate),
}

/// A credential that was made, and what is shown this once.
#[derive(Debug)]
pub struct Created {
    /// The credential.
    pub credential: Credential,
    /// Whom it acts as.
    pub account: TechnicalAccount,
    /// Its first secret.
    pub secret: ClientSecret,
    /// The private key as PEM, if the pair was generated here.
    pub private_key: Option<countersign_wire::Opaque>,
}

impl Authority {
    /// Makes a credential with a technical account and a first secret.
    ///
    /// # Errors
    /// [`ManageError::Refused`] when the policy does not allow new JWT credentials any more.
    pub async fn create_credential(
        &self,
        new: NewCredential,
        actor: &Actor,
    ) -> Result<Created, ManageError> {
        self.create_in(None, new, actor).await
    }

    /// Makes a project and, in its one workspace, a credential: both or nothing.
    /// `new.project_id` and `new.workspace_id` are not looked at.
    ///
    /// # Errors
    /// As [`create_project`](Self::create_project) and
    /// [`create_credential`](Self::create_credential).
    pub async fn create_project_with_credential(
        &self,
        project: NewProject,
        mut new: NewCredential,
        actor: &Actor,
    ) -> Result<Created, ManageError> {
        let project = self.prepare_project(project, actor)?;
        new.project_id = project.project.id.clone();
        new.workspace_id = Some(project.workspace.id.clone());
        self.create_in(Some(&project), new, actor).await
    }

    async fn create_in(
        &self,
        project: Option<&PreparedProject>,
        new: NewCredential,
        actor: &Actor,
    ) -> Result<Created, ManageError> {
        for text in [&new.name, &new.owner.team, &new.owner.contact] {
            check_label(text)?;
        }
        if new.is_import() {
            actor.check_role(UseCase::ImportCredential)?;
        }
        let now = self.clock.now();
        let (secret, first) = self.make_secret("first secret".to_owned(), None, now)?;
        let prepared = match &new.grant {
            NewGrant::OAuth => None,
            NewGrant::Jwt(certificate) => Some(self.prepare_certificate(certificate, now)?),
        };
        let (credential_id, client_id) = (random_number(9)?, random()?);
        let (account_id, email) = (random()?, random()?);
        let (credential, account) = store::retry(|| async {
            let mut write = self.store.write().await?;
            if let Some(project) = project {
                insert_project(&mut write, project).await?;
            }
            let place = self.find_place(&mut write, &new, actor).await?;
            let account = TechnicalAccount {
                id: new
                    .technical_account_id
                    .clone()
                    .unwrap_or_else(|| TechnicalAccountId::from_random(account_id)),
                email: TechnicalAccountEmail::from_uuid(email),
                org_id: place.org_id.clone(),
                created_at: now,
            };
            let mut credential = Credential {
                id: CredentialId::from_number(credential_id),
                client_id: new
                    .client_id
                    .clone()
                    .unwrap_or_else(|| ClientId::from_random(client_id)),
                org_id: place.org_id,
                project_id: new.project_id.clone(),
                workspace_id: place.workspace_id,
                name: new.name.clone(),
                owner: new.owner.clone(),
                technical_account_id: account.id.clone(),
                origin: new.origin,
                grants: Grants::OAuth,
                exemption: None,
                token_kind: countersign_model::TokenKind::default(),
                jwks: None,
                state: State::Enabled,
                created_at: now,
                revision: 0,
                secrets: vec![first.clone()],
                certificates: Vec::new(),
                subscriptions: new.subscriptions.clone(),
            };
            self.check_subscriptions(&mut write, &credential).await?;
            self.check_assignments(&credential.subscriptions, actor)?;
            if let Some(prepared) = &prepared {
                self.policy_in(&mut write, &credential.org_id)
                    .await?
                    .may_create(new.origin, now)?;
                credential.grants = Grants::Jwt(Migration::NotStarted);
                self.add_prepared(&mut write, &mut credential, &prepared.certificate)
                    .await?;
            }
            store::technical_accounts::insert(&mut write, &account).await?;
            store::credentials::insert(&mut write, &credential).await?;
            let detail = json!({
                "name": credential.name, "type": credential.grants.integration_type(),
                "secret": first.id, "owner": credential.owner.team,
            });
            self.record(
                &mut write,
                &credential,
                "credential.created",
                &detail,
                actor,
                now,
            )
            .await?;
            write.commit().await?;
            Ok::<_, ManageError>((credential, account))
        })
        .await?;
        self.apply(&Topic::Client(credential.client_id.clone()))
            .await;
        let private_key = prepared.and_then(|prepared| prepared.private_key);
        Ok(Created {
            credential,
            account,
            secret,
            private_key,
        })
    }

    async fn find_place(
        &self,
        read: &mut impl Reads,
        new: &NewCredential,
        actor: &Actor,
    ) -> Result<Place, ManageError> {
        let project = store::projects::find(read, &new.project_id).await?;
        let project = project.ok_or(ManageError::NoProject)?;
        actor.check(
            UseCase::CreateCredential,
            &project.org_id,
            ManageError::NoProject,
        )?;
        let workspaces = store::workspaces::list(read, &project.id).await?;
        let wanted = |id: &WorkspaceId| new.workspace_id.as_ref().is_none_or(|wanted| wanted == id);
        let workspace = workspaces.into_iter().find(|w| wanted(&w.id));
        let workspace_id = workspace.ok_or(ManageError::NoWorkspace)?.id;
        let first = Page {
            after: None,
            limit: 500,
        };
        let others =
            store::credentials::list(read, &project.org_id, Some(&project.id), &first).await?;
        if others
            .iter()
            .any(|other| other.workspace_id == workspace_id)
        {
            return Err(ManageError::WorkspaceTaken);
        }
        Ok(Place {
            org_id: project.org_id,
            workspace_id,
        })
    }
}

struct Place {
    org_id: OrgId,
    workspace_id: WorkspaceId,
}
