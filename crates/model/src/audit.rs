//! What is written down about a change, in the same transaction as the change.

use countersign_wire::{CredentialId, OrgId, ProjectId, Timestamp};

use crate::credential::Credential;

/// One event of the activity log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditEvent {
    /// When.
    pub at: Timestamp,
    /// In which organization; `None` for what concerns the whole installation.
    pub org_id: Option<OrgId>,
    /// In which project, where it concerns one.
    pub project_id: Option<ProjectId>,
    /// About which credential, or about what hangs on it.
    pub credential_id: Option<CredentialId>,
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

impl AuditEvent {
    /// The same, in a project.
    #[must_use]
    pub fn in_project(self, id: &ProjectId) -> Self {
        Self {
            project_id: Some(id.clone()),
            ..self
        }
    }

    /// The same, about a credential, in its project.
    #[must_use]
    pub fn about(self, credential: &Credential) -> Self {
        self.about_one(&credential.id, &credential.project_id)
    }

    /// The same, about the credential of that id in that project.
    #[must_use]
    pub fn about_one(self, credential: &CredentialId, project: &ProjectId) -> Self {
        Self {
            credential_id: Some(credential.clone()),
            ..self.in_project(project)
        }
    }
}
