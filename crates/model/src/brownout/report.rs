//! What a brown-out brought to light: who noticed, and what became of them.

use std::cmp::Reverse;

use countersign_wire::{Caller, Timestamp};

use crate::evidence::Seen;

/// A caller that a brown-out refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// Who.
    pub caller: Caller,
    /// The first time.
    pub first_at: Timestamp,
    /// The last time.
    pub last_at: Timestamp,
    /// How often. Never, for the one that was let through because it would have been one too many.
    pub times: u64,
}

/// What a brown-out brought to light about one credential.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Report {
    /// Who was refused, the last one first.
    pub noticed: Vec<Noticed>,
    /// Who uses the JWT half and was not refused, the last one first.
    pub unnoticed: Vec<Unnoticed>,
}

/// A caller that was refused, and what it did afterwards.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Noticed {
    /// Who, and when.
    pub refused: Refused,
    /// In a word.
    pub outcome: Outcome,
    /// When it got a token with the JWT half last, if that was after it was refused last.
    pub jwt_at: Option<Timestamp>,
    /// When it got a token with the OAuth half last, if that was after it was refused first.
    pub oauth_at: Option<Timestamp>,
}

/// What became of a caller that was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It uses the OAuth half since then, and not the JWT half.
    Moved,
    /// It uses the JWT half again.
    Returned,
    /// It was not seen again.
    Silent,
    /// It was not refused: it would have been one too many.
    LetThrough,
}

impl Outcome {
    /// The word for it, for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Returned => "returned",
            Self::Silent => "silent",
            Self::LetThrough => "let_through",
        }
    }
}

/// A caller of the JWT half that was not refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unnoticed {
    /// Who; nothing for callers that could not be told apart.
    pub caller: Option<Caller>,
    /// When it used the JWT half last.
    pub last_at: Timestamp,
}

/// Compares who was refused with who got tokens with either half of the credential.
#[must_use]
pub fn report(refused: &[Refused], old: &[Seen], new: &[Seen]) -> Report {
    let mut noticed: Vec<_> = refused.iter().map(|one| noticed(one, old, new)).collect();
    noticed.sort_by_key(|one| Reverse(one.refused.last_at));
    let mut unnoticed: Vec<Unnoticed> = Vec::new();
    for seen in old {
        let caller = seen.trace.as_ref().map(|trace| &trace.caller);
        if refused.iter().any(|one| Some(&one.caller) == caller) {
            continue;
        }
        match unnoticed
            .iter_mut()
            .find(|one| one.caller.as_ref() == caller)
        {
            Some(known) => known.last_at = known.last_at.max(seen.last_at),
            None => unnoticed.push(Unnoticed {
                caller: caller.cloned(),
                last_at: seen.last_at,
            }),
        }
    }
    unnoticed.sort_by_key(|one| Reverse(one.last_at));
    Report { noticed, unnoticed }
}

fn noticed(refused: &Refused, old: &[Seen], new: &[Seen]) -> Noticed {
    let jwt_at = last_of(old, &refused.caller).filter(|at| *at > refused.last_at);
    let oauth_at = last_of(new, &refused.caller).filter(|at| *at > refused.first_at);
    let outcome = match (refused.times, jwt_at, oauth_at) {
        (0, ..) => Outcome::LetThrough,
        (_, Some(_), _) => Outcome::Returned,
        (_, None, Some(_)) => Outcome::Moved,
        (_, None, None) => Outcome::Silent,
    };
    Noticed {
        refused: refused.clone(),
        outcome,
        jwt_at,
        oauth_at,
    }
}

fn last_of(seen: &[Seen], caller: &Caller) -> Option<Timestamp> {
    let is_it = |seen: &&Seen| {
        seen.trace
            .as_ref()
            .is_some_and(|trace| trace.caller == *caller)
    };
    seen.iter().filter(is_it).map(|seen| seen.last_at).max()
}

#[cfg(test)]
mod tests {
    use countersign_wire::Consumer;

    use super::*;
    use crate::evidence::Trace;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn caller(name: &str) -> Caller {
        Caller {
            consumer: Consumer::of(name.as_bytes()),
            ..Caller::default()
        }
    }

    fn seen(name: &str, second: i64) -> Seen {
        let trace = Trace {
            caller: caller(name),
            secret: None,
            minted_by: "x".into(),
        };
        Seen::once(trace, at(second))
    }

    fn refused(name: &str, times: u64) -> Refused {
        Refused {
            caller: caller(name),
            first_at: at(100),
            last_at: at(200),
            times,
        }
    }

    #[test]
    fn whoever_was_refused_is_told_by_what_it_did_then() {
        let all = [
            refused("moved", 1),
            refused("back", 2),
            refused("both", 1),
            refused("gone", 1),
            refused("spared", 0),
        ];
        let old = [
            seen("moved", 90),
            seen("back", 201),
            seen("both", 300),
            seen("gone", 200),
            seen("spared", 201),
            seen("lucky", 150),
            seen("lucky", 50),
        ];
        let new = [seen("moved", 101), seen("both", 250), seen("gone", 100)];
        let report = report(&all, &old, &new);
        let outcome = |name: &str| {
            let of = |one: &&Noticed| one.refused.caller == caller(name);
            report.noticed.iter().find(of).map(|one| one.outcome)
        };
        assert_eq!(outcome("moved"), Some(Outcome::Moved));
        assert_eq!(outcome("back"), Some(Outcome::Returned));
        assert_eq!(outcome("both"), Some(Outcome::Returned));
        assert_eq!(outcome("gone"), Some(Outcome::Silent));
        assert_eq!(outcome("spared"), Some(Outcome::LetThrough));
        let unnoticed = Unnoticed {
            caller: Some(caller("lucky")),
            last_at: at(150),
        };
        assert_eq!(report.unnoticed, [unnoticed]);
    }
}
