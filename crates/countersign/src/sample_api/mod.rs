//! The sample API: something worth calling behind the gateway, for demonstrations and tests.
//!
//! A Cloud Manager API and a User Management API that behave like the originals towards their
//! clients and touch nothing. They verify no token: they answer on a loopback port of their own,
//! believe the identity headers that the gateway sets, and refuse calls without them.

use std::sync::Arc;

use axum::Router;
use countersign_authority::Clock;

mod caller;
mod cloud;
mod publish;
mod users;

pub use publish::{NotInCatalogue, published};

/// All that the sample keeps: what callers changed, in memory.
pub struct SampleApi {
    clock: Clock,
    runs: cloud::runs::Runs,
    directories: users::Directories,
}

impl SampleApi {
    /// One that nobody has called yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let (runs, directories) = (cloud::runs::Runs::default(), users::Directories::default());
        Self {
            clock,
            runs,
            directories,
        }
    }

    /// Everything that it answers.
    pub fn routes(self) -> Router {
        cloud::routes()
            .merge(users::routes())
            .fallback(cloud::nothing_here)
            .with_state(Arc::new(self))
    }
}
