//! How many calls a second pass the gateway, beside a proxy that checks nothing and HAProxy with the
//! same checks, in front of the same upstream, in the same run.
//!
//! `cargo bench -p countersign --bench gateway` starts all of them as processes of their own on
//! loopback, loads each from this process, prints Markdown tables, and holds the figures against
//! the goals. `docs/performance.md` says how to read it.

use std::process::ExitCode;
use std::time::Duration;

use calls::{Calls, Way};
use goals::Goals;
use mimalloc::MiMalloc;
use process::Server;
use proxy::Proxy;
use setup::Setup;

#[path = "../tokens/connection.rs"]
mod connection;
#[path = "../tokens/goals.rs"]
mod goals;
#[path = "../tokens/installation.rs"]
mod installation;
#[expect(dead_code, reason = "the bench of tokens uses the rest")]
#[path = "../tokens/kinds.rs"]
mod kinds;
#[expect(dead_code, reason = "the bench of tokens uses the rest")]
#[path = "../tokens/load.rs"]
mod load;
#[expect(dead_code, reason = "the bench of tokens uses the rest")]
#[path = "../tokens/process.rs"]
mod process;
#[path = "../tokens/requests.rs"]
mod requests;

mod calls;
mod flood;
mod haproxy;
mod plain;
mod proxy;
mod setup;

/// That of the server, so that the proxy without checks has no slower one.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Figures of one way through.
struct Row {
    name: &'static str,
    per_second: f64,
    /// Calls per second of the proxy's processor time.
    per_cpu_second: f64,
    p50: f64,
    p99: f64,
    /// With one connection: what one call waits.
    alone: f64,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |word: &str| arguments.iter().any(|argument| argument == word);
    // This program also plays the other parts: each must be a process with its own time.
    match arguments.as_slice() {
        [role] if role == plain::UPSTREAM => return plain::be_upstream(),
        [role, upstream] if role == plain::PROXY => return plain::be_proxy(upstream),
        _ => {}
    }
    let filter = arguments.first().filter(|word| !word.starts_with('-'));
    if filter.is_some_and(|filter| !"gateway".contains(filter.as_str())) {
        return Ok(ExitCode::SUCCESS);
    }
    let size = if cfg!(debug_assertions) {
        println!("not optimized and only for a moment: these figures say nothing");
        Size::GLANCE
    } else if asked("--quick") {
        Size::QUICK
    } else {
        Size::WHOLE
    };
    match arguments.iter().position(|argument| argument == "--way") {
        Some(at) => watch(&size, arguments.get(at + 1).map_or("", String::as_str)),
        None => measure(&size, asked("--check")),
    }
}

/// How much is measured.
struct Size {
    span: Duration,
    rounds: usize,
    tokens: usize,
    distinct: usize,
}

impl Size {
    const WHOLE: Self = Self {
        span: Duration::from_secs(3),
        rounds: 5,
        tokens: 10_000,
        distinct: 1_000_000,
    };
    const QUICK: Self = Self {
        span: Duration::from_secs(1),
        rounds: 2,
        tokens: 10_000,
        distinct: 50_000,
    };
    const GLANCE: Self = Self {
        span: Duration::from_millis(200),
        rounds: 1,
        tokens: 20,
        distinct: 100,
    };
}

/// Everything that calls go through, each part a process of its own.
struct Scene {
    runtime: tokio::runtime::Runtime,
    upstream: Proxy,
    setup: Setup,
    plain: Proxy,
    haproxy: Proxy,
    server: Server,
    gateway: Proxy,
    calls: Calls,
}

impl Scene {
    fn set(size: &Size) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let upstream = plain::upstream()?;
        let setup = runtime.block_on(Setup::new(upstream.address))?;
        let plain = plain::proxy(upstream.address)?;
        let haproxy = haproxy::start(&setup, upstream.address)?;
        let server = setup.serve()?;
        Ok(Self {
            calls: Calls::mint(&server, &setup, size.tokens)?,
            gateway: Proxy::of(server.id(), setup.gateway),
            runtime,
            upstream,
            setup,
            plain,
            haproxy,
            server,
        })
    }

    fn ways(&self) -> [Way<'_>; 5] {
        let (one, many) = (&self.calls.one, &self.calls.many);
        [
            ("no proxy", &self.upstream, one),
            ("(a) hyper, no checks", &self.plain, one),
            ("(b) gateway, one token", &self.gateway, one),
            ("(c) gateway, many tokens", &self.gateway, many),
            ("(d) HAProxy, many tokens", &self.haproxy, many),
        ]
    }
}

/// Only the ways whose name holds `word`, for a profiler.
fn watch(size: &Size, word: &str) -> anyhow::Result<ExitCode> {
    let few = Size {
        tokens: size.tokens / 10,
        ..*size
    };
    let scene = Scene::set(&few)?;
    let ways = scene.ways().into_iter();
    let ways: Vec<_> = ways.filter(|(name, ..)| name.contains(word)).collect();
    tell(&calls::rows(&scene.runtime, size, &ways)?);
    Ok(ExitCode::SUCCESS)
}

fn measure(size: &Size, check: bool) -> anyhow::Result<ExitCode> {
    let scene = Scene::set(size)?;
    println!(
        "{} cores, {} rounds of {} ms of each row, {CONNECTIONS} connections\n",
        std::thread::available_parallelism()?,
        size.rounds,
        size.span.as_millis()
    );
    let rows = calls::rows(&scene.runtime, size, &scene.ways())?;
    tell(&rows);
    let mut goals = Goals::default();
    hold(&rows, &mut goals);
    let Scene { server, setup, .. } = &scene;
    flood::measure(server, setup, size.distinct, &mut goals)?;
    Ok(goals.tell(check))
}

fn tell(rows: &[Row]) {
    println!("| way | calls/s | per second of its CPU | p50 ms | p99 ms | p50 alone ms |");
    println!("|---|---|---|---|---|---|");
    for row in rows {
        println!(
            "| {} | {:.0} | {:.0} | {:.2} | {:.2} | {:.3} |",
            row.name, row.per_second, row.per_cpu_second, row.p50, row.p99, row.alone
        );
    }
}

fn hold(rows: &[Row], goals: &mut Goals) {
    let [_, plain, one, many, haproxy] = rows else {
        return;
    };
    let share = |row: &Row| 100.0 * row.per_second / plain.per_second;
    goals.at_least("(b) of (a)", 90.0, share(one), " %");
    goals.at_least("(c) of (a)", 90.0, share(many), " %");
    let against = many.per_cpu_second / haproxy.per_cpu_second;
    goals.at_least("(c) of (d) at equal CPU", 1.5, against, " x");
    let added = (one.alone - plain.alone) * 1000.0;
    goals.at_most("latency that the checks add", 100.0, added, " µs");
}

const CONNECTIONS: usize = 64;
