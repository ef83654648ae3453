//! How many tokens a second, beside what the same cores sign in the same run; and a soak.
//!
//! `cargo bench -p countersign --bench tokens` starts the real binary on loopback, loads it from
//! this process over keep-alive connections, prints Markdown tables, and holds the figures against
//! the goals. `docs/performance.md` says how to run and how to read it.

use std::process::ExitCode;

use goals::Goals;
use installation::Installation;
use options::{Options, Task};
use process::{Log, Server};

mod chance;
mod connection;
mod goals;
mod installation;
mod issuance;
mod kinds;
mod latency;
mod load;
mod log;
mod many;
mod options;
mod paced;
mod process;
mod raw;
mod requests;
mod soak;
mod start;
mod wal;

fn main() -> anyhow::Result<ExitCode> {
    let Some(options) = Options::read()? else {
        return Ok(ExitCode::SUCCESS);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match &options.task {
        Task::Measure => measure(&options, &runtime),
        Task::MeasureMany => {
            let mut goals = Goals::default();
            many::measure(&options, &runtime, &mut goals)?;
            Ok(goals.tell(options.check))
        }
        Task::Load(kind) => issuance::load_kind(&options, &runtime, kind),
        Task::Soak(span) => soak::run(*span),
    }
}

fn measure(options: &Options, runtime: &tokio::runtime::Runtime) -> anyhow::Result<ExitCode> {
    let mut goals = Goals::default();
    say_what_this_is(options)?;
    let installation = runtime.block_on(Installation::new(kinds::Kind::every()))?;
    start::measure(options, &installation, &mut goals)?;

    let server = Server::start(installation.folder.path(), Log::Warnings)?;
    let rows = issuance::measure(options, runtime, &server, &installation, &mut goals)?;
    latency::measure(options, &server, &installation, &rows, &mut goals)?;
    drop(server);
    log::measure(options, runtime, &installation)?;
    many::measure(options, runtime, &mut goals)?;
    Ok(goals.tell(options.check))
}

fn say_what_this_is(options: &Options) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism()?;
    println!("{cores} cores, {} of each row", options.span.as_millis());
    Ok(())
}
