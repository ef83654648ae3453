//! The library against a stand-in for an IMS on this machine.

#![expect(clippy::unwrap_used, reason = "tests")]

mod cache;
mod grants;
mod limits;
mod sharing;
mod stand_in;
mod tls;
