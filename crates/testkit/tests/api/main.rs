//! People, what they may do, and the management API.

#![expect(clippy::unwrap_used, reason = "tests")]

/// Runs tests once on SQLite and once, where there is one, on PostgreSQL.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let database = countersign_testkit::TestDatabase::sqlite().await;
                let app = countersign_testkit::TestApp::on(database, Default::default()).await;
                super::$name(&app).await;
                app.remove().await;
            }
        )+}

        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let Some(database) = countersign_testkit::TestDatabase::postgres().await else { return };
                let app = countersign_testkit::TestApp::on(database, Default::default()).await;
                super::$name(&app).await;
                app.remove().await;
            }
        )+}
    };
}

/// The same, with a setup of the test's.
macro_rules! on_both_engines_with {
    ($setup:ident: $($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let database = countersign_testkit::TestDatabase::sqlite().await;
                let app = countersign_testkit::TestApp::on(database, super::$setup()).await;
                super::$name(&app).await;
                app.remove().await;
            }
        )+}

        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let Some(database) = countersign_testkit::TestDatabase::postgres().await else { return };
                let app = countersign_testkit::TestApp::on(database, super::$setup()).await;
                super::$name(&app).await;
                app.remove().await;
            }
        )+}
    };
}

mod alerts;
mod at_once;
mod audit;
mod board;
mod bounds;
mod brownouts;
mod calendar;
mod caller;
mod calls;
mod console_apis;
mod exemptions;
mod hostile;
mod invitations;
mod members;
mod migration;
mod notices;
mod people;
mod published;
mod rights;
mod routes;
mod sign_in;
mod timeline;
mod transporter;
mod trying;
mod waves;
