//! The public keys that a credential may authenticate with besides its secrets.

use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use bytes::Bytes;
use countersign_authority::At;
use countersign_model::Credential;
use countersign_wire::{CredentialId, OrgId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::{self, InCredential};
use super::reply;
use super::request::{By, Ids, IfMatch, json_body};
use crate::app::App;

/// A JWK set (RFC 7517) of public keys.
#[derive(Serialize, ToSchema)]
#[schema(as = JwkSet)]
pub(super) struct KeySetView {
    #[schema(value_type = Vec<Object>)]
    keys: Value,
}

/// The bytes of a key set, which the use case reads: it knows what a key is.
pub(super) struct KeySet(Bytes);

impl<S: Send + Sync> FromRequest<S> for KeySet {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        json_body(request, state).await.map(Self)
    }
}

fn answer(credential: &Credential) -> Response {
    let set = credential.jwks.as_deref();
    let set: Value = set
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let keys = match set.get("keys") {
        Some(keys) => keys.clone(),
        None => Value::Array(Vec::new()),
    };
    reply::revised(&KeySetView { keys }, credential.revision)
}

/// The registered public keys of a credential (`private_key_jwt`)
#[utoipa::path(get, path = "/api/v1/organizations/{org}/credentials/{credential}/jwks", tag = "keys", params(InCredential),
    responses((status = 200, body = KeySetView), (status = "default", body = ProblemSchema)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
) -> Result<Response, Failure> {
    let (found, _) = place::credential(&app, &org, &id, &by).await?;
    Ok(answer(&found))
}

/// Replace the registered public keys; an empty set takes all of them away
#[utoipa::path(put, path = "/api/v1/organizations/{org}/credentials/{credential}/jwks", tag = "keys", params(InCredential), request_body = KeySetView,
    responses((status = 200, body = KeySetView), (status = "default", body = ProblemSchema)))]
pub(super) async fn replace(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    IfMatch(revision): IfMatch,
    KeySet(set): KeySet,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let at = At::revision(&id, revision);
    Ok(answer(&app.authority.set_jwks(at, &set, &by).await?))
}
