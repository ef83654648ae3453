//! Brown-outs: planned, listed, ended, and who noticed.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::ValueEnum;
use countersign_client::management::Verb as Http;
use countersign_wire::Timestamp;
use serde_json::{Value, json};

use super::status::time;
use super::which::Which;
use crate::commands::remote::shown::Shown;
use crate::commands::remote::{Session, body, text};
use crate::outcome::Failure;
use crate::output;

/// A planned short refusal.
#[derive(Debug, clap::Args)]
pub struct Plan {
    #[command(flatten)]
    which: Which,
    /// When it begins, as in `2026-03-01T09:00:00Z`; now if absent
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// How long it lasts: `30m`, `2h`, at most `1d`
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    lasts: Duration,
    /// How often it comes again
    #[arg(long, requires = "times")]
    repeat: Option<Repeat>,
    /// How many times, of what comes again
    #[arg(long, value_name = "NUMBER", requires = "repeat")]
    times: Option<u32>,
    /// Refuse so many of every hundred exchanges, instead of all
    #[arg(long, value_name = "NUMBER", conflicts_with = "caller")]
    percent: Option<u8>,
    /// Refuse only these callers: `consumer=NAME`, `network=203.0.113.0/24`, `agent=PROGRAM`, or
    /// several of them with commas between
    #[arg(long, value_name = "CALLER", value_parser = caller)]
    caller: Vec<Value>,
    /// How many callers may fail before it is aborted [default: 3]
    #[arg(long, value_name = "NUMBER")]
    allow: Option<u32>,
    /// By which the plan is recognized when the command is repeated [default: made from the plan]
    #[arg(long)]
    name: Option<String>,
}

/// Which brown-outs, and what to do with them.
#[derive(Debug, clap::Args)]
pub struct List {
    /// One of them, by its id or name: says who noticed
    brownout: Option<String>,
    /// End it, whether it has begun or not
    #[arg(long, requires = "brownout")]
    undo: bool,
}

/// How often a brown-out comes again.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Repeat {
    /// An hour after the one before
    Hourly,
    /// 24 hours after the one before
    Daily,
    /// Seven days after the one before
    Weekly,
}

impl Repeat {
    const fn word(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }
}

impl Plan {
    pub(super) async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        let found = self.which.find(session).await?;
        let mut by_org: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut left_out = 0;
        for target in found {
            // Of those that are not named, the ones that it can be for; the server says why not of
            // the others.
            if target.is_named || text(&target.migration, "state") == "started" {
                let ids = by_org.entry(target.place.org).or_default();
                ids.push(target.place.credential);
            } else {
                left_out += 1;
            }
        }
        if left_out > 0 {
            output::note(&format!(
                "{left_out} credentials are left out: they do not have both halves at work"
            ));
        }
        let mut planned = Vec::new();
        for (org, ids) in &by_org {
            planned.push(self.plan(org, ids, session).await?);
        }
        match (planned.pop(), planned.is_empty()) {
            (Some(only), true) => Ok(Shown::Item(FIRST, only)),
            (Some(last), false) => {
                planned.push(last);
                Ok(Shown::List(PLANNED, planned))
            }
            (None, _) => Err(
                Failure::refused("none of the credentials has both halves at work")
                    .hint("`migrate start` adds the OAuth half"),
            ),
        }
    }

    async fn plan(&self, org: &str, ids: &[String], session: &Session) -> Result<Value, Failure> {
        let callers = (!self.caller.is_empty()).then(|| json!(self.caller));
        let plan = body([
            ("name", self.name.as_ref().map(|name| json!(name))),
            ("credentials", Some(json!(ids))),
            ("at", self.at.map(|at| json!(at.to_string()))),
            ("seconds", Some(json!(self.lasts.as_secs()))),
            ("repeat", self.repeat.map(|repeat| json!(repeat.word()))),
            ("times", self.times.map(|times| json!(times))),
            ("per_cent", self.percent.map(|share| json!(share))),
            ("callers", callers),
            ("allowed_callers", self.allow.map(|allowed| json!(allowed))),
        ]);
        let at = ["organizations", org, "migration", "brownouts"];
        let call = countersign_client::management::Call::new(Http::Post, &at).body(plan);
        let planned = session.send(call).await?.body;
        if planned["undo_link"].is_null() {
            let name = text(&planned, "name");
            output::note(&format!(
                "brown-out `{name}` was planned before: nothing is changed"
            ));
        }
        Ok(planned)
    }
}

impl List {
    pub(super) async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        let call = session.within(Http::Get, &BROWNOUTS).await?;
        let Some(wanted) = &self.brownout else {
            return Ok(Shown::List(COLUMNS, session.list(call).await?));
        };
        let id = self.find(wanted, session).await?;
        let at = [&BROWNOUTS[..], &[id.as_str()]].concat();
        if self.undo {
            let at = [&at[..], &["undo"]].concat();
            let call = session.within(Http::Post, &at).await?;
            let undone = session.send(call).await?.body;
            return Ok(Shown::Item(FIRST, undone));
        }
        let shown = session
            .send(session.within(Http::Get, &at).await?)
            .await?
            .body;
        if session.json {
            return Ok(Shown::Document(shown));
        }
        let (name, state) = (text(&shown, "name"), text(&shown, "state"));
        let failed = &shown["failed_callers"];
        output::note(&format!(
            "brown-out `{name}` is {state}: {failed} callers failed"
        ));
        Ok(Shown::List(REPORT, callers(&shown)))
    }

    /// The id of what was named; ids are tried first.
    async fn find(&self, wanted: &str, session: &Session) -> Result<String, Failure> {
        let is_id = wanted.len() == 32 && wanted.bytes().all(|b| b.is_ascii_hexdigit());
        if is_id {
            return Ok(wanted.to_owned());
        }
        let call = session.within(Http::Get, &BROWNOUTS).await?;
        let all = session.list(call).await?;
        let found = all.iter().find(|one| one["name"] == wanted);
        found.map(|one| text(one, "id")).ok_or_else(|| {
            Failure::refused(format!("there is no brown-out `{wanted}`"))
                .hint("`migrate brownouts` lists all")
        })
    }
}

/// Everybody in a report, one a line.
fn callers(shown: &Value) -> Vec<Value> {
    let mut lines = Vec::new();
    for of in shown["report"].as_array().into_iter().flatten() {
        let add = |one: &Value, outcome: Value| {
            let mut line = one.clone();
            line["credential"] = of["name"].clone();
            line["outcome"] = outcome;
            line
        };
        let noticed = of["noticed"].as_array().into_iter().flatten();
        lines.extend(noticed.map(|one| add(one, one["outcome"].clone())));
        let unnoticed = of["unnoticed"].as_array().into_iter().flatten();
        lines.extend(unnoticed.map(|one| add(one, json!("not refused"))));
    }
    lines
}

/// `consumer=nightly,network=203.0.113.0/24`.
fn caller(text: &str) -> Result<Value, String> {
    let mut caller = json!({});
    for part in text.split(',') {
        match part.split_once('=') {
            Some((name @ ("network" | "agent" | "consumer"), value)) if !value.is_empty() => {
                caller[name] = json!(value);
            }
            _ => {
                return Err(
                    "write `consumer=NAME`, `network=203.0.113.0/24` or `agent=PROGRAM`, or several of them with commas between"
                        .to_owned(),
                );
            }
        }
    }
    Ok(caller)
}

const BROWNOUTS: [&str; 2] = ["migration", "brownouts"];
const FIRST: &[&str] = &[
    "id",
    "name",
    "state",
    "at",
    "seconds",
    "repeat",
    "times",
    "next_at",
    "until",
    "ends_at",
    "undo_link",
];
const PLANNED: &[&str] = &["id", "name", "state", "at", "ends_at", "undo_link"];
const COLUMNS: &[&str] = &[
    "id",
    "name",
    "state",
    "at",
    "seconds",
    "repeat",
    "times",
    "allowed_callers",
];
const REPORT: &[&str] = &[
    "credential",
    "consumer",
    "agent",
    "network",
    "outcome",
    "times",
    "last_at",
    "jwt_at",
    "oauth_at",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_named_by_its_parts() {
        assert_eq!(caller("consumer=a"), Ok(json!({"consumer": "a"})));
        assert_eq!(
            caller("agent=a/1 b/2,network=203.0.113.0/24"),
            Ok(json!({"agent": "a/1 b/2", "network": "203.0.113.0/24"}))
        );
        for wrong in ["", "a", "consumer=", "name=x", "consumer=a,"] {
            assert!(caller(wrong).is_err(), "{wrong}");
        }
    }
}
