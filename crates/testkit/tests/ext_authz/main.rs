//! External authorization: what a proxy that stands in front of an API asks, and is told.

#![expect(clippy::unwrap_used, reason = "tests")]

mod grpc;
mod http;
mod program;
mod proxies;
mod setting;
