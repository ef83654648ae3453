//! Where things are: the ids of paths, as the description names them, and credentials that are
//! where the path says.

use countersign_authority::{Actor, ManageError};
use countersign_model::{Credential, TechnicalAccount};
use countersign_wire::{CredentialId, OrgId};
use utoipa::IntoParams;

use super::error::Failure;
use crate::app::App;

/// Within an organization.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described")]
pub(super) struct InOrganization {
    /// Id of the organization, `24HEX@AdobeOrg`.
    org: String,
}

/// Within a project.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described")]
pub(super) struct InProject {
    /// Id of the organization.
    org: String,
    /// Id of the project.
    project: String,
}

/// Within a credential.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only described")]
pub(super) struct InCredential {
    /// Id of the organization.
    org: String,
    /// Id of the credential.
    credential: String,
}

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
pub(super) struct Paged {
    /// Most things of the page, 1 to 200; 50 if absent.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `json` (if absent) or `csv`: lines for a table; the header `next-cursor` says where it goes
    /// on.
    format: Option<String>,
}

/// What is asked of a deletion that takes something last away.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
pub(super) struct Deletion {
    /// Also the last one that works: somebody confirmed it.
    force: Option<bool>,
    /// End the tokens that it was used for, too: somebody else may have it.
    also_end_tokens: Option<bool>,
}

/// The credential, if it is where the path says.
pub(super) async fn credential(
    app: &App,
    org: &OrgId,
    id: &CredentialId,
    by: &Actor,
) -> Result<(Credential, TechnicalAccount), Failure> {
    let (credential, account) = app.authority.find_credential(id.as_str(), by).await?;
    if credential.org_id != *org {
        return Err(ManageError::NoCredential.into());
    }
    Ok((credential, account))
}
