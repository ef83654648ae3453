//! The API gateway, as callers and applications behind it meet it: over real connections.

#![expect(clippy::unwrap_used, reason = "tests")]

mod bodies;
mod claims;
mod faults;
mod framing;
mod identity;
mod load;
mod paths;
mod protocols;
mod rows;
mod running;
mod upstreams;
