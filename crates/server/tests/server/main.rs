//! The HTTP server without any face: raw sockets against a router with test routes.

#![expect(clippy::unwrap_used, reason = "tests")]

mod app;
mod connections;
mod drain;
mod logs;
mod requests;
mod smuggling;
mod tls;
