//! Everything SQL, on SQLite and PostgreSQL through one SQL text and one migration set.
//!
//! Guards what it is given and decides nothing: a writer must know the revision it changes, unique
//! things are unique, ids are never used twice. Reading functions take any of [`Read`] and
//! [`Write`]; writing ones take a [`Write`], which commits or leaves nothing.

#![warn(missing_docs)]

mod check;
mod config;
mod db;
mod error;
mod event_id;
mod health;
mod many;
mod migrate;
mod page;
mod postgres;
mod retry;
mod row;
mod sqlite;

pub mod access_tokens;
pub mod attempts;
pub mod audit;
pub mod brownouts;
pub mod calendar_links;
pub mod callers;
pub mod changes;
pub mod credentials;
pub mod daily_usage;
pub mod endings;
pub mod idempotency;
pub mod identities;
pub mod invitations;
pub mod jwt_credentials;
pub mod leases;
pub mod members;
pub mod messages;
pub mod migration_progress;
pub mod nodes;
pub mod notices;
pub mod organizations;
pub mod owners;
pub mod people;
pub mod policies;
pub mod profiles;
pub mod project_alerts;
pub mod project_pages;
pub mod project_search;
pub mod projects;
pub mod published_services;
pub mod refusals;
pub mod revocations;
pub mod service_calls;
pub mod sessions;
pub mod settings;
pub mod signing_keys;
pub mod technical_accounts;
pub mod usage;
pub mod used_assertions;
pub mod used_states;
pub mod waves;
pub mod workspaces;

pub use check::check;
pub use config::Config;
pub use db::{Engine, Read, Reads, Store, Write};
pub use error::{Cause, Error, Retryable};
pub use health::Trouble;
pub use page::Page;
pub use retry::retry;
