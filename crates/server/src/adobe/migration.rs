//! The migration of a credential, as the original's API has it: `binding` starts and cancels,
//! `finalize` ends it (`spec/ims-protocol.md` 6.5, 6.9).
//!
//! What the original deletes at once is disabled here and can be restored until its quarantine
//! ends (`spec/decisions.md`, decision 4); programs of the original's see it as completed.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use countersign_authority::{Disabling, ManageError};
use countersign_model::{Credential, Grants, Migration};
use countersign_wire::Timestamp;
use countersign_wire::management as wire;
use http::StatusCode;

use super::error::Failure;
use super::guard::In;
use super::place::{self, OfCredential};
use super::reply;
use super::request::Ids;
use crate::app::App;

/// `POST …/credentials/oauth-server-to-server/{cid}/binding`: adds the OAuth half.
pub(super) async fn bind(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    place::credential(&app, &at, &ids.credential).await?;
    let authority = &app.authority;
    let started = authority.start_migration(&ids.credential, &at.by).await?;
    let path = format!(
        "/console/organizations/{}/credentials/oauth-server-to-server/{}/binding",
        at.org.numeric_id, ids.credential
    );
    Ok(reply::created(&binding(&app, &started)?, &path))
}

/// `GET …/{cid}/binding`: the OAuth half, if there is one.
pub(super) async fn show(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &at, &ids.credential).await?;
    Ok(reply::item(&binding(&app, &found)?))
}

/// `DELETE …/{cid}/binding`: takes the OAuth half back.
pub(super) async fn unbind(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    place::credential(&app, &at, &ids.credential).await?;
    app.authority
        .cancel_migration(&ids.credential, &at.by)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET …/{cid}/status`
pub(super) async fn status(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &at, &ids.credential).await?;
    Ok(reply::item(&wire::MigrationStatus {
        migration_status: word(found.grants),
    }))
}

/// `PATCH …/{cid}/finalize`: disables the JWT half.
pub(super) async fn finalize(
    State(app): State<App>,
    at: In,
    Ids(ids): Ids<OfCredential>,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &at, &ids.credential).await?;
    if let Grants::Jwt(Migration::Completed { .. }) = found.grants {
        return Ok(reply::done());
    }
    let disabling = Disabling::default();
    app.authority
        .disable_jwt_half(&ids.credential, &disabling, &at.by)
        .await?;
    Ok(reply::done())
}

fn binding(app: &App, of: &Credential) -> Result<wire::OAuthBinding, Failure> {
    let created_at = since(of).ok_or(ManageError::Migration(
        countersign_model::migration::MigrationError::NotPaired,
    ))?;
    let scopes = of.granted_scopes(app.authority.catalogue());
    Ok(wire::OAuthBinding {
        organization_id: of.org_id.clone(),
        client_id: of.client_id.clone(),
        allowed_scopes: scopes.to_string(),
        service_principal_id: of.technical_account_id.clone(),
        created_at: created_at.to_string(),
    })
}

/// Since when there is an OAuth half, as far as that is kept.
fn since(of: &Credential) -> Option<Timestamp> {
    match of.grants {
        Grants::OAuth => Some(of.created_at),
        Grants::Jwt(Migration::Paired { since } | Migration::Disabled { since, .. }) => Some(since),
        Grants::Jwt(Migration::Completed { at }) => Some(at),
        Grants::Jwt(Migration::NotStarted | Migration::Cancelled { .. }) => None,
    }
}

fn word(grants: Grants) -> &'static str {
    match grants {
        Grants::OAuth => "NONE",
        Grants::Jwt(Migration::NotStarted | Migration::Cancelled { .. }) => "NOT_STARTED",
        Grants::Jwt(Migration::Paired { .. }) => "STARTED",
        Grants::Jwt(Migration::Disabled { .. } | Migration::Completed { .. }) => "COMPLETED",
    }
}
