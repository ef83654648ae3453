//! What a command answers: named values in the reader's order, the same on paper and in JSON.

use std::fmt::{Display, Write as _};

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use crate::output::harmless;

/// Named values in order.
#[derive(Debug, Default)]
pub struct Record(Vec<(&'static str, Value)>);

#[derive(Debug)]
enum Value {
    Nothing,
    Flag(bool),
    Number(u64),
    Text(String),
    List(Vec<String>),
    Record(Record),
    Records(Vec<Record>),
}

impl Record {
    /// Without any value yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a text.
    #[must_use]
    pub fn text(self, name: &'static str, value: impl Display) -> Self {
        self.with(name, Value::Text(value.to_string()))
    }

    /// With a text that may be absent.
    #[must_use]
    pub fn maybe(self, name: &'static str, value: Option<impl Display>) -> Self {
        self.with(
            name,
            value.map_or(Value::Nothing, |value| Value::Text(value.to_string())),
        )
    }

    /// With yes or no.
    #[must_use]
    pub fn flag(self, name: &'static str, value: bool) -> Self {
        self.with(name, Value::Flag(value))
    }

    /// With a number.
    #[must_use]
    pub fn number(self, name: &'static str, value: u64) -> Self {
        self.with(name, Value::Number(value))
    }

    /// With several texts.
    #[must_use]
    pub fn list(self, name: &'static str, values: impl IntoIterator<Item = impl Display>) -> Self {
        self.with(
            name,
            Value::List(values.into_iter().map(|value| value.to_string()).collect()),
        )
    }

    /// With a record inside.
    #[must_use]
    pub fn record(self, name: &'static str, value: Self) -> Self {
        self.with(name, Value::Record(value))
    }

    /// With several records inside.
    #[must_use]
    pub fn records(self, name: &'static str, values: Vec<Self>) -> Self {
        self.with(name, Value::Records(values))
    }

    fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.push((name, value));
        self
    }

    /// The value of that name as one cell of a table.
    #[must_use]
    pub fn cell(&self, name: &str) -> String {
        let found = self.0.iter().find(|(own, _)| *own == name);
        found.map_or_else(String::new, |(_, value)| value.line())
    }

    /// The record on lines of their own, what is inside of it indented.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text
    }

    fn write(&self, text: &mut String, depth: usize) {
        for (name, value) in &self.0 {
            let indent = "  ".repeat(depth);
            let width = 26_usize.saturating_sub(indent.len());
            // Writing to a string does not fail.
            match value {
                Value::Record(record) => {
                    let _ = writeln!(text, "{indent}{name}");
                    record.write(text, depth + 1);
                }
                Value::Records(records) if !records.is_empty() => {
                    let _ = writeln!(text, "{indent}{name}");
                    for (at, record) in records.iter().enumerate() {
                        text.push_str(if at > 0 { "\n" } else { "" });
                        record.write(text, depth + 1);
                    }
                }
                flat => {
                    let _ = writeln!(text, "{indent}{name:width$} {}", flat.line());
                }
            }
        }
    }
}

impl Value {
    fn line(&self) -> String {
        match self {
            Self::Nothing => NOTHING.to_owned(),
            Self::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => harmless(text),
            Self::List(texts) if texts.is_empty() => NOTHING.to_owned(),
            Self::List(texts) => harmless(&texts.join(",")),
            Self::Record(record) => record
                .0
                .iter()
                .map(|(name, value)| format!("{name}={}", value.line()))
                .collect::<Vec<_>>()
                .join(" "),
            Self::Records(records) if records.is_empty() => NOTHING.to_owned(),
            Self::Records(records) => records.len().to_string(),
        }
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_none(),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(texts) => texts.serialize(serializer),
            Self::Record(record) => record.serialize(serializer),
            Self::Records(records) => records.serialize(serializer),
        }
    }
}

/// What paper shows for what is not there.
const NOTHING: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_the_order_and_paper_the_names() {
        let inner = Record::new()
            .text("team", "A")
            .maybe("contact", None::<&str>);
        let record = Record::new()
            .text("id", 7)
            .flag("enabled", true)
            .list("scopes", ["b", "a"])
            .record("owner", inner);
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(
            json,
            r#"{"id":"7","enabled":true,"scopes":["b","a"],"owner":{"team":"A","contact":null}}"#
        );
        assert_eq!(record.cell("scopes"), "b,a");
        assert!(
            record
                .lines()
                .ends_with("owner\n  team                     A\n  contact                  -\n")
        );
    }
}
