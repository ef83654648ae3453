//! What to know before a JWT half goes, beside the verdict of its review.
//!
//! Blockers inform, and leave the verdict as it is: that asks whether anybody is to be expected
//! again, and nothing here says so. Tokens that were exchanged live to their end on purpose; who
//! was never seen with the OAuth half is waited for by his own habit, and after that he is gone,
//! or a dead program would block for ever; a certificate that expires stops the half sooner, not
//! later.

use std::fmt;

use countersign_wire::{Caller, CertificateId, Timestamp};

use crate::certificate::Certificate;
use crate::review::{Finding, Standing};

/// What is known of a JWT half besides its use.
#[derive(Clone, Copy, Debug, Default)]
pub struct Half<'a> {
    /// Its certificates.
    pub certificates: &'a [Certificate],
    /// Until when tokens of it may live, if any does.
    pub tokens_live_until: Option<Timestamp>,
    /// The last date of the policy, as it holds for the credential.
    pub final_on: Option<Timestamp>,
    /// Whether there is an OAuth half to move to.
    pub beside: Beside,
}

/// What there is beside a JWT half.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Beside {
    /// Nothing.
    #[default]
    Nothing,
    /// The OAuth half.
    OAuth,
    /// The OAuth half, and the JWT half is in quarantine.
    OAuthAlone {
        /// The end of the quarantine.
        until: Timestamp,
    },
}

/// Something to know before a JWT half goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Blocker {
    /// Tokens of it live on.
    LiveTokens {
        /// Until then, unless they are ended.
        until: Timestamp,
    },
    /// A certificate expires, or the last one has, before anybody means the half to stop.
    CertificateExpires {
        /// Which.
        id: CertificateId,
        /// What people call it.
        subject: String,
        /// When.
        at: Timestamp,
        /// Who is without then.
        without: Without,
        /// What comes later.
        before: Before,
    },
    /// Somebody who may call again was never seen with the OAuth half.
    NotSeenWithOAuth {
        /// Who; nothing for callers that cannot be told apart.
        caller: Option<Caller>,
        /// When he last used the JWT half.
        last_at: Timestamp,
    },
}

/// Who is without a certificate when one expires.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Without {
    /// Those who sign with its key.
    Signers,
    /// Everybody: it is the last one.
    Everybody,
}

/// What comes after the end of a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Before {
    /// Today: it has expired.
    Now,
    /// The end of the quarantine, until which the half can be restored.
    EndOfQuarantine(Timestamp),
    /// The first day on which the review can say *safe*.
    Safe(Timestamp),
    /// The last date of the policy.
    LastDate(Timestamp),
}

impl Blocker {
    /// The word for it, for programs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::LiveTokens { .. } => "live_tokens",
            Self::CertificateExpires { .. } => "certificate_expires",
            Self::NotSeenWithOAuth { .. } => "not_seen_with_oauth",
        }
    }

    /// The time it is about: an end, or the last use.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::LiveTokens { until } => *until,
            Self::CertificateExpires { at, .. } => *at,
            Self::NotSeenWithOAuth { last_at, .. } => *last_at,
        }
    }
}

/// As people read it, without the full stop.
impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LiveTokens { until } => write!(
                f,
                "Tokens of the JWT half live until {}, unless they are ended with it",
                until.minute()
            ),
            Self::CertificateExpires {
                subject,
                at,
                without,
                before,
                ..
            } => expires(f, subject, *at, *without, *before),
            Self::NotSeenWithOAuth { caller, last_at } => {
                let who = caller.as_ref().map(Caller::words);
                let who = who
                    .as_deref()
                    .unwrap_or("callers that cannot be told apart");
                let last = last_at.minute();
                write!(
                    f,
                    "Not seen with the OAuth half yet: {who}, last with the JWT half on {last}"
                )
            }
        }
    }
}

fn expires(
    f: &mut fmt::Formatter<'_>,
    subject: &str,
    at: Timestamp,
    without: Without,
    before: Before,
) -> fmt::Result {
    let date = at.date();
    let later = match before {
        Before::Now => {
            return write!(
                f,
                "The last certificate, \"{subject}\", expired on {date}: no JWT is exchanged since, so silence since then says nothing"
            );
        }
        Before::EndOfQuarantine(at) => format!("the quarantine ends on {}", at.date()),
        Before::Safe(at) => format!("the review can say safe, on {}", at.date()),
        Before::LastDate(at) => format!("the last date of the policy, {}", at.date()),
    };
    match without {
        Without::Everybody if matches!(before, Before::EndOfQuarantine(_)) => write!(
            f,
            "The last certificate, \"{subject}\", expires on {date}: restoring the JWT half helps nobody from then on, before {later}"
        ),
        Without::Everybody => write!(
            f,
            "The last certificate, \"{subject}\", expires on {date}: the JWT half stops by itself then, before {later}"
        ),
        Without::Signers => write!(
            f,
            "The certificate \"{subject}\" expires on {date}: who signs with its key fails then, before {later}"
        ),
    }
}

/// What of the half itself stands in the way: its tokens, then its certificates by their ends.
pub(crate) fn of_half(half: &Half<'_>, callers: &[Finding], now: Timestamp) -> Vec<Blocker> {
    let tokens = half.tokens_live_until.filter(|until| now < *until);
    let tokens = tokens.map(|until| Blocker::LiveTokens { until });
    let last = half.certificates.iter().map(|one| one.not_after).max();
    let mut certificates: Vec<_> = half.certificates.iter().collect();
    certificates.sort_by_key(|certificate| certificate.not_after);
    let expiring = certificates.into_iter().filter_map(|certificate| {
        let at = certificate.not_after;
        let without = match last == Some(at) {
            true => Without::Everybody,
            false => Without::Signers,
        };
        Some(Blocker::CertificateExpires {
            id: certificate.id.clone(),
            subject: certificate.subject.clone(),
            at,
            without,
            before: before(half, callers, (at, without), now)?,
        })
    });
    tokens.into_iter().chain(expiring).collect()
}

/// What comes after the end of a certificate, the nearest of what people count on; nothing where
/// its end takes nobody by surprise.
fn before(
    half: &Half<'_>,
    callers: &[Finding],
    (at, without): (Timestamp, Without),
    now: Timestamp,
) -> Option<Before> {
    if at <= now {
        return (without == Without::Everybody).then_some(Before::Now);
    }
    let quarantine = match half.beside {
        Beside::OAuthAlone { until } => Some(until),
        Beside::Nothing | Beside::OAuth => None,
    };
    let safe = callers.iter().filter_map(Finding::expected_until).max();
    let quarantine = quarantine.filter(|later| at < *later);
    let safe = safe.filter(|later| at < *later);
    let last_date = half.final_on.filter(|later| at < *later);
    quarantine
        .map(Before::EndOfQuarantine)
        .or(safe.map(Before::Safe))
        .or(last_date.map(Before::LastDate))
}

/// Callers who may call again and were never seen with the OAuth half, in the order of `callers`.
/// Nobody, while there is none.
pub(crate) fn of_callers(half: &Half<'_>, callers: &[Finding]) -> Vec<Blocker> {
    if half.beside == Beside::Nothing {
        return Vec::new();
    }
    let is_expected = |one: &&Finding| match one.standing {
        Standing::Calling | Standing::Pausing { .. } => one.moved_at.is_none(),
        Standing::Moved | Standing::Gone => false,
    };
    let unseen = callers.iter().filter(is_expected);
    let blocker = |one: &Finding| Blocker::NotSeenWithOAuth {
        caller: one.caller.clone(),
        last_at: one.last_at,
    };
    unseen.map(blocker).collect()
}
