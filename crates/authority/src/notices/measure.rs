//! Numbers about what ends, and about what was told. The node that does the background work has
//! them; the others show zeros, so that the greatest of all nodes is the figure.

use std::time::Duration;

use countersign_store::endings::{self, Part};
use countersign_store::messages;
use countersign_wire::Timestamp;

use crate::Authority;
use crate::lease::WorkError;

const WITHIN_DAYS: [(u64, &str); 3] = [(30, "30"), (7, "7"), (1, "1")];
const PARTS: [(Part, &str); 2] = [
    (Part::Certificates, "certificate"),
    (Part::Secrets, "secret"),
];
/// States of migrations as the store writes them, and as the API does.
const STATES: [(&str, &str); 4] = [
    ("jwt", "not_started"),
    ("jwt_paired", "started"),
    ("jwt_disabled", "disabled"),
    ("jwt_cancelled", "cancelled"),
];
/// What was given up longer ago is nobody's alarm any more.
const RECENTLY: Duration = Duration::from_secs(7 * 86_400);

impl Authority {
    pub(super) async fn measure_endings(&self, now: Timestamp) -> Result<(), WorkError> {
        let mut read = self.store.read().await?;
        for (part, what) in PARTS {
            for (days, within) in WITHIN_DAYS {
                let until = now.plus(Duration::from_secs(days * 86_400));
                let ends = endings::count(&mut read, part, (now, until)).await?;
                expiring(what, within, ends);
            }
        }
        let halves = endings::count_jwt_halves(&mut read).await?;
        for (stored, state) in STATES {
            let found = halves.iter().find(|(grants, _)| grants == stored);
            jwt_credentials(state, found.map_or(0, |(_, count)| *count));
        }
        Ok(())
    }

    pub(super) async fn measure_unsent(&self, now: Timestamp) -> Result<(), WorkError> {
        let mut read = self.store.read().await?;
        let since = now.minus(RECENTLY);
        let (pending, failed) = messages::count_unsent(&mut read, since).await?;
        unsent("pending", pending);
        unsent("failed", failed);
        Ok(())
    }

    /// Another node has the figures.
    pub(crate) fn forget_endings(&self) {
        for (_, what) in PARTS {
            for (_, within) in WITHIN_DAYS {
                expiring(what, within, 0);
            }
        }
        for (_, state) in STATES {
            jwt_credentials(state, 0);
        }
        trouble(0, 0);
        unsent("pending", 0);
        unsent("failed", 0);
    }
}

/// Migrations that somebody should look at.
pub(super) fn trouble(tried: u64, blocked: u64) {
    for (what, count) in [("attempts_refused", tried), ("migration_blocked", blocked)] {
        metrics::gauge!(TROUBLE, "what" => what).set(to_f64(count));
    }
}

fn expiring(what: &'static str, within_days: &'static str, count: u64) {
    metrics::gauge!(EXPIRING, "what" => what, "within_days" => within_days).set(to_f64(count));
}

fn jwt_credentials(state: &'static str, count: u64) {
    metrics::gauge!(JWT_CREDENTIALS, "migration" => state).set(to_f64(count));
}

fn unsent(state: &'static str, count: u64) {
    metrics::gauge!(MESSAGES, "state" => state).set(to_f64(count));
}

/// Exact far beyond what there is.
fn to_f64(count: u64) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

pub(crate) fn describe() {
    metrics::describe_gauge!(
        EXPIRING,
        "Certificates and client secrets of enabled credentials that expire within so many days"
    );
    metrics::describe_gauge!(
        JWT_CREDENTIALS,
        "Credentials with a JWT half, by how far their migration is"
    );
    metrics::describe_gauge!(
        TROUBLE,
        "Migrations that somebody should look at: disabled JWT halves that are still tried, and halves that end soon and are still needed"
    );
    metrics::describe_gauge!(
        MESSAGES,
        "Messages with notices that wait, and that were given up in the last seven days"
    );
}

const EXPIRING: &str = "expiring";
const JWT_CREDENTIALS: &str = "jwt_credentials";
const TROUBLE: &str = "migrations_in_trouble";
const MESSAGES: &str = "notice_messages";
