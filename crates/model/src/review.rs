//! May the JWT half of a credential be switched off? What its callers say.
//!
//! The original compares two timestamps and waits 24 hours (`spec/ims-protocol.md` 6.5). Here every
//! caller answers for itself, by its own habit ([`habit`](crate::habit)).

use std::time::Duration;

use countersign_wire::{Caller, Timestamp};

use crate::blocker::{self, Blocker, Half};
use crate::evidence::{Seen, Sketch, Trace};
use crate::habit::Habit;

/// After its last call with the old half, a caller that uses the new one is watched for this time.
pub const MOVED_AFTER: Duration = Duration::from_secs(86_400);
/// How sure it is, at least, that a caller that moved does not come back.
const MOVED: f64 = 0.95;
/// Within such a time of silence, everybody still calls.
const JUST_NOW: Duration = Duration::from_secs(86_400);

/// What is known of the use of a credential that has both halves.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Since when calls are recorded.
    pub since: Timestamp,
    /// Who was seen with the JWT half, at the token endpoint and at the gateway.
    pub old: &'a [Seen],
    /// Who was seen with the OAuth half.
    pub new: &'a [Seen],
    /// What is known of the JWT half besides its use.
    pub half: Half<'a>,
}

/// What the callers of a JWT half say.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// In a word.
    pub verdict: Verdict,
    /// How sure it is that nobody will call again: the product over all callers, from 0 to 1.
    pub confidence: f64,
    /// Everybody, those first who are waited for longest.
    pub callers: Vec<Finding>,
    /// What else to know before the half goes; it leaves the verdict as it is.
    pub blockers: Vec<Blocker>,
}

impl Review {
    /// Why it says what it says, with the name of whoever is waited for longest; without the full
    /// stop.
    #[must_use]
    pub fn reason(&self) -> String {
        let first = self.callers.first();
        let caller = first.and_then(|one| one.caller.as_ref());
        let name = caller.map(Caller::words);
        let name = name
            .as_deref()
            .unwrap_or("callers that cannot be told apart");
        match self.verdict {
            Verdict::Safe => {
                "whoever called has moved, or has been silent for longer than it ever paused"
                    .to_owned()
            }
            Verdict::Wait { until } => match first.filter(|one| one.caller.is_some()) {
                Some(one) => format!(
                    "wait until {}: {name} ({}) used the JWT half last on {}",
                    until.date(),
                    one.habit.pace.as_str(),
                    one.last_at.minute(),
                ),
                None => format!(
                    "wait until {}: nobody was seen yet, but somebody may call who does so rarely",
                    until.date()
                ),
            },
            Verdict::StillUsed { callers: 1 } => {
                format!("1 caller still uses the JWT half: {name}")
            }
            Verdict::StillUsed { callers } => {
                format!("{callers} callers still use the JWT half, {name} among them")
            }
        }
    }
}

/// Whether the JWT half may be switched off.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Nobody is to be expected any more.
    Safe,
    /// Nobody calls just now, but somebody may only be pausing: the first of the callers.
    Wait {
        /// Whoever has not called by then will not call.
        until: Timestamp,
    },
    /// It is still used.
    StillUsed {
        /// By how many.
        callers: usize,
    },
}

impl Verdict {
    /// The word for it, for programs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Wait { .. } => "wait",
            Self::StillUsed { .. } => "still_used",
        }
    }
}

/// As people read it.
impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Safe => f.write_str("nobody is expected to use the JWT half any more"),
            Self::Wait { until } => {
                let date = until.date();
                write!(
                    f,
                    "whoever used the JWT half may only be pausing, until {date}"
                )
            }
            Self::StillUsed { callers: 1 } => f.write_str("one caller still uses the JWT half"),
            Self::StillUsed { callers } => write!(f, "{callers} callers still use the JWT half"),
        }
    }
}

/// What is known of one caller of the JWT half.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Who; nothing for callers that could not be told apart, or were never seen.
    pub caller: Option<Caller>,
    /// When it last used the JWT half; when recording began if nobody ever did.
    pub last_at: Timestamp,
    /// When it was last seen with the OAuth half, if it ever was.
    pub moved_at: Option<Timestamp>,
    /// How often it calls.
    pub habit: Habit,
    /// Where it stands.
    pub standing: Standing,
    /// How sure it is that it will not call again, from 0 to 1.
    pub confidence: f64,
}

/// Where a caller of the JWT half stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Standing {
    /// Silent for longer than it ever pauses.
    Gone,
    /// It uses the new half now, and has not used the old one since.
    Moved,
    /// Silent, but not for long enough.
    Pausing {
        /// When its silence will be long enough.
        until: Timestamp,
    },
    /// Its last call is no further away than calls of it are from each other.
    Calling,
}

impl Finding {
    /// From when on its silence would be long enough, if it did not call again; nothing where it is.
    #[must_use]
    pub fn expected_until(&self) -> Option<Timestamp> {
        match self.standing {
            Standing::Gone | Standing::Moved => None,
            Standing::Pausing { until } => Some(until),
            Standing::Calling => Some(self.last_at.plus(self.habit.patience)),
        }
    }
}

impl Standing {
    /// The word for it, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Moved => "moved",
            Self::Pausing { .. } => "pausing",
            Self::Calling => "calling",
        }
    }
}

/// What the evidence says at `now`.
#[must_use]
pub fn review(evidence: &Evidence<'_>, now: Timestamp) -> Review {
    let moved = by_caller(evidence.new);
    let mut callers: Vec<Finding> = by_caller(evidence.old)
        .seen()
        .iter()
        .map(|seen| finding(seen, moved.seen(), now))
        .collect();
    callers.sort_by_key(|finding| std::cmp::Reverse((finding.standing, finding.last_at)));
    let unseen = blocker::of_callers(&evidence.half, &callers);
    if callers.is_empty() {
        callers.push(nobody_yet(evidence.since, now));
    }
    let of_half = blocker::of_half(&evidence.half, &callers, now);
    Review {
        blockers: [of_half, unseen].concat(),
        verdict: verdict(&callers),
        confidence: callers.iter().map(|finding| finding.confidence).product(),
        callers,
    }
}

fn verdict(callers: &[Finding]) -> Verdict {
    let calling = callers
        .iter()
        .filter(|one| one.standing == Standing::Calling);
    match (calling.count(), callers.first().map(|first| first.standing)) {
        (0, Some(Standing::Pausing { until })) => Verdict::Wait { until },
        (0, _) => Verdict::Safe,
        (callers, _) => Verdict::StillUsed { callers },
    }
}

/// One entry for each caller, whatever secret or certificate it showed.
fn by_caller(seen: &[Seen]) -> Sketch {
    let of_whom = |seen: &Seen| Seen {
        trace: seen.trace.as_ref().map(|trace| Trace {
            caller: trace.caller.clone(),
            secret: None,
            minted_by: Box::default(),
        }),
        ..seen.clone()
    };
    Sketch::of(&seen.iter().map(of_whom).collect::<Vec<_>>())
}

fn finding(seen: &Seen, new: &[Seen], now: Timestamp) -> Finding {
    let habit = Habit::of(seen);
    let silence = now.since(seen.last_at);
    // Those who could not be told apart cannot be found again, either.
    let mut same = new.iter().filter(|other| other.trace == seen.trace);
    let same = seen.trace.as_ref().and_then(|_| same.next());
    let moved_at = same.map(|other| other.last_at);
    let has_moved = moved_at.is_some_and(|moved| moved > seen.last_at);
    let confidence = habit.confidence(silence);
    let standing = standing(seen.last_at, &habit, has_moved, now);
    Finding {
        caller: seen.trace.as_ref().map(|trace| trace.caller.clone()),
        last_at: seen.last_at,
        moved_at,
        habit,
        standing,
        confidence: match standing {
            Standing::Calling => 0.0,
            Standing::Moved => confidence.max(MOVED),
            Standing::Gone | Standing::Pausing { .. } => confidence,
        },
    }
}

fn standing(last_at: Timestamp, habit: &Habit, has_moved: bool, now: Timestamp) -> Standing {
    let silence = now.since(last_at);
    let patience = match has_moved {
        true => MOVED_AFTER.min(habit.patience),
        false => habit.patience,
    };
    match silence {
        _ if silence >= patience && has_moved => Standing::Moved,
        _ if silence >= patience => Standing::Gone,
        _ if !has_moved && silence <= habit.usual_pause().max(JUST_NOW) => Standing::Calling,
        _ => Standing::Pausing {
            until: last_at.plus(patience),
        },
    }
}

/// Nobody called since calls are recorded: somebody may have before.
fn nobody_yet(since: Timestamp, now: Timestamp) -> Finding {
    let habit = Habit::unknown();
    let standing = match now.since(since) >= habit.patience {
        true => Standing::Gone,
        false => Standing::Pausing {
            until: since.plus(habit.patience),
        },
    };
    Finding {
        caller: None,
        last_at: since,
        moved_at: None,
        habit,
        standing,
        confidence: habit.confidence(now.since(since)),
    }
}
