//! What was known when somebody decided, for a change record: the review with its evidence, signed
//! by the installation.

use countersign_model::Credential;
use countersign_model::blocker::Blocker;
use countersign_model::evidence::Seen;
use countersign_model::review::{Finding, Review, Standing, Verdict};
use countersign_store::{self as store};
use countersign_wire::{Caller, CredentialId};
use serde_json::{Value, json};

use super::review::Known;
use crate::Authority;
use crate::actor::Actor;
use crate::credentials::may_read_usage;
use crate::error::ManageError;

/// Of the exported document (RFC 7515 section 4.1.9): no token of any kind has it.
const TYP: &str = "countersign-migration-review+jwt";

impl Authority {
    /// The review of a migration and the evidence it was made from, as a compact JWS (RFC 7515)
    /// that the key set verifies.
    ///
    /// # Errors
    /// As [`review_migration`](Self::review_migration).
    pub async fn export_review(
        &self,
        id: &CredentialId,
        actor: &Actor,
    ) -> Result<String, ManageError> {
        let now = self.clock.now();
        self.write_evidence().await;
        let mut read = self.store.read().await?;
        may_read_usage(&mut read, id, actor).await?;
        let found = store::credentials::find(&mut read, id).await?;
        let credential = found.ok_or(ManageError::NoCredential)?;
        let project = store::projects::find(&mut read, &credential.project_id).await?;
        let known = self.known_of(&mut read, &credential, now).await?;
        let policy = self.policy_in(&mut read, &credential.org_id).await?;
        drop(read);
        let document = json!({
            "iss": self.config.issuer, "iat": now.as_seconds(),
            "exported_by": actor.name(),
            "credential": described(&credential, project.as_ref().map(|project| project.name.as_str())),
            "state": credential.migration()?.as_str(),
            "deadline_at": policy.deadline(&credential).map(|deadline| deadline.at.to_string()),
            "review": reviewed(&known.review(now)),
            "evidence": evidence(&known),
        });
        self.sign_proof(TYP, &document)
    }
}

fn described(credential: &Credential, project: Option<&str>) -> Value {
    json!({
        "id": credential.id, "client_id": credential.client_id,
        "organization_id": credential.org_id, "project_id": credential.project_id,
        "project": project, "name": credential.name,
        "technical_account_id": credential.technical_account_id,
        "owner_team": credential.owner.team, "owner_contact": credential.owner.contact,
        "created_at": credential.created_at.to_string(), "revision": credential.revision,
    })
}

fn reviewed(review: &Review) -> Value {
    let until = match review.verdict {
        Verdict::Wait { until } => Some(until.to_string()),
        Verdict::Safe | Verdict::StillUsed { .. } => None,
    };
    let callers: Vec<_> = review.callers.iter().map(finding).collect();
    let blockers: Vec<_> = review.blockers.iter().map(blocker).collect();
    json!({
        "verdict": review.verdict.as_str(), "until": until, "confidence": review.confidence,
        "callers": callers, "blockers": blockers,
    })
}

fn blocker(blocker: &Blocker) -> Value {
    let (certificate, caller) = match blocker {
        Blocker::LiveTokens { .. } => (None, None),
        Blocker::CertificateExpires { id, .. } => (Some(id), None),
        Blocker::NotSeenWithOAuth { caller, .. } => (None, caller.as_ref()),
    };
    let mut shown = named(caller);
    shown["kind"] = blocker.as_str().into();
    shown["at"] = blocker.at().to_string().into();
    shown["certificate_id"] = json!(certificate);
    shown["text"] = blocker.to_string().into();
    shown
}

fn finding(finding: &Finding) -> Value {
    let until = match finding.standing {
        Standing::Pausing { until } => Some(until.to_string()),
        Standing::Gone | Standing::Moved | Standing::Calling => None,
    };
    let mut shown = named(finding.caller.as_ref());
    shown["last_used_at"] = finding.last_at.to_string().into();
    shown["oauth_last_used_at"] = json!(finding.moved_at.map(|at| at.to_string()));
    shown["pace"] = finding.habit.pace.as_str().into();
    shown["pauses"] = finding.habit.pauses.into();
    shown["longest_pause_seconds"] = finding.habit.longest_pause.as_secs().into();
    shown["patience_seconds"] = finding.habit.patience.as_secs().into();
    shown["standing"] = finding.standing.as_str().into();
    shown["until"] = until.into();
    shown["confidence"] = finding.confidence.into();
    shown
}

fn evidence(known: &Known) -> Value {
    let all = |seen: &[Seen]| seen.iter().map(seen_as_json).collect::<Vec<_>>();
    json!({
        "recorded_since": known.since.to_string(),
        "jwt_half": all(&known.old), "oauth_half": all(&known.new),
        "refused": all(&known.attempts),
    })
}

fn seen_as_json(seen: &Seen) -> Value {
    let mut shown = named(seen.trace.as_ref().map(|trace| &trace.caller));
    shown["first_at"] = seen.first_at.to_string().into();
    shown["last_at"] = seen.last_at.to_string().into();
    shown["times"] = seen.uses.into();
    shown
}

fn named(caller: Option<&Caller>) -> Value {
    json!({
        "network": caller.map(|caller| caller.network.to_string()),
        "agent": caller.map(|caller| caller.agent.as_str()),
        "consumer": caller.and_then(|caller| caller.consumer.as_ref()).map(ToString::to_string),
    })
}
