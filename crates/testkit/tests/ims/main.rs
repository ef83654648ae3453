//! The IMS face, as any client meets it. One binary, because linking costs more than running.

#![expect(clippy::unwrap_used, reason = "tests")]

/// Runs tests once on SQLite and once, where there is one, on PostgreSQL.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let database = countersign_testkit::TestDatabase::sqlite().await;
                let app = countersign_testkit::TestApp::on(database, super::setup()).await;
                super::$name(&app).await;
                app.remove().await;
            }
        )+}

        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let Some(database) = countersign_testkit::TestDatabase::postgres().await else { return };
                let app = countersign_testkit::TestApp::on(database, super::setup()).await;
                super::$name(&app).await;
                app.remove().await;
            }
        )+}
    };
}

mod answers;
mod assertions;
mod by_dates;
mod by_hand;
mod callers;
mod captures;
mod certificates;
mod clocks;
mod compatible_requests;
mod disabling;
mod errors;
mod evidence;
mod failures;
mod golden;
mod kill_switch;
mod metadata;
mod migration;
mod order;
mod overload;
mod policy;
mod properties;
mod replay;
mod requests;
mod revocation;
mod rotation;
mod secrets;
mod tokens;
mod validate;
mod vectors;
