//! Composition and command line: what `main` and the tests share.

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::outcome::{Exit, Failure};

pub mod args;
pub mod commands;
mod config;
mod exposed;
mod foreign_ims;
pub mod notices;
pub mod oidc;
pub mod outcome;
pub mod output;
pub mod sample_api;
mod serve;

/// Runs the command of this process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    // Before the parser, whose messages repeat what they do not understand.
    let ended = exposed::refuse(std::env::args_os()).and_then(|()| match Cli::try_parse() {
        Ok(cli) => cli.command.run(),
        Err(usage) => Ok(show(&usage)),
    });
    ended.unwrap_or_else(|failure| report(&failure)).into()
}

fn report(failure: &Failure) -> Exit {
    output::error(&failure.message);
    for hint in &failure.hints {
        output::hint(hint);
    }
    failure.exit
}

/// Help and version are no failures; they come this way too.
fn show(usage: &clap::Error) -> Exit {
    let _ = usage.print();
    if usage.use_stderr() {
        Exit::Broken
    } else {
        Exit::Done
    }
}
