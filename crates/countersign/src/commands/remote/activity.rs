//! What happened in a project or with a credential.

use countersign_client::management::Verb as Http;

use super::Session;
use super::shown::Shown;
use crate::outcome::Failure;

/// Which events.
#[derive(Debug, clap::Args)]
pub struct Events {
    /// Exactly this actor, such as `person:ada@example.com`
    #[arg(long, value_name = "WHO")]
    actor: Option<String>,
    /// Exactly this action, such as `secret.added`
    #[arg(long, value_name = "WHAT")]
    action: Option<String>,
}

impl Events {
    /// The events about the thing of that kind and id, the newest first.
    pub(super) async fn of(
        &self,
        session: &Session,
        kind: &'static str,
        id: &str,
    ) -> Result<Shown, Failure> {
        let call = session.within(Http::Get, &["activity"]).await?;
        let call = call
            .with(kind, Some(id))
            .with("actor", self.actor.as_ref())
            .with("action", self.action.as_ref());
        Ok(Shown::List(COLUMNS, session.list(call).await?))
    }
}

const COLUMNS: &[&str] = &["at", "actor", "source", "action", "subject", "detail"];
