//! The sample API beside the server, published at the gateway.

use std::net::SocketAddr;

use countersign_authority::Clock;
use countersign_server::listen::{Bound, Listener};
use countersign_wire::ServiceCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::broken;
use crate::config::Config;
use crate::outcome::Failure;
use crate::sample_api::{SampleApi, published};

/// The sample API, its port open, before it answers.
pub(super) struct Sample {
    bound: Bound,
    /// What callers subscribe to: Cloud Manager, User Management.
    pub(super) services: [ServiceCode; 2],
}

impl Sample {
    /// Opens the port and adds the two services to those of the configuration.
    ///
    /// # Errors
    /// The port is taken, or there is another service in the place of one of the two.
    pub(super) async fn open(config: &mut Config) -> Result<Self, Failure> {
        let listener = Listener {
            address: config.sample_api.address,
            ..Listener::default()
        };
        let bound = listener.bind().await.map_err(broken)?;
        let services = published(bound.address(), &config.catalogue).map_err(broken)?;
        let codes = services.each_ref().map(|service| service.service.clone());
        config.publish(services)?;
        Ok(Self {
            bound,
            services: codes,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.bound.address()
    }

    /// Answers until `stop`, which comes when the gateway has nothing in flight any more.
    pub(super) fn serve(self, clock: Clock, tasks: &TaskTracker, stop: &CancellationToken) {
        tasks.spawn(
            self.bound
                .serve(SampleApi::new(clock).routes(), stop.clone()),
        );
    }
}
