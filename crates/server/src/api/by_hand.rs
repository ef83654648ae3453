//! Tokens and assertions that a person asks for, to try a credential out.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::Issued;
use countersign_wire::{CredentialId, Opaque, OrgId, ScopeSet};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::{self, InCredential};
use super::reply;
use super::request::{Body, By, CalledFrom, Ids};
use super::view::time;
use crate::app::App;

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTokenBody {
    /// Of the credential's scopes; all of them if absent. Not with `private_key`.
    scopes: Option<Vec<String>>,
    /// PEM of the private key of one of its certificates: the token is of the JWT half then. The
    /// key signs once, and is neither kept nor written down.
    #[schema(value_type = Option<String>)]
    private_key: Option<Key>,
}

/// An assertion to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAssertionBody {
    /// PEM of the private key of one of the credential's certificates. It signs once, and is
    /// neither kept nor written down.
    #[schema(value_type = String)]
    private_key: Key,
}

/// A private key on its way.
struct Key(Opaque);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Opaque::new(text)))
    }
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
struct MadeToken {
    /// Shown in this answer and never again; `null` when the answer is repeated for an
    /// `Idempotency-Key`.
    access_token: Option<String>,
    /// Separated by commas.
    scope: String,
    /// How long it lives.
    expires_in_seconds: u64,
}

/// An assertion that was made.
#[derive(Serialize, ToSchema)]
struct MadeAssertionView {
    /// `jwt_token` of the exchange: shown in this answer and never again; `null` when the answer is
    /// repeated for an `Idempotency-Key`.
    assertion: Option<String>,
    /// What was signed.
    #[schema(value_type = Object)]
    payload: Value,
    /// Until when it can be exchanged.
    expires_at: String,
}

/// Generate an access token by hand, to try the credential out; it ends with the newest live secret, or with the certificate of the key
#[utoipa::path(post, path = "/api/v1/organizations/{org}/credentials/{credential}/tokens", tag = "tokens", operation_id = "generate", params(InCredential), request_body = NewTokenBody,
    responses((status = 200, body = MadeToken), (status = "default", body = ProblemSchema)))]
pub(super) async fn token(
    State(app): State<App>,
    By(by): By,
    CalledFrom(caller): CalledFrom,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    Body(body): Body<NewTokenBody>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let issued = match (body.scopes, body.private_key) {
        (None, Some(Key(key))) => {
            app.authority
                .make_token_with_key(&id, &key, &caller, &by)
                .await?
        }
        (Some(_), Some(_)) => {
            return Err(Failure::request(
                "`scopes` and `private_key` do not go together: a token of the JWT half has the scopes of its metascopes",
            ));
        }
        (scopes, None) => {
            let scopes = scopes.map(|names| ScopeSet::parse(&names.join(",")));
            let scopes = scopes.transpose();
            let scopes = scopes.map_err(|error| Failure::request(format!("`scopes`: {error}")))?;
            app.authority.make_token(&id, scopes, &caller, &by).await?
        }
    };
    Ok(made(issued))
}

/// Generate an assertion ("JWT") by hand, valid for 24 hours
#[utoipa::path(post, path = "/api/v1/organizations/{org}/credentials/{credential}/assertions", tag = "tokens", operation_id = "generate_assertion", params(InCredential), request_body = NewAssertionBody,
    responses((status = 200, body = MadeAssertionView), (status = "default", body = ProblemSchema)))]
pub(super) async fn assertion(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    Body(body): Body<NewAssertionBody>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let Key(key) = body.private_key;
    let made = app.authority.make_assertion(&id, &key, &by).await?;
    Ok(reply::item(&MadeAssertionView {
        assertion: Some(made.assertion.expose().to_owned()),
        payload: serde_json::from_str(&made.payload).unwrap_or_default(),
        expires_at: time(made.expires_at),
    }))
}

fn made(issued: Issued) -> Response {
    reply::item(&MadeToken {
        access_token: Some(issued.access_token),
        scope: issued.scope.to_string(),
        expires_in_seconds: issued.expires_in.as_secs(),
    })
}
