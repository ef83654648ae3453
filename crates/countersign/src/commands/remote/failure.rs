//! What the server says no with, and what to do next.

use countersign_client::Error;

use crate::outcome::Failure;

/// The server's own sentence: it says what happened and what to do next.
pub fn of(error: Error) -> Failure {
    let Error::Refused(refusal) = &error else {
        return error.into();
    };
    let sentence = match refusal.description.is_empty() {
        true => format!("the server answered with status {}", refusal.status),
        false => refusal.description.clone(),
    };
    let failure = match refusal.is_temporary() {
        true => Failure::broken(sentence),
        false => Failure::refused(sentence),
    };
    let failure = match (refusal.code.as_str(), refusal.status) {
        ("confirmation_needed", _) => failure.hint("repeat the command with `--force`"),
        ("not_safe", _) => failure.hint("`--force PROJECT --reason TEXT` goes on all the same"),
        ("", 404) => failure.hint("is this the origin of a Countersign server?"),
        _ => failure,
    };
    match &refusal.debug_id {
        Some(id) => failure.hint(format!(
            "the operator learns more with `countersign admin explain {id}`"
        )),
        None => failure,
    }
}
