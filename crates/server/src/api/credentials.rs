//! Credentials.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{
    Actor, At, CredentialChange, ManageError, NewCertificate, NewCredential, NewGrant,
};
use countersign_model::{Credential, Origin, Owner, Subscription, TechnicalAccount, TokenKind};
use countersign_wire::{
    ClientId, CredentialId, OrgId, ProfileId, ProjectId, ServiceCode, WorkspaceId,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::error::{Failure, ProblemSchema};
use super::place::{self, InCredential, InOrganization, Paged};
use super::reply::{self, List, Paging};
use super::request::{Body, By, Ids, IfMatch, Query};
use super::view::{CreatedCredential, CredentialDetail, CredentialView, UsageView, shown};
use crate::app::App;

/// A credential to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCredentialBody {
    #[schema(value_type = String)]
    project_id: ProjectId,
    /// The project's first, if absent.
    #[schema(value_type = Option<String>)]
    workspace_id: Option<WorkspaceId>,
    /// 1 to 100 characters.
    name: String,
    /// The team that is told when something needs attention.
    owner_team: String,
    /// How to reach it.
    owner_contact: String,
    /// `oauth_server_to_server`, or `service` for Service Account (JWT).
    #[serde(rename = "type")]
    kind: NewKind,
    /// PEM of a JWT credential's first certificate; a pair is generated if absent.
    certificate: Option<String>,
    #[serde(default)]
    services: Vec<SubscriptionBody>,
}

/// The kinds of credential that can be made.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum NewKind {
    OauthServerToServer,
    Service,
}

/// A service to subscribe to, through product profiles of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionBody {
    #[schema(value_type = String)]
    service: ServiceCode,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    profiles: Vec<ProfileId>,
}

/// What to change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialBody {
    name: Option<String>,
    owner_team: Option<String>,
    owner_contact: Option<String>,
    /// Off, no token is issued, and none that it has holds.
    enabled: Option<bool>,
    /// `ims`, or `standard:` and `RS256`, `ES256` or `EdDSA`. Alone in its change.
    token_kind: Option<String>,
}

/// Which credentials.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
struct Which {
    /// Only those of this project.
    project: Option<String>,
    /// Only the one with this client id. Alone.
    client_id: Option<String>,
}

impl From<SubscriptionBody> for Subscription {
    fn from(body: SubscriptionBody) -> Self {
        Self {
            service: body.service,
            profiles: body.profiles,
        }
    }
}

/// The credentials of an organization, by id
#[utoipa::path(get, path = "/api/v1/organizations/{org}/credentials", tag = "credentials", params(InOrganization, Which, Paged),
    responses((status = 200, body = List<CredentialView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    if let Some(client_id) = query.take("client_id") {
        query.finish()?;
        return of_client(&app, &org, &client_id, &by).await;
    }
    let project = query.take("project");
    let list = format!("credentials of {org} in {project:?}");
    let paging = Paging::read(&app, &mut query, list)?;
    query.finish()?;
    let project = project.as_deref().map(ProjectId::parse).transpose();
    let project = project.map_err(|error| Failure::request(format!("`project`: {error}")))?;
    let found = app
        .authority
        .list_credentials(&org, project.as_ref(), &paging.page, &by)
        .await?;
    paging.answer(
        &app,
        found,
        |one| one.id.as_str(),
        |one| CredentialView::from(one),
    )
}

/// The one credential that has a client id, if the organization has it.
async fn of_client(
    app: &App,
    org: &OrgId,
    client_id: &str,
    by: &Actor,
) -> Result<Response, Failure> {
    app.authority.find_organization(org, by).await?;
    let found = match ClientId::parse(client_id) {
        Ok(id) => app.authority.find_credential(id.as_str(), by).await,
        Err(_) => Err(ManageError::NoCredential),
    };
    let items = match found {
        Ok((credential, _)) if credential.org_id == *org => vec![CredentialView::from(&credential)],
        Ok(_) | Err(ManageError::NoCredential) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    Ok(reply::item(&List {
        items,
        next_cursor: None,
    }))
}

/// Make a credential with a technical account and a first secret, which this answer shows once
#[utoipa::path(post, path = "/api/v1/organizations/{org}/credentials", tag = "credentials", params(InOrganization), request_body = NewCredentialBody,
    responses((status = 201, body = CreatedCredential), (status = "default", body = ProblemSchema)))]
pub(super) async fn create(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    Body(body): Body<NewCredentialBody>,
) -> Result<Response, Failure> {
    // The project decides the organization: it must be the one of the path.
    app.authority
        .find_project(&org, body.project_id.as_str(), &by)
        .await?;
    let grant = match (body.kind, body.certificate) {
        (NewKind::OauthServerToServer, None) => NewGrant::OAuth,
        (NewKind::OauthServerToServer, Some(_)) => {
            return Err(Failure::request(
                "`certificate` is for Service Account (JWT) credentials: leave it out",
            ));
        }
        (NewKind::Service, None) => NewGrant::Jwt(NewCertificate::Generate),
        (NewKind::Service, Some(pem)) => NewGrant::Jwt(NewCertificate::Upload(pem.into_bytes())),
    };
    let new = NewCredential {
        project_id: body.project_id,
        workspace_id: body.workspace_id,
        name: body.name,
        owner: Owner {
            team: body.owner_team,
            contact: body.owner_contact,
        },
        origin: Origin::Console,
        grant,
        subscriptions: body.services.into_iter().map(Subscription::from).collect(),
        client_id: None,
        technical_account_id: None,
    };
    let made = app.authority.create_credential(new, &by).await?;
    let location = format!(
        "/api/v1/organizations/{org}/credentials/{}",
        made.credential.id
    );
    let view = CreatedCredential {
        credential: detail(&app, &made.credential, &made.account, &by).await?,
        client_secret: Some(made.secret.expose().to_owned()),
        private_key: made.private_key.as_ref().map(shown),
    };
    let answer = reply::created(&view, &location);
    Ok(reply::tagged(answer, made.credential.revision))
}

/// A credential
#[utoipa::path(get, path = "/api/v1/organizations/{org}/credentials/{credential}", tag = "credentials", params(InCredential),
    responses((status = 200, body = CredentialDetail), (status = "default", body = ProblemSchema)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
) -> Result<Response, Failure> {
    let (found, account) = place::credential(&app, &org, &id, &by).await?;
    let view = detail(&app, &found, &account, &by).await?;
    Ok(reply::revised(&view, found.revision))
}

/// Change a credential
#[utoipa::path(patch, path = "/api/v1/organizations/{org}/credentials/{credential}", tag = "credentials", params(InCredential), request_body = CredentialBody,
    responses((status = 200, body = CredentialView), (status = "default", body = ProblemSchema)))]
pub(super) async fn change(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    IfMatch(revision): IfMatch,
    Body(body): Body<CredentialBody>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let is_alone = [&body.name, &body.owner_team, &body.owner_contact]
        .iter()
        .all(|text| text.is_none())
        && body.enabled.is_none();
    let changed = match body.token_kind.as_deref() {
        Some(word) if is_alone => {
            let kind = TokenKind::parse(word)
                .ok_or_else(|| Failure::request("`token_kind` has a word that is not known"))?;
            let at = At::revision(&id, revision);
            app.authority.set_token_kind(at, kind, &by).await?
        }
        Some(_) => {
            return Err(Failure::request(
                "`token_kind` is changed alone: it may need a new key",
            ));
        }
        None => {
            let change = CredentialChange {
                name: body.name,
                team: body.owner_team,
                contact: body.owner_contact,
                enabled: body.enabled,
                revision,
            };
            app.authority.change_credential(&id, change, &by).await?
        }
    };
    Ok(answer(&changed))
}

/// Delete a credential: its tokens die with it, its ids are never used again
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/credentials/{credential}", tag = "credentials", params(InCredential),
    responses((status = 204), (status = "default", body = ProblemSchema)))]
pub(super) async fn delete(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    IfMatch(revision): IfMatch,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let at = At::revision(&id, revision);
    app.authority.delete_credential(at, &by).await?;
    Ok(reply::deleted())
}

/// How a credential is used, and by whom
#[utoipa::path(get, path = "/api/v1/organizations/{org}/credentials/{credential}/usage", tag = "credentials", params(InCredential),
    responses((status = 200, body = UsageView), (status = "default", body = ProblemSchema)))]
pub(super) async fn usage(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let usage = app.authority.list_usage(&id, &by).await?;
    let callers = app.authority.list_callers(&id, &by).await?;
    let findings = app.authority.list_findings(&id, &by).await?;
    let days = app.authority.list_days(&id, &by).await?;
    Ok(reply::item(&UsageView::new(
        &usage, &callers, &findings, &days,
    )))
}

/// Subscribe a credential to a service, or change the profiles it uses it through
#[utoipa::path(post, path = "/api/v1/organizations/{org}/credentials/{credential}/services", tag = "credentials", params(InCredential), request_body = SubscriptionBody,
    responses((status = 200, body = CredentialView), (status = "default", body = ProblemSchema)))]
pub(super) async fn subscribe(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    IfMatch(revision): IfMatch,
    Body(body): Body<SubscriptionBody>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let at = At::revision(&id, revision);
    let changed = app.authority.subscribe(at, body.into(), &by).await?;
    Ok(answer(&changed))
}

/// Take a service away from a credential, named by the query: codes may hold blanks
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/credentials/{credential}/services", tag = "credentials", params(InCredential, ("service" = String, Query, description = "Code of the service")),
    responses((status = 200, body = CredentialView), (status = "default", body = ProblemSchema)))]
pub(super) async fn unsubscribe(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    IfMatch(revision): IfMatch,
    mut query: Query,
) -> Result<Response, Failure> {
    let service = query.take("service").unwrap_or_default();
    query.finish()?;
    let service = ServiceCode::parse(&service);
    let service = service.map_err(|error| Failure::request(format!("`service`: {error}")))?;
    place::credential(&app, &org, &id, &by).await?;
    let at = At::revision(&id, revision);
    let changed = app.authority.unsubscribe(at, &service, &by).await?;
    Ok(answer(&changed))
}

async fn detail(
    app: &App,
    credential: &Credential,
    account: &TechnicalAccount,
    by: &Actor,
) -> Result<CredentialDetail, Failure> {
    let authority = &app.authority;
    let policy = authority.show_policy(&credential.org_id, by).await?;
    Ok(CredentialDetail::new(
        credential, account, &policy, authority,
    ))
}

fn answer(credential: &Credential) -> Response {
    reply::revised(&CredentialView::from(credential), credential.revision)
}
