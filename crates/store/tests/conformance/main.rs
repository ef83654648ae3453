//! One suite, run once per engine: every query of the crate, also with several writers at once.

#![expect(clippy::unwrap_used, reason = "tests")]

mod database;
mod samples;

mod credentials;

/// Declares each test once for SQLite and once for PostgreSQL.
macro_rules! suite {
    ($($module:ident: $($name:ident),+;)+) => {
        mod sqlite {$(
            mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    let database = crate::database::TestDatabase::sqlite().await;
                    crate::$module::$name(database.store().clone()).await;
                    database.remove().await;
                }
            )+}
        )+}

        mod postgres {$(
            mod $module {$(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $name() {
                    let Some(database) = crate::database::TestDatabase::postgres().await else {
                        return;
                    };
                    crate::$module::$name(database.store().clone()).await;
                    database.remove().await;
                }
            )+}
        )+}
    };
}

suite! {
    credentials: a_credential_comes_back_whole;
}
