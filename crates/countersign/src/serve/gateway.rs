//! The gateway beside the server: open from the start where the configuration asks for it or
//! something is published, else from the moment when the first service is.

use std::sync::Arc;
use std::time::Duration;

use countersign_authority::Authority;
use countersign_server::gateway::face;
use countersign_server::listen::{Bound, Drained};
use tokio_util::sync::CancellationToken;

use super::{broken, explain};
use crate::config;
use crate::outcome::Failure;

/// Opens the port, if there is or may be something to pass on.
///
/// # Errors
/// The port is taken, or may not be had.
pub(super) async fn open(
    config: &config::Gateway,
    authority: &Authority,
) -> Result<Option<Bound>, Failure> {
    if !config.is_asked_for() && !publishes(authority) {
        return Ok(None);
    }
    let bound = config.listener.clone().bind().await;
    bound.map(Some).map_err(broken)
}

/// Passes calls on until `drain` is cancelled and what is in flight has ended. Without a port it
/// waits until something is published, and opens it then.
pub(super) async fn serve(
    bound: Option<Bound>,
    config: &config::Gateway,
    authority: &Arc<Authority>,
    drain: CancellationToken,
) -> Drained {
    let bound = match bound {
        Some(bound) => Some(bound),
        None => {
            let opened = once_published(config, authority);
            drain.run_until_cancelled(opened).await
        }
    };
    let Some(bound) = bound else {
        return Drained::Clean;
    };
    let (authority, listener) = (Arc::clone(authority), &config.listener);
    let explain = explain(&authority);
    bound
        .serve(face(authority, listener, Some(explain)), drain)
        .await
}

async fn once_published(config: &config::Gateway, authority: &Authority) -> Bound {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if !publishes(authority) {
            continue;
        }
        match config.listener.clone().bind().await {
            Ok(bound) => {
                let (scheme, address) = (config.scheme(), bound.address());
                tracing::info!(gateway.address = %address, "the gateway is listening on {scheme}://{address}");
                return bound;
            }
            Err(error) => {
                tracing::error!("a service is published, but the gateway is closed: {error}");
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }
    }
}

fn publishes(authority: &Authority) -> bool {
    authority.published().iter().len() > 0
}

const LOOK_EVERY: Duration = Duration::from_millis(250);
const TRY_AGAIN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use countersign_testkit::TestApp;
    use countersign_testkit::app::operator;
    use countersign_testkit::gateway::service;
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_service_that_is_published_later_opens_the_gateway() {
        let app = TestApp::new().await;
        let mut config = config::Gateway::default();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        config.listener.address = address;
        let (authority, drain) = (Arc::clone(&app.authority), CancellationToken::new());
        let bound = open(&config, &authority).await.unwrap();
        assert!(bound.is_none());
        let end = drain.clone();
        let served = tokio::spawn(async move { serve(bound, &config, &authority, end).await });

        let service = service("late", "/", &["http://127.0.0.1:1"], "");
        let actor = operator();
        let published = app.authority.publish_service(service, &actor);
        published.await.unwrap();

        let open = async {
            while TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), open)
            .await
            .unwrap();
        drain.cancel();
        assert_eq!(served.await.unwrap(), Drained::Clean);
    }
}
