//! The end of a JWT half.

use countersign_authority::{Despite, Disabling, LivingTokens};
use countersign_model::Credential;

use super::Which;
use crate::commands::admin::session::Session;
use crate::outcome::Failure;

/// What is said by whoever goes on against the review.
#[derive(Debug, clap::Args)]
pub struct Against {
    /// Go on although the review does not say `safe`: the name of the credential's project
    #[arg(long, value_name = "PROJECT", requires = "reason")]
    force: Option<String>,
    /// Why, for those who read the activity log
    #[arg(long, value_name = "TEXT", requires = "force")]
    reason: Option<String>,
}

impl Against {
    fn despite(&self) -> Option<Despite> {
        let (project, reason) = (self.force.clone()?, self.reason.clone()?);
        Some(Despite { project, reason })
    }
}

/// How a JWT half is disabled.
#[derive(Debug, clap::Args)]
pub struct Disable {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    against: Against,
    /// End the tokens, too, that were exchanged before
    #[arg(long)]
    also_end_tokens: bool,
}

impl Disable {
    pub(super) async fn run(&self, session: &Session) -> Result<Credential, Failure> {
        let id = self.which.find(session).await?.id;
        let disabling = Disabling {
            tokens: match self.also_end_tokens {
                true => LivingTokens::End,
                false => LivingTokens::Keep,
            },
            despite: self.against.despite(),
        };
        let (authority, actor) = (&session.authority, &session.actor);
        Ok(authority.disable_jwt_half(&id, &disabling, actor).await?)
    }
}

/// How a JWT half is deleted.
#[derive(Debug, clap::Args)]
pub struct Remove {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    against: Against,
}

impl Remove {
    pub(super) async fn run(&self, session: &Session) -> Result<Credential, Failure> {
        let id = self.which.find(session).await?.id;
        let despite = self.against.despite();
        let (authority, actor) = (&session.authority, &session.actor);
        let finished = authority.finish_migration(&id, despite.as_ref(), actor);
        Ok(finished.await?)
    }
}
