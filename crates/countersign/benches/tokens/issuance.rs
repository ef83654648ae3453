//! The table: each kind of token by each grant, on one and on many connections.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use countersign_jose::Algorithm;
use tokio::runtime::Runtime;

use crate::goals::Goals;
use crate::installation::Installation;
use crate::kinds::Kind;
use crate::load::{self, Seen};
use crate::options::Options;
use crate::process::{Cpu, Log, Server};
use crate::raw::{self, Rate};
use crate::requests::Requests;
use crate::wal;

/// A kind, and what it came to.
pub struct Row {
    pub kind: Kind,
    pub connections: usize,
    pub seen: Seen,
    pub server_micros: f64,
    /// Tokens that were issued, in percent of the signatures that the server's share of the cores
    /// could have made.
    pub of_raw: f64,
}

/// Enough to keep every core busy.
const BUSY: usize = 16;

pub fn measure(
    options: &Options,
    runtime: &Runtime,
    server: &Server,
    installation: &Installation,
    goals: &mut Goals,
) -> anyhow::Result<Vec<Row>> {
    println!("\n### Tokens a second\n\n{HEAD}");
    let before = server.memory()?;
    let commits = wal::commits(&server.folder)?;
    let (began, mut tokens, mut rows) = (std::time::Instant::now(), 0, Vec::new());
    for client in &installation.clients {
        // Before each kind anew: the speed of a virtual machine drifts.
        let raw = raw::rate(client.kind.algorithm(), options.span / 2)?;
        let requests = Requests::new([client.request()?]);
        for &connections in options.connections {
            let (used, seen) = load_once(runtime, server, &requests, connections, options.span)?;
            tokens += seen.answers;
            rows.push(row(client.kind, connections, seen, &used, &raw));
        }
    }
    let commits = wal::commits(&server.folder)?.wrapping_sub(commits);
    let seconds = began.elapsed().as_secs_f64();
    let after = server.memory()?;
    println!(
        "\nResident memory: {:.1} MiB before, {:.1} MiB after, {:.1} MiB at most.",
        before.resident, after.resident, after.highest
    );
    println!(
        "Database: {commits} transactions in {seconds:.0} s, while {tokens} tokens were issued \
         (evidence of use every 5 s, the lease every 10 s)."
    );
    judge(&rows, goals);
    let per_thousand = f64::from(commits) / tokens as f64 * 1000.0;
    goals.at_most("transactions per 1000 tokens", 1.0, per_thousand, "");
    Ok(rows)
}

/// Loads the first kind whose name holds `text`, and nothing else.
pub fn load_kind(options: &Options, runtime: &Runtime, text: &str) -> anyhow::Result<ExitCode> {
    let kind = Kind::every().find(|kind| kind.to_string().contains(text));
    let kind = kind.with_context(|| format!("there is no kind of token like `{text}`"))?;
    let installation = runtime.block_on(Installation::new([kind]))?;
    let server = Server::start(installation.folder.path(), Log::Warnings)?;
    let requests = Requests::new([installation.client(kind)?.request()?]);
    let raw = raw::rate(kind.algorithm(), options.span / 2)?;
    println!("{HEAD}");
    let (used, seen) = load_once(runtime, &server, &requests, BUSY, options.span)?;
    println!("{} tokens", row(kind, BUSY, seen, &used, &raw).seen.answers);
    Ok(ExitCode::SUCCESS)
}

pub fn load_once(
    runtime: &Runtime,
    server: &Server,
    requests: &Requests,
    connections: usize,
    span: Duration,
) -> anyhow::Result<(Cpu, Seen)> {
    let before = Cpu::now(server)?;
    let seen = runtime.block_on(load::run(server.address, requests, connections, span))?;
    Ok((Cpu::now(server)?.since(&before), seen))
}

/// Prints a row.
///
/// The server is held against what it could have signed in the processor time that it used, not
/// against the clock: part of the cores went to the load generator.
fn row(kind: Kind, connections: usize, seen: Seen, used: &Cpu, raw: &Rate) -> Row {
    let tokens = seen.answers as f64;
    let row = Row {
        kind,
        connections,
        seen,
        server_micros: used.server / tokens * 1e6,
        of_raw: raw.cpu_seconds * tokens / used.server * 100.0,
    };
    println!(
        "| {kind:<34} | {connections:>5} | {:>8.0} | {:>6.2} | {:>6.2} | {:>6.0} | {:>5.1} | {:>4.1} | {:>5.0} % |",
        row.seen.per_second(),
        row.seen.percentile(0.50),
        row.seen.percentile(0.99),
        raw.per_second,
        row.server_micros,
        used.load / tokens * 1e6,
        row.of_raw,
    );
    if row.seen.shed > 0 {
        println!(
            "| {:<34} | {connections:>5} | {} were sent away with 503 | | | | | | |",
            "", row.seen.shed
        );
    }
    row
}

const HEAD: &str = "\
| token                              | conns | tokens/s | p50 ms | p99 ms | raw/s  | server µs | load µs | of raw |
|---|---|---|---|---|---|---|---|---|";

/// The worst row of each kind with more than one connection counts.
fn judge(rows: &[Row], goals: &mut Goals) {
    for kind in Kind::every() {
        let limit = match kind.algorithm() {
            Algorithm::Rs256 => 90.0,
            Algorithm::Es256 => 60.0,
            Algorithm::EdDsa => continue,
        };
        let of_kind = rows
            .iter()
            .filter(|row| row.kind == kind && row.connections > 1);
        let worst = of_kind.map(|row| row.of_raw).fold(f64::INFINITY, f64::min);
        goals.at_least(&format!("{kind}: of the raw rate"), limit, worst, " %");
    }
}
