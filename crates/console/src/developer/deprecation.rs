//! What people are told wherever a Service Account (JWT) credential is shown.

use countersign_model::deprecation::Notice;
use countersign_model::{Credential, DeprecationPolicy};
use countersign_wire::Timestamp;

/// A banner about the deprecation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Banner {
    pub(super) header: String,
    pub(super) text: String,
}

/// What to say of a credential, if it has a JWT half and the policy speaks of it.
pub(super) fn banner(
    credential: &Credential,
    policy: &DeprecationPolicy,
    now: Timestamp,
) -> Option<Banner> {
    let notice = notice(credential, policy, now)?;
    let policy = &credential.dates(policy);
    let exempt = match &credential.exemption {
        Some(exemption) if now < exemption.until => format!(
            " It is exempt from the dates of others until {}: {}.",
            exemption.until.date(),
            exemption.reason.trim_end_matches('.')
        ),
        _ => String::new(),
    };
    let way_out = if credential.grants.has_oauth_half() {
        "Its OAuth half is there already: move every program that uses it, then remove the JWT half."
    } else {
        "Move it to OAuth Server-to-Server in time: client id, technical account, services and profiles stay the same."
    };
    let header = match notice.sunset {
        None => "This Service Account (JWT) credential is deprecated".to_owned(),
        Some(at) if at <= now => "This Service Account (JWT) credential has ended".to_owned(),
        Some(at) => format!(
            "This Service Account (JWT) credential is deprecated: {} left",
            ahead(at, now)
        ),
    };
    Some(Banner {
        header,
        text: format!("{}{exempt} {way_out}", dates(&notice, policy, now)),
    })
}

/// What to say above a list with JWT credentials in it, if the policy speaks of them.
pub(super) fn overview(policy: &DeprecationPolicy, now: Timestamp) -> Option<Banner> {
    let deprecated_on = policy.deprecated_on.filter(|at| *at <= now)?;
    let header = "Service Account (JWT) credentials are deprecated";
    let (header, end) = match policy.final_on {
        None => (header.to_owned(), NO_END.to_owned()),
        Some(at) if at <= now => (
            "Service Account (JWT) credentials have ended".to_owned(),
            format!(
                "They stopped working on {}, {} ago.",
                at.date(),
                ago(at, now)
            ),
        ),
        Some(at) => (
            format!("{header}: {} left", ahead(at, now)),
            format!("They stop working on {} at the latest.", at.date()),
        ),
    };
    Some(Banner {
        header,
        text: format!(
            "Deprecated since {}. {end}{} Open those that are marked below, and move them to OAuth Server-to-Server.",
            deprecated_on.date(),
            certificates(policy, now),
        ),
    })
}

/// The same as [`banner`] in a few words, for a list.
pub(super) fn mark(
    credential: &Credential,
    policy: &DeprecationPolicy,
    now: Timestamp,
) -> Option<String> {
    let notice = notice(credential, policy, now)?;
    Some(match notice.sunset {
        None => "deprecated".to_owned(),
        Some(at) if at <= now => format!("ended on {}", at.date()),
        Some(at) => format!("{} left, until {}", ahead(at, now), at.date()),
    })
}

fn notice(credential: &Credential, policy: &DeprecationPolicy, now: Timestamp) -> Option<Notice> {
    let last = credential.last_certificate_ends();
    let is_asked = credential.grants.has_jwt_half();
    is_asked
        .then(|| {
            credential
                .dates(policy)
                .notice(credential.origin, last, now)
        })
        .flatten()
}

/// All the dates, as sentences.
fn dates(notice: &Notice, policy: &DeprecationPolicy, now: Timestamp) -> String {
    let since = notice.deprecated_on.date();
    let end = match notice.sunset {
        None => NO_END.to_owned(),
        Some(at) if at <= now => format!(
            "It stopped working on {}, {} ago: no assertion is exchanged for a token any more.",
            at.date(),
            ago(at, now)
        ),
        Some(at) => format!("It stops working on {}.", at.date()),
    };
    format!(
        "Deprecated since {since}. {end}{}",
        certificates(policy, now)
    )
}

fn certificates(policy: &DeprecationPolicy, now: Timestamp) -> String {
    match policy.end_of_life_on {
        Some(at) if at <= now => format!(" Certificates cannot be added since {}.", at.date()),
        Some(at) => format!(" Certificates can be added until {}.", at.date()),
        None => String::new(),
    }
}

const NO_END: &str = "This installation has set no end date yet.";

fn ago(at: Timestamp, now: Timestamp) -> String {
    days(now.since(at).as_secs())
}

fn ahead(at: Timestamp, now: Timestamp) -> String {
    days(at.since(now).as_secs())
}

/// Whole days, at least as many as are begun.
fn days(seconds: u64) -> String {
    match seconds.div_ceil(86_400) {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_people_do() {
        assert_eq!(days(0), "0 days");
        assert_eq!(days(3600), "1 day");
        assert_eq!(days(86_400), "1 day");
        assert_eq!(days(86_401), "2 days");
    }
}
