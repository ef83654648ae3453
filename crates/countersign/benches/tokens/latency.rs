//! How long an answer takes when the machine is not full: one request at a time, and sixteen
//! connections at a part of what was measured to be possible.

use crate::goals::Goals;
use crate::installation::Installation;
use crate::issuance::Row;
use crate::kinds::Kind;
use crate::load::Seen;
use crate::options::Options;
use crate::paced;
use crate::process::Server;
use crate::requests::Requests;

const CONNECTIONS: usize = 16;
const SHARES: [f64; 3] = [0.25, 0.5, 0.8];
/// The share of its capacity that a machine is planned for, and that the goal is for.
const PLANNED: f64 = 0.5;

pub fn measure(
    options: &Options,
    server: &Server,
    installation: &Installation,
    rows: &[Row],
    goals: &mut Goals,
) -> anyhow::Result<()> {
    println!("\n### Latency\n\n{HEAD}");
    for kind in [Kind::IMS, Kind::ES256] {
        let row = |connections| {
            let mut rows = rows.iter().filter(|row| row.kind == kind);
            rows.find(|row| row.connections == connections)
        };
        let (Some(alone), Some(full)) = (row(1), row(CONNECTIONS)) else {
            continue;
        };
        let requests = Requests::new([installation.client(kind)?.request()?]);
        let unloaded = alone.seen.percentile(0.50);
        tell(kind, "1 connection, closed loop", &alone.seen, unloaded);
        for share in SHARES {
            let rate = full.seen.per_second() * share;
            let seen = paced::run(server.address, &requests, CONNECTIONS, rate, options.span)?;
            let load = format!("{CONNECTIONS} at {:.0} % of capacity", share * 100.0);
            tell(kind, &load, &seen, unloaded);
            if share == PLANNED {
                let what = format!("{kind}: p99 at half of capacity, in unloaded p50");
                goals.at_most(&what, 3.0, seen.percentile(0.99) / unloaded, " times");
            }
        }
        let load = format!("{CONNECTIONS} at all of it, closed loop");
        tell(kind, &load, &full.seen, unloaded);
    }
    Ok(())
}

const HEAD: &str = "\
| token                              | load                           | tokens/s | p50 ms | p99 ms | p99 / unloaded p50 |
|---|---|---|---|---|---|";

fn tell(kind: Kind, load: &str, seen: &Seen, unloaded: f64) {
    let p99 = seen.percentile(0.99);
    println!(
        "| {kind:<34} | {load:<30} | {:>8.0} | {:>6.2} | {p99:>6.2} | {:>6.1} |",
        seen.per_second(),
        seen.percentile(0.50),
        p99 / unloaded,
    );
}
