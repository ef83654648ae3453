//! How long it takes from nothing to a token, and what it takes when nobody asks.

use std::path::Path;
use std::time::Duration;

use crate::connection::Connection;
use crate::goals::Goals;
use crate::installation::Installation;
use crate::kinds::Kind;
use crate::options::Options;
use crate::process::{Log, Server};

/// The middle one of five: a machine does other things, too.
const STARTS: usize = 5;

pub struct Start {
    pub ready: Duration,
    pub first_token: Duration,
    /// Mebibytes, when nobody asked for anything but the first token.
    pub idle: f64,
}

pub fn measure(
    options: &Options,
    installation: &Installation,
    goals: &mut Goals,
) -> anyhow::Result<()> {
    let request = installation.client(Kind::IMS)?.request()?;
    let start = median(options, installation.folder.path(), &request)?;
    println!("\n### Start on an existing data folder, and idle\n");
    println!("| ready after | first token after | resident when idle |\n|---|---|---|");
    println!(
        "| {:.0} ms | {:.0} ms | {:.1} MiB |",
        millis(start.ready),
        millis(start.first_token),
        start.idle,
    );
    let first = millis(start.first_token);
    goals.at_most("first token after a start", 150.0, first, " ms");
    goals.at_most("resident memory when idle", 30.0, start.idle, " MiB");
    Ok(())
}

/// Of several starts, the one in the middle.
pub fn median(options: &Options, folder: &Path, request: &[u8]) -> anyhow::Result<Start> {
    let mut starts = (0..STARTS)
        .map(|_| once(folder, request, options.span))
        .collect::<anyhow::Result<Vec<_>>>()?;
    starts.sort_by_key(|start| start.first_token);
    Ok(starts.swap_remove(STARTS / 2))
}

fn once(folder: &Path, request: &[u8], rest: Duration) -> anyhow::Result<Start> {
    let server = Server::start(folder, Log::Warnings)?;
    let ready = server.ready_after;
    Connection::open(server.address)?.ask(request)?.granted()?;
    let first_token = server.since_start();
    std::thread::sleep(rest.min(Duration::from_secs(1)));
    Ok(Start {
        ready,
        first_token,
        idle: server.memory()?.resident,
    })
}

pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
