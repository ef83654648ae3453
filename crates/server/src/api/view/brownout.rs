//! Brown-outs, and what came of them.

use countersign_authority::{Authority, BrownoutReport, CredentialReport, PlannedBrownout};
use countersign_model::brownout::{
    Brownout, CallerPattern, Fate, Noticed, Phase, Repeat, Share, Unnoticed,
};
use countersign_wire::{Caller, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::{shown, time};

/// A planned short refusal of JWT halves.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct BrownoutView {
    id: String,
    name: String,
    /// `planned`, `running`, `pausing` (between two windows), `over`, `aborted` or `undone`.
    state: &'static str,
    /// When the first window begins.
    at: String,
    /// How long a window lasts.
    seconds: u64,
    /// `hourly`, `daily` or `weekly`; `null` for a single window.
    repeat: Option<&'static str>,
    /// How many windows there are.
    times: u32,
    /// When the last window ends.
    ends_at: String,
    /// When the next window begins, unless one is running or nothing is to come.
    next_at: Option<String>,
    /// When the window that is running ends.
    until: Option<String>,
    /// The share of exchanges that are refused; `null` where callers are named.
    per_cent: Option<u8>,
    /// Whose exchanges are refused; `null` for everybody's.
    callers: Option<Vec<PatternView>>,
    /// How many callers may fail before it is aborted.
    allowed_callers: u32,
    /// Ids of its credentials.
    credentials: Vec<String>,
    planned_by: String,
    planned_at: String,
    /// Of `aborted` and `undone`.
    ended_at: Option<String>,
    /// Of `undone`: who, as the activity log names actors.
    ended_by: Option<String>,
}

/// A caller as the evidence names it; `null` may be anything.
#[derive(Serialize, ToSchema)]
struct PatternView {
    network: Option<String>,
    agent: Option<String>,
    consumer: Option<String>,
}

impl From<&CallerPattern> for PatternView {
    fn from(pattern: &CallerPattern) -> Self {
        Self {
            network: pattern.network.map(|network| network.to_string()),
            agent: pattern.agent.as_ref().map(ToString::to_string),
            consumer: pattern.consumer.as_ref().map(ToString::to_string),
        }
    }
}

impl BrownoutView {
    pub(in crate::api) fn new(brownout: &Brownout, now: Timestamp) -> Self {
        let (windows, phase) = (&brownout.windows, brownout.phase(now));
        let (ended_at, ended_by) = match &brownout.fate {
            Fate::Scheduled => (None, None),
            Fate::Aborted { at, .. } => (Some(*at), None),
            Fate::Undone { at, by } => (Some(*at), Some(by.clone())),
        };
        Self {
            id: brownout.id.to_string(),
            name: brownout.name.clone(),
            state: phase.as_str(),
            at: time(windows.first_at),
            seconds: windows.lasts.as_secs(),
            repeat: (windows.repeat != Repeat::Once).then(|| windows.repeat.as_str()),
            times: windows.times,
            ends_at: time(windows.ends_at()),
            next_at: match phase {
                Phase::Planned { from } | Phase::Pausing { from } => Some(time(from)),
                _ => None,
            },
            until: match phase {
                Phase::Running { until } => Some(time(until)),
                _ => None,
            },
            per_cent: match brownout.share {
                Share::All => Some(100),
                Share::PerCent(share) => Some(share),
                Share::Callers(_) => None,
            },
            callers: match &brownout.share {
                Share::All | Share::PerCent(_) => None,
                Share::Callers(patterns) => Some(patterns.iter().map(PatternView::from).collect()),
            },
            allowed_callers: brownout.allowed,
            credentials: brownout
                .members
                .iter()
                .map(|one| one.id.to_string())
                .collect(),
            planned_by: brownout.planned_by.clone(),
            planned_at: time(brownout.planned_at),
            ended_at: ended_at.map(time),
            ended_by,
        }
    }
}

/// A brown-out that was planned.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct PlannedView {
    #[serde(flatten)]
    brownout: BrownoutView,
    /// Whoever opens it can end the brown-out, without signing in: for the owners. Shown in this
    /// answer and never again; `null` where it was planned before.
    undo_link: Option<String>,
}

impl PlannedView {
    pub(in crate::api) fn new(planned: &PlannedBrownout, authority: &Authority) -> Self {
        let issuer = &authority.config().issuer;
        let link = |code| format!("{issuer}/console/brown-out?code={}", shown(code));
        Self {
            brownout: BrownoutView::new(&planned.brownout, authority.clock().now()),
            undo_link: planned.undo.as_ref().map(link),
        }
    }
}

/// A brown-out, and who noticed.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct BrownoutDetail {
    #[serde(flatten)]
    brownout: BrownoutView,
    /// How many callers failed, each counted once for each credential.
    failed_callers: usize,
    /// For each of its credentials that is still there. What happened within the last ten seconds
    /// may be missing.
    report: Vec<ReportView>,
}

/// What came of a brown-out of one credential.
#[derive(Serialize, ToSchema)]
struct ReportView {
    credential_id: String,
    client_id: String,
    name: String,
    /// Where its migration stands now.
    migration: &'static str,
    /// Who was refused, the last one first.
    noticed: Vec<NoticedView>,
    /// Who uses the JWT half and was not refused, the last one first.
    unnoticed: Vec<UnnoticedView>,
}

/// A caller that was refused.
#[derive(Serialize, ToSchema)]
struct NoticedView {
    network: String,
    agent: String,
    consumer: Option<String>,
    /// How often it was refused.
    times: u64,
    first_at: String,
    last_at: String,
    /// `moved` to the OAuth half, `returned` to the JWT half, `silent`, or `let_through`: one caller
    /// too many, which ended the brown-out.
    outcome: &'static str,
    /// When it got a token with the JWT half last, if that was after it was refused.
    jwt_at: Option<String>,
    /// When it got a token with the OAuth half last, if that was after it was refused first.
    oauth_at: Option<String>,
}

/// A caller that was not refused.
#[derive(Serialize, ToSchema)]
struct UnnoticedView {
    /// `null`, with the two below, for all who cannot be told apart.
    network: Option<String>,
    agent: Option<String>,
    consumer: Option<String>,
    /// When it used the JWT half last.
    last_at: String,
}

impl From<&BrownoutReport> for BrownoutDetail {
    fn from(report: &BrownoutReport) -> Self {
        Self {
            brownout: BrownoutView::new(&report.brownout, report.now),
            failed_callers: report.failed(),
            report: report.credentials.iter().map(ReportView::from).collect(),
        }
    }
}

impl From<&CredentialReport> for ReportView {
    fn from(of: &CredentialReport) -> Self {
        let credential = &of.credential;
        Self {
            credential_id: credential.id.to_string(),
            client_id: credential.client_id.to_string(),
            name: credential.name.clone(),
            migration: super::migration_word(credential.grants),
            noticed: of.report.noticed.iter().map(NoticedView::from).collect(),
            unnoticed: of
                .report
                .unnoticed
                .iter()
                .map(UnnoticedView::from)
                .collect(),
        }
    }
}

impl From<&Noticed> for NoticedView {
    fn from(noticed: &Noticed) -> Self {
        let refused = &noticed.refused;
        Self {
            network: refused.caller.network.to_string(),
            agent: refused.caller.agent.to_string(),
            consumer: refused.caller.consumer.as_ref().map(ToString::to_string),
            times: refused.times,
            first_at: time(refused.first_at),
            last_at: time(refused.last_at),
            outcome: noticed.outcome.as_str(),
            jwt_at: noticed.jwt_at.map(time),
            oauth_at: noticed.oauth_at.map(time),
        }
    }
}

impl From<&Unnoticed> for UnnoticedView {
    fn from(unnoticed: &Unnoticed) -> Self {
        let caller = unnoticed.caller.as_ref();
        let consumer = |caller: &Caller| caller.consumer.as_ref().map(ToString::to_string);
        Self {
            network: caller.map(|caller| caller.network.to_string()),
            agent: caller.map(|caller| caller.agent.to_string()),
            consumer: caller.and_then(consumer),
            last_at: time(unnoticed.last_at),
        }
    }
}
