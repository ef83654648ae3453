//! What is written down about a change, in the same transaction as the change.

use countersign_wire::{OrgId, Timestamp};

/// One event of the activity log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// In which organization; `None` for what concerns the whole installation.
    pub org_id: Option<OrgId>,
    /// Who, as `kind:name`: `operator:cli`, `person:ada@example.com`.
    pub actor: String,
    /// The address it came from, where it came over a network.
    pub source: Option<String>,
    /// What, as `noun.verb`: `secret.added`.
    pub action: String,
    /// Of what: an id, or a name where there is no id.
    pub subject: String,
    /// Old and new values as JSON; secrets as ids only.
    pub detail: String,
}
