//! Credentials under their old name, and their certificates ("bindings").

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use countersign_authority::{Force, ManageError, NewCertificate, NewGrant};
use countersign_wire::management as wire;
use http::StatusCode;

use super::certificate::CertificateForm;
use super::credentials::{Draft, with_project};
use super::error::Failure;
use super::guard::In;
use super::place::{self, CredentialInWorkspace, OfCertificate, OfCredential};
use super::request::{Ids, Query};
use super::{reply, secrets, view};
use crate::app::App;
use crate::kit::key_pair;

/// `GET …/integrations`
pub(super) async fn list(
    State(app): State<App>,
    at: In,
    query: Query,
) -> Result<Response, Failure> {
    let paging = query.paging()?;
    let (found, total) = app
        .authority
        .number_credentials(&at.org.id, paging.skip(), paging.size, &at.by)
        .await?;
    let content = found.iter().map(|one| view::integration(one, &at.org));
    Ok(reply::item(&wire::IntegrationPage {
        page: paging.page,
        pages: total.div_ceil(paging.size.into()),
        size: paging.size,
        total,
        content: content.collect(),
    }))
}

/// `POST …/integrations/entp`
pub(super) async fn create(
    State(app): State<App>,
    at: In,
    form: CertificateForm,
) -> Result<Response, Failure> {
    let draft = Draft {
        name: form.name()?,
        grant: NewGrant::Jwt(NewCertificate::Upload(form.certificate)),
        subscriptions: Vec::new(),
    };
    let description = form.description.unwrap_or_default();
    let made = with_project(&app, &at, draft, description).await?;
    Ok(reply::item(&serde_json::json!({
        "id": made.credential.id,
        "apiKey": made.credential.client_id,
        "orgId": at.org.numeric_id,
        "technicalAccountId": made.account.id,
    })))
}

/// `GET …/integrations/{intId}`
pub(super) async fn show(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    let (found, account) = place::credential(&app, &at, &ids.credential).await?;
    let project = place::project(&app, &at.org, &found.project_id, &at.by).await?;
    let profiles = app.authority.list_profiles(&at.org.id, &at.by).await?;
    let catalogue = app.authority.catalogue();
    let shown = view::Shown {
        credential: &found,
        account: &account,
        project: &project,
        profiles: &profiles,
    };
    Ok(reply::item(&shown.integration(&at, catalogue)))
}

/// `DELETE …/integrations/{intId}`
pub(super) async fn delete(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    place::credential(&app, &at, &ids.credential).await?;
    app.authority
        .delete_credential(&ids.credential, &at.by)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET …/integrations/{intId}/secrets`: as the secrets API lists them, without the secrets.
pub(super) async fn secrets(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    secrets::list(State(app), at, Ids(ids)).await
}

/// `GET …/integrations/entp/{intId}/bindings`
pub(super) async fn bindings(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &at, &ids.credential).await?;
    let bindings = found.certificates.iter();
    let views: Vec<_> = bindings
        .map(|one| view::binding(one, &found, &at.org))
        .collect();
    Ok(reply::item(&views))
}

/// `POST …/integrations/entp/{intId}/bindings`
pub(super) async fn bind(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
    form: CertificateForm,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &at, &ids.credential).await?;
    let new = NewCertificate::Upload(form.certificate);
    let added = app
        .authority
        .add_certificate(&ids.credential, &new, &at.by)
        .await?;
    let view = view::binding(&added.certificate, &found, &at.org);
    Ok(reply::item(&[view]))
}

/// `POST …/workspaces/{wid}/credentials/entp/{cid}/certificate/generateAndAssign`: a new key pair as
/// a zip. Nobody gets it again.
pub(super) async fn generate(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<CredentialInWorkspace>,
) -> Result<Response, Failure> {
    place::credential_in(&app, &at, &ids).await?;
    let made = app
        .authority
        .add_certificate(&ids.credential, &NewCertificate::Generate, &at.by)
        .await?;
    let private_key = made
        .private_key
        .as_ref()
        .ok_or_else(Failure::nothing_there)?;
    let bundle = key_pair::bundle(private_key, &made.certificate.pem);
    let bundle = bundle.map_err(|error| Failure::broken(&error.to_string()))?;
    Ok(reply::zip(key_pair::NAME, bundle))
}

/// `DELETE …/integrations/entp/{intId}/bindings/{bindingId}`
pub(super) async fn unbind(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCertificate>,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &at, &ids.credential).await?;
    if !found
        .certificates
        .iter()
        .any(|one| one.id == ids.certificate)
    {
        return Err(ManageError::NoCertificate.into());
    }
    app.authority
        .delete_certificate(&ids.credential, &ids.certificate, Force::No, &at.by)
        .await?;
    Ok(reply::done())
}
