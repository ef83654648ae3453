//! Dates as calendar programs read them (RFC 5545): days with a name, and nothing else.

use crate::Timestamp;

/// A calendar that programs fetch again and again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Calendar {
    /// What it is called.
    pub name: String,
    /// What is on it.
    pub days: Vec<Day>,
}

/// Something that happens on a day, which nobody is busy with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Day {
    /// Names it for ever: a program that sees it again moves what it has.
    pub uid: String,
    /// When this was written.
    pub written_at: Timestamp,
    /// A moment of the day, which is that of UTC.
    pub at: Timestamp,
    /// In a line.
    pub summary: String,
    /// In full.
    pub description: String,
    /// A page about it.
    pub url: Option<String>,
}

/// The media type of a calendar.
pub const MEDIA_TYPE: &str = "text/calendar; charset=utf-8";

/// Longest line in bytes, without its end (RFC 5545 section 3.1).
const LONGEST: usize = 75;

impl Calendar {
    /// As text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        line(&mut text, "BEGIN:VCALENDAR");
        line(&mut text, "VERSION:2.0");
        line(&mut text, "PRODID:-//Countersign//Dates//EN");
        // RFC 7986, and what programs read that are older.
        line(&mut text, &format!("NAME:{}", escaped(&self.name)));
        line(&mut text, &format!("X-WR-CALNAME:{}", escaped(&self.name)));
        line(&mut text, "REFRESH-INTERVAL;VALUE=DURATION:PT12H");
        line(&mut text, "X-PUBLISHED-TTL:PT12H");
        for day in &self.days {
            day.write(&mut text);
        }
        line(&mut text, "END:VCALENDAR");
        text
    }
}

impl Day {
    fn write(&self, text: &mut String) {
        line(text, "BEGIN:VEVENT");
        line(text, &format!("UID:{}", escaped(&self.uid)));
        line(text, &format!("DTSTAMP:{}", instant(self.written_at)));
        line(text, &format!("DTSTART;VALUE=DATE:{}", date(self.at)));
        line(text, &format!("SUMMARY:{}", escaped(&self.summary)));
        line(text, &format!("DESCRIPTION:{}", escaped(&self.description)));
        if let Some(url) = &self.url {
            let is_plain = |c: &char| !c.is_control() && !c.is_whitespace();
            let url: String = url.chars().filter(is_plain).collect();
            line(text, &format!("URL:{url}"));
        }
        line(text, "TRANSP:TRANSPARENT");
        line(text, "END:VEVENT");
    }
}

/// `20260301`
fn date(at: Timestamp) -> String {
    at.date().replace('-', "")
}

/// `20260301T120000Z`
fn instant(at: Timestamp) -> String {
    let text: String = at.to_string().chars().take(19).collect();
    format!("{}Z", text.replace(['-', ':'], ""))
}

/// Text as a value (RFC 5545 section 3.3.11); control characters but the line's end are left out.
fn escaped(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => value.extend(['\\', c]),
            '\n' => value.push_str("\\n"),
            c if c.is_control() => {}
            c => value.push(c),
        }
    }
    value
}

/// One line, folded where it is too long, and never within a character.
fn line(text: &mut String, content: &str) {
    let mut length = 0;
    for c in content.chars() {
        if length + c.len_utf8() > LONGEST {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(c);
        length += c.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(summary: &str) -> Day {
        Day {
            uid: "secret_expires-1@ims.example.com".to_owned(),
            written_at: Timestamp::from_millis(1_769_947_200_500),
            at: Timestamp::from_seconds(1_772_323_200),
            summary: summary.to_owned(),
            description: "a\nb".to_owned(),
            url: Some("https://ims.example.com/a b".to_owned()),
        }
    }

    fn text(summary: &str) -> String {
        let calendar = Calendar {
            name: "Dates, all; of \\ them".to_owned(),
            days: vec![day(summary)],
        };
        calendar.to_text()
    }

    #[test]
    fn a_calendar_is_that_of_the_rfc() {
        let expected = "BEGIN:VCALENDAR|VERSION:2.0|PRODID:-//Countersign//Dates//EN|\
            NAME:Dates\\, all\\; of \\\\ them|X-WR-CALNAME:Dates\\, all\\; of \\\\ them|\
            REFRESH-INTERVAL;VALUE=DURATION:PT12H|X-PUBLISHED-TTL:PT12H|BEGIN:VEVENT|\
            UID:secret_expires-1@ims.example.com|DTSTAMP:20260201T120000Z|\
            DTSTART;VALUE=DATE:20260301|SUMMARY:ends\\; soon|DESCRIPTION:a\\nb|\
            URL:https://ims.example.com/ab|TRANSP:TRANSPARENT|END:VEVENT|END:VCALENDAR|";
        assert_eq!(text("ends; soon"), expected.replace('|', "\r\n"));
    }

    /// What a program makes of a value.
    fn read(text: &str, name: &str) -> String {
        let unfolded = text.replace("\r\n ", "");
        let found = unfolded
            .split("\r\n")
            .find_map(|line| line.strip_prefix(name));
        let mut value = String::new();
        let mut chars = found.expect("there").chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next().expect("escaped") {
                    'n' => value.push('\n'),
                    c => value.push(c),
                },
                c => value.push(c),
            }
        }
        value
    }

    proptest! {
        #[test]
        fn whatever_things_are_called_is_read_back_from_short_lines(summary in any::<String>()) {
            let text = text(&summary);
            for line in text.split_terminator("\r\n") {
                prop_assert!(line.len() <= LONGEST, "{line}");
                prop_assert!(!line.contains(['\r', '\n']));
            }
            let kept: String = summary.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
            prop_assert_eq!(read(&text, "SUMMARY:"), kept);
        }
    }
}
