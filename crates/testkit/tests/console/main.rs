//! The pages: in a real browser, with and without scripts, and asked for one by one.

#![expect(clippy::unwrap_used, reason = "tests")]

mod activity;
mod at_provider;
mod credential_pages;
mod developer;
mod first_start;
mod hostile;
mod keyboard;
mod migration_card;
mod pages;
mod people;
mod projects;
mod provider_browser;
mod provider_checks;
mod provider_flows;
mod routes;
mod signing_in;
mod steps;
mod tokens_and_keys;
