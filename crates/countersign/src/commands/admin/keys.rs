//! `admin keys`

use clap::Subcommand;
use countersign_authority::{Force, RemovedKey, Rotation};
use countersign_model::rotation::{Due, Step};
use countersign_model::{KeyState, SigningKeyRecord};
use countersign_wire::KeyId;

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
    /// Take a key out of the key set
    Remove {
        /// Id of the key
        key: KeyId,
        /// Also one whose tokens are alive: they all fail within a second. Another key signs in
        /// its place at once
        #[arg(long)]
        force: bool,
    },
}

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    match verb {
        Verb::List => {
            let keys = session.authority.list_keys(&session.actor).await?;
            let plan = session.authority.schedule().plan(&keys);
            Ok(Answer::List(
                &[
                    "id",
                    "algorithm",
                    "state",
                    "since",
                    "next_step",
                    "next_step_at",
                ],
                keys.iter().map(|key| shown(key, &plan)).collect(),
            ))
        }
        Verb::Rotate => Ok(Answer::Item(rotated(
            &session.authority.rotate_keys(&session.actor).await?,
        ))),
        Verb::Remove { key, force } => {
            let force = if *force { Force::Yes } else { Force::No };
            let removed = session
                .authority
                .remove_key(key, force, &session.actor)
                .await?;
            Ok(Answer::Item(taken_out(&removed, force)))
        }
    }
}

fn taken_out(removed: &RemovedKey, force: Force) -> Record {
    if force == Force::Yes {
        output::note(&format!(
            "servers of this installation refuse its tokens within a second; others that keep the key set may trust it until {}, and longer if they keep it longer than they are told",
            removed.trusted_until
        ));
    }
    Record::new()
        .text("removed", &removed.key)
        .maybe("replacement", removed.replacement.as_ref())
        .text("trusted_elsewhere_until", removed.trusted_until)
}

fn rotated(rotation: &Rotation) -> Record {
    match rotation {
        Rotation::Published { keys, ready_at } => {
            output::hint(&format!(
                "a running server lets it sign from {ready_at} on; without one, rotate again then"
            ));
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

fn shown(key: &SigningKeyRecord, plan: &[Due]) -> Record {
    let due = plan.iter().find(|due| concerns(due, key));
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
        .maybe("next_step", due.map(|due| step(&due.step)))
        .maybe("next_step_at", due.map(|due| due.at))
}

/// The next key of an algorithm is the next step of the one that signs.
fn concerns(due: &Due, key: &SigningKeyRecord) -> bool {
    match &due.step {
        Step::Publish(algorithm) => key.is_active() && key.algorithm == *algorithm,
        Step::Activate(id) | Step::Remove(id) => *id == key.id,
    }
}

fn step(step: &Step) -> &'static str {
    match step {
        Step::Publish(_) => "publish_next",
        Step::Activate(_) => "activate",
        Step::Remove(_) => "remove",
    }
}
