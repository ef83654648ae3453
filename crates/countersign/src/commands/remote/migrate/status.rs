//! Where credentials stand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_authority::Clock;
use countersign_client::management::Verb as Http;
use countersign_wire::Timestamp;
use serde_json::{Value, json};

use super::bulk;
use super::which::{Place, Target, Which};
use crate::commands::admin::files::NewFile;
use crate::commands::remote::shown::Shown;
use crate::commands::remote::{Session, failure, text};
use crate::outcome::{Exit, Failure};

/// Which credentials, and when to worry.
#[derive(Debug, clap::Args)]
pub struct Status {
    #[command(flatten)]
    which: Which,
    /// Show only credentials whose JWT half stops working within this time, or has, or is deleted
    /// although somebody still tries it, and end with exit 1 if there are any: `30d`, `12h`
    #[arg(long, value_name = "TIME", value_parser = time)]
    fail_within: Option<Duration>,
}

impl Status {
    pub(super) async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        if let (Some(one), None) = (self.which.one(), self.fail_within) {
            let call = one.place(session).await?.call(Http::Get, &[]);
            return Ok(Shown::Item(FIRST, session.send(call).await?.body));
        }
        let mut found: Vec<Value> = self
            .which
            .find_whole(session)
            .await?
            .into_iter()
            .map(|target| target.migration)
            .collect();
        let Some(within) = self.fail_within else {
            return Ok(Shown::List(COLUMNS, found));
        };
        let then = Clock::system().now().plus(within);
        found.retain(|migration| deadline(migration).is_some_and(|at| at <= then));
        let exit = match found.is_empty() {
            true => Exit::Done,
            false => Exit::Refused,
        };
        Ok(Shown::Ended(COLUMNS, found, exit))
    }
}

/// Which credentials.
#[derive(Debug, clap::Args)]
pub struct Review {
    #[command(flatten)]
    which: Which,
    /// Write the review with its evidence, signed by the server, into this new file. For one
    /// credential
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
}

impl Review {
    pub(super) async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        if let Some(one) = self.which.one() {
            let place = one.place(session).await?;
            if let Some(file) = &self.export {
                export(&place, file, session).await?;
            }
            let review = session.send(place.call(Http::Get, &["review"])).await?;
            return Ok(Shown::Item(REVIEW_FIRST, review.body));
        }
        if self.export.is_some() {
            return Err(Failure::broken("`--export` is for one credential")
                .hint("name that one, and no other"));
        }
        let mut reviews = Vec::new();
        for target in self.which.find_whole(session).await? {
            // Of what is completed nobody asks any more.
            if text(&target.migration, "state") != "completed" {
                reviews.push(reviewed(&target, session).await?);
            }
        }
        Ok(Shown::List(REVIEW_COLUMNS, reviews))
    }
}

async fn export(place: &Place, file: &Path, session: &Session) -> Result<(), Failure> {
    let file = NewFile::reserve(file)?;
    let call = place.call(Http::Get, &["review", "export"]);
    let signed = session.management.text(&call).await.map_err(failure::of)?;
    file.write(&signed)
}

async fn reviewed(target: &Target, session: &Session) -> Result<Value, Failure> {
    let call = target.place.call(Http::Get, &["review"]);
    let mut review = bulk::patiently(&call, session).await?;
    review["callers_seen"] = json!(review["callers"].as_array().map_or(0, Vec::len));
    review["blockers_seen"] = json!(review["blockers"].as_array().map_or(0, Vec::len));
    for name in ["credential_id", "name", "state"] {
        review[name] = target.migration[name].clone();
    }
    Ok(review)
}

/// When the half stops working; of one in quarantine that is still tried, when it can be restored no
/// more.
fn deadline(migration: &Value) -> Option<Timestamp> {
    let is_tried = migration["attempts"]
        .as_u64()
        .is_some_and(|times| times > 0);
    let at = match text(migration, "state") == "disabled" && is_tried {
        true => &migration["quarantined_until"],
        false => &migration["deadline_at"],
    };
    at.as_str()?.parse().ok()
}

/// `30d`, `12h`, `45m`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and `d`, `h` or `m`, as in `30d`".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds: u64 = match unit {
        'd' => 86_400,
        'h' => 3_600,
        'm' => 60,
        _ => return Err(wrong()),
    };
    let number = text.strip_suffix(unit).and_then(|text| text.parse().ok());
    // A hundred years are enough for everybody.
    let number: u64 = number.filter(|n| *n <= 36_500).ok_or_else(wrong)?;
    Ok(Duration::from_secs(number * seconds))
}

const COLUMNS: &[&str] = &[
    "credential_id",
    "name",
    "owner_team",
    "state",
    "deadline_at",
    "deadline_because",
    "quarantined_until",
    "attempts",
];
pub const FIRST: &[&str] = &[
    "credential_id",
    "client_id",
    "name",
    "state",
    "started_at",
    "disabled_at",
    "quarantined_until",
    "completed_at",
    "cancelled_at",
    "deadline_at",
    "deadline_because",
    "attempts",
    "last_attempt_at",
    "tokens_live_until",
];
const REVIEW_FIRST: &[&str] = &["verdict", "until", "confidence", "blockers"];
const REVIEW_COLUMNS: &[&str] = &[
    "credential_id",
    "name",
    "state",
    "verdict",
    "until",
    "confidence",
    "callers_seen",
    "blockers_seen",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tried_half_in_quarantine_ends_with_it() {
        let (end, quarantine) = ("2026-05-01T00:00:00Z", "2026-03-01T00:00:00Z");
        let at = |state: &str, attempts: u64| {
            let migration = json!({
                "state": state, "attempts": attempts,
                "deadline_at": (state != "disabled").then_some(end),
                "quarantined_until": (state == "disabled").then_some(quarantine),
            });
            deadline(&migration).map(|at| at.to_string())
        };
        assert_eq!(at("disabled", 3).as_deref(), Some(quarantine));
        assert_eq!(at("disabled", 0), None);
        assert_eq!(at("started", 3).as_deref(), Some(end));
    }

    #[test]
    fn times_have_a_unit() {
        let days = |n: u64| Ok(Duration::from_secs(n * 86_400));
        assert_eq!(time("30d"), days(30));
        assert_eq!(time("48h"), days(2));
        assert_eq!(time("1440m"), days(1));
        for text in ["", "d", "30", "-1d", "1.5d", "99999d", "1y", "3ö"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
