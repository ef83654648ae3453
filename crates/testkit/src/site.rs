//! The product behind a port, as a browser meets it.

use std::ops::Deref;

use countersign_server::listen::Listener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::app::{Setup, TestApp};
use crate::db::TestDatabase;

/// A [`TestApp`] that listens on a loopback port, which is also its issuer.
pub struct Site {
    /// Scheme, host and port.
    pub origin: String,
    app: TestApp,
    _stop: DropGuard,
}

impl Site {
    /// On SQLite, on a port of its own.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, with settings of the test's own.
    pub async fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let address = ([127, 0, 0, 1], 0).into();
        let listener = Listener {
            address,
            ..Listener::default()
        };
        let bound = listener.bind().await.unwrap();
        let origin = format!("http://{}", bound.address());
        let mut setup = Setup::default();
        setup.config.issuer.clone_from(&origin);
        change(&mut setup);
        let app = TestApp::on(TestDatabase::sqlite().await, setup).await;
        let stop = CancellationToken::new();
        tokio::spawn(bound.serve(app.router(), stop.clone()));
        Self {
            origin,
            app,
            _stop: stop.drop_guard(),
        }
    }

    /// The path of the link that the first administrator gets from the terminal.
    pub async fn first_link(&self) -> String {
        let by = crate::app::operator();
        let invited = self.app.authority.invite_first_administrator(&by).await;
        let invited = invited.unwrap().expect("there is nobody yet");
        format!("/console/invitation?code={}", invited.code.expose())
    }
}

/// What the product can do, a site can.
impl Deref for Site {
    type Target = TestApp;

    fn deref(&self) -> &TestApp {
        &self.app
    }
}
