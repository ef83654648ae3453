//! Answers of the server on paper and as JSON.

use std::fmt::Write as _;

use serde_json::Value;

use crate::outcome::{Exit, Failure};
use crate::output::{self, harmless};

/// What a command answers.
#[derive(Debug)]
pub enum Shown {
    /// One thing; these members come first.
    Item(&'static [&'static str], Value),
    /// Many, of which paper shows these members.
    List(&'static [&'static str], Vec<Value>),
    /// The same, of a command whose end says something, too.
    Ended(&'static [&'static str], Vec<Value>, Exit),
    /// A document that programs read: JSON on paper, too.
    Document(Value),
}

impl Shown {
    /// How the command ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Item(..) | Self::List(..) | Self::Document(_) => Exit::Done,
            Self::Ended(_, _, exit) => *exit,
        }
    }

    /// Prints it; JSON is the server's own.
    ///
    /// # Errors
    /// Stdout is broken.
    pub fn print(&self, json: bool) -> Result<(), Failure> {
        match (self, json) {
            (Self::Item(_, value), true) | (Self::Document(value), _) => output::json(value),
            (Self::Item(first, value), false) => output::bytes(lines(first, value).as_bytes()),
            (Self::List(_, values) | Self::Ended(_, values, _), true) => output::json(values),
            (Self::List(columns, values) | Self::Ended(columns, values, _), false) => {
                let row = |value: &Value| columns.iter().map(|name| cell(&value[name])).collect();
                output::table(columns, &values.iter().map(row).collect::<Vec<_>>())
            }
        }
    }
}

fn lines(first: &[&str], value: &Value) -> String {
    let mut text = String::new();
    let members = value.as_object().into_iter().flatten();
    let rest = members.map(|(name, _)| name.as_str());
    let rest = rest.filter(|name| !first.contains(name));
    let present = first.iter().copied().filter(|name| !value[name].is_null());
    for name in present.chain(rest) {
        let mut label = harmless(name);
        for cell in cells(&value[name]) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{label:26} {cell}");
            label.clear();
        }
    }
    text
}

/// A list of things that say themselves what they are has a line for each of their sentences.
fn cells(value: &Value) -> Vec<String> {
    let things = value.as_array().filter(|things| !things.is_empty());
    let sentence = |thing: &Value| thing["text"].as_str().map(harmless);
    let sentences = things.and_then(|things| things.iter().map(sentence).collect());
    sentences.unwrap_or_else(|| vec![cell(value)])
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => harmless(text),
        Value::Array(values) if values.is_empty() => NOTHING.to_owned(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let pairs = members
                .iter()
                .map(|(name, value)| format!("{}={}", harmless(name), cell(value)));
            pairs.collect::<Vec<_>>().join(" ")
        }
    }
}

/// What paper shows for what is not there.
const NOTHING: &str = "-";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_come_in_the_readers_order_and_leave_the_terminal_alone() {
        let value = json!({
            "a": "x\u{1b}[31m", "id": "7", "none": null, "many": ["b", "c"],
            "services": [{"service": "S", "profiles": []}], "on": true,
            "told": [{"text": "One", "at": 1}, {"text": "Two", "at": 2}],
        });
        let expected = [
            ("id", "7"),
            ("a", "x[31m"),
            ("many", "b, c"),
            ("none", "-"),
            ("on", "yes"),
            ("services", "profiles=- service=S"),
            ("told", "One"),
            ("", "Two"),
        ];
        let expected = expected.map(|(name, value)| format!("{name:26} {value}\n"));
        assert_eq!(lines(&["id", "missing"], &value), expected.concat());
    }
}
