//! `countersign migrate`

use clap::Subcommand;
use countersign_client::management::Verb as Http;
use countersign_model::Step;
use serde_json::{Value, json};

use super::shown::Shown;
use super::{Noun, Session, body};
use crate::outcome::Failure;

mod brownout;
mod bulk;
mod filters;
mod plan;
mod status;
mod which;

use which::Which;

/// The move of Service Account (JWT) credentials to OAuth Server-to-Server.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Put credentials into waves with names and planned dates; nothing else changes
    Plan(plan::Plan),
    /// List the waves, and how far they are
    Waves,
    /// Add the OAuth half: from now on both grants work, and nothing changes for what runs
    Start(Steps),
    /// Say where credentials stand, and when their JWT half stops working
    Status(status::Status),
    /// Say whether the JWT half may go, and who is in the way
    Review(status::Review),
    /// Plan a short refusal of the JWT half, so that whoever still uses it notices
    Brownout(brownout::Plan),
    /// List planned refusals, say who noticed one, or end it
    Brownouts(brownout::List),
    /// Refuse exchanges of the JWT half; nothing is lost until its quarantine ends
    Disable {
        #[command(flatten)]
        steps: Steps,
        #[command(flatten)]
        against: Against,
        /// End the tokens, too, that were exchanged before
        #[arg(long)]
        also_end_tokens: bool,
    },
    /// Let the JWT half work again
    Restore(Steps),
    /// Delete the JWT half before its quarantine ends, for good
    Finish {
        #[command(flatten)]
        steps: Steps,
        #[command(flatten)]
        against: Against,
    },
    /// Take the OAuth half back: programs that use it fail at once, the JWT half works
    Cancel(Steps),
}

/// Of which credentials, and how many at once.
#[derive(Debug, clap::Args)]
pub struct Steps {
    #[command(flatten)]
    which: Which,
    /// How many credentials are worked on at once
    #[arg(long, value_name = "NUMBER", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=32))]
    at_once: u8,
}

/// What is said by whoever goes on against the review.
#[derive(Debug, clap::Args)]
pub struct Against {
    /// Go on although the review does not say `safe`: the name of the credential's project. For one
    /// credential
    #[arg(long, value_name = "PROJECT", requires = "reason")]
    force: Option<String>,
    /// Why, for those who read the activity log
    #[arg(long, value_name = "TEXT", requires = "force")]
    reason: Option<String>,
}

impl Against {
    fn body(&self) -> Option<Value> {
        let (project, reason) = (self.force.as_ref()?, self.reason.as_ref()?);
        Some(json!({"project": project, "reason": reason}))
    }

    /// A name and a reason are for one credential.
    fn check(&self, steps: &Steps) -> Result<(), Failure> {
        match self.force.is_some() && !steps.which.is_one() {
            true => Err(
                Failure::broken("`--force` goes on against the review of one credential")
                    .hint("name that one, and no other"),
            ),
            false => Ok(()),
        }
    }
}

impl Noun for Verb {
    async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        match self {
            Self::Plan(plan) => plan.run(session).await,
            Self::Waves => plan::waves(session).await,
            Self::Status(status) => status.run(session).await,
            Self::Review(review) => review.run(session).await,
            Self::Brownout(plan) => plan.run(session).await,
            Self::Brownouts(list) => list.run(session).await,
            Self::Start(steps) => steps.take(Step::Start, json!({}), session).await,
            Self::Restore(steps) => steps.take(Step::Restore, json!({}), session).await,
            Self::Cancel(steps) => steps.take(Step::Cancel, json!({}), session).await,
            Self::Disable {
                steps,
                against,
                also_end_tokens,
            } => {
                against.check(steps)?;
                let with = body([
                    ("force", against.body()),
                    ("end_tokens", also_end_tokens.then_some(json!(true))),
                ]);
                steps.take(Step::Disable, with, session).await
            }
            Self::Finish { steps, against } => {
                against.check(steps)?;
                let with = body([("force", against.body())]);
                steps.take(Step::Finish, with, session).await
            }
        }
    }
}

impl Steps {
    /// Takes a step; `with` is what the body has besides its name.
    async fn take(&self, step: Step, mut with: Value, session: &Session) -> Result<Shown, Failure> {
        with["step"] = json!(step.as_str());
        if let Some(one) = self.which.one() {
            let at = one.place(session).await?;
            let call = at.call(Http::Post, &[]).body(with);
            return Ok(Shown::Item(status::FIRST, session.send(call).await?.body));
        }
        let targets = self.which.find(session).await?;
        bulk::take(step, &with, targets, self.at_once.into(), session).await
    }
}
