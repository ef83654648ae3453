//! One step for many credentials: several at once, with progress, safe to interrupt and to repeat.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use countersign_client::Error;
use countersign_client::management::{Call, Verb as Http};
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

/// The steps, as the API names them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    Start,
    Disable,
    Restore,
    Finish,
    Cancel,
}

/// What to do with a credential that was found, and not named.
enum Plan {
    Take,
    /// It stands there already.
    Leave,
    /// The step is not for it: why.
    Skip(&'static str),
}

impl Step {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Disable => "disable",
            Self::Restore => "restore",
            Self::Finish => "finish",
            Self::Cancel => "cancel",
        }
    }

    fn plan(self, state: &str) -> Plan {
        match (self, state) {
            (Self::Start, "not_started")
            | (Self::Disable, "started")
            | (Self::Restore | Self::Finish, "disabled")
            | (Self::Cancel, "started" | "disabled") => Plan::Take,
            (Self::Start, "started" | "disabled" | "completed")
            | (Self::Disable, "disabled" | "completed")
            | (Self::Restore, "started")
            | (Self::Finish, "completed")
            | (Self::Cancel, "not_started" | "cancelled") => Plan::Leave,
            (Self::Start, _) => Plan::Skip("it was cancelled: name it to start it again"),
            (Self::Finish, "started") => Plan::Skip("its JWT half still works: disable it first"),
            (_, "completed") => Plan::Skip("its migration is completed"),
            _ => Plan::Skip("its migration is not started"),
        }
    }
}

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
    let one = |(at, target)| {
        let line = take_one(step, body, target, &stopped, session);
        async move { (at, line.await) }
    };
    let mut work = stream::iter(targets.iter().enumerate())
        .map(one)
        .buffer_unordered(at_once);
    let mut progress = Progress::new(step, targets.len());
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    let mut done = Vec::with_capacity(targets.len());
    loop {
        tokio::select! {
            next = work.next() => match next {
                Some((at, line)) => {
                    progress.count(line.outcome);
                    done.push((at, line));
                }
                None => break,
            },
            _ = &mut interrupted, if !stopped.get() => {
                stopped.set(true);
                output::note("interrupted: what was begun is ended; repeat the command to go on");
            }
        }
    }
    progress.finish();
    done.sort_by_key(|(at, _)| *at);
    let lines = done.iter().map(|(_, line)| line.shown()).collect();
    Ok(Shown::Ended(COLUMNS, lines, progress.exit()))
}

async fn take_one(
    step: Step,
    body: &Value,
    target: &Target,
    stopped: &Cell<bool>,
    session: &Session,
) -> Line {
    let line = |outcome, message: Option<String>| Line {
        outcome,
        migration: target.migration.clone(),
        message,
    };
    let before = text(&target.migration, "state");
    match step.plan(&before) {
        _ if stopped.get() => return line(Outcome::NotTried, None),
        Plan::Leave if !target.is_named => return line(Outcome::Unchanged, None),
        Plan::Skip(why) if !target.is_named => return line(Outcome::Skipped, Some(why.to_owned())),
        _ => {}
    }
    let call = target.place.call(Http::Post, &[]).body(body.clone());
    match patiently(&call, session).await {
        Ok(migration) => Line {
            outcome: match text(&migration, "state") == before {
                true => Outcome::Unchanged,
                false => Outcome::Done,
            },
            migration,
            message: None,
        },
        Err(error) => match error.exit {
            Exit::Refused => line(Outcome::Refused, Some(error.message)),
            Exit::Done | Exit::Broken => line(Outcome::Failed, Some(error.message)),
        },
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
    told: Instant,
}

impl Progress {
    fn new(step: Step, all: usize) -> Self {
        Self {
            step,
            all,
            counts: [0; Outcome::ALL.len()],
            told: Instant::now(),
        }
    }

    fn count(&mut self, outcome: Outcome) {
        let counts = self.counts.iter_mut().zip(Outcome::ALL);
        counts
            .filter(|(_, known)| *known == outcome)
            .for_each(|(count, _)| *count += 1);
        if self.told.elapsed() >= TELL_EVERY {
            self.tell();
        }
    }

    fn finish(&mut self) {
        self.tell();
    }

    fn tell(&mut self) {
        let seen: usize = self.counts.iter().sum();
        let counts = self.counts.iter().zip(Outcome::ALL);
        let counts = counts.filter(|(count, _)| **count > 0);
        let words = counts.map(|(count, outcome)| {
            let word = outcome.word().replace('_', " ");
            format!(", {count} {word}")
        });
        let (step, all, words) = (self.step.word(), self.all, words.collect::<String>());
        output::note(&format!("{step}: {seen} of {all} credentials{words}"));
        self.told = Instant::now();
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
