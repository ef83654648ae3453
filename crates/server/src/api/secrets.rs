//! Client secrets of a credential.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{At, Force, ManageError};
use countersign_wire::{CredentialId, OrgId, SecretId, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::{self, Deletion, InCredential};
use super::reply::{self, List};
use super::request::{Body, By, Ids, IfMatch, Query};
use super::view::{CreatedSecret, SecretView};
use crate::app::App;

/// A secret to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSecretBody {
    /// What people call it.
    label: String,
    /// When it stops working, RFC 3339; never, if absent.
    expires_at: Option<String>,
}

/// The secrets of a credential, without the secrets
#[utoipa::path(get, path = "/api/v1/organizations/{org}/credentials/{credential}/secrets", tag = "secrets", params(InCredential),
    responses((status = 200, body = List<SecretView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
) -> Result<Response, Failure> {
    let (credential, _) = place::credential(&app, &org, &id, &by).await?;
    let secrets = app.authority.list_secrets(&id, &by).await?;
    let usage = app.authority.list_usage(&id, &by).await?;
    let now = app.authority.clock().now();
    let view = |secret| SecretView::new(secret, &usage, now);
    let list = List {
        items: secrets.iter().map(view).collect(),
        next_cursor: None,
    };
    Ok(reply::revised(&list, credential.revision))
}

/// Add a secret beside those that are there; this answer shows it once
#[utoipa::path(post, path = "/api/v1/organizations/{org}/credentials/{credential}/secrets", tag = "secrets", params(InCredential), request_body = NewSecretBody,
    responses((status = 201, body = CreatedSecret), (status = "default", body = ProblemSchema)))]
pub(super) async fn add(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    Body(body): Body<NewSecretBody>,
) -> Result<Response, Failure> {
    let expires_at = instant("expires_at", body.expires_at.as_deref())?;
    place::credential(&app, &org, &id, &by).await?;
    let added = app
        .authority
        .add_secret(&id, body.label, expires_at, &by)
        .await?;
    let now = app.authority.clock().now();
    let view = CreatedSecret {
        secret: SecretView::new(&added.record, &[], now),
        client_secret: added.secret.map(|secret| secret.expose().to_owned()),
    };
    let location = format!("/api/v1/organizations/{org}/credentials/{id}/secrets");
    Ok(reply::created(&view, &location))
}

/// Delete a secret: it stops working within a second
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/credentials/{credential}/secrets/{secret}", tag = "secrets", params(InCredential, ("secret" = String, Path, description = "Id of the secret"), Deletion),
    responses((status = 204), (status = "default", body = ProblemSchema)))]
pub(super) async fn delete(
    State(app): State<App>,
    By(by): By,
    Ids((org, id, secret)): Ids<(OrgId, CredentialId, SecretId)>,
    IfMatch(revision): IfMatch,
    mut query: Query,
) -> Result<Response, Failure> {
    let (force, with_tokens) = deletion(&mut query)?;
    query.finish()?;
    let (credential, _) = place::credential(&app, &org, &id, &by).await?;
    if !credential.secrets.iter().any(|one| one.id == secret) {
        return Err(ManageError::NoSecret.into());
    }
    let (authority, at) = (&app.authority, At::revision(&id, revision));
    match with_tokens {
        true => {
            authority
                .delete_secret_with_tokens(at, &secret, force, &by)
                .await?
        }
        false => authority.delete_secret(at, &secret, force, &by).await?,
    };
    Ok(reply::deleted())
}

/// What a deletion was asked for.
pub(super) fn deletion(query: &mut Query) -> Result<(Force, bool), Failure> {
    let force = match query.take_flag("force")? {
        true => Force::Yes,
        false => Force::No,
    };
    Ok((force, query.take_flag("also_end_tokens")?))
}

/// An instant of a body.
pub(super) fn instant(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    let read = text.map(str::parse).transpose();
    read.map_err(|_| {
        Failure::request(format!(
            "`{name}` is no instant: write `2026-03-01T00:00:00Z`"
        ))
    })
}
