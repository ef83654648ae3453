//! The pages: in a real browser, with and without scripts, and asked for one by one.

#![expect(clippy::unwrap_used, reason = "tests")]

use countersign_testkit::{Setup, TestApp, TestDatabase};

mod activity;
mod at_once;
mod at_provider;
mod brownouts;
mod credential_pages;
mod developer;
mod every_form;
mod every_page;
mod first_start;
mod hostile;
mod html;
mod keyboard;
mod migrating;
mod migration_card;
mod pages;
mod people;
mod place;
mod programs;
mod provider_browser;
mod provider_checks;
mod provider_flows;
mod provider_proofs;
mod provider_ways;
mod routes;
mod signing_in;
mod steps;
mod tokens_and_keys;
mod trouble;
mod waves;
mod whole_migration;

/// Runs a test once on SQLite and once, where there is one, on PostgreSQL.
async fn on_both_engines(test: impl AsyncFn(&TestApp)) {
    let app = TestApp::new().await;
    test(&app).await;
    app.remove().await;
    if let Some(database) = TestDatabase::postgres().await {
        let app = TestApp::on(database, Setup::default()).await;
        test(&app).await;
        app.remove().await;
    }
}
