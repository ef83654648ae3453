//! What the access log costs: a line for each request, as JSON.

use tokio::runtime::Runtime;

use crate::installation::Installation;
use crate::issuance::load_once;
use crate::kinds::Kind;
use crate::options::Options;
use crate::process::{Log, Server};
use crate::requests::Requests;

const CONNECTIONS: usize = 64;

pub fn measure(
    options: &Options,
    runtime: &Runtime,
    installation: &Installation,
) -> anyhow::Result<()> {
    println!("\n### The access log, on {CONNECTIONS} connections\n");
    println!("| token | log | tokens/s | server µs |\n|---|---|---|---|");
    for (log, word) in [(Log::Warnings, "off"), (Log::Everything, "on, as JSON")] {
        let server = Server::start(installation.folder.path(), log)?;
        for kind in [Kind::IMS, Kind::ES256] {
            let requests = Requests::new([installation.client(kind)?.request()?]);
            let (used, seen) = load_once(runtime, &server, &requests, CONNECTIONS, options.span)?;
            let micros = used.server / seen.answers as f64 * 1e6;
            println!(
                "| {kind} | {word} | {:.0} | {micros:.1} |",
                seen.per_second()
            );
        }
    }
    Ok(())
}
