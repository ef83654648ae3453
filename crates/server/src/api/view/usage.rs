//! How a credential is used, and by whom.

use countersign_authority::{Callers, Day, Finding, Usage};
use countersign_model::evidence::Seen;
use serde::Serialize;
use utoipa::ToSchema;

use super::time;

/// Who calls with a credential, and what somebody should look at.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct UsageView {
    /// Per grant, secret, certificate and key: how often, first and last.
    uses: Vec<UseView>,
    callers: Vec<CallerView>,
    findings: Vec<FindingView>,
    /// Tokens and calls of each of the last 92 days that had any.
    days: Vec<DayView>,
}

/// Uses on one day.
#[derive(Serialize, ToSchema)]
struct DayView {
    /// In UTC, as in `2026-02-01`.
    day: String,
    /// `token`, or `call` of a published service.
    kind: &'static str,
    /// By which the tokens came.
    grant: &'static str,
    uses: u64,
}

/// Uses of one thing by one grant.
#[derive(Serialize, ToSchema)]
struct UseView {
    /// `grant`, `secret`, `certificate` or `key`.
    subject: &'static str,
    subject_id: Option<String>,
    /// `client_credentials` or `jwt_exchange`.
    grant: &'static str,
    uses: u64,
    first_used_at: String,
    last_used_at: String,
}

/// One caller.
#[derive(Serialize, ToSchema)]
struct CallerView {
    grant: &'static str,
    /// The service that was called through the gateway; `null` is the token endpoint.
    service: Option<String>,
    /// Where it calls from; `null` for all those that are not told apart any more.
    network: Option<String>,
    agent: Option<String>,
    consumer: Option<String>,
    secret_id: Option<String>,
    uses: u64,
    first_used_at: String,
    last_used_at: String,
    /// In how many of the last 63 hours, days and weeks before the last call it called.
    active_hours: u32,
    active_days: u32,
    active_weeks: u32,
}

/// What somebody should look at.
#[derive(Serialize, ToSchema)]
struct FindingView {
    finding: &'static str,
    times: u64,
    first_seen_at: String,
    last_seen_at: String,
}

impl UsageView {
    pub(in crate::api) fn new(
        usage: &[Usage],
        callers: &[Callers],
        findings: &[Finding],
        days: &[Day],
    ) -> Self {
        let seen = callers
            .iter()
            .flat_map(|half| half.seen.iter().map(|seen| caller(half, seen)));
        Self {
            uses: usage.iter().map(used).collect(),
            callers: seen.collect(),
            findings: findings.iter().map(found).collect(),
            days: days.iter().map(day).collect(),
        }
    }
}

fn used(usage: &Usage) -> UseView {
    let (subject, subject_id) = usage.subject.named();
    UseView {
        subject,
        subject_id: subject_id.map(str::to_owned),
        grant: usage.grant.as_str(),
        uses: usage.uses,
        first_used_at: time(usage.first_used_at),
        last_used_at: time(usage.last_used_at),
    }
}

fn caller(half: &Callers, seen: &Seen) -> CallerView {
    let trace = seen.trace.as_ref();
    let caller = trace.map(|trace| &trace.caller);
    CallerView {
        grant: half.grant.as_str(),
        service: half.service.as_ref().map(ToString::to_string),
        network: caller.map(|caller| caller.network.to_string()),
        agent: caller.map(|caller| caller.agent.as_str().to_owned()),
        consumer: caller.and_then(|c| c.consumer.as_ref().map(ToString::to_string)),
        secret_id: trace.and_then(|trace| trace.secret.as_ref().map(ToString::to_string)),
        uses: seen.uses,
        first_used_at: time(seen.first_at),
        last_used_at: time(seen.last_at),
        active_hours: seen.rhythm.hours.count_ones(),
        active_days: seen.rhythm.days.count_ones(),
        active_weeks: seen.rhythm.weeks.count_ones(),
    }
}

fn found(finding: &Finding) -> FindingView {
    FindingView {
        finding: finding.kind.as_str(),
        times: finding.times,
        first_seen_at: time(finding.first_at),
        last_seen_at: time(finding.last_at),
    }
}

fn day(day: &Day) -> DayView {
    DayView {
        day: day.day_at.date(),
        kind: day.kind.as_str(),
        grant: day.grant.as_str(),
        uses: day.uses,
    }
}
