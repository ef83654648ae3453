//! `countersign notices`

use clap::{Subcommand, ValueEnum};
use countersign_client::management::Verb as Http;

use super::shown::Shown;
use super::{Noun, Session};
use crate::outcome::Failure;

/// What to do with notices.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List what people were told of what ends, the newest first
    List {
        /// Only those in this state
        #[arg(long)]
        state: Option<State>,
    },
    /// List the credentials whose owner cannot be reached by mail
    Unreachable,
}

/// How far a notice is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum State {
    /// To be sent, or to be tried again
    Pending,
    /// Sent
    Sent,
    /// Given up
    Failed,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

impl Noun for Verb {
    async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        match self {
            Self::List { state } => {
                let call = session.within(Http::Get, &["notices"]).await?;
                let call = call.with("state", state.map(State::word));
                Ok(Shown::List(NOTICES, session.list(call).await?))
            }
            Self::Unreachable => {
                let at = ["notices", "unreachable"];
                let call = session.within(Http::Get, &at).await?;
                Ok(Shown::List(UNREACHABLE, session.list(call).await?))
            }
        }
    }
}

const NOTICES: &[&str] = &[
    "created_at",
    "state",
    "kind",
    "name",
    "ends_at",
    "days_before",
    "channel",
    "recipient",
    "trouble",
];
const UNREACHABLE: &[&str] = &["id", "name", "owner_team", "owner_contact"];
