//! Technical accounts: the identity that a server-to-server credential acts as.

use countersign_wire::{OrgId, TechnicalAccountEmail, TechnicalAccountId, Timestamp};

/// Belongs to the organization, never to a person: it outlives everybody who ever touched it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TechnicalAccount {
    /// `24HEX@techacct.adobe.com`.
    pub id: TechnicalAccountId,
    /// Its mail address, another value than the id.
    pub email: TechnicalAccountEmail,
    /// Its owner.
    pub org_id: OrgId,
    /// When it was made.
    pub created_at: Timestamp,
}
