//! Whole-product tests, and what they need: the product in one process over a database of its
//! own, a clock that the test moves, and clients that can do only what a user can.
//!
//! Tests only: nothing that is shipped depends on this crate.

#![expect(clippy::unwrap_used, reason = "tests: what fails here fails the test")]

pub mod answer;
pub mod app;
pub mod assertion;
pub mod browser;
pub mod clients;
pub mod clock;
pub mod db;
pub mod gateway;
pub mod keys;
pub mod log;
pub mod multitude;
pub mod person;
pub mod provider;
pub mod real_clients;
pub mod redact;
pub mod sinks;
pub mod site;
pub mod tls;
pub mod totp;
pub mod upstream;
mod webdriver;

pub use answer::Answer;
pub use app::{Node, Setup, TestApp};
pub use assertion::Assertion;
pub use browser::Browser;
pub use clients::{Call, Caller, TestClient};
pub use clock::TestClock;
pub use db::TestDatabase;
pub use person::Person;
pub use provider::TestProvider;
pub use site::Site;

/// The issuer of every test: the host name that unmodified clients are built for.
pub const ISSUER: &str = "https://ims-na1.adobelogin.com";
/// A second origin that assertions may be signed for.
pub const ALIAS: &str = "http://127.0.0.1:18180";
