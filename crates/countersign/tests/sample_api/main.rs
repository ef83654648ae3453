//! The sample API, asked as the gateway asks it.

#![expect(clippy::unwrap_used, reason = "tests")]

mod cloud;
mod executions;
mod gateway_only;
mod links;
mod place;
mod users;
