//! What people are told wherever a Service Account (JWT) credential is shown.

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
    if !credential.grants.has_jwt_half() {
        return None;
    }
    let last = credential.last_certificate_ends();
    let notice = policy.notice(credential.origin, last, now)?;
    let way_out = if credential.grants.has_oauth_half() {
        "Its OAuth half is there already: move every program that uses it, then remove the JWT half."
    } else {
        "Move it to OAuth Server-to-Server in time: client id, technical account, services and profiles stay the same."
    };
    let since = notice.deprecated_on.date();
    let (header, end) = match notice.sunset {
        None => (
            "This Service Account (JWT) credential is deprecated".to_owned(),
            "This installation has set no end date yet.".to_owned(),
        ),
        Some(at) if at <= now => (
            "This Service Account (JWT) credential has ended".to_owned(),
            format!(
                "It stopped working on {}, {} ago: no assertion is exchanged for a token any more.",
                at.date(),
                days(now.since(at).as_secs())
            ),
        ),
        Some(at) => (
            format!(
                "This Service Account (JWT) credential is deprecated: {} left",
                days(at.since(now).as_secs())
            ),
            format!("It stops working on {}.", at.date()),
        ),
    };
    let certificates = match policy.end_of_life_on {
        Some(at) if at <= now => format!(" Certificates cannot be added since {}.", at.date()),
        Some(at) => format!(" Certificates can be added until {}.", at.date()),
        None => String::new(),
    };
    Some(Banner {
        header,
        text: format!("Deprecated since {since}. {end}{certificates} {way_out}"),
    })
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
