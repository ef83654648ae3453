//! A million tokens, each shown once: what is remembered of them must not grow with them.

use anyhow::bail;

use crate::connection::Connection;
use crate::goals::Goals;
use crate::kinds::Kind;
use crate::process::Server;
use crate::setup::Setup;

/// Beside what the cache may hold (64 MiB by default): what the allocator keeps.
const MOST_GROWTH: f64 = 16.0;

pub fn measure(
    server: &Server,
    setup: &Setup,
    distinct: usize,
    goals: &mut Goals,
) -> anyhow::Result<()> {
    println!("\n| distinct tokens | resident MiB |\n|---|---|");
    // The cache is full long before half of them.
    let (steps, mut half) = (10, 0.0);
    for step in 1..=steps {
        let each = || show(server, setup, distinct / steps / THREADS);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(each)).collect();
            let mut threads = threads.into_iter();
            threads.try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a panic")))
        })?;
        let resident = server.memory()?.resident;
        println!("| {} | {resident:.0} |", distinct / steps * step);
        if step == steps / 2 {
            half = resident;
        }
    }
    let grown = server.memory()?.resident - half;
    goals.at_most(
        "memory from the half of them on",
        MOST_GROWTH,
        grown,
        " MiB",
    );
    Ok(())
}

/// Gets tokens and calls once with each.
fn show(server: &Server, setup: &Setup, tokens: usize) -> anyhow::Result<()> {
    let mut ims = Connection::open(server.address)?;
    let mut gateway = Connection::open(setup.gateway)?;
    for _ in 0..tokens {
        gateway
            .ask(&setup.call(&mut ims, Kind::ES256)?)?
            .granted()?;
    }
    Ok(())
}

const THREADS: usize = 4;
