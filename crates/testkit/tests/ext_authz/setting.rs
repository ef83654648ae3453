//! The product on a port of its own, with one published service.

use std::net::SocketAddr;

use countersign_server::listen::Listener;
use countersign_testkit::app::{Setup, TestApp};
use countersign_testkit::gateway::{self, Connection, Member, Reply};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The product, asked over real connections.
pub struct Setting {
    pub app: TestApp,
    pub address: SocketAddr,
    _drain: DropGuard,
}

impl Setting {
    /// Publishes Cloud Manager at `/`, with these TOML keys in addition.
    pub async fn publishing(keys: &str) -> Self {
        let services = [gateway::service("cm", "/", &["http://127.0.0.1:9"], keys)];
        let app = TestApp::with(|setup: &mut Setup| gateway::publish(setup, &services)).await;
        let listener = Listener {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            ..Listener::default()
        };
        let bound = listener.bind().await.unwrap();
        let (address, drain) = (bound.address(), CancellationToken::new());
        tokio::spawn(bound.serve(app.router(), drain.clone()));
        Self {
            app,
            address,
            _drain: drain.drop_guard(),
        }
    }

    /// A client that is subscribed, with a token.
    pub async fn member(&self) -> Member {
        let org = self.app.organization().await;
        let client = self.app.oauth(&org, &["CloudManagerSDK"]).await;
        let token = self.app.anonymous().token(&client, gateway::SCOPES).await;
        Member {
            client,
            token: token.token(),
        }
    }

    /// Asks at `path` with these header lines.
    pub async fn ask(&self, path: &str, headers: &str) -> Reply {
        let mut connection = Connection::to(self.address).await;
        connection.write(gateway::get(path, headers)).await;
        connection.reply().await
    }
}

/// Header lines of a proxy that asks about a GET of `target`.
pub fn about(target: &str) -> String {
    format!(
        "X-Forwarded-Method: GET\r\nX-Forwarded-Host: api.example.com\r\nX-Forwarded-Uri: {target}\r\n"
    )
}
