//! Exemptions of credentials from the last dates of the deprecation policy.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::At;
use countersign_model::{Credential, Exemption};
use countersign_wire::{CredentialId, OrgId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::{self, InCredential};
use super::reply;
use super::request::{Body, By, Ids, IfMatch};
use super::secrets::instant;
use super::view::{CredentialView, time};
use crate::app::App;

/// Until when a credential may go on with its JWT half, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExemptionBody {
    /// At most 366 days from now.
    until: String,
    /// For whoever asks later: 1 to 500 characters.
    reason: String,
}

/// An exemption from the last dates of the policy.
#[derive(Serialize, ToSchema)]
pub(super) struct ExemptionView {
    until: String,
    reason: String,
    /// Who gave it, as the activity log names actors.
    approved_by: String,
    approved_at: String,
}

impl From<&Exemption> for ExemptionView {
    fn from(exemption: &Exemption) -> Self {
        Self {
            until: time(exemption.until),
            reason: exemption.reason.clone(),
            approved_by: exemption.approved_by.clone(),
            approved_at: time(exemption.approved_at),
        }
    }
}

fn answer(credential: &Credential) -> Response {
    reply::revised(&CredentialView::from(credential), credential.revision)
}

/// Let a credential go on with its JWT half for longer than the policy says: for the operator
#[utoipa::path(put, path = "/api/v1/organizations/{org}/credentials/{credential}/exemption", tag = "policy", params(InCredential), request_body = ExemptionBody,
    responses((status = 200, body = CredentialView), (status = "default", body = ProblemSchema)))]
pub(super) async fn exempt(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    IfMatch(revision): IfMatch,
    Body(body): Body<ExemptionBody>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let until = instant("until", Some(&body.until))?;
    let until = until.ok_or_else(|| Failure::request("`until` is missing"))?;
    let at = At::revision(&id, revision);
    let exempted = app
        .authority
        .exempt_credential(at, until, &body.reason, &by)
        .await?;
    Ok(answer(&exempted))
}

/// Take an exemption back, so that the policy's dates hold at once: for the operator
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/credentials/{credential}/exemption", tag = "policy", params(InCredential),
    responses((status = 200, body = CredentialView), (status = "default", body = ProblemSchema)))]
pub(super) async fn end_exemption(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    IfMatch(revision): IfMatch,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let at = At::revision(&id, revision);
    Ok(answer(&app.authority.end_exemption(at, &by).await?))
}
