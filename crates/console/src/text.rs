//! How things are worded for people.

use std::time::Duration;

use countersign_wire::Timestamp;

/// The sentence of an error: its text begins small and has no full stop, as in a log.
pub(crate) fn sentence(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let Some(first) = letters.next() else {
        return text;
    };
    let stop = if text.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{}{}{stop}", first.to_uppercase(), letters.as_str())
}

/// A moment, to the minute: `2026-03-01 12:30 UTC`. In a table, in an element of class `time`, which
/// is not broken into lines.
pub(crate) fn moment(at: Timestamp) -> String {
    at.minute()
}

/// A length of time in hours and minutes: `12 hours`.
pub(crate) fn span(length: Duration) -> String {
    let minutes = length.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (1, 0) => "an hour".to_owned(),
        (0, minutes) => format!("{minutes} minutes"),
        (1, minutes) => format!("an hour and {minutes} minutes"),
        (hours, 0) => format!("{hours} hours"),
        (hours, minutes) => format!("{hours} hours and {minutes} minutes"),
    }
}

/// A part of 1, cut off and not rounded: what is not certain never looks so.
pub(crate) fn percent(part: f64) -> String {
    format!("{} %", (part * 100.0).floor().clamp(0.0, 100.0))
}

/// A moment that may not have been.
pub(crate) fn moment_or_never(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_become_sentences() {
        assert_eq!(sentence("this is gone"), "This is gone.");
        assert_eq!(sentence("Ready?"), "Ready?");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn moments_are_short_and_say_their_zone() {
        let at: Timestamp = "2026-03-01T12:30:59.5Z".parse().expect("an instant");
        assert_eq!(moment(at), "2026-03-01 12:30 UTC");
        assert_eq!(moment_or_never(None), "never");
        assert_eq!(span(Duration::from_secs(1800)), "30 minutes");
        assert_eq!(span(Duration::from_secs(12 * 3600)), "12 hours");
        assert_eq!(span(Duration::from_secs(86_399)), "23 hours and 59 minutes");
        assert_eq!(percent(0.999), "99 %");
        assert_eq!(percent(1.0), "100 %");
    }
}
