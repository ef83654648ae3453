//! The deprecation of Service Account (JWT) credentials: dates, and what each refuses.
//!
//! Source: `spec/ims-protocol.md` 7.2; presets: `spec/decisions.md`, decision 5. A date holds from
//! its first instant on. Credentials of the AEM Developer Console are outside of every policy.

use countersign_wire::Timestamp;

use crate::credential::{Credential, Origin};

/// The dates of a policy. A date that is not set never comes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DeprecationPolicy {
    /// From here on JWT credentials carry a warning. They can be migrated before, too: our choice,
    /// because who wants to be early need not be stopped.
    pub deprecated_on: Option<Timestamp>,
    /// From here on no JWT credential can be created.
    pub no_new_on: Option<Timestamp>,
    /// From here on no certificate can be added: a credential works until its last one expires.
    pub end_of_life_on: Option<Timestamp>,
    /// From here on no assertion is exchanged.
    pub final_on: Option<Timestamp>,
}

/// One of the dates of a policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PolicyDate {
    /// [`DeprecationPolicy::deprecated_on`].
    DeprecatedOn,
    /// [`DeprecationPolicy::no_new_on`].
    NoNewOn,
    /// [`DeprecationPolicy::end_of_life_on`].
    EndOfLifeOn,
    /// [`DeprecationPolicy::final_on`].
    FinalOn,
}

impl PolicyDate {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [
        Self::DeprecatedOn,
        Self::NoNewOn,
        Self::EndOfLifeOn,
        Self::FinalOn,
    ];

    /// Its name in configuration, API and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DeprecatedOn => "deprecated_on",
            Self::NoNewOn => "no_new_on",
            Self::EndOfLifeOn => "end_of_life_on",
            Self::FinalOn => "final_on",
        }
    }

    /// When it is, by a policy.
    #[must_use]
    pub const fn of(self, policy: &DeprecationPolicy) -> Option<Timestamp> {
        match self {
            Self::DeprecatedOn => policy.deprecated_on,
            Self::NoNewOn => policy.no_new_on,
            Self::EndOfLifeOn => policy.end_of_life_on,
            Self::FinalOn => policy.final_on,
        }
    }
}

/// Ready-made policies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Preset {
    /// Deprecated, without any end date: the default of a new installation.
    Open,
    /// The dates of the first notice.
    Notice2023,
    /// The dates as they were moved.
    AsItWent,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Notice2023, Self::AsItWent];

    /// Its name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Notice2023 => "notice-2023",
            Self::AsItWent => "as-it-went",
        }
    }

    /// The preset of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == name)
    }

    /// Its dates.
    #[must_use]
    pub const fn policy(self) -> DeprecationPolicy {
        match self {
            Self::Open => DeprecationPolicy {
                deprecated_on: Some(MAY_2023),
                no_new_on: None,
                end_of_life_on: None,
                final_on: None,
            },
            // The first notice knew one end: from 2025 on nothing works any more.
            Self::Notice2023 => DeprecationPolicy {
                deprecated_on: Some(MAY_2023),
                no_new_on: Some(Timestamp::from_seconds(1_714_521_600)),
                end_of_life_on: Some(JANUARY_2025),
                final_on: Some(JANUARY_2025),
            },
            Self::AsItWent => DeprecationPolicy {
                deprecated_on: Some(MAY_2023),
                no_new_on: Some(Timestamp::from_seconds(1_717_459_200)),
                end_of_life_on: Some(Timestamp::from_seconds(1_751_328_000)),
                final_on: Some(Timestamp::from_seconds(1_772_323_200)),
            },
        }
    }
}

const MAY_2023: Timestamp = Timestamp::from_seconds(1_682_899_200);
const JANUARY_2025: Timestamp = Timestamp::from_seconds(1_735_689_600);

/// Dates that cannot be a policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{later}` must not be before `{earlier}`: a credential cannot end before it is deprecated"
)]
pub struct PolicyError {
    earlier: &'static str,
    later: &'static str,
}

/// Why something is not possible for a JWT credential today: what, since when, and the way out.
///
/// The sentence is safe to print on the wire: it keeps to the characters of RFC 6749 section 5.2.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No new JWT credentials.
    #[error("Service Account (JWT) credentials can not be created since {}. Create an OAuth Server-to-Server credential instead.", .since.date())]
    NoNew {
        /// The policy's date.
        since: Timestamp,
    },
    /// No further certificates.
    #[error("Certificates can not be added to Service Account (JWT) credentials since {}. Migrate this credential to OAuth Server-to-Server instead.", .since.date())]
    NoCertificates {
        /// The policy's date.
        since: Timestamp,
    },
    /// No further exchanges.
    #[error("Service Account (JWT) credentials ended on {}. Use the OAuth Server-to-Server grant at /ims/token/v3 instead.", .since.date())]
    Ended {
        /// The policy's date.
        since: Timestamp,
    },
    /// The JWT half of this credential is in quarantine.
    #[error("The Service Account (JWT) half of this credential was disabled on {}. Request tokens at /ims/token/v3 with client_credentials instead.", .since.date())]
    Disabled {
        /// When it was disabled.
        since: Timestamp,
    },
    /// This credential has no JWT half any more.
    #[error("This credential was migrated to OAuth Server-to-Server on {}. Request tokens at /ims/token/v3 with client_credentials instead.", .since.date())]
    Migrated {
        /// When the JWT half was removed.
        since: Timestamp,
    },
}

/// What a successful exchange tells the client in its headers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Notice {
    /// Since when the JWT grant is deprecated (RFC 9745).
    pub deprecated_on: Timestamp,
    /// When it ends for this credential, if that is known (RFC 8594).
    pub sunset: Option<Timestamp>,
}

impl DeprecationPolicy {
    /// Checks that the dates are in their order.
    ///
    /// # Errors
    /// [`PolicyError`] names the two dates that are not.
    pub fn checked(self) -> Result<Self, PolicyError> {
        let dates = [
            ("deprecated_on", self.deprecated_on),
            ("no_new_on", self.no_new_on),
            ("end_of_life_on", self.end_of_life_on),
            ("final_on", self.final_on),
        ];
        let mut last: Option<(&'static str, Timestamp)> = None;
        for (later, date) in dates {
            let Some(date) = date else { continue };
            if let Some((earlier, _)) = last.filter(|(_, before)| date < *before) {
                return Err(PolicyError { earlier, later });
            }
            last = Some((later, date));
        }
        Ok(self)
    }

    /// The same, with no end before `until`: what an exemption leaves of it. Dates that never come
    /// do not come for it either.
    #[must_use]
    pub fn not_before(self, until: Timestamp) -> Self {
        let later = |date: Timestamp| date.max(until);
        Self {
            end_of_life_on: self.end_of_life_on.map(later),
            final_on: self.final_on.map(later),
            ..self
        }
    }

    /// Whether a date takes something from a credential that has a JWT half under the policy:
    /// from [`FinalOn`](PolicyDate::FinalOn) on, one that has no valid certificate any more has
    /// nothing to lose. Creations are not of one credential, so `no_new_on` takes nothing.
    #[must_use]
    pub fn hits(&self, date: PolicyDate, last_certificate_ends: Option<Timestamp>) -> bool {
        let comes_before_the_end = |at: Timestamp| self.final_on.is_none_or(|end| at < end);
        match date {
            PolicyDate::DeprecatedOn => self.deprecated_on.is_some(),
            PolicyDate::NoNewOn => false,
            PolicyDate::EndOfLifeOn => self.end_of_life_on.is_some_and(comes_before_the_end),
            PolicyDate::FinalOn => self.final_on.is_some_and(|end| {
                self.stops_with_certificates(last_certificate_ends)
                    .is_none_or(|stops| end < stops)
            }),
        }
    }

    /// When the JWT half of a credential stops working, if that is known.
    #[must_use]
    pub fn stops(&self, last_certificate_ends: Option<Timestamp>) -> Option<Timestamp> {
        let of_certificates = self.stops_with_certificates(last_certificate_ends);
        [of_certificates, self.final_on].into_iter().flatten().min()
    }

    /// When a credential stops for want of a certificate: as long as certificates can be renewed,
    /// it does not.
    fn stops_with_certificates(
        &self,
        last_certificate_ends: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let end = self.end_of_life_on?;
        Some(last_certificate_ends.map_or(end, |last| last.max(end)))
    }

    /// Whether a JWT credential may be created.
    ///
    /// # Errors
    /// [`Refusal`] with the date and the way out.
    pub fn may_create(&self, origin: Origin, now: Timestamp) -> Result<(), Refusal> {
        let first = [self.no_new_on, self.end_of_life_on, self.final_on]
            .into_iter()
            .flatten()
            .min();
        match reached(first, origin, now) {
            Some(since) => Err(Refusal::NoNew { since }),
            None => Ok(()),
        }
    }

    /// Whether a certificate may be added to a JWT credential.
    ///
    /// # Errors
    /// [`Refusal`] with the date and the way out.
    pub fn may_add_certificate(&self, origin: Origin, now: Timestamp) -> Result<(), Refusal> {
        let first = [self.end_of_life_on, self.final_on]
            .into_iter()
            .flatten()
            .min();
        match reached(first, origin, now) {
            Some(since) => Err(Refusal::NoCertificates { since }),
            None => Ok(()),
        }
    }

    /// Whether an assertion may be exchanged.
    ///
    /// That certificates cannot be renewed after the end of life needs no rule here: an expired
    /// certificate verifies nothing.
    ///
    /// # Errors
    /// [`Refusal`] with the date and the way out.
    pub fn may_exchange(&self, origin: Origin, now: Timestamp) -> Result<(), Refusal> {
        match reached(self.final_on, origin, now) {
            Some(since) => Err(Refusal::Ended { since }),
            None => Ok(()),
        }
    }

    /// What to tell a client that uses the JWT grant at `now`; `None` before the deprecation and
    /// for AEM technical accounts.
    #[must_use]
    pub fn notice(
        &self,
        origin: Origin,
        last_certificate_ends: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Notice> {
        let deprecated_on = reached(self.deprecated_on, origin, now)?;
        Some(Notice {
            deprecated_on,
            sunset: self.stops(last_certificate_ends),
        })
    }
}

/// When a JWT half stops working although nobody disables it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deadline {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub because: Because,
}

/// What ends a JWT half.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Because {
    /// Its last certificate expires; as long as the policy allows, another one can be added.
    Certificate,
    /// The last date of the policy comes.
    Policy,
}

impl Because {
    /// The word for it, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Policy => "policy",
        }
    }
}

impl DeprecationPolicy {
    /// When the JWT half of a credential stops working although nobody disables it, also where that
    /// is over; `None` where it has none that works.
    #[must_use]
    pub fn deadline(&self, credential: &Credential) -> Option<Deadline> {
        if !credential.grants.uses_jwt_half() {
            return None;
        }
        let certificate = credential.last_certificate_ends();
        let policy = credential.dates(self).final_on;
        match (certificate, policy) {
            (Some(at), policy) if policy.is_none_or(|policy| at < policy) => Some(Deadline {
                at,
                because: Because::Certificate,
            }),
            (_, policy) => policy.map(|at| Deadline {
                at,
                because: Because::Policy,
            }),
        }
    }
}

fn reached(date: Option<Timestamp>, origin: Origin, now: Timestamp) -> Option<Timestamp> {
    date.filter(|date| origin.is_under_policy() && *date <= now)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a date")
    }

    #[test]
    fn presets_are_the_published_dates() {
        let went = Preset::AsItWent.policy();
        let dates = [
            went.deprecated_on,
            went.no_new_on,
            went.end_of_life_on,
            went.final_on,
        ];
        let dates = dates.map(|d| d.expect("set").date());
        assert_eq!(
            dates,
            ["2023-05-01", "2024-06-04", "2025-07-01", "2026-03-01"]
        );
        let notice = Preset::Notice2023.policy();
        assert_eq!(
            notice.no_new_on.map(Timestamp::date).as_deref(),
            Some("2024-05-01")
        );
        assert_eq!(
            notice.final_on.map(Timestamp::date).as_deref(),
            Some("2025-01-01")
        );
        for preset in Preset::ALL {
            assert!(preset.policy().checked().is_ok());
            assert_eq!(Preset::parse(preset.as_str()), Some(preset));
        }
    }

    #[test]
    fn each_date_refuses_from_its_first_instant_on() {
        let went = Preset::AsItWent.policy();
        let just_before = |date: &str| at(date).minus(Duration::from_millis(1));
        assert!(
            went.may_create(Origin::Console, just_before("2024-06-04"))
                .is_ok()
        );
        assert!(went.may_create(Origin::Console, at("2024-06-04")).is_err());
        assert!(
            went.may_add_certificate(Origin::Console, just_before("2025-07-01"))
                .is_ok()
        );
        assert!(
            went.may_add_certificate(Origin::Console, at("2025-07-01"))
                .is_err()
        );
        assert!(
            went.may_exchange(Origin::Console, just_before("2026-03-01"))
                .is_ok()
        );
        assert!(
            went.may_exchange(Origin::Console, at("2026-03-01"))
                .is_err()
        );
    }

    #[test]
    fn a_refusal_says_the_date_and_the_way_out() {
        let refusal = Preset::AsItWent
            .policy()
            .may_exchange(Origin::Console, at("2026-11-21"));
        let sentence = refusal.expect_err("ended").to_string();
        assert!(
            sentence.contains("2026-03-01") && sentence.contains("/ims/token/v3"),
            "{sentence}"
        );
    }

    #[test]
    fn the_sunset_is_when_the_credential_really_stops() {
        let went = Preset::AsItWent.policy();
        let notice = went.notice(Origin::Console, Some(at("2025-09-01")), at("2024-01-01"));
        assert_eq!(notice.and_then(|n| n.sunset), Some(at("2025-09-01")));
        let notice = went.notice(Origin::Console, Some(at("2027-01-01")), at("2024-01-01"));
        assert_eq!(notice.and_then(|n| n.sunset), Some(at("2026-03-01")));
        let notice = went.notice(Origin::Console, Some(at("2024-02-01")), at("2024-01-01"));
        assert_eq!(notice.and_then(|n| n.sunset), Some(at("2025-07-01")));
        let open = Preset::Open
            .policy()
            .notice(Origin::Console, None, at("2024-01-01"));
        assert_eq!(open.expect("deprecated").sunset, None);
    }

    #[test]
    fn a_date_hits_whom_it_takes_something_from() {
        let went = Preset::AsItWent.policy();
        let (early, late) = (Some(at("2025-09-01")), Some(at("2027-01-01")));
        assert!(went.hits(PolicyDate::DeprecatedOn, early));
        assert!(!went.hits(PolicyDate::NoNewOn, early));
        assert!(went.hits(PolicyDate::EndOfLifeOn, early));
        assert!(went.hits(PolicyDate::FinalOn, late));
        assert!(!went.hits(PolicyDate::FinalOn, early));
        let notice = Preset::Notice2023.policy();
        assert!(!notice.hits(PolicyDate::EndOfLifeOn, late));
        assert!(notice.hits(PolicyDate::FinalOn, late));
        let only_final = DeprecationPolicy {
            end_of_life_on: None,
            ..went
        };
        assert!(
            only_final.hits(PolicyDate::FinalOn, early),
            "it can be renewed"
        );
    }

    #[test]
    fn an_exemption_moves_the_ends_and_nothing_else() {
        let went = Preset::AsItWent.policy();
        let exempt = went.not_before(at("2026-09-01"));
        assert!(
            exempt
                .may_exchange(Origin::Console, at("2026-08-31"))
                .is_ok()
        );
        assert!(
            exempt
                .may_exchange(Origin::Console, at("2026-09-01"))
                .is_err()
        );
        assert!(
            exempt
                .may_add_certificate(Origin::Console, at("2026-08-31"))
                .is_ok()
        );
        assert_eq!(exempt.deprecated_on, went.deprecated_on);
        assert!(
            exempt
                .may_create(Origin::Console, at("2024-06-04"))
                .is_err()
        );
        assert_eq!(went.not_before(at("2020-01-01")), went);
        let open = Preset::Open.policy();
        assert_eq!(open.not_before(at("2026-09-01")), open);
    }

    #[test]
    fn dates_out_of_order_are_refused() {
        let policy = DeprecationPolicy {
            no_new_on: Some(at("2026-01-01")),
            final_on: Some(at("2025-01-01")),
            ..DeprecationPolicy::default()
        };
        assert!(policy.checked().is_err());
    }

    fn date() -> impl Strategy<Value = Option<Timestamp>> {
        prop::option::of((0_i64..4_000_000_000).prop_map(Timestamp::from_seconds))
    }

    proptest! {
        #[test]
        fn rights_are_only_ever_lost(
            dates in (date(), date(), date(), date()),
            now in 0_i64..4_000_000_000,
            later in 0_u64..1_000_000_000,
        ) {
            let policy = DeprecationPolicy {
                deprecated_on: dates.0, no_new_on: dates.1, end_of_life_on: dates.2, final_on: dates.3,
            };
            let now = Timestamp::from_seconds(now);
            let later = now.plus(Duration::from_secs(later));
            for may in [DeprecationPolicy::may_create, DeprecationPolicy::may_add_certificate, DeprecationPolicy::may_exchange] {
                prop_assert!(may(&policy, Origin::Console, now).is_ok() || may(&policy, Origin::Console, later).is_err());
                prop_assert!(may(&policy, Origin::AemDeveloperConsole, now).is_ok());
            }
            prop_assert!(policy.notice(Origin::AemDeveloperConsole, None, now).is_none());
        }
    }
}
