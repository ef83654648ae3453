//! A load below saturation: requests come when their time has come, not when the one before was
//! answered.
//!
//! Threads and not tasks: timers of the runtime have milliseconds, which would make all
//! connections ask at the same moment.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use crate::chance::Chance;
use crate::connection::Connection;
use crate::load::Seen;
use crate::requests::Requests;

/// Asks `per_second` times on all connections together, at random moments that do not depend on
/// each other (a Poisson process), as many clients do who know nothing of each other.
pub fn run(
    address: SocketAddr,
    requests: &Requests,
    connections: usize,
    per_second: f64,
    span: Duration,
) -> anyhow::Result<Seen> {
    let gap = connections as f64 / per_second;
    let began = Instant::now();
    let latencies: anyhow::Result<Vec<_>> = std::thread::scope(|scope| {
        let one =
            |connection| scope.spawn(move || one(address, requests, connection, gap, began + span));
        let threads: Vec<_> = (0..connections).map(one).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .map(|seen| seen.map_err(|_| anyhow!("a thread panicked"))?)
            .collect()
    });
    Ok(Seen::new(latencies?.concat(), began.elapsed()))
}

fn one(
    address: SocketAddr,
    requests: &Requests,
    number: usize,
    gap: f64,
    until: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(address)?;
    let mut chance = Chance::new(number as u64);
    let mut latencies = Vec::new();
    let mut due = Instant::now();
    loop {
        due += Duration::from_secs_f64(gap * chance.exponential());
        if due >= until {
            return Ok(latencies);
        }
        let began = wait_until(due);
        connection.ask(requests.next())?.granted()?;
        latencies.push(began.elapsed());
    }
}

/// Gives the time from which the answer is waited for. A connection that was still busy is late,
/// and that counts; a thread that the machine woke late is not the server's doing.
pub fn wait_until(due: Instant) -> Instant {
    let now = Instant::now();
    match due.checked_duration_since(now) {
        None => due,
        Some(left) => {
            std::thread::sleep(left);
            Instant::now()
        }
    }
}
