//! `admin explain`

use std::time::Duration;

use countersign_authority::explain;
use countersign_server::kit::request_id::RequestId;
use countersign_store::refusals::RefusalRecord;
use tokio::time::{Instant, sleep};

use super::Answer;
use super::record::Record;
use super::session::Session;
use crate::outcome::Failure;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `x-debug-id` of the answer, or a gateway's `x-request-id`
    debug_id: String,
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Answer, Failure> {
    let give_up = Instant::now() + PATIENCE;
    let debug_id = as_recorded(args.debug_id.trim());
    loop {
        if let Some(refusal) = explain(&session.store, &debug_id).await? {
            return Ok(Answer::Item(shown(&refusal)));
        }
        if Instant::now() >= give_up {
            let days = session.authority.config().keep_refusals_days;
            return Err(Failure::refused("no refusal is recorded under this debug id")
                .hint(format!("take the value of `x-debug-id` of a refused request; it is kept for {days} days")));
        }
        sleep(PAUSE).await;
    }
}

/// The gateway's `x-request-id` is the same id without hyphens, unless the caller brought his own.
fn as_recorded(id: &str) -> String {
    id.parse()
        .map_or_else(|_| id.to_owned(), |id: RequestId| id.to_string())
}

fn shown(refusal: &RefusalRecord) -> Record {
    Record::new()
        .text("debug_id", &refusal.debug_id)
        .text("at", refusal.at)
        .text("endpoint", &refusal.endpoint)
        .number("status", refusal.status.into())
        .text("error", &refusal.error)
        .maybe("client_id", refusal.client_id.as_ref())
        .maybe("credential_id", refusal.credential_id.as_ref())
        .text("source", &refusal.source)
        .text("cause", &refusal.cause)
}

/// Servers write what they remember once a second.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(200);
