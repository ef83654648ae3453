//! Notices: what people are told before something ends, when, and who is told.
//!
//! Each end has windows: weekly from 30 days before it, daily from 3 days before it, and one when
//! it has come. In each window it is told once. Who was not there in a window, because no server
//! ran, is told in the next one, and not again for those that passed.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_wire::{Caller, OrgId, Timestamp};

use crate::credential::{Credential, Grants, Owner};
use crate::deprecation::DeprecationPolicy;
use crate::member::SignInName;
use crate::migration::Migration;
use crate::review::{Review, Verdict};

/// What ends.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// A certificate of a JWT half.
    CertificateExpires,
    /// A client secret.
    SecretExpires,
    /// A date of the deprecation policy comes, and something is not possible any more.
    PolicyDate,
    /// The JWT half of a credential, by the policy, whatever its certificates say.
    JwtEnd,
    /// A JWT half in quarantine that somebody tries in vain: it is deleted.
    AttemptsRefused,
    /// The JWT half of a migration that does not get on: programs still need it.
    MigrationBlocked,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::CertificateExpires,
        Self::SecretExpires,
        Self::PolicyDate,
        Self::JwtEnd,
        Self::AttemptsRefused,
        Self::MigrationBlocked,
    ];

    /// The word for it in the store and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateExpires => "certificate_expires",
            Self::SecretExpires => "secret_expires",
            Self::PolicyDate => "policy_date",
            Self::JwtEnd => "jwt_end",
            Self::AttemptsRefused => "attempts_refused",
            Self::MigrationBlocked => "migration_blocked",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Something that ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ending {
    /// What it is.
    pub kind: Kind,
    /// Its id: of the secret, the certificate, the credential; for a policy, the date's name.
    pub subject: String,
    /// What people call it; of attempts and blocked migrations, what is the matter.
    pub name: String,
    /// Its first instant without.
    pub at: Timestamp,
}

impl Ending {
    /// What ends and when, as a sentence without its end: `client secret "blue" (…a1b2) expires on
    /// 2026-03-01`. For the reader of `now`, what is over has passed.
    #[must_use]
    pub fn words(&self, now: Timestamp) -> String {
        let (name, date) = (&self.name, self.at.date());
        let is_over = self.at <= now;
        match (self.kind, is_over) {
            (Kind::CertificateExpires, false) => format!("certificate {name} expires on {date}"),
            (Kind::CertificateExpires, true) => format!("certificate {name} expired on {date}"),
            (Kind::SecretExpires, false) => format!("client secret {name} expires on {date}"),
            (Kind::SecretExpires, true) => format!("client secret {name} expired on {date}"),
            (Kind::PolicyDate, false) => format!("from {date} on, {name}"),
            (Kind::PolicyDate, true) => format!("since {date}, {name}"),
            (Kind::JwtEnd, false) => {
                format!("Service Account (JWT) ends on {date}: migrate to OAuth Server-to-Server")
            }
            (Kind::JwtEnd, true) => {
                format!("Service Account (JWT) ended on {date}: migrate to OAuth Server-to-Server")
            }
            (Kind::AttemptsRefused, false) => {
                format!("the disabled JWT half is still tried ({name}), and deleted on {date}")
            }
            (Kind::AttemptsRefused, true) => {
                format!("the JWT half was still tried ({name}), and deleted on {date}")
            }
            (Kind::MigrationBlocked, false) => {
                format!("the migration is blocked ({name}), and the JWT half ends on {date}")
            }
            (Kind::MigrationBlocked, true) => {
                format!("the migration is blocked ({name}), and the JWT half ended on {date}")
            }
        }
    }
}

/// Days before an end on which its windows open, the first one first.
pub const DAYS: [u32; 8] = [30, 23, 16, 9, 3, 2, 1, 0];

/// How long the last window stays open: who was away when it ended is still told that it did.
const LATE: Duration = Duration::from_secs(7 * DAY);
const DAY: u64 = 86_400;

/// The time from one notice of an end to the next.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Window {
    days_before: u32,
}

impl Window {
    /// The window of an end that is open at `now`; none before the first one, and a week after the
    /// end.
    #[must_use]
    pub fn at(end: Timestamp, now: Timestamp) -> Option<Self> {
        if now >= end.plus(LATE) {
            return None;
        }
        let opened = |days: &u32| now >= end.minus(days_long(*days));
        // The last that has opened: those before it are over.
        let days_before = DAYS.into_iter().rfind(opened)?;
        Some(Self { days_before })
    }

    /// The same of something that is told as soon as it is known: it may come up at `begin`, before
    /// the first window opens, which is a window of its own then.
    #[must_use]
    pub fn since(begin: Timestamp, end: Timestamp, now: Timestamp) -> Option<Self> {
        let whole = begin <= now && now < end;
        let days = end.since(begin).as_secs().div_ceil(DAY);
        let whole = whole.then(|| Self {
            days_before: u32::try_from(days).unwrap_or(u32::MAX),
        });
        Self::at(end, now).or(whole)
    }

    /// How many days before the end it opens.
    #[must_use]
    pub const fn days_before(self) -> u32 {
        self.days_before
    }

    /// Whether the end is near enough to tell of it every day.
    #[must_use]
    pub const fn is_daily(self) -> bool {
        self.days_before <= 3
    }
}

/// The ends that have an open window at `now`: the first instant of them, and the first one after
/// them.
#[must_use]
pub fn noticed_ends(now: Timestamp) -> (Timestamp, Timestamp) {
    let first = now.minus(LATE).plus(Duration::from_millis(1));
    let behind = now.plus(days_long(DAYS[0])).plus(Duration::from_millis(1));
    (first, behind)
}

/// Names one notice for ever: the same end in the same window has the same key, whoever looks and
/// however often.
#[must_use]
pub fn key(org: &OrgId, ending: &Ending, window: Window) -> String {
    let (kind, subject) = (ending.kind.as_str(), &ending.subject);
    let (at, days) = (ending.at.as_millis(), window.days_before);
    format!("{org}/{kind}/{subject}/{at}/{days}")
}

/// Everything of a credential that ends, the next one first; also what has ended.
///
/// A certificate that outlives the JWT half is not told of: it ends nothing.
#[must_use]
pub fn endings(credential: &Credential, policy: &DeprecationPolicy) -> Vec<Ending> {
    let jwt = jwt_end(credential, policy);
    let secrets = credential.secrets.iter().filter_map(|secret| {
        Some(Ending {
            kind: Kind::SecretExpires,
            subject: secret.id.to_string(),
            name: format!("\"{}\" (ends in {})", secret.label, secret.hint),
            at: secret.expires_at?,
        })
    });
    // Those of a half in quarantine work no more, and are deleted with it.
    let works = credential.grants.uses_jwt_half();
    let certificates = credential
        .certificates
        .iter()
        .filter(|_| works)
        .map(|certificate| Ending {
            kind: Kind::CertificateExpires,
            subject: certificate.id.to_string(),
            name: format!("\"{}\"", certificate.subject),
            at: certificate.not_after,
        });
    let last = jwt.as_ref().map(|ending| ending.at);
    let certificates =
        certificates.filter(|certificate| last.is_none_or(|last| certificate.at < last));
    let mut all: Vec<_> = secrets.chain(certificates).chain(jwt.clone()).collect();
    all.sort_by_key(|ending| (ending.at, ending.kind));
    all
}

fn jwt_end(credential: &Credential, policy: &DeprecationPolicy) -> Option<Ending> {
    if !credential.grants.uses_jwt_half() {
        return None;
    }
    Some(Ending {
        kind: Kind::JwtEnd,
        subject: credential.id.to_string(),
        name: String::new(),
        at: credential
            .dates(policy)
            .stops(credential.last_certificate_ends())?,
    })
}

/// Exchanges that a disabled JWT half refused.
#[derive(Clone, Copy, Debug)]
pub struct Attempts<'a> {
    /// How many.
    pub times: u64,
    /// The last one.
    pub last_at: Timestamp,
    /// Whose that was, if it can be told.
    pub by: Option<&'a Caller>,
}

/// What is told of a JWT half in quarantine that was tried.
#[must_use]
pub fn attempts_refused(credential: &Credential, attempts: &Attempts<'_>) -> Option<Ending> {
    let Grants::Jwt(Migration::Disabled { until, .. }) = credential.grants else {
        return None;
    };
    let times = match attempts.times {
        1 => "once".to_owned(),
        times => format!("{times} times"),
    };
    let by = attempts.by.map(|by| format!(" by {}", by.words()));
    let (last, by) = (attempts.last_at.minute(), by.unwrap_or_default());
    Some(Ending {
        kind: Kind::AttemptsRefused,
        subject: credential.id.to_string(),
        name: format!("{times}, last on {last}{by}"),
        at: until,
    })
}

/// How long a migration may take before it counts as blocked.
const PATIENCE: Duration = Duration::from_secs(7 * DAY);

/// When the JWT half of a migration ends that does not get on: both halves are there for a week,
/// or it is a matter of days, and people are told of its end now. Whether it is blocked is its
/// review's to say.
#[must_use]
pub fn drags_on(
    credential: &Credential,
    policy: &DeprecationPolicy,
    now: Timestamp,
) -> Option<Timestamp> {
    let Grants::Jwt(Migration::Paired { since }) = credential.grants else {
        return None;
    };
    let end = policy.deadline(credential)?.at;
    let window = Window::at(end, now)?;
    (window.is_daily() || now.since(since) >= PATIENCE).then_some(end)
}

/// What is told of a migration whose JWT half ends at `end`; nothing where the review says *safe*.
#[must_use]
pub fn migration_blocked(
    credential: &Credential,
    end: Timestamp,
    review: &Review,
) -> Option<Ending> {
    (review.verdict != Verdict::Safe).then(|| Ending {
        kind: Kind::MigrationBlocked,
        subject: credential.id.to_string(),
        name: review.reason(),
        at: end,
    })
}

/// The dates of a policy from which on something is not possible any more, in their order.
#[must_use]
pub fn policy_endings(policy: &DeprecationPolicy) -> Vec<Ending> {
    let dates = [
        (
            "no_new_on",
            policy.no_new_on,
            "no Service Account (JWT) credentials can be created",
        ),
        (
            "end_of_life_on",
            policy.end_of_life_on,
            "no certificates can be added to Service Account (JWT) credentials",
        ),
        (
            "final_on",
            policy.final_on,
            "Service Account (JWT) credentials get no tokens",
        ),
    ];
    let ending = |(subject, at, name): (&str, Option<Timestamp>, &str)| {
        Some(Ending {
            kind: Kind::PolicyDate,
            subject: subject.to_owned(),
            name: name.to_owned(),
            at: at?,
        })
    };
    dates.into_iter().filter_map(ending).collect()
}

/// Who is told by mail: the owner and the others of the project. From three days before the end on also the System Administrators
/// of the organization, and always they where the owner cannot be reached or is nobody. Nobody, if
/// there is no one.
#[must_use]
pub fn recipients(
    owner: Option<&Owner>,
    others: &BTreeSet<SignInName>,
    administrators: &[SignInName],
    window: Window,
) -> BTreeSet<String> {
    let owner = owner.and_then(Owner::mail_address);
    let mut told: BTreeSet<String> = owner.into_iter().map(str::to_ascii_lowercase).collect();
    let is_reached = !told.is_empty();
    told.extend(others.iter().map(|name| name.as_str().to_owned()));
    if !is_reached || window.is_daily() {
        let administrators = administrators.iter().map(|name| name.as_str().to_owned());
        told.extend(administrators);
    }
    told
}

/// How long to wait after so many failed tries to send something; `None` when it was tried often
/// enough: eight times in a day and a half.
#[must_use]
pub fn next_try(failed: u32) -> Option<Duration> {
    const MINUTES: [u64; 7] = [1, 5, 30, 120, 300, 600, 1200];
    let index = usize::try_from(failed.checked_sub(1)?).ok()?;
    MINUTES
        .get(index)
        .map(|minutes| Duration::from_secs(minutes * 60))
}

fn days_long(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * DAY)
}

#[cfg(test)]
mod tests;
