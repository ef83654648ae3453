//! One step for many credentials: several at once, with progress, safe to interrupt and to repeat.

use std::cell::Cell;
use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use countersign_client::Error;
use countersign_client::management::{Call, Verb as Http};
use countersign_model::step::{Fit, Step};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::which::Target;
use crate::commands::remote::shown::Shown;
use crate::commands::remote::{Session, failure, text};
use crate::outcome::{Exit, Failure};
use crate::output;

/// How often a call is sent that nobody could do at the moment; a step can be taken again.
const TRIES: u32 = 4;
/// Before the second try; twice as long before each further one.
const PAUSE: Duration = Duration::from_millis(500);
/// No server's word lets a command stand still for longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Between two lines of progress.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// Credentials of one call, at most: enough that the way there and back does not count, and few
/// enough that whoever interrupts need not wait.
const PER_CALL: usize = 25;

/// How it went with one credential.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Done,
    Unchanged,
    Skipped,
    Refused,
    Failed,
    NotTried,
}

impl Outcome {
    const ALL: [Self; 6] = [
        Self::Done,
        Self::Unchanged,
        Self::Skipped,
        Self::Refused,
        Self::Failed,
        Self::NotTried,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::NotTried => "not_tried",
        }
    }
}

/// One credential, as the answer shows it.
struct Line {
    outcome: Outcome,
    /// Where it stands now.
    migration: Value,
    /// Why not, where it was not done.
    message: Option<String>,
}

/// Takes a step with each of `targets`, `at_once` at the same time, until all are done or somebody
/// interrupts: what was begun is then ended, and the rest left alone.
pub async fn take(
    step: Step,
    body: &Value,
    targets: Vec<Target>,
    at_once: usize,
    session: &Session,
) -> Result<Shown, Failure> {
    let stopped = Cell::new(false);
    let mut progress = Progress::new(step, targets.len());
    let mut done = Vec::with_capacity(targets.len());
    let mut waiting = Vec::new();
    for (at, target) in targets.iter().enumerate() {
        match standing(step, target) {
            Some(line) => {
                progress.count(line.outcome);
                done.push((at, line));
            }
            None => waiting.push((at, target)),
        }
    }
    let calls = calls(&waiting, at_once);
    let one = |call| take_some(body, call, &stopped, session);
    let mut work = stream::iter(calls).map(one).buffer_unordered(at_once);
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    loop {
        tokio::select! {
            next = work.next() => match next {
                Some(lines) => {
                    lines.iter().for_each(|(_, line)| progress.count(line.outcome));
                    done.extend(lines);
                    progress.tell_now_and_then();
                }
                None => break,
            },
            _ = &mut interrupted, if !stopped.get() => {
                stopped.set(true);
                output::note(
                    "interrupted: what was begun is ended; repeat the command to go on, what is done stays done",
                );
            }
        }
    }
    progress.tell();
    done.sort_by_key(|(at, _)| *at);
    let lines = done.iter().map(|(_, line)| line.shown()).collect();
    Ok(Shown::Ended(COLUMNS, lines, progress.exit()))
}

/// A credential with its place among all.
type Waiting<'t> = (usize, &'t Target);

/// What is said of a credential that was found, and that the step is not next for.
fn standing(step: Step, target: &Target) -> Option<Line> {
    let (outcome, message) = match step.fit(&text(&target.migration, "state")) {
        _ if target.is_named => return None,
        Fit::Next => return None,
        Fit::Taken => (Outcome::Unchanged, None),
        Fit::Not(why) => (Outcome::Skipped, Some(why.to_owned())),
    };
    Some(target.line(outcome, message))
}

/// Which credentials are sent in which call: of one organization each, and all calls at work.
fn calls<'w, 't>(waiting: &'w [Waiting<'t>], at_once: usize) -> Vec<&'w [Waiting<'t>]> {
    let size = waiting.len().div_ceil(at_once.max(1)).clamp(1, PER_CALL);
    let of_one = waiting.chunk_by(|(_, one), (_, other)| one.place.org == other.place.org);
    of_one.flat_map(|some| some.chunks(size)).collect()
}

/// Takes a step with some credentials; asks again for those that had no turn.
async fn take_some(
    body: &Value,
    some: &[Waiting<'_>],
    stopped: &Cell<bool>,
    session: &Session,
) -> Vec<(usize, Line)> {
    let all = |left: &[Waiting<'_>], outcome, message: Option<&String>| {
        let line = |(at, target): &Waiting<'_>| (*at, target.line(outcome, message.cloned()));
        left.iter().map(line).collect::<Vec<_>>()
    };
    let (mut left, mut done) = (some.to_vec(), Vec::new());
    let (mut tries, mut pause) = (1, PAUSE);
    while !left.is_empty() {
        if stopped.get() {
            done.extend(all(&left, Outcome::NotTried, None));
            break;
        }
        let results = match patiently(&call(body, &left), session).await {
            Ok(answer) => results(&answer),
            Err(error) => {
                let outcome = match error.exit {
                    Exit::Refused => Outcome::Refused,
                    Exit::Done | Exit::Broken => Outcome::Failed,
                };
                done.extend(all(&left, outcome, Some(&error.message)));
                break;
            }
        };
        let before = left.len();
        let mut trouble = None;
        left.retain(|(at, target)| {
            let line = results
                .get(&target.place.credential)
                .and_then(|result| target.after(result));
            match line {
                Some(line) if line.outcome == Outcome::Failed => trouble = line.message,
                Some(line) => {
                    done.push((*at, line));
                    return false;
                }
                None => {}
            }
            true
        });
        match left.len() < before {
            true => (tries, pause) = (1, PAUSE),
            false if tries == TRIES => {
                done.extend(all(&left, Outcome::Failed, trouble.as_ref()));
                break;
            }
            false => {
                sleep(pause).await;
                (tries, pause) = (tries + 1, pause * 2);
            }
        }
    }
    done
}

fn call(body: &Value, left: &[Waiting<'_>]) -> Call {
    let org = left.first().map_or("", |(_, target)| &target.place.org);
    let ids: Vec<_> = left.iter().map(|(_, one)| &one.place.credential).collect();
    let mut body = body.clone();
    body["credentials"] = json!(ids);
    Call::new(Http::Post, &["organizations", org, "migration", "steps"]).body(body)
}

/// What the server says of each credential, by its id.
fn results(answer: &Value) -> HashMap<String, Value> {
    let results = answer["results"].as_array().into_iter().flatten();
    let by_id = results.map(|result| (text(result, "credential_id"), result.clone()));
    by_id.collect()
}

impl Target {
    fn line(&self, outcome: Outcome, message: Option<String>) -> Line {
        Line {
            outcome,
            migration: self.migration.clone(),
            message,
        }
    }

    /// What became of it; nothing if it had no turn. A call that was sent twice, because its first
    /// answer got lost, did what it finds done: so it is compared with what was seen before.
    fn after(&self, result: &Value) -> Option<Line> {
        let why = result["problem"]["detail"].as_str().map(ToOwned::to_owned);
        let outcome = match result["outcome"].as_str() {
            Some("done" | "unchanged") => match result["state"] == self.migration["state"] {
                true => Outcome::Unchanged,
                false => Outcome::Done,
            },
            Some("refused") => Outcome::Refused,
            Some("failed") => Outcome::Failed,
            _ => return None,
        };
        Some(match outcome {
            Outcome::Refused | Outcome::Failed => self.line(outcome, why),
            _ => Line {
                outcome,
                migration: result.clone(),
                message: None,
            },
        })
    }
}

/// Sends a call again that nobody could do at the moment.
pub async fn patiently(call: &Call, session: &Session) -> Result<Value, Failure> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match session.management.send(call).await {
            Ok(reply) => return Ok(reply.body),
            Err(Error::Refused(refusal)) if refusal.is_temporary() => {
                let asked = refusal.retry_after.unwrap_or(pause);
                sleep(asked.clamp(pause, LONGEST_PAUSE)).await;
            }
            Err(Error::Unreachable { .. }) => sleep(pause).await,
            Err(error) => return Err(failure::of(error)),
        }
        pause *= 2;
    }
    session.send(call.clone()).await.map(|reply| reply.body)
}

impl Line {
    fn shown(&self) -> Value {
        let mut shown = json!({"outcome": self.outcome.word(), "message": self.message});
        for name in [
            "credential_id",
            "client_id",
            "name",
            "owner_team",
            "state",
            "quarantined_until",
        ] {
            shown[name] = self.migration[name].clone();
        }
        shown
    }
}

/// How far it is, told on stderr now and then.
struct Progress {
    step: Step,
    all: usize,
    counts: [usize; Outcome::ALL.len()],
    began: Instant,
    told: Option<Instant>,
}

impl Progress {
    fn new(step: Step, all: usize) -> Self {
        Self {
            step,
            all,
            counts: [0; Outcome::ALL.len()],
            began: Instant::now(),
            told: None,
        }
    }

    fn count(&mut self, outcome: Outcome) {
        let counts = self.counts.iter_mut().zip(Outcome::ALL);
        counts
            .filter(|(_, known)| *known == outcome)
            .for_each(|(count, _)| *count += 1);
    }

    /// The first time at once: whoever waits knows that it goes on.
    fn tell_now_and_then(&mut self) {
        let is_time = self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if is_time && self.seen() < self.all {
            self.tell();
        }
    }

    fn seen(&self) -> usize {
        self.counts.iter().sum()
    }

    fn tell(&mut self) {
        let seen = self.seen();
        let counts = self.counts.iter().zip(Outcome::ALL);
        let counts = counts.filter(|(count, _)| **count > 0);
        let words = counts.map(|(count, outcome)| {
            let word = outcome.word().replace('_', " ");
            format!(", {count} {word}")
        });
        let (step, all, words) = (self.step.as_str(), self.all, words.collect::<String>());
        let rate = self.rate();
        output::note(&format!("{step}: {seen} of {all} credentials{words}{rate}"));
        self.told = Some(Instant::now());
    }

    /// How many the server did a second, once that can be told.
    fn rate(&self) -> String {
        let took = self.began.elapsed();
        let asked = [Outcome::Done, Outcome::Refused];
        let counts = self.counts.iter().zip(Outcome::ALL);
        let asked = counts.filter(|(_, outcome)| asked.contains(outcome));
        let asked: usize = asked.map(|(count, _)| *count).sum();
        match u128::try_from(asked) {
            Ok(asked) if asked > 0 && took >= TELL_EVERY => {
                format!(" ({} a second)", asked * 1000 / took.as_millis())
            }
            _ => String::new(),
        }
    }

    fn exit(&self) -> Exit {
        let was = |wanted| {
            let mut counts = self.counts.iter().zip(Outcome::ALL);
            counts.any(|(count, outcome)| *count > 0 && outcome == wanted)
        };
        match () {
            () if was(Outcome::Failed) || was(Outcome::NotTried) => Exit::Broken,
            () if was(Outcome::Refused) => Exit::Refused,
            () => Exit::Done,
        }
    }
}

const COLUMNS: &[&str] = &[
    "credential_id",
    "name",
    "owner_team",
    "outcome",
    "state",
    "quarantined_until",
    "message",
];
