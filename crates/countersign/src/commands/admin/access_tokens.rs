//! `admin access-tokens`

use std::time::Duration;

use clap::Subcommand;
use countersign_authority::NewAccessToken;
use countersign_model::member::AccessToken;
use countersign_wire::{AccessTokenId, Timestamp};

use super::Answer;
use super::record::Record;
use super::session::{Session, all};
use crate::outcome::Failure;

/// What to do with the operator's access tokens.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a token that may do in the management API what this command may, and show it this once
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// When it stops working: `2026-03-01` or an instant [default: in 30 days]
        #[arg(long, value_name = "DATE")]
        expires_at: Option<Timestamp>,
        /// Print a line for a shell
        #[arg(long)]
        env: bool,
    },
    /// List the operator's tokens; those of members are theirs
    List,
    /// End a token of the operator
    Delete {
        /// Id of the token
        token: AccessTokenId,
    },
}

/// Life of a token that nobody gave another one.
const USUAL_LIFE: Duration = Duration::from_secs(30 * 86_400);

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    match verb {
        Verb::Create {
            name,
            expires_at,
            env,
        } => {
            let in_a_while = authority.clock().now().plus(USUAL_LIFE);
            let new = NewAccessToken {
                name: name.clone(),
                role: None,
                expires_at: expires_at.unwrap_or(in_a_while),
            };
            let (token, secret) = authority.create_access_token(new, actor).await?;
            let secret = secret.expose();
            Ok(Answer::item_or_env(
                shown(&token).text("token", secret),
                *env,
                &[("COUNTERSIGN_ACCESS_TOKEN", secret)],
            ))
        }
        Verb::List => {
            let found = all(
                async |page| authority.list_access_tokens(page, actor).await,
                |token| token.id.as_str(),
            )
            .await?;
            Ok(Answer::List(
                &["id", "name", "hint", "expires_at", "last_used_at"],
                found.iter().map(shown).collect(),
            ))
        }
        Verb::Delete { token } => {
            authority.delete_access_token(token, actor).await?;
            Ok(Answer::Item(Record::new().text("deleted", token)))
        }
    }
}

fn shown(token: &AccessToken) -> Record {
    Record::new()
        .text("id", &token.id)
        .text("name", &token.name)
        .text("hint", &token.hint)
        .text("created_at", token.created_at)
        .text("expires_at", token.expires_at)
        .maybe("last_used_at", token.last_used_at)
}
