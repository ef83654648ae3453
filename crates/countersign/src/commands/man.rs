//! `countersign man`

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::args::Cli;
use crate::outcome::{Exit, Failure};
use crate::output;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The command the page is about, as in `man admin org`; the whole program where none is named
    command: Vec<String>,
}

/// Prints the page in roff, for `man -l -`.
///
/// # Errors
/// There is no such command; stdout is broken.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut command = Cli::command();
    command.build();
    let mut page = &command;
    for name in &args.command {
        page = page.find_subcommand(name).ok_or_else(|| {
            Failure::broken(format!("there is no command `{}`", args.command.join(" ")))
                .hint("`countersign help` lists the commands")
        })?;
    }
    let mut roff = Vec::new();
    Man::new(page.clone())
        .source(concat!("countersign ", env!("CARGO_PKG_VERSION")))
        .render(&mut roff)
        .map_err(|_| Failure::broken("the page cannot be written"))?;
    output::bytes(&roff)?;
    Ok(Exit::Done)
}
