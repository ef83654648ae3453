//! The one way out: stdout is data, stderr is talk.

use std::io::{self, IsTerminal as _, Write as _};

use comfy_table::Table;
use serde::Serialize;

use crate::outcome::Failure;

/// Writes one line of data.
///
/// # Errors
/// Stdout is broken. A reader that has seen enough and closed the pipe is no failure.
pub fn line(text: &str) -> Result<(), Failure> {
    bytes(format!("{text}\n").as_bytes())
}

/// Writes data as it is.
///
/// # Errors
/// As [`line()`].
pub fn bytes(data: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(data).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::broken(format!(
            "cannot write to stdout: {}",
            error.kind()
        ))),
        _ => Ok(()),
    }
}

/// Writes `value` as indented JSON.
///
/// # Errors
/// As [`line()`].
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|_| Failure::broken("the result cannot be written as JSON"))?;
    line(&text)
}

/// Writes rows: as a table for eyes, as tab-separated values for programs.
///
/// # Errors
/// As [`line()`].
pub fn table(headers: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    line(&if io::stdout().is_terminal() {
        drawn(headers, rows)
    } else {
        separated(headers, rows)
    })
}

/// Says what went wrong.
pub fn error(text: &str) {
    talk("error", text);
}

/// Says something worth knowing.
pub fn note(text: &str) {
    talk("note", text);
}

/// Says what to do next.
pub fn hint(text: &str) {
    talk("hint", text);
}

/// Without what would move the cursor, colour the terminal or turn the direction of the text
/// (`spec/security.md` CON-09). Names come from people, and some of them are not friends.
#[must_use]
pub fn harmless(text: &str) -> String {
    let tame = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !c.is_control() && !turns
    };
    text.chars().filter(|c| tame(*c)).collect()
}

/// A stderr that nobody reads is no failure.
fn talk(kind: &str, text: &str) {
    let _ = writeln!(io::stderr().lock(), "{kind}: {}", harmless(text));
}

fn drawn(headers: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.set_header(headers.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| harmless(cell)));
    }
    table.to_string()
}

fn separated(headers: &[&str], rows: &[Vec<String>]) -> String {
    let mut lines = vec![headers.join("\t")];
    let tame = |row: &Vec<String>| row.iter().map(|cell| harmless(cell)).collect::<Vec<_>>();
    lines.extend(rows.iter().map(|row| tame(row).join("\t")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_left_alone() {
        assert_eq!(harmless("a\u{1b}[31mb\u{7}\u{202e}c\td\n"), "a[31mbcd");
    }

    #[test]
    fn one_line_for_each_row_whatever_is_in_it() {
        let rows = vec![vec!["a\tb\n".to_owned(), "c\u{1b}".to_owned()]];
        assert_eq!(separated(&["x", "y"], &rows), "x\ty\nab\tc");
    }

    #[test]
    fn a_table_shows_every_cell() {
        let drawn = drawn(&["name", "id"], &[vec!["one".to_owned(), "1".to_owned()]]);
        for cell in ["name", "id", "one", "1"] {
            assert!(drawn.contains(cell), "{drawn}");
        }
    }
}
