//! Who asks.

use countersign_model::AuditEvent;
use countersign_wire::{OrgId, Timestamp};

/// Who asks for a change, and with which right. Every management use case takes one.
#[derive(Clone, Debug)]
pub struct Actor {
    name: String,
}

impl Actor {
    /// The operator of the installation, who may do everything: whoever can open the database and
    /// the master key could do it anyway.
    #[must_use]
    pub fn operator(face: &str) -> Self {
        Self {
            name: format!("operator:{face}"),
        }
    }

    /// Nobody: it was time.
    pub(crate) fn schedule() -> Self {
        Self {
            name: "schedule".to_owned(),
        }
    }

    /// As it is written down.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn event(
        &self,
        at: Timestamp,
        org: Option<&OrgId>,
        action: &str,
        subject: &str,
        detail: &serde_json::Value,
    ) -> AuditEvent {
        AuditEvent {
            at,
            org_id: org.cloned(),
            actor: self.name.clone(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_string(),
        }
    }
}
