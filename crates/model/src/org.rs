//! Organizations: who owns projects, credentials and technical accounts.

use std::time::Duration;

use countersign_wire::{NumericOrgId, OrgId, Timestamp};

use crate::credential::State;

/// An organization. Everything else belongs to exactly one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Organization {
    /// `24HEX@AdobeOrg`.
    pub id: OrgId,
    /// The numeric id used in Console paths.
    pub numeric_id: NumericOrgId,
    /// Shown to people.
    pub name: String,
    /// Whether anything of it works.
    pub state: State,
    /// How often an assertion may be used.
    pub replay: ReplayPolicy,
    /// Whether secrets may travel in URLs.
    pub secrets_in_query: SecretsInQuery,
    /// How long its JWT halves are in quarantine before they are deleted; as the installation says,
    /// if `None`.
    pub quarantine: Option<Quarantine>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes; a writer must know the last one.
    pub revision: i64,
}

/// How long a disabled JWT half can be restored before it is deleted: whole days.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quarantine(u32);

impl Quarantine {
    /// Most days: a year.
    pub const MOST_DAYS: u32 = 365;

    /// So many days; at least one, and at most [`MOST_DAYS`](Self::MOST_DAYS).
    #[must_use]
    pub const fn of_days(days: u32) -> Option<Self> {
        match days {
            1..=Self::MOST_DAYS => Some(Self(days)),
            _ => None,
        }
    }

    /// In days.
    #[must_use]
    pub const fn days(self) -> u32 {
        self.0
    }

    /// From the first instant to the last.
    #[must_use]
    pub const fn length(self) -> Duration {
        Duration::from_secs(self.0 as u64 * 86_400)
    }
}

impl Default for Quarantine {
    /// A week: what runs weekly shows itself.
    fn default() -> Self {
        Self(7)
    }
}

/// How often one assertion may be exchanged (`spec/decisions.md`, decision 1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ReplayPolicy {
    /// Any number of times until it expires, as the original.
    #[default]
    Allow,
    /// Once, if it has a `jti`.
    OnceIfJti,
    /// Once, and it must have a `jti`.
    RequireJti,
}

impl ReplayPolicy {
    /// The word for it in the store and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::OnceIfJti => "once_if_jti",
            Self::RequireJti => "require_jti",
        }
    }

    /// The policy of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Allow, Self::OnceIfJti, Self::RequireJti]
            .into_iter()
            .find(|p| p.as_str() == word)
    }
}

/// Whether an organization takes `client_secret` and `jwt_token` in the query of a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SecretsInQuery {
    /// Taken, as the original does.
    #[default]
    Accept,
    /// Refused with `invalid_request`.
    Refuse,
}

impl SecretsInQuery {
    /// The word for it in the store and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Refuse => "refuse",
        }
    }

    /// The rule of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Accept, Self::Refuse]
            .into_iter()
            .find(|p| p.as_str() == word)
    }
}
