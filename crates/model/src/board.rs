//! The board of a migration: for each credential that was created with Service Account (JWT),
//! whether anything must be done, until when, what is at risk, and what is the next step.
//!
//! Whether one *must migrate*, can *wait* or has *no need* is as in the notice of the deprecation
//! (`spec/aem-integrations.md` 1 and 2).

use std::time::Duration;

use countersign_wire::Timestamp;

use crate::credential::Origin;
use crate::deprecation::DeprecationPolicy;
use crate::exemption::Exemption;
use crate::migration::Migration;

/// How near a deadline is for what depends on it to be at high risk.
const SOON: Duration = Duration::from_secs(30 * 86_400);
/// How far away it is for that to be at low risk.
const FAR: Duration = Duration::from_secs(180 * 86_400);

/// What is known of a credential.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Where it comes from.
    pub origin: Origin,
    /// How far its migration is.
    pub migration: Migration,
    /// Whether it may go on for longer than others.
    pub exemption: Option<&'a Exemption>,
    /// When the last of its certificates ends.
    pub last_certificate_ends: Option<Timestamp>,
    /// Whether assertions were exchanged within the last thirty days.
    pub is_used: bool,
}

/// Where a credential stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// Whether anything must be done.
    pub duty: Duty,
    /// When the JWT half stops working, if that is known and it still exists.
    pub deadline: Option<Timestamp>,
    /// What that puts at risk.
    pub risk: Risk,
    /// What to do next.
    pub next: NextStep,
}

/// Whether anything must be done by those who own a credential.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Duty {
    /// It must be migrated.
    MustMigrate,
    /// Somebody else does it, or time does.
    Wait,
    /// Nothing.
    NoNeed,
}

/// What a deadline puts at risk.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Risk {
    /// The JWT half is used, and stopped already or stops within thirty days.
    High,
    /// It is used, and stops within 180 days.
    Medium,
    /// It is used and stops later or nobody knows when, or it is not used.
    Low,
    /// There is nothing to lose.
    None,
}

/// What to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NextStep {
    /// Add the OAuth half.
    Start,
    /// Move the programs that still use the JWT half.
    MoveCallers,
    /// Look at the review, and disable the JWT half.
    ReviewAndDisable,
    /// Wait until the quarantine ends, or delete the JWT half now.
    Finish,
    /// Nobody uses it: delete it if it is not needed, else start.
    DeleteOrStart,
    /// The platform migrates it.
    WaitForPlatform,
    /// Nothing is left to do.
    Nothing,
}

impl NextStep {
    /// Whether people have anything to plan for a credential: not where nothing is to be done, or
    /// where others do it.
    #[must_use]
    pub const fn is_for_people(self) -> bool {
        !matches!(self, Self::Nothing | Self::WaitForPlatform)
    }
}

impl Duty {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::MustMigrate, Self::Wait, Self::NoNeed];

    /// The duty of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// The word for it, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MustMigrate => "must_migrate",
            Self::Wait => "wait",
            Self::NoNeed => "no_need",
        }
    }
}

impl Risk {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::High, Self::Medium, Self::Low, Self::None];

    /// The risk of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::None => "none",
        }
    }
}

impl NextStep {
    /// The word for it, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::MoveCallers => "move_callers",
            Self::ReviewAndDisable => "review_and_disable",
            Self::Finish => "finish",
            Self::DeleteOrStart => "delete_or_start",
            Self::WaitForPlatform => "wait_for_platform",
            Self::Nothing => "nothing",
        }
    }

    /// It as a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Start => "Add the OAuth half; nothing changes for what runs.",
            Self::MoveCallers => {
                "Move the programs that still use the JWT half; the review names them."
            }
            Self::ReviewAndDisable => "Look at the review, and disable the JWT half.",
            Self::Finish => "Wait until the quarantine ends, or delete the JWT half now.",
            Self::DeleteOrStart => {
                "Nobody used it for thirty days: delete it if it is not needed, or add the OAuth half."
            }
            Self::WaitForPlatform => "The platform migrates auto-generated projects itself.",
            Self::Nothing => "Nothing is left to do.",
        }
    }
}

/// Where a credential stands at `now`, under its organization's policy.
#[must_use]
pub fn position(known: &Known<'_>, policy: &DeprecationPolicy, now: Timestamp) -> Position {
    let duty = duty(known);
    let next = next_step(known);
    let has_end = known.migration.uses_jwt_half() && known.origin.is_under_policy();
    let dates = known
        .exemption
        .map_or(*policy, |exemption| policy.not_before(exemption.until));
    let deadline = has_end
        .then(|| dates.stops(known.last_certificate_ends))
        .flatten();
    Position {
        duty,
        deadline,
        risk: match duty {
            Duty::NoNeed => Risk::None,
            _ if !known.migration.uses_jwt_half() => Risk::None,
            _ => risk(known.is_used, deadline, now),
        },
        next,
    }
}

fn duty(known: &Known<'_>) -> Duty {
    match (known.origin, known.migration) {
        (Origin::AemDeveloperConsole, _) | (_, Migration::Completed { .. }) => Duty::NoNeed,
        (Origin::AutoGenerated, _) | (_, Migration::Disabled { .. }) => Duty::Wait,
        (Origin::Console, _) => Duty::MustMigrate,
    }
}

fn next_step(known: &Known<'_>) -> NextStep {
    match (known.origin, known.migration) {
        (Origin::AemDeveloperConsole, _) | (_, Migration::Completed { .. }) => NextStep::Nothing,
        (Origin::AutoGenerated, _) => NextStep::WaitForPlatform,
        (_, Migration::Disabled { .. }) => NextStep::Finish,
        (_, Migration::Paired { .. }) if known.is_used => NextStep::MoveCallers,
        (_, Migration::Paired { .. }) => NextStep::ReviewAndDisable,
        (_, Migration::NotStarted | Migration::Cancelled { .. }) if known.is_used => {
            NextStep::Start
        }
        (_, Migration::NotStarted | Migration::Cancelled { .. }) => NextStep::DeleteOrStart,
    }
}

fn risk(is_used: bool, deadline: Option<Timestamp>, now: Timestamp) -> Risk {
    match deadline {
        _ if !is_used => Risk::Low,
        Some(at) if at <= now.plus(SOON) => Risk::High,
        Some(at) if at <= now.plus(FAR) => Risk::Medium,
        _ => Risk::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deprecation::Preset;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a date")
    }

    fn known(migration: Migration) -> Known<'static> {
        Known {
            origin: Origin::Console,
            migration,
            exemption: None,
            last_certificate_ends: Some(at("2026-12-01")),
            is_used: true,
        }
    }

    const STARTED: Migration = Migration::Paired {
        since: Timestamp::from_seconds(1_760_000_000),
    };
    const DISABLED: Migration = Migration::Disabled {
        since: Timestamp::from_seconds(1_760_000_000),
        at: Timestamp::from_seconds(1_765_000_000),
        until: Timestamp::from_seconds(1_765_600_000),
    };

    #[test]
    fn each_stage_has_its_next_step() {
        let completed = Migration::Completed {
            at: at("2025-01-01"),
        };
        for (migration, is_used, expected) in [
            (Migration::NotStarted, true, NextStep::Start),
            (Migration::NotStarted, false, NextStep::DeleteOrStart),
            (STARTED, true, NextStep::MoveCallers),
            (STARTED, false, NextStep::ReviewAndDisable),
            (DISABLED, true, NextStep::Finish),
            (completed, false, NextStep::Nothing),
        ] {
            let known = Known {
                is_used,
                ..known(migration)
            };
            assert_eq!(next_step(&known), expected, "{migration:?}");
        }
    }

    #[test]
    fn the_notice_says_who_must_wait_and_who_need_not() {
        let policy = Preset::AsItWent.policy();
        let of = |origin, migration| {
            let known = Known {
                origin,
                ..known(migration)
            };
            let position = position(&known, &policy, at("2026-02-01"));
            (position.duty, position.deadline, position.risk)
        };
        let end = Some(at("2026-03-01"));
        assert_eq!(
            of(Origin::Console, Migration::NotStarted),
            (Duty::MustMigrate, end, Risk::High)
        );
        assert_eq!(
            of(Origin::AutoGenerated, Migration::NotStarted),
            (Duty::Wait, end, Risk::High)
        );
        assert_eq!(
            of(Origin::AemDeveloperConsole, Migration::NotStarted),
            (Duty::NoNeed, None, Risk::None)
        );
        assert_eq!(
            of(Origin::Console, DISABLED),
            (Duty::Wait, None, Risk::None)
        );
    }

    #[test]
    fn what_is_used_is_at_risk_by_the_distance_of_its_end() {
        let policy = Preset::AsItWent.policy();
        for (now, is_used, expected) in [
            ("2025-08-01", true, Risk::Low),
            ("2025-10-01", true, Risk::Medium),
            ("2026-02-01", true, Risk::High),
            ("2026-04-01", true, Risk::High),
            ("2026-02-01", false, Risk::Low),
        ] {
            let known = Known {
                is_used,
                ..known(Migration::NotStarted)
            };
            assert_eq!(position(&known, &policy, at(now)).risk, expected, "{now}");
        }
        let exemption = Exemption {
            until: at("2026-12-31"),
            reason: "late".to_owned(),
            approved_by: "operator".to_owned(),
            approved_at: at("2026-01-01"),
        };
        let exempt = Known {
            exemption: Some(&exemption),
            ..known(STARTED)
        };
        let position = position(&exempt, &policy, at("2026-02-01"));
        assert_eq!(
            (position.deadline, position.risk),
            (Some(at("2026-12-31")), Risk::Low)
        );
    }
}
