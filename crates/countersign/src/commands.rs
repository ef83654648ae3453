//! One file per command.

pub mod admin;
pub mod completions;
pub mod credential;
pub mod doctor;
pub mod man;
pub mod remote;
pub mod token;

use crate::outcome::Failure;

/// Waits for `work`, for commands that do one thing after the other.
///
/// # Errors
/// The system gives us no event queue.
fn wait_for<F: Future>(work: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::broken(format!("cannot wait for events: {}", error.kind())))?;
    Ok(runtime.block_on(work))
}
