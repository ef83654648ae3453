//! A load of everything on an installation that changes all the time, for minutes or for days: is
//! it at the end as it was at the beginning?

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use crate::installation::{Installation, Opened};
use crate::kinds::Kind;
use crate::process::{Log, Server};
use changes::Changes;
use mix::Mix;
use rate::Rate;
use tally::Tally;
use watch::Watch;

mod changes;
mod mix;
mod rate;
mod tally;
mod verdict;
mod watch;

/// The share of the cores that the server and the load have together.
const SHARE: f64 = 0.8;
/// How long the capacity is measured, to begin with.
const FULL: Duration = Duration::from_secs(10);
/// The part of the time, as a fraction of one, that says nothing.
const WARM_UP: u32 = 4;

pub fn run(span: Duration) -> anyhow::Result<ExitCode> {
    let runtime = Runtime::new()?;
    let installation = runtime.block_on(Installation::new(Kind::every()))?;
    let server = Server::start(installation.folder.path(), Log::Warnings)?;
    let opened = runtime.block_on(Opened::open(&server.folder))?;
    let tally = Tally::default();
    let mix = Mix::new(&installation, server.address, &tally)?;
    let changes = Changes::prepare(&runtime, &opened, &installation, &mix, &tally)?;

    tally.take_window();
    mix.saturate(FULL);
    let capacity = tally.take_window().per_second();
    println!(
        "{capacity:.0} requests/s are possible at first; {:.0} % of the cores for {:.1} minutes",
        SHARE * 100.0,
        span.as_secs_f64() / 60.0,
    );
    let began = Instant::now();
    let (until, over) = (began + span, AtomicBool::new(false));
    let rate = Rate::new(capacity * SHARE);
    let mut watch = Watch::new(&server, &tally, &rate)?;
    let watched = std::thread::scope(|scope| {
        mix.ask(scope, &rate, until);
        changes.make(scope, began + span / WARM_UP, &over);
        let watched = watch.until(until);
        over.store(true, Ordering::Relaxed);
        watched
    });
    watched?;
    Ok(verdict::tell(&watch.samples, &tally))
}
