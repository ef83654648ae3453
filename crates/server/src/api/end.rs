//! The end of tokens before their time: of all that a credential, a secret or a certificate minted.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{EndedTokens, ManageError, TokensOf};
use countersign_wire::{CertificateId, CredentialId, OrgId, SecretId};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::{self, InCredential};
use super::reply;
use super::request::{By, Ids};
use crate::app::App;

/// Tokens that were ended.
#[derive(Serialize, ToSchema)]
struct EndedView {
    /// Whose: `credential:`, `secret:` or `certificate:` and an id.
    subject: String,
    /// Those that were minted up to here; later ones hold.
    minted_until: String,
}

fn answer(ended: &EndedTokens) -> Response {
    reply::item(&EndedView {
        subject: ended.subject.clone(),
        minted_until: ended.minted_until.to_string(),
    })
}

/// End every token that a credential has, by either grant: here at once, elsewhere within a second
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/credentials/{credential}/tokens", tag = "tokens", operation_id = "end_of_credential", params(InCredential),
    responses((status = 200, body = EndedView), (status = "default", body = ProblemSchema)))]
pub(super) async fn of_credential(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let of = TokensOf::Credential(id);
    Ok(answer(&app.authority.end_tokens(&of, &by).await?))
}

/// End every token that was requested with a secret: somebody else may have it
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/credentials/{credential}/secrets/{secret}/tokens", tag = "tokens", operation_id = "end_of_secret", params(InCredential, ("secret" = String, Path, description = "Id of the secret")),
    responses((status = 200, body = EndedView), (status = "default", body = ProblemSchema)))]
pub(super) async fn of_secret(
    State(app): State<App>,
    By(by): By,
    Ids((org, id, secret)): Ids<(OrgId, CredentialId, SecretId)>,
) -> Result<Response, Failure> {
    let (credential, _) = place::credential(&app, &org, &id, &by).await?;
    if !credential.secrets.iter().any(|one| one.id == secret) {
        return Err(ManageError::NoSecret.into());
    }
    let of = TokensOf::Secret(secret);
    Ok(answer(&app.authority.end_tokens(&of, &by).await?))
}

/// End every token that was exchanged for assertions of a certificate's key
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/credentials/{credential}/certificates/{certificate}/tokens", tag = "tokens", operation_id = "end_of_certificate", params(InCredential, ("certificate" = String, Path, description = "Id of the certificate")),
    responses((status = 200, body = EndedView), (status = "default", body = ProblemSchema)))]
pub(super) async fn of_certificate(
    State(app): State<App>,
    By(by): By,
    Ids((org, id, certificate)): Ids<(OrgId, CredentialId, CertificateId)>,
) -> Result<Response, Failure> {
    let (credential, _) = place::credential(&app, &org, &id, &by).await?;
    let mut certificates = credential.certificates.iter();
    if !certificates.any(|one| one.id == certificate) {
        return Err(ManageError::NoCertificate.into());
    }
    let of = TokensOf::Certificate(certificate);
    Ok(answer(&app.authority.end_tokens(&of, &by).await?))
}
