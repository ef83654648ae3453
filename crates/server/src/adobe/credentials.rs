//! Credentials: those of a workspace, and those that bring a project of their own.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{
    Created, CredentialChange, ManageError, NewCertificate, NewCredential, NewGrant, NewProject,
    Page,
};
use countersign_model::{Origin, Owner, ProjectKind, Subscription};
use countersign_wire::management as wire;
use countersign_wire::{ProjectId, WorkspaceId};
use uuid::Uuid;

use super::certificate::CertificateForm;
use super::error::Failure;
use super::guard::{By, In};
use super::place::{self, CredentialInWorkspace, InWorkspace, OfClient, OfCredential};
use super::request::{Body, Ids};
use super::{reply, services, view};
use crate::app::App;

/// `GET …/workspaces/{wid}/credentials`
pub(super) async fn list(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InWorkspace>,
) -> Result<Response, Failure> {
    in_workspace(&app, &at, &ids).await?;
    let found = app
        .authority
        .list_credentials(&at.org.id, Some(&ids.project), &Page::first(), &at.by)
        .await?;
    let found = found.iter().filter(|one| one.workspace_id == ids.workspace);
    let views: Vec<_> = found.map(view::in_workspace).collect();
    Ok(reply::item(&views))
}

/// `POST …/workspaces/{wid}/credentials/oauth-server-to-server`
pub(super) async fn create(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InWorkspace>,
    Body(body): Body<wire::NewCredential>,
) -> Result<Response, Failure> {
    in_workspace(&app, &at, &ids).await?;
    let subscriptions = services::subscriptions(body.services.unwrap_or_default())?;
    let draft = Draft {
        name: body.name,
        grant: NewGrant::OAuth,
        subscriptions,
    };
    let new = draft.at(&at, ids.project, Some(ids.workspace));
    let made = app.authority.create_credential(new, &at.by).await?;
    Ok(reply::item(&created(&made, &at)))
}

/// `POST …/workspaces/{wid}/credentials/entp`
pub(super) async fn create_jwt(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<InWorkspace>,
    form: CertificateForm,
) -> Result<Response, Failure> {
    in_workspace(&app, &at, &ids).await?;
    let draft = Draft {
        name: form.name()?,
        grant: NewGrant::Jwt(NewCertificate::Upload(form.certificate)),
        subscriptions: Vec::new(),
    };
    let new = draft.at(&at, ids.project, Some(ids.workspace));
    let made = app.authority.create_credential(new, &at.by).await?;
    // The description has a list here, and an object of the same members for the other kind.
    Ok(reply::item(&[created(&made, &at)]))
}

/// `POST …/credentials/oauth-server-to-server`
pub(super) async fn create_with_project(
    State(app): State<App>,
    at: In,
    Body(body): Body<wire::NewCredential>,
) -> Result<Response, Failure> {
    let subscriptions = services::subscriptions(body.services.unwrap_or_default())?;
    let draft = Draft {
        name: body.name,
        grant: NewGrant::OAuth,
        subscriptions,
    };
    let made = with_project(&app, &at, draft, body.description.unwrap_or_default()).await?;
    let credential = &made.credential;
    let location = format!(
        "/console/organizations/{}/integrations/{}",
        at.org.numeric_id, credential.id
    );
    let view = wire::CreatedCredential {
        id: credential.id.clone(),
        api_key: credential.client_id.clone(),
        org_id: at.org.numeric_id.clone(),
        technical_account_id: made.account.id.clone(),
        project_id: credential.project_id.clone(),
        workspace_id: credential.workspace_id.clone(),
        subscription_result: view::subscribed(credential),
    };
    Ok(reply::created(&view, &location))
}

/// `PUT …/credentials/oauth-server-to-server/{cid}`
pub(super) async fn change(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
    Body(body): Body<wire::ChangeCredential>,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &at, &ids.credential).await?;
    let change = CredentialChange {
        name: Some(body.name),
        ..CredentialChange::default()
    };
    let changed = app
        .authority
        .change_credential(&ids.credential, change, &at.by)
        .await?;
    let project = place::project(&app, &at.org, &found.project_id, &at.by).await?;
    Ok(reply::item(&view::changed(&changed, &project, &at.org)))
}

/// `DELETE …/workspaces/{wid}/credentials/{cid}`
pub(super) async fn delete(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<CredentialInWorkspace>,
) -> Result<Response, Failure> {
    place::credential_in(&app, &at, &ids).await?;
    app.authority
        .delete_credential(&ids.credential, &at.by)
        .await?;
    Ok(reply::done())
}

/// `GET …/projects_workspaces/credentials/{cid}`
pub(super) async fn place(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &at, &ids.credential).await?;
    Ok(reply::item(&wire::Place {
        project_id: found.project_id,
        workspace_id: found.workspace_id,
        credential_id: Some(found.id),
        integration_id: None,
    }))
}

/// `GET …/clients/{clientId}/project_workspace`
pub(super) async fn place_of_client(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfClient>,
) -> Result<Response, Failure> {
    let found = place::of_client(&app, &ids.client, &at.by).await?;
    if found.org_id != at.org.id {
        return Err(ManageError::NoCredential.into());
    }
    Ok(reply::item(&wire::Place {
        project_id: found.project_id,
        workspace_id: found.workspace_id,
        credential_id: None,
        integration_id: Some(found.id),
    }))
}

/// `GET /console/clients/{clientId}/credential`
pub(super) async fn of_client(
    State(app): State<App>,
    By(by): By,
    Ids(ids): Ids<OfClient>,
) -> Result<Response, Failure> {
    let found = place::of_client(&app, &ids.client, &by).await?;
    let org = app.authority.find_organization(&found.org_id, &by).await?;
    Ok(reply::item(&view::of_client(&found, &org)))
}

/// What a credential will be, wherever it is made.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) grant: NewGrant,
    pub(super) subscriptions: Vec<Subscription>,
}

impl Draft {
    fn at(
        self,
        at: &In,
        project_id: ProjectId,
        workspace_id: Option<WorkspaceId>,
    ) -> NewCredential {
        NewCredential {
            project_id,
            workspace_id,
            name: self.name,
            // These APIs name no team: whoever made it is all that is known.
            owner: Owner {
                team: at.org.name.clone(),
                contact: at.by.name().chars().take(100).collect(),
            },
            origin: Origin::Console,
            grant: self.grant,
            subscriptions: self.subscriptions,
            client_id: None,
            technical_account_id: None,
        }
    }
}

/// Makes a credential with a project of its own, which takes the description.
pub(super) async fn with_project(
    app: &App,
    at: &In,
    draft: Draft,
    description: String,
) -> Result<Created, Failure> {
    let id = Uuid::new_v4().simple().to_string();
    let project = NewProject {
        org_id: at.org.id.clone(),
        name: format!("Project{}", id.get(..12).unwrap_or_default()),
        title: String::new(),
        description,
        kind: ProjectKind::Default,
    };
    // The use case sets the place: the project does not exist yet.
    let new = draft.at(at, ProjectId::from_number(0), None);
    let made = app
        .authority
        .create_project_with_credential(project, new, &at.by);
    Ok(made.await?)
}

fn created(made: &Created, at: &In) -> wire::CreatedInWorkspace {
    wire::CreatedInWorkspace {
        id: made.credential.id.clone(),
        api_key: made.credential.client_id.clone(),
        org_id: at.org.numeric_id.clone(),
    }
}

/// Project and workspace must be where the path says.
async fn in_workspace(app: &App, at: &In, ids: &InWorkspace) -> Result<(), Failure> {
    let found = app
        .authority
        .find_workspace(&at.org.id, &ids.workspace, &at.by)
        .await?;
    match found.project_id == ids.project {
        true => Ok(()),
        false => Err(ManageError::NoWorkspace.into()),
    }
}
