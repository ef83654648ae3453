//! `countersign doctor`

pub mod explain;
mod grant;
mod report;
mod server;
mod setup;

use std::io::IsTerminal as _;

use countersign_client::clock::system_now;

use self::report::Report;
use super::credential::CredentialArgs;
use super::wait_for;
use crate::outcome::{Exit, Failure};
use crate::output;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    credential: CredentialArgs,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Looks at files, keys, the server and the grant, and prints what it finds. [`Exit::Refused`]
/// when something is wrong.
///
/// # Errors
/// Stdout is broken; what is wrong with the set-up is a finding, not an error.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let report = wait_for(examine(&args.credential))?;
    if args.json {
        output::json(&report)?;
    } else {
        output::line(&report.to_text(std::io::stdout().is_terminal()))?;
    }
    Ok(report.exit())
}

/// From what is at hand to what is far away; later steps are left out where they cannot succeed.
async fn examine(args: &CredentialArgs) -> Report {
    let mut report = Report::default();
    let draft = match args.draft() {
        Ok(draft) => draft,
        Err(failure) => {
            report.failure("credential", &failure);
            return report;
        }
    };
    let usable = setup::examine(&draft, system_now(), &mut report);
    let http = match args.http(draft.origin()) {
        Ok(http) => http,
        Err(failure) => {
            report.failure("trust", &failure);
            return report;
        }
    };
    if server::examine(&http, &draft, &mut report).await && usable {
        grant::examine(&http, args, &draft, &mut report).await;
    }
    report
}
