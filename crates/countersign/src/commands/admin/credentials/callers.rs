//! Who calls with a credential, and what somebody should look at.

use std::time::Duration;

use countersign_authority::Callers;
use countersign_model::evidence::{Rhythm, Seen};
use countersign_store::callers::{Finding, FindingKind};
use countersign_wire::{Caller, Timestamp};

use crate::commands::admin::record::Record;

/// Columns of the list on paper.
pub const COLUMNS: &[&str] = &[
    "service",
    "grant",
    "network",
    "agent",
    "consumer",
    "minted_by",
    "uses",
    "last_used_at",
    "rhythm",
];

/// One record for each caller, the last one first within its grant; a service is one behind the
/// gateway that was called with a token, nothing is the token endpoint.
pub fn shown(halves: &[Callers]) -> Vec<Record> {
    halves
        .iter()
        .flat_map(|half| half.seen.iter().map(|seen| row(half, seen)))
        .collect()
}

fn row(half: &Callers, seen: &Seen) -> Record {
    let trace = seen.trace.as_ref();
    let record = Record::new()
        .maybe("service", half.service.as_ref())
        .text("grant", half.grant.as_str());
    let record = match trace {
        Some(trace) => called(record, &trace.caller),
        None => record
            .text("network", "others")
            .maybe("agent", None::<&str>)
            .maybe("consumer", None::<&str>),
    };
    record
        .maybe("secret_id", trace.and_then(|trace| trace.secret.as_ref()))
        .maybe("minted_by", trace.map(|trace| &trace.minted_by))
        .text("first_used_at", seen.first_at)
        .text("last_used_at", seen.last_at)
        .number("uses", seen.uses)
        .text("rhythm", rhythm(seen.rhythm))
        .list("active_days", days(seen.rhythm, seen.last_at))
}

/// What was found, each with the last caller that gave reason to it.
pub fn findings(found: &[Finding]) -> Vec<Record> {
    let record = |found: &Finding| {
        let record = Record::new()
            .text("finding", found.kind.as_str())
            .text("meaning", meaning(found.kind))
            .text("first_seen_at", found.first_at)
            .text("last_seen_at", found.last_at)
            .number("times", found.times);
        called(record, &found.caller)
    };
    found.iter().map(record).collect()
}

fn called(record: Record, caller: &Caller) -> Record {
    let agent = Some(caller.agent.as_str()).filter(|agent| !agent.is_empty());
    record
        .text("network", caller.network)
        .maybe("agent", agent)
        .maybe("consumer", caller.consumer.as_ref())
}

fn meaning(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::SecretInQuery => {
            "secret travels in URLs, which proxies and logs keep: send it in the body, then replace it"
        }
    }
}

/// How many of the last 63 hours, days and weeks had calls.
fn rhythm(rhythm: Rhythm) -> String {
    let count = |bits: u64| bits.count_ones();
    format!(
        "{} of 63 hours, {} of 63 days, {} of 63 weeks",
        count(rhythm.hours),
        count(rhythm.days),
        count(rhythm.weeks)
    )
}

/// The dates, the last one first.
fn days(rhythm: Rhythm, last: Timestamp) -> Vec<String> {
    let day = |back: u32| last.minus(Duration::from_secs(86_400) * back).date();
    (0..63)
        .filter(|back| rhythm.days >> back & 1 == 1)
        .map(day)
        .collect()
}
