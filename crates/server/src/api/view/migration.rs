//! Where migrations stand, and what the callers of a JWT half say.

use countersign_authority::{MigrationDetail, MigrationStatus};
use countersign_model::blocker::Blocker;
use countersign_model::evidence::Seen;
use countersign_model::review::{Finding, Review, Standing, Verdict};
use countersign_model::{Grants, Migration};
use countersign_wire::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::time;

/// Where the migration of a credential stands.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct MigrationView {
    credential_id: String,
    client_id: String,
    project_id: String,
    name: String,
    owner_team: String,
    owner_contact: String,
    /// `not_started`, `started`, `disabled`, `completed` or `cancelled`.
    state: &'static str,
    started_at: Option<String>,
    /// Of `disabled`: since when exchanges are refused.
    disabled_at: Option<String>,
    /// Of `disabled`: when the JWT half is deleted.
    quarantined_until: Option<String>,
    completed_at: Option<String>,
    cancelled_at: Option<String>,
    /// When the JWT half stops working although nobody disables it.
    deadline_at: Option<String>,
    /// `certificate` or `policy`.
    deadline_because: Option<&'static str>,
    /// Exchanges that were refused since the JWT half was disabled last, or in brown-outs while both
    /// halves work.
    attempts: u64,
    last_attempt_at: Option<String>,
}

impl From<&MigrationStatus> for MigrationView {
    fn from(status: &MigrationStatus) -> Self {
        let credential = &status.credential;
        let times = Times::of(credential.grants);
        Self {
            credential_id: credential.id.to_string(),
            client_id: credential.client_id.to_string(),
            project_id: credential.project_id.to_string(),
            name: credential.name.clone(),
            owner_team: credential.owner.team.clone(),
            owner_contact: credential.owner.contact.clone(),
            state: status.state(),
            started_at: times.started.map(time),
            disabled_at: times.disabled.map(|(at, _)| time(at)),
            quarantined_until: times.disabled.map(|(_, until)| time(until)),
            completed_at: times.completed.map(time),
            cancelled_at: times.cancelled.map(time),
            deadline_at: status.deadline.map(|deadline| time(deadline.at)),
            deadline_because: status.deadline.map(|deadline| deadline.because.as_str()),
            attempts: status.attempts.map_or(0, |attempts| attempts.uses),
            last_attempt_at: status.attempts.map(|attempts| time(attempts.last_at)),
        }
    }
}

#[derive(Default)]
struct Times {
    started: Option<Timestamp>,
    disabled: Option<(Timestamp, Timestamp)>,
    completed: Option<Timestamp>,
    cancelled: Option<Timestamp>,
}

impl Times {
    fn of(grants: Grants) -> Self {
        let none = Self::default();
        match grants {
            Grants::OAuth | Grants::Jwt(Migration::NotStarted) => none,
            Grants::Jwt(Migration::Paired { since }) => Self {
                started: Some(since),
                ..none
            },
            Grants::Jwt(Migration::Disabled { since, at, until }) => Self {
                started: Some(since),
                disabled: Some((at, until)),
                ..none
            },
            Grants::Jwt(Migration::Completed { at }) => Self {
                completed: Some(at),
                ..none
            },
            Grants::Jwt(Migration::Cancelled { at }) => Self {
                cancelled: Some(at),
                ..none
            },
        }
    }
}

/// Where a migration stands, and who is concerned.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct MigrationDetailView {
    #[serde(flatten)]
    migration: MigrationView,
    /// Until when tokens of the JWT half may live; `null` where none does.
    tokens_live_until: Option<String>,
    /// Who tried the JWT half in vain, the last one first.
    attempted_by: Vec<AttemptView>,
}

/// Somebody who tried the JWT half in vain.
#[derive(Serialize, ToSchema)]
struct AttemptView {
    /// `null`, with the two below, for all who cannot be told apart.
    network: Option<String>,
    agent: Option<String>,
    consumer: Option<String>,
    first_at: String,
    last_at: String,
    times: u64,
}

impl From<&Seen> for AttemptView {
    fn from(seen: &Seen) -> Self {
        let caller = seen.trace.as_ref().map(|trace| &trace.caller);
        Self {
            network: caller.map(|caller| caller.network.to_string()),
            agent: caller.map(|caller| caller.agent.as_str().to_owned()),
            consumer: caller.and_then(|one| one.consumer.as_ref().map(ToString::to_string)),
            first_at: time(seen.first_at),
            last_at: time(seen.last_at),
            times: seen.uses,
        }
    }
}

impl From<&MigrationDetail> for MigrationDetailView {
    fn from(detail: &MigrationDetail) -> Self {
        Self {
            migration: MigrationView::from(&detail.status),
            tokens_live_until: detail.tokens_live_until.map(time),
            attempted_by: detail.attempted_by.iter().map(AttemptView::from).collect(),
        }
    }
}

/// Whether the JWT half may be removed.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct ReviewView {
    /// `safe`, `wait` or `still_used`.
    verdict: &'static str,
    /// Of `wait`: whoever has not called by then will not call.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// How sure it is that nobody will call again, from 0 to 1.
    confidence: f64,
    /// Callers of the JWT half, those first who are waited for longest.
    callers: Vec<ReviewedCaller>,
    /// What else to know before the half goes; it leaves the verdict as it is.
    blockers: Vec<BlockerView>,
}

/// Something to know before the JWT half goes.
#[derive(Serialize, ToSchema)]
struct BlockerView {
    /// `live_tokens`, `certificate_expires` or `not_seen_with_oauth`.
    kind: &'static str,
    /// Until when tokens live, when the certificate expires, or the caller's last use of the JWT
    /// half.
    at: String,
    /// Of `certificate_expires`.
    certificate_id: Option<String>,
    /// Of `not_seen_with_oauth`; `null`, with the two below, for all who cannot be told apart.
    network: Option<String>,
    agent: Option<String>,
    consumer: Option<String>,
    /// It as a sentence, without the full stop.
    text: String,
}

/// A caller of the JWT half.
#[derive(Serialize, ToSchema)]
struct ReviewedCaller {
    /// `null`, with the two below, for all who cannot be told apart, or if nobody was ever seen.
    network: Option<String>,
    agent: Option<String>,
    consumer: Option<String>,
    /// Its last use of the JWT half, or when recording began if nobody was ever seen.
    last_used_at: String,
    /// When it was last seen with the OAuth half, if it ever was.
    oauth_last_used_at: Option<String>,
    /// `hourly`, `daily`, `weekly`, `monthly`, `quarterly`, `irregular`, or `unknown`.
    pace: &'static str,
    /// How many pauses between its calls were seen.
    pauses: usize,
    longest_pause_seconds: u64,
    /// `calling`, `pausing`, `moved` or `gone`.
    standing: &'static str,
    /// Of `pausing`: when its silence will be long enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// From 0 to 1.
    confidence: f64,
}

impl From<&Review> for ReviewView {
    fn from(review: &Review) -> Self {
        let until = match review.verdict {
            Verdict::Wait { until } => Some(until),
            Verdict::Safe | Verdict::StillUsed { .. } => None,
        };
        Self {
            verdict: review.verdict.as_str(),
            until: until.map(time),
            confidence: review.confidence,
            callers: review.callers.iter().map(ReviewedCaller::from).collect(),
            blockers: review.blockers.iter().map(BlockerView::from).collect(),
        }
    }
}

impl From<&Blocker> for BlockerView {
    fn from(blocker: &Blocker) -> Self {
        let (certificate, caller) = match blocker {
            Blocker::LiveTokens { .. } => (None, None),
            Blocker::CertificateExpires { id, .. } => (Some(id), None),
            Blocker::NotSeenWithOAuth { caller, .. } => (None, caller.as_ref()),
        };
        Self {
            kind: blocker.as_str(),
            at: time(blocker.at()),
            certificate_id: certificate.map(ToString::to_string),
            network: caller.map(|caller| caller.network.to_string()),
            agent: caller.map(|caller| caller.agent.as_str().to_owned()),
            consumer: caller.and_then(|one| one.consumer.as_ref().map(ToString::to_string)),
            text: blocker.to_string(),
        }
    }
}

impl From<&Finding> for ReviewedCaller {
    fn from(finding: &Finding) -> Self {
        let caller = finding.caller.as_ref();
        let until = match finding.standing {
            Standing::Pausing { until } => Some(until),
            Standing::Gone | Standing::Moved | Standing::Calling => None,
        };
        Self {
            network: caller.map(|caller| caller.network.to_string()),
            agent: caller.map(|caller| caller.agent.as_str().to_owned()),
            consumer: caller.and_then(|one| one.consumer.as_ref().map(ToString::to_string)),
            last_used_at: time(finding.last_at),
            oauth_last_used_at: finding.moved_at.map(time),
            pace: finding.habit.pace.as_str(),
            pauses: finding.habit.pauses,
            longest_pause_seconds: finding.habit.longest_pause.as_secs(),
            standing: finding.standing.as_str(),
            until: until.map(time),
            confidence: finding.confidence,
        }
    }
}
