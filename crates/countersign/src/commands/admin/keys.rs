//! `admin keys`

use clap::Subcommand;
use countersign_authority::Rotation;
use countersign_model::{KeyState, SigningKeyRecord};

use super::Answer;
use super::record::Record;
use super::session::Session;
use crate::outcome::Failure;
use crate::output;

/// What to do with signing keys.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List the keys that sign, will sign or have signed
    List,
    /// Move on by one step: publish the next key, or let it sign once it was published long enough; one of each algorithm
    Rotate,
}

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    match verb {
        Verb::List => {
            let keys = session.authority.list_keys(&session.actor).await?;
            Ok(Answer::List(
                &["id", "algorithm", "state", "since"],
                keys.iter().map(shown).collect(),
            ))
        }
        Verb::Rotate => Ok(Answer::Item(rotated(
            &session.authority.rotate_keys(&session.actor).await?,
        ))),
    }
}

fn rotated(rotation: &Rotation) -> Record {
    match rotation {
        Rotation::Published { keys, ready_at } => {
            output::hint(&format!("rotate again from {ready_at} on to let it sign"));
            Record::new()
                .text("done", "published")
                .list("keys", keys)
                .text("ready_at", ready_at)
        }
        Rotation::Activated { keys, retired } => Record::new()
            .text("done", "activated")
            .list("keys", keys)
            .list("retired", retired),
    }
}

fn shown(key: &SigningKeyRecord) -> Record {
    let (state, since) = match key.state {
        KeyState::Next => ("next", key.created_at),
        KeyState::Active { since } => ("active", since),
        KeyState::Retired { since } => ("retired", since),
        KeyState::Removed { since } => ("removed", since),
    };
    Record::new()
        .text("id", &key.id)
        .text("algorithm", key.algorithm.as_str())
        .text("state", state)
        .text("since", since)
        .text("created_at", key.created_at)
}
