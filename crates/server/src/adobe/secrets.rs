//! The secrets API. Source: `spec/ims-protocol.md` 6.8.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use countersign_authority::{Force, ManageError};
use countersign_wire::management as wire;
use http::StatusCode;

use super::error::Failure;
use super::guard::In;
use super::place::{self, OfCredential, OfSecret};
use super::request::Ids;
use super::{reply, view};
use crate::app::App;

/// `GET …/credentials/{cid}/secrets`
pub(super) async fn list(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &at, &ids.credential).await?;
    let authority = &app.authority;
    let secrets = authority.list_secrets(&ids.credential, &at.by).await?;
    let usage = authority.list_usage(&ids.credential, &at.by).await?;
    let records = secrets.iter().map(|one| view::secret(one, &usage));
    Ok(reply::item(&wire::SecretList {
        client_id: found.client_id,
        client_secrets: records.collect(),
    }))
}

/// `POST …/credentials/{cid}/secrets`: shows the secret once.
pub(super) async fn add(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    place::credential(&app, &at, &ids.credential).await?;
    let label = "added by API".to_owned();
    let added = app
        .authority
        .add_secret(&ids.credential, label, None, &at.by)
        .await?;
    let view = wire::CreatedSecret {
        record: view::secret(&added.record, &[]),
        client_secret: added.secret.as_ref().map_or("", |secret| secret.expose()),
    };
    let location = format!(
        "/console/organizations/{}/credentials/{}/secrets",
        at.org.numeric_id, ids.credential
    );
    Ok(reply::created(&view, &location))
}

/// `DELETE …/credentials/{cid}/secrets/{uuid}`
pub(super) async fn delete(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfSecret>,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &at, &ids.credential).await?;
    if !found.secrets.iter().any(|one| one.id == ids.secret) {
        return Err(ManageError::NoSecret.into());
    }
    app.authority
        .delete_secret(&ids.credential, &ids.secret, Force::No, &at.by)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
