//! What tests with real processes share: an installation, and servers on it that can be killed.

pub mod installation;
pub mod server;
