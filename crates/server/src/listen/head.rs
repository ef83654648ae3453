//! Looks at heads of HTTP/1 as they arrive, for what hyper forgives but others may read
//! differently (HTP-04): a bare LF as the end of a line, and a `Content-Length` next to a
//! `Transfer-Encoding`, of which hyper drops the length before anyone can see it.
//!
//! It decides nothing about the request and changes no byte: hyper parses, this only doubts. A
//! doubted request is answered with 400 and ends its connection.

/// What the bytes of one connection have looked like so far.
#[derive(Default)]
pub(super) struct HeadWatch {
    place: Place,
    /// Start of the current line, as far as it is needed to know a field's name and length.
    line: Vec<u8>,
    length: Option<u64>,
    chunked: bool,
    ambiguous: bool,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Place {
    #[default]
    Head,
    /// So many bytes of a body are to come before the next head.
    Body(u64),
    /// The connection ends with this request, so no head follows.
    Last,
}

/// What the connection has to do about it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Doubt {
    /// A head could be read in two ways.
    pub(super) ambiguous: bool,
    /// Where the next head would begin is not known here: the body comes in chunks.
    pub(super) unbounded: bool,
}

impl HeadWatch {
    /// Takes the bytes that have just arrived.
    pub(super) fn see(&mut self, bytes: &[u8]) -> Doubt {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.place {
                Place::Head => self.see_head(rest),
                Place::Body(left) => self.pass_over(left, rest),
                Place::Last => break,
            };
        }
        Doubt {
            ambiguous: self.ambiguous,
            unbounded: self.place == Place::Last,
        }
    }

    fn pass_over<'a>(&mut self, left: u64, bytes: &'a [u8]) -> &'a [u8] {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        self.place = match left - here as u64 {
            0 => Place::Head,
            left => Place::Body(left),
        };
        &bytes[here..]
    }

    /// Takes one line, or the part of it that is there.
    fn see_head<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.keep(bytes);
            return &[];
        };
        if self.line.is_empty() {
            self.end_line(&bytes[..end]);
        } else {
            self.keep(&bytes[..end]);
            let line = std::mem::take(&mut self.line);
            self.end_line(&line);
            self.line = line;
            self.line.clear();
        }
        &bytes[end + 1..]
    }

    /// Keeps the beginning of a line and its last byte.
    fn keep(&mut self, bytes: &[u8]) {
        let (room, last) = (LINE_MAX.saturating_sub(self.line.len()), bytes.last());
        self.line.extend_from_slice(&bytes[..room.min(bytes.len())]);
        if let (true, Some(last)) = (bytes.len() > room, last) {
            self.line.truncate(LINE_MAX - 1);
            self.line.push(*last);
        }
    }

    fn end_line(&mut self, line: &[u8]) {
        match line.strip_suffix(b"\r") {
            None => self.ambiguous = true,
            Some(b"") => self.end_head(),
            Some(field) => self.see_field(field),
        }
    }

    fn see_field(&mut self, field: &[u8]) {
        let Some(colon) = memchr::memchr(b':', field) else {
            return;
        };
        let (name, value) = (&field[..colon], &field[colon + 1..]);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let value = std::str::from_utf8(value).ok().map(str::trim);
            // A length that is no number is refused by hyper; it must not stay unseen here.
            self.length = Some(
                value
                    .and_then(|value| value.parse().ok())
                    .unwrap_or(u64::MAX),
            );
        }
    }

    fn end_head(&mut self) {
        let (length, chunked) = (self.length.take(), std::mem::take(&mut self.chunked));
        self.ambiguous |= length.is_some() && chunked;
        self.place = match length {
            _ if chunked || self.ambiguous => Place::Last,
            None | Some(0) => Place::Head,
            Some(length) => Place::Body(length),
        };
    }
}

/// Longer than any line that matters here: `transfer-encoding`, `content-length` and a number.
const LINE_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes at once, and one at a time, must look the same.
    fn doubt(text: &str) -> Doubt {
        let whole = HeadWatch::default().see(text.as_bytes());
        let mut slow = HeadWatch::default();
        let steps = text.bytes().map(|byte| slow.see(&[byte])).last();
        assert_eq!(steps, Some(whole), "{text:?}");
        whole
    }

    const FINE: Doubt = Doubt {
        ambiguous: false,
        unbounded: false,
    };

    #[test]
    fn ordinary_requests_in_a_row_raise_no_doubt() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na\nb";
        assert_eq!(doubt(&format!("{get}{post}{get}{post}")), FINE);
        let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(500));
        assert_eq!(doubt(&long), FINE);
    }

    #[test]
    fn bare_line_ends_are_ambiguous_wherever_they_hide() {
        let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let post = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        let bad = "GET / HTTP/1.1\r\nX: a\nHost: a\r\n\r\n";
        for text in [bad, &format!("{get}{bad}"), &format!("{post}{bad}")] {
            assert!(doubt(text).ambiguous, "{text:?}");
        }
        let long = format!("GET / HTTP/1.1\r\nX: {}\n\r\n", "y".repeat(500));
        assert!(doubt(&long).ambiguous);
    }

    #[test]
    fn two_framings_are_ambiguous_and_chunks_end_the_sequence() {
        let chunked = "Transfer-Encoding: chunked\r\n";
        let length = "content-length:4\r\n";
        for lines in [[chunked, length], [length, chunked]] {
            assert!(doubt(&format!("POST / HTTP/1.1\r\n{}\r\n", lines.concat())).ambiguous);
        }
        let alone = doubt(&format!("POST / HTTP/1.1\r\n{chunked}\r\n0\r\n\r\n"));
        assert_eq!((alone.ambiguous, alone.unbounded), (false, true));
    }
}
