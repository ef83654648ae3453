//! Who a token speaks for: what userinfo, profile and organizations are made of.

use countersign_wire::{NumericOrgId, OrgId, ScopeSet, TechnicalAccountEmail, TechnicalAccountId};

use crate::Authority;
use crate::validate::{InvalidToken, ValidToken};

/// The technical account behind a token, as far as the token's scopes may matter.
pub struct Identity {
    /// The technical account.
    pub account_id: TechnicalAccountId,
    /// Its mail address.
    pub email: TechnicalAccountEmail,
    /// Name of the credential.
    pub name: String,
    /// The organization.
    pub org_id: OrgId,
    /// Its numeric id.
    pub org_numeric_id: NumericOrgId,
    /// Its name.
    pub org_name: String,
    /// What the token may be used for.
    pub scopes: ScopeSet,
}

impl Authority {
    /// Who `token` speaks for.
    ///
    /// # Errors
    /// [`InvalidToken`].
    pub async fn identify(&self, token: &str) -> Result<Identity, InvalidToken> {
        let ValidToken { claims, client, .. } = self.validate(token).await?;
        Ok(Identity {
            account_id: client.account.id.clone(),
            email: client.account.email.clone(),
            name: client.credential.name.clone(),
            org_id: client.organization.id.clone(),
            org_numeric_id: client.organization.numeric_id.clone(),
            org_name: client.organization.name.clone(),
            scopes: claims.scope,
        })
    }
}
