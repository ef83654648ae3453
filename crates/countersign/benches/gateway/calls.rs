//! The calls, and what came of them on each way.

use std::collections::HashMap;

use crate::connection::Connection;
use crate::kinds::Kind;
use crate::load::{self, Seen};
use crate::process::Server;
use crate::proxy::Proxy;
use crate::requests::Requests;
use crate::setup::Setup;
use crate::{CONNECTIONS, Row, Size};

pub struct Calls {
    /// With one token.
    pub one: Requests,
    /// With many, in turn.
    pub many: Requests,
}

impl Calls {
    /// Gets tokens from the server, as clients do.
    pub fn mint(server: &Server, setup: &Setup, tokens: usize) -> anyhow::Result<Self> {
        let mut connection = Connection::open(server.address)?;
        let mut all = Vec::with_capacity(tokens);
        for _ in 0..tokens {
            all.push(setup.call(&mut connection, Kind::IMS)?);
        }
        Ok(Self {
            one: Requests::new(all.first().cloned()),
            many: Requests::new(all),
        })
    }
}

/// What calls go through, and which calls.
pub type Way<'a> = (&'static str, &'a Proxy, &'a Requests);

/// Measures each way in each round, so that what disturbs the machine disturbs all; the best
/// round of each counts.
pub fn rows(
    runtime: &tokio::runtime::Runtime,
    size: &Size,
    ways: &[Way<'_>],
) -> anyhow::Result<Vec<Row>> {
    let mut best: HashMap<&str, Row> = HashMap::new();
    for _ in 0..size.rounds {
        for (name, proxy, requests) in ways {
            let row = row(runtime, size, name, proxy, requests)?;
            let alone = best.get(name).map_or(f64::INFINITY, |best| best.alone);
            let alone = row.alone.min(alone);
            let better = best
                .get(name)
                .is_none_or(|best| row.per_second > best.per_second);
            if better {
                best.insert(name, row);
            }
            if let Some(best) = best.get_mut(name) {
                best.alone = alone;
            }
        }
    }
    Ok(ways
        .iter()
        .filter_map(|(name, ..)| best.remove(name))
        .collect())
}

fn row(
    runtime: &tokio::runtime::Runtime,
    size: &Size,
    name: &'static str,
    proxy: &Proxy,
    requests: &Requests,
) -> anyhow::Result<Row> {
    let load = |connections| -> anyhow::Result<Seen> {
        runtime.block_on(load::run(proxy.address, requests, connections, size.span))
    };
    let alone = load(1)?.percentile(0.5);
    let before = proxy.seconds()?;
    let seen = load(CONNECTIONS)?;
    let seconds = proxy.seconds()? - before;
    Ok(Row {
        name,
        per_second: seen.per_second(),
        per_cpu_second: seen.answers as f64 / seconds,
        p50: seen.percentile(0.5),
        p99: seen.percentile(0.99),
        alone,
    })
}
