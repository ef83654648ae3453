//! Certificates of the JWT half.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::{At, NewCertificate};
use countersign_wire::{CertificateId, CredentialId, OrgId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::{self, Deletion, InCredential};
use super::reply::{self, List};
use super::request::{Body, By, Ids, IfMatch, Query};
use super::secrets::deletion;
use super::view::{CertificateView, CreatedCertificate, shown};
use crate::app::App;

/// A certificate to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCertificateBody {
    /// PEM of a certificate that somebody has; a pair is generated if absent.
    certificate: Option<String>,
}

/// The certificates of a credential
#[utoipa::path(get, path = "/api/v1/organizations/{org}/credentials/{credential}/certificates", tag = "certificates", params(InCredential),
    responses((status = 200, body = List<CertificateView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
) -> Result<Response, Failure> {
    let (credential, _) = place::credential(&app, &org, &id, &by).await?;
    let usage = app.authority.list_usage(&id, &by).await?;
    let now = app.authority.clock().now();
    let view = |certificate| CertificateView::new(certificate, &usage, now);
    let list = List {
        items: credential.certificates.iter().map(view).collect(),
        next_cursor: None,
    };
    Ok(reply::revised(&list, credential.revision))
}

/// Add a certificate, or have a pair generated whose private key this answer shows once
#[utoipa::path(post, path = "/api/v1/organizations/{org}/credentials/{credential}/certificates", tag = "certificates", params(InCredential), request_body = NewCertificateBody,
    responses((status = 201, body = CreatedCertificate), (status = "default", body = ProblemSchema)))]
pub(super) async fn add(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    Body(body): Body<NewCertificateBody>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let new = match body.certificate {
        Some(pem) => NewCertificate::Upload(pem.into_bytes()),
        None => NewCertificate::Generate,
    };
    let added = app.authority.add_certificate(&id, &new, &by).await?;
    let now = app.authority.clock().now();
    let view = CreatedCertificate {
        certificate: CertificateView::new(&added.certificate, &[], now),
        private_key: added.private_key.as_ref().map(shown),
    };
    let location = format!("/api/v1/organizations/{org}/credentials/{id}/certificates");
    Ok(reply::created(&view, &location))
}

/// Delete a certificate: assertions of its key are refused within a second
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/credentials/{credential}/certificates/{certificate}", tag = "certificates", params(InCredential, ("certificate" = String, Path, description = "Id of the certificate"), Deletion),
    responses((status = 204), (status = "default", body = ProblemSchema)))]
pub(super) async fn delete(
    State(app): State<App>,
    By(by): By,
    Ids((org, id, certificate)): Ids<(OrgId, CredentialId, CertificateId)>,
    IfMatch(revision): IfMatch,
    mut query: Query,
) -> Result<Response, Failure> {
    let (force, with_tokens) = deletion(&mut query)?;
    query.finish()?;
    place::credential(&app, &org, &id, &by).await?;
    let (authority, at) = (&app.authority, At::revision(&id, revision));
    match with_tokens {
        true => {
            authority
                .delete_certificate_with_tokens(at, &certificate, force, &by)
                .await?
        }
        false => {
            authority
                .delete_certificate(at, &certificate, force, &by)
                .await?
        }
    };
    Ok(reply::deleted())
}
