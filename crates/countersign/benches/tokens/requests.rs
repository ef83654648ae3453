//! Requests, ready to be written to a connection again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One request, or one of each of many clients.
#[derive(Clone)]
pub struct Requests {
    all: Arc<[Vec<u8>]>,
    turn: Arc<AtomicUsize>,
}

impl Requests {
    pub fn new(all: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self {
            all: all.into_iter().collect(),
            turn: Arc::default(),
        }
    }

    /// Each in its turn, whichever connection asks.
    pub fn next(&self) -> &[u8] {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &self.all[turn % self.all.len()]
    }
}

/// A form as a whole request. The host is not where it is sent: servers come and go.
pub fn post(path: &str, form: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: countersign-bench/1.0\r\n\
         Accept: */*\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len(),
    )
    .into_bytes()
}
