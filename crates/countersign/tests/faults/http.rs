//! Requests as short as possible.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

/// What came back, and after which time.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
    pub took: Duration,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub fn has_header(&self, name: &str) -> bool {
        let mut lines = self.head.lines();
        lines.any(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")))
    }
}

/// The answer to a GET of `path`.
pub fn get(origin: &str, path: &str) -> Answer {
    ask(origin, &format!("GET {path}"), &[])
}

/// The answer to a form that is sent to `path`.
pub fn post(origin: &str, path: &str, form: &[(&str, &str)]) -> Answer {
    ask(origin, &format!("POST {path}"), form)
}

fn ask(origin: &str, line: &str, form: &[(&str, &str)]) -> Answer {
    let began = Instant::now();
    let address = origin.strip_prefix("http://").unwrap();
    let body = countersign_testkit::clients::urlencoded(form);
    let head = format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
        took: began.elapsed(),
    }
}

const LONGEST: Duration = Duration::from_secs(20);
