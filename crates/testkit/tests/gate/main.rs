//! The gateway's checks, as a face asks them: `Authority::permit` and nothing below it.

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

mod changes;
mod foreign;
mod order;
mod published;
mod support;
mod tokens;
mod uses;
