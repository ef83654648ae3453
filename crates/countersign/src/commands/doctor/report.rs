//! What was found.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::outcome::{Exit, Failure};
use crate::output::harmless;

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// What was looked at, in one word.
    check: &'static str,
    level: Level,
    /// What is the case.
    what: String,
    /// Why, or what it means.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Warning,
    Wrong,
}

/// All findings, in the order of the checks.
#[derive(Debug, Default)]
pub struct Report(Vec<Finding>);

impl Report {
    pub fn ok(&mut self, check: &'static str, what: impl Into<String>) {
        self.0.push(Finding {
            check,
            level: Level::Ok,
            what: what.into(),
            why: None,
            next: None,
        });
    }

    pub fn warning(
        &mut self,
        check: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) {
        self.wrong(check, what, why, next);
        if let Some(last) = self.0.last_mut() {
            last.level = Level::Warning;
        }
    }

    pub fn wrong(
        &mut self,
        check: &'static str,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) {
        self.0.push(Finding {
            check,
            level: Level::Wrong,
            what: what.into(),
            why: Some(why.into()),
            next: Some(next.into()),
        });
    }

    /// What another command would have ended with.
    pub fn failure(&mut self, check: &'static str, failure: &Failure) {
        let next = (!failure.hints.is_empty()).then(|| failure.hints.join("; "));
        self.0.push(Finding {
            check,
            level: Level::Wrong,
            what: failure.message.clone(),
            why: None,
            next,
        });
    }

    pub fn exit(&self) -> Exit {
        if self.is_ok() {
            Exit::Done
        } else {
            Exit::Refused
        }
    }

    fn is_ok(&self) -> bool {
        self.0.iter().all(|finding| finding.level != Level::Wrong)
    }

    /// One line for each finding and, for people, indented lines below it; for programs, one line
    /// of tab-separated values.
    pub fn to_text(&self, terminal: bool) -> String {
        let lines = self.0.iter().map(|finding| {
            let Finding {
                check, what, level, ..
            } = finding;
            let level = level.word();
            let (why, next) = (
                finding.why.as_deref().unwrap_or_default(),
                finding.next.as_deref().unwrap_or_default(),
            );
            if !terminal {
                return [level, check, what, why, next].map(harmless).join("\t");
            }
            let below = [("why", why), ("next", next)].map(|(label, text)| match text {
                "" => String::new(),
                text => format!("\n{:21}{label}: {}", "", harmless(text)),
            });
            format!("{level:8} {check:11} {}{}", harmless(what), below.concat())
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("ok", &self.is_ok())?;
        map.serialize_entry("findings", &self.0)?;
        map.end()
    }
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
        }
    }
}
