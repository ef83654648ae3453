//! How many tokens a second, beside what the same cores sign in the same run.
//!
//! `cargo bench -p countersign --bench tokens` starts the real binary on loopback, loads it from
//! this process over keep-alive connections, and prints one row per grant and number of
//! connections. `docs/performance.md` says how to read it.

use std::time::Duration;

use process::{Cpu, Server};
use signatures::Rate;

mod load;
mod process;
mod setup;
mod signatures;

/// How long each row is measured: long enough that start-up does not matter.
const SPAN: Duration = Duration::from_secs(5);
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];

fn main() -> anyhow::Result<()> {
    if !is_meant() {
        return Ok(());
    }
    // `cargo test` runs it for a moment, to see that it still works.
    let (span, connections) = if cfg!(debug_assertions) {
        println!("not optimized and only for a moment: these figures say nothing");
        (Duration::from_millis(300), &CONNECTIONS[..2])
    } else {
        (SPAN, &CONNECTIONS[..])
    };
    let cores = std::thread::available_parallelism()?.get();
    let raw = signatures::rate(cores, span)?;
    println!("cores: {cores}");
    println!(
        "raw RS256 signatures: {:.0}/s on all cores, {:.0} µs of processor time each",
        raw.per_second,
        raw.cpu_seconds * 1e6
    );

    let runtime = tokio::runtime::Runtime::new()?;
    let prepared = runtime.block_on(setup::prepare())?;
    let server = Server::start(&prepared)?;
    println!(
        "start to first ready answer: {:.0} ms; resident when idle: {:.1} MiB",
        server.ready_after.as_secs_f64() * 1000.0,
        server.resident_mebibytes()?
    );
    println!("\n{HEAD}");
    for (name, request) in [
        ("client_credentials", &prepared.token),
        ("jwt exchange", &prepared.exchange),
    ] {
        for &connections in connections {
            let before = Cpu::now(&server)?;
            let seen = runtime.block_on(load::run(server.address, request, connections, span))?;
            let used = Cpu::now(&server)?.since(&before);
            println!("{name:<18} {connections:>5} {}", row(&seen, &used, &raw));
        }
    }
    println!(
        "\nresident after load: {:.1} MiB",
        server.resident_mebibytes()?
    );
    Ok(())
}

const HEAD: &str =
    "grant              conns  tokens/s   p50 ms   p99 ms  server µs/token  load µs/token  signing";

/// Processor time is told per token: unlike the rate, it does not depend on what else the machine
/// does, nor on what the load generator takes of the same cores.
fn row(seen: &load::Seen, used: &Cpu, raw: &Rate) -> String {
    let tokens = seen.answers as f64;
    format!(
        "{:>9.0} {:>8.2} {:>8.2} {:>16.0} {:>14.0} {:>7.0}%",
        tokens / seen.elapsed.as_secs_f64(),
        seen.percentile(0.50),
        seen.percentile(0.99),
        used.server / tokens * 1e6,
        used.load / tokens * 1e6,
        raw.cpu_seconds * tokens / used.server * 100.0,
    )
}

/// `cargo test NAME` passes its filter to everything it runs.
fn is_meant() -> bool {
    let mut filters = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .peekable();
    filters.peek().is_none() || filters.any(|filter| "tokens".contains(&filter))
}
