//! Brown-outs: planned short refusals of the JWT half of credentials that have both halves, so that
//! whoever still uses it notices while everything can be taken back at once.
//!
//! Our own choice; the original knows nothing of the kind.

use std::time::Duration;

use countersign_wire::{
    Agent, BrownoutId, Caller, Consumer, CredentialId, Network, OrgId, Timestamp,
};

use crate::credential::{Credential, Grants};
use crate::migration::Migration;

mod report;
mod windows;

pub use report::{Noticed, Outcome, Refused, Report, Unnoticed, report};
pub use windows::{Repeat, Windows};

/// Most credentials of one brown-out.
pub const MOST_CREDENTIALS: usize = 1000;
/// Most brown-outs of an organization that are still to come or running.
pub const MOST_AHEAD: usize = 100;
/// Most callers that a brown-out names.
pub const MOST_NAMED: usize = 20;
/// Most callers that may fail.
pub const MOST_ALLOWED: u32 = 1000;
/// How many may fail where nobody says.
pub const USUALLY_ALLOWED: u32 = 3;

/// A planned short refusal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Brownout {
    /// Later ones have greater ids.
    pub id: BrownoutId,
    /// Whose credentials it is about.
    pub org_id: OrgId,
    /// Unique in the organization.
    pub name: String,
    /// Whose JWT half is refused, by id, each once.
    pub members: Vec<Member>,
    /// When.
    pub windows: Windows,
    /// Which exchanges.
    pub share: Share,
    /// How many callers may fail, each counted once for each credential. The one that would be one
    /// too many is let through, and ends it.
    pub allowed: u32,
    /// Whether it goes by its windows.
    pub fate: Fate,
    /// Who planned it, as the activity log names actors.
    pub planned_by: String,
    /// When that was.
    pub planned_at: Timestamp,
}

/// A credential of a brown-out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// Which.
    pub id: CredentialId,
    /// Since when it is not concerned any more, because it has not both halves any more.
    pub left_at: Option<Timestamp>,
}

/// Which exchanges are refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Share {
    /// Every one.
    All,
    /// So many of every hundred, on each node; from 1 to 99.
    PerCent(u8),
    /// Those of these callers.
    Callers(Vec<CallerPattern>),
}

/// Callers by what the evidence tells of them. What is not given may be anything.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CallerPattern {
    /// Where they call from.
    pub network: Option<Network>,
    /// The program they say they are.
    pub agent: Option<Agent>,
    /// The name they give themselves.
    pub consumer: Option<Consumer>,
}

impl CallerPattern {
    /// Whether it is one of them.
    #[must_use]
    pub fn fits(&self, caller: &Caller) -> bool {
        self.network.is_none_or(|network| network == caller.network)
            && self
                .agent
                .as_ref()
                .is_none_or(|agent| *agent == caller.agent)
            && (self.consumer.is_none() || self.consumer == caller.consumer)
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What became of a plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It goes by its windows.
    Scheduled,
    /// More callers than allowed would have failed.
    Aborted {
        /// When that was seen.
        at: Timestamp,
        /// How many had failed by then.
        failed: u32,
    },
    /// Somebody ended it.
    Undone {
        /// When.
        at: Timestamp,
        /// Who, as the activity log names actors.
        by: String,
    },
}

/// Where a brown-out stands at a moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Its first window is still to come.
    Planned {
        /// When that begins.
        from: Timestamp,
    },
    /// Exchanges are refused.
    Running {
        /// When this window ends.
        until: Timestamp,
    },
    /// Between two windows.
    Pausing {
        /// When the next one begins.
        from: Timestamp,
    },
    /// Every window has passed, or no credential is concerned any more.
    Over {
        /// Since when.
        at: Timestamp,
    },
    /// More callers than allowed would have failed.
    Aborted {
        /// When that was seen.
        at: Timestamp,
    },
    /// Somebody ended it.
    Undone {
        /// When.
        at: Timestamp,
    },
}

impl Phase {
    /// The word for it, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned { .. } => "planned",
            Self::Running { .. } => "running",
            Self::Pausing { .. } => "pausing",
            Self::Over { .. } => "over",
            Self::Aborted { .. } => "aborted",
            Self::Undone { .. } => "undone",
        }
    }

    /// Whether nothing comes of it any more.
    #[must_use]
    pub const fn is_over(self) -> bool {
        match self {
            Self::Planned { .. } | Self::Running { .. } | Self::Pausing { .. } => false,
            Self::Over { .. } | Self::Aborted { .. } | Self::Undone { .. } => true,
        }
    }
}

/// A brown-out that cannot be planned.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BrownoutError {
    /// Begins too early.
    #[error("a brown-out begins now or later: {0} has passed")]
    Past(Timestamp),
    /// Begins or ends too late.
    #[error("the last window of a brown-out ends at most 366 days from now: {0} is later")]
    TooFarAhead(Timestamp),
    /// Too short or too long.
    #[error("a window lasts at least a minute and at most a day")]
    Length,
    /// One window would begin before the one before it has ended.
    #[error("windows must not overlap: let one end before the next one begins")]
    Overlap,
    /// A number of windows that cannot be.
    #[error("one window, or 2 to 100 that are repeated hourly, daily or weekly")]
    Times,
    /// All windows together.
    #[error("all windows together last at most 7 days: a longer refusal is what disabling is for")]
    TooMuch,
    /// Not a share.
    #[error("the share of exchanges is 1 to 100 per cent")]
    PerCent,
    /// Not callers.
    #[error(
        "a brown-out names 1 to {MOST_NAMED} callers, each by its network, its program or its `x-consumer`"
    )]
    Callers,
    /// Not a number of callers.
    #[error("1 to {MOST_ALLOWED} callers may fail before it is aborted")]
    Allowed,
    /// Nobody, or too many.
    #[error("a brown-out is of 1 to {MOST_CREDENTIALS} credentials")]
    Credentials,
    /// Programs would have nowhere to go.
    #[error(
        "credential {id} ({name}) does not have both halves at work: start its migration first, so that programs can move when they notice"
    )]
    NotPaired {
        /// Which.
        id: CredentialId,
        /// Its name.
        name: String,
    },
    /// Too many of them.
    #[error(
        "the organization has {MOST_AHEAD} brown-outs that are still to come: undo one that nobody needs, or wait"
    )]
    TooMany,
    /// The name is that of another plan.
    #[error(
        "there is another brown-out of this name with another plan, and nothing was changed: choose another name"
    )]
    OtherPlan,
}

impl Share {
    /// It, if it can be. All of a hundred are all.
    ///
    /// # Errors
    /// [`BrownoutError`] says what cannot.
    pub fn checked(self) -> Result<Self, BrownoutError> {
        match self {
            Self::PerCent(100) => Ok(Self::All),
            Self::PerCent(1..=99) | Self::All => Ok(self),
            Self::PerCent(_) => Err(BrownoutError::PerCent),
            Self::Callers(patterns) => {
                let fits = (1..=MOST_NAMED).contains(&patterns.len());
                match fits && !patterns.iter().any(CallerPattern::is_empty) {
                    true => Ok(Self::Callers(patterns)),
                    false => Err(BrownoutError::Callers),
                }
            }
        }
    }

    /// Whether an exchange is one of those that are refused; `asked` is how many were asked about
    /// before.
    ///
    /// Steps of 37 visit every number below a hundred before one comes again: so of any hundred
    /// exchanges exactly as many are refused as there should be, and callers that take turns do not
    /// always meet the same lot.
    #[must_use]
    pub fn takes(&self, caller: &Caller, asked: u64) -> bool {
        match self {
            Self::All => true,
            Self::PerCent(share) => asked.wrapping_mul(37) % 100 < u64::from(*share),
            Self::Callers(patterns) => patterns.iter().any(|pattern| pattern.fits(caller)),
        }
    }
}

impl Brownout {
    /// Whether the number of callers and of credentials can be.
    ///
    /// # Errors
    /// [`BrownoutError`] says what cannot.
    pub fn check_bounds(&self) -> Result<(), BrownoutError> {
        if !(1..=MOST_CREDENTIALS).contains(&self.members.len()) {
            return Err(BrownoutError::Credentials);
        }
        match (1..=MOST_ALLOWED).contains(&self.allowed) {
            true => Ok(()),
            false => Err(BrownoutError::Allowed),
        }
    }

    /// Whether it is what somebody plans again: the same for the same credentials. Where no
    /// beginning is asked for, any is the same.
    #[must_use]
    pub fn is_same_plan(&self, other: &Self, at: Option<Timestamp>) -> bool {
        let ids = |of: &Self| {
            of.members
                .iter()
                .map(|member| member.id.clone())
                .collect::<Vec<_>>()
        };
        let windows = Windows {
            first_at: at.unwrap_or(self.windows.first_at),
            ..other.windows
        };
        self.windows == windows
            && self.share == other.share
            && self.allowed == other.allowed
            && ids(self) == ids(other)
    }

    /// Where it stands.
    #[must_use]
    pub fn phase(&self, now: Timestamp) -> Phase {
        match self.fate {
            Fate::Aborted { at, .. } => return Phase::Aborted { at },
            Fate::Undone { at, .. } => return Phase::Undone { at },
            Fate::Scheduled => {}
        }
        let ends_at = self.windows.ends_at();
        let left: Option<Vec<_>> = self.members.iter().map(|member| member.left_at).collect();
        if let Some(left) = left {
            let at = left.into_iter().max().unwrap_or(now);
            return Phase::Over {
                at: at.min(ends_at),
            };
        }
        match (
            self.windows.running_until(now),
            self.windows.next_after(now),
        ) {
            (Some(until), _) => Phase::Running { until },
            (None, Some(from)) if from == self.windows.first_at => Phase::Planned { from },
            (None, Some(from)) => Phase::Pausing { from },
            (None, None) => Phase::Over { at: ends_at },
        }
    }

    /// Until when an exchange of the credential is refused if the share takes it.
    #[must_use]
    pub fn refuses_until(&self, credential: &Credential, now: Timestamp) -> Option<Timestamp> {
        match self.phase(now) {
            Phase::Running { until } if has_both_halves(credential) => Some(until),
            _ => None,
        }
    }

    /// The same, aborted; as it was if nothing was to come of it any more.
    #[must_use]
    pub fn abort(self, failed: u32, now: Timestamp) -> Self {
        self.end(Fate::Aborted { at: now, failed }, now)
    }

    /// The same, ended by somebody; as it was if nothing was to come of it any more.
    #[must_use]
    pub fn undo(self, by: &str, now: Timestamp) -> Self {
        let by = by.to_owned();
        self.end(Fate::Undone { at: now, by }, now)
    }

    fn end(self, fate: Fate, now: Timestamp) -> Self {
        match self.phase(now).is_over() {
            true => self,
            false => Self { fate, ..self },
        }
    }
}

/// Whether programs of a credential can use either half.
#[must_use]
pub fn has_both_halves(credential: &Credential) -> bool {
    matches!(credential.grants, Grants::Jwt(Migration::Paired { .. }))
}

/// How long a brown-out and its report are kept after its last window.
pub const KEPT: Duration = Duration::from_secs(400 * 86_400);

#[cfg(test)]
mod tests {
    use countersign_wire::CredentialId;
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn brownout(repeat: Repeat, times: u32, minutes: u64) -> Brownout {
        Brownout {
            id: BrownoutId::new(at(0), [0; 10]),
            org_id: OrgId::from_random([1; 12]),
            name: "b".to_owned(),
            members: vec![Member {
                id: CredentialId::from_number(1),
                left_at: None,
            }],
            windows: Windows {
                first_at: at(1000),
                lasts: Duration::from_secs(minutes * 60),
                repeat,
                times,
            },
            share: Share::All,
            allowed: 1,
            fate: Fate::Scheduled,
            planned_by: "operator:cli".to_owned(),
            planned_at: at(0),
        }
    }

    #[derive(Clone, Debug)]
    enum Event {
        Abort,
        Undo,
        Leave,
    }

    impl Event {
        fn happen(self, to: Brownout, now: Timestamp) -> Brownout {
            match self {
                Self::Abort => to.abort(2, now),
                Self::Undo => to.undo("person:x", now),
                // The store touches no row of what is over.
                Self::Leave if to.phase(now).is_over() => to,
                Self::Leave => {
                    let members = to.members.iter().map(|member| Member {
                        left_at: Some(now),
                        id: member.id.clone(),
                    });
                    Brownout {
                        members: members.collect(),
                        ..to
                    }
                }
            }
        }
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![Just(Event::Abort), Just(Event::Undo), Just(Event::Leave)]
    }

    proptest! {
        /// Whatever happens in whatever order: what is over stays over for the reason it had, and
        /// nothing is refused then.
        #[test]
        fn what_is_over_stays_over(
            events in prop::collection::vec((event(), 0_i64..20_000), 0..8),
            times in 1_u32..4,
        ) {
            let repeat = if times == 1 { Repeat::Once } else { Repeat::Hourly };
            let mut brownout = brownout(repeat, times, 10);
            let (mut now, mut over) = (0, None);
            for (event, pause) in events {
                now += pause;
                let before = brownout.phase(at(now));
                prop_assert!(over.is_none_or(|over| over == before));
                let after = event.happen(brownout.clone(), at(now));
                if before.is_over() {
                    prop_assert_eq!(&after, &brownout);
                }
                brownout = after;
                let phase = brownout.phase(at(now));
                prop_assert!(phase.is_over());
                over = Some(phase);
            }
        }

        /// Of any hundred exchanges in a row, as many are refused as the share says.
        #[test]
        fn a_share_is_kept_exactly(share in 1_u8..=99, from in 0_u64..10_000) {
            let taken = (from..from + 100)
                .filter(|asked| Share::PerCent(share).takes(&Caller::default(), *asked))
                .count();
            prop_assert_eq!(taken, usize::from(share));
        }

        /// Callers that take turns are hit alike, within what chance would do.
        #[test]
        fn callers_that_take_turns_are_both_met(share in 10_u8..=90, turns in 2_u64..5) {
            for first in 0..turns {
                let mine = (0..400).filter(|asked| asked % turns == first);
                let (mut all, mut taken) = (0_u32, 0_u32);
                for asked in mine {
                    all += 1;
                    taken += u32::from(Share::PerCent(share).takes(&Caller::default(), asked));
                }
                prop_assert!(taken > 0 && taken < all, "{taken} of {all}");
            }
        }
    }

    #[test]
    fn phases_follow_each_other() {
        let brownout = brownout(Repeat::Hourly, 2, 10);
        let word = |second| brownout.phase(at(second)).as_str();
        let words = [0, 999, 1000, 1599, 1600, 4599, 4600, 5199, 5200].map(word);
        assert_eq!(
            words,
            [
                "planned", "planned", "running", "running", "pausing", "pausing", "running",
                "running", "over"
            ]
        );
        assert_eq!(brownout.phase(at(9999)), Phase::Over { at: at(5200) });
    }

    #[test]
    fn a_pattern_is_of_what_it_names() {
        let caller = Caller {
            consumer: Consumer::of(b"nightly"),
            agent: Agent::of(b"sync/1"),
            ..Caller::default()
        };
        let by = |consumer: Option<&[u8]>, agent: Option<&[u8]>| CallerPattern {
            consumer: consumer.and_then(Consumer::of),
            agent: agent.map(Agent::of),
            network: None,
        };
        assert!(by(Some(b"nightly"), None).fits(&caller));
        assert!(by(Some(b"nightly"), Some(b"sync/1")).fits(&caller));
        assert!(!by(Some(b"nightly"), Some(b"sync/2")).fits(&caller));
        assert!(!by(Some(b"weekly"), None).fits(&caller));
        assert!(Share::Callers(vec![by(None, None)]).checked().is_err());
        assert!(Share::Callers(Vec::new()).checked().is_err());
        assert_eq!(Share::PerCent(100).checked(), Ok(Share::All));
        assert_eq!(Share::PerCent(0).checked(), Err(BrownoutError::PerCent));
        assert_eq!(Share::PerCent(101).checked(), Err(BrownoutError::PerCent));
    }
}
