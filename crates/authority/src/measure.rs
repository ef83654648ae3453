//! Numbers for the operator's monitoring. Labels come from closed sets only (LOG-05).

use countersign_store::Trouble;
use countersign_store::usage::Grant;
use metrics::{Counter, Gauge, Histogram};

use crate::Authority;
use crate::admission::Crowd;
use crate::clock_watch::CLOCK_STEPS;

/// What is counted where it happens. Made after the process has decided to count, or it counts
/// for nobody.
pub(crate) struct Counters {
    client_credentials: Counter,
    jwt_exchange: Counter,
    browned_out: Counter,
}

/// How often a client was in memory when it was looked up.
pub(crate) struct Lookups {
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
}

impl Lookups {
    pub(crate) fn new() -> Self {
        let lookups = |found| metrics::counter!(DIRECTORY_LOOKUPS, "found" => found);
        Self {
            hits: lookups("in_memory"),
            misses: lookups("not_in_memory"),
        }
    }
}

impl Counters {
    pub(crate) fn new() -> Self {
        describe();
        let issued = |grant: Grant| metrics::counter!(TOKENS_ISSUED, "grant" => grant.as_str());
        Self {
            client_credentials: issued(Grant::ClientCredentials),
            jwt_exchange: issued(Grant::JwtExchange),
            browned_out: metrics::counter!(BROWNED_OUT),
        }
    }

    pub(crate) fn issued(&self, grant: Grant) {
        let counter = match grant {
            Grant::ClientCredentials => &self.client_credentials,
            Grant::JwtExchange => &self.jwt_exchange,
        };
        counter.increment(1);
    }

    /// A brown-out refused an exchange.
    pub(crate) fn browned_out(&self) {
        self.browned_out.increment(1);
    }

    /// A request for a token was sent away because signing is overloaded.
    pub(crate) fn shed(who: Crowd) {
        metrics::counter!(REQUESTS_SHED, "because_of" => who.as_str()).increment(1);
    }

    /// Codes of errors are constants of ours.
    pub(crate) fn refused(error: &'static str) {
        metrics::counter!(REFUSALS, "error" => error).increment(1);
    }
}

/// How long signatures are waited for.
pub(crate) fn signing_wait() -> Histogram {
    metrics::histogram!(SIGNING_WAIT)
}

impl Authority {
    /// Publishes what is measured now and then.
    pub(crate) fn measure(&self) {
        let now = self.clock.now();
        gauge(CHANGE_LOG_LAG).set(self.age().as_secs_f64());
        gauge(DIRECTORY_CLIENTS).set(to_f64(self.directory.len()));
        gauge(REVOCATIONS).set(to_f64(self.revocations.len()));
        gauge(GATEWAY_TOKENS).set(to_f64(self.verified_tokens()));
        gauge(SIGNATURES_WAITING).set(to_f64(self.signing.waiting()));
        gauge(BROWNOUTS_RUNNING).set(to_f64(self.brownouts.running(now)));
        gauge(EVIDENCE_WAITING).set(to_f64(self.activity.waiting()));
        gauge(CLOCK_DIFFERENCE).set(self.clocks().difference().as_secs_f64());
        for (algorithm, since) in &self.outlook.load().active {
            let age = now.since(*since).as_secs_f64();
            metrics::gauge!(KEY_AGE, "algorithm" => algorithm.as_str()).set(age);
        }
        let step = self.clock_step().map_or(0, |step| step.milliseconds / 1000);
        gauge(CLOCK_STEP).set(step as f64);
        let is_failing = u8::from(!self.takes_writes());
        gauge(DATABASE_FAILING).set(is_failing);
        let is_damaged = |trouble: &Trouble| matches!(trouble, Trouble::Damaged(_));
        let damaged = self.storage_troubles().iter().any(is_damaged);
        gauge(DATABASE_DAMAGED).set(u8::from(damaged));
        let late = self.overdue_rotation().map(|due| now.since(due.at));
        gauge(KEY_OVERDUE).set(late.unwrap_or_default().as_secs_f64());
    }
}

fn gauge(name: &'static str) -> Gauge {
    metrics::gauge!(name)
}

/// Exact far beyond what fits into memory.
fn to_f64(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

fn describe() {
    crate::notices::describe();
    metrics::describe_counter!(TOKENS_ISSUED, "Access tokens issued, by grant");
    metrics::describe_counter!(REFUSALS, "Refused requests, by code of the error");
    metrics::describe_counter!(
        DIRECTORY_LOOKUPS,
        "Clients looked up, by where they were found"
    );
    metrics::describe_counter!(BROWNED_OUT, "Exchanges that brown-outs refused");
    metrics::describe_gauge!(BROWNOUTS_RUNNING, "Brown-outs that refuse exchanges now");
    metrics::describe_gauge!(DIRECTORY_CLIENTS, "Clients in memory");
    metrics::describe_gauge!(
        CHANGE_LOG_LAG,
        "Seconds since the change log was read to its end"
    );
    metrics::describe_gauge!(REVOCATIONS, "Revocations in memory");
    metrics::describe_gauge!(
        GATEWAY_TOKENS,
        "Verified tokens in memory, by which calls are checked"
    );
    metrics::describe_counter!(
        REQUESTS_SHED,
        "Requests for tokens refused because signing is overloaded, by who asks for too much"
    );
    metrics::describe_histogram!(
        SIGNING_WAIT,
        "Seconds that requests for tokens waited for their signature to begin"
    );
    metrics::describe_gauge!(SIGNATURES_WAITING, "Requests that wait for their signature");
    metrics::describe_gauge!(EVIDENCE_WAITING, "Records of use that are not written yet");
    metrics::describe_gauge!(
        CLOCK_DIFFERENCE,
        "Seconds that the clocks of nodes differ; 0 while they are within what nodes allow"
    );
    metrics::describe_gauge!(KEY_AGE, "Seconds that the active signing key has signed");
    metrics::describe_counter!(CLOCK_STEPS, "Settings of the wall clock that were noticed");
    metrics::describe_gauge!(
        CLOCK_STEP,
        "Seconds that the wall clock is ahead of where it would be had nobody set it"
    );
    metrics::describe_gauge!(
        DATABASE_FAILING,
        "1 while the database takes no writes: full, read-only, gone"
    );
    metrics::describe_gauge!(DATABASE_DAMAGED, "1 once damage was met in the database");
    metrics::describe_gauge!(KEY_OVERDUE, "Seconds that the rotation of keys is overdue");
}

const TOKENS_ISSUED: &str = "tokens_issued_total";
const BROWNED_OUT: &str = "brownout_refusals_total";
const BROWNOUTS_RUNNING: &str = "brownouts_running";
const REFUSALS: &str = "refusals_total";
const DIRECTORY_LOOKUPS: &str = "directory_lookups_total";
const DIRECTORY_CLIENTS: &str = "directory_clients";
const CHANGE_LOG_LAG: &str = "change_log_lag_seconds";
const REQUESTS_SHED: &str = "requests_shed_total";
const SIGNING_WAIT: &str = "signing_wait_seconds";
const SIGNATURES_WAITING: &str = "signatures_waiting";
const REVOCATIONS: &str = "revocations";
const GATEWAY_TOKENS: &str = "gateway_tokens";
const EVIDENCE_WAITING: &str = "evidence_waiting";
const CLOCK_STEP: &str = "clock_step_seconds";
const DATABASE_FAILING: &str = "database_failing";
const DATABASE_DAMAGED: &str = "database_damaged";
const CLOCK_DIFFERENCE: &str = "clock_difference_seconds";
const KEY_AGE: &str = "signing_key_age_seconds";
const KEY_OVERDUE: &str = "signing_key_rotation_overdue_seconds";
