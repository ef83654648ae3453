//! The accept loop: who may connect, how long a connection may do nothing, and how it all ends.
//!
//! axum's own `serve` sets no timer for hyper, so a peer that never finishes its head stays for
//! ever, and hyper-util waits without limit for the bytes that tell HTTP/1 from HTTP/2. Hence our
//! own loop with a watchdog (`pulse`) over every connection from the moment it is accepted.

mod accept;
mod aside;
mod config;
mod connection;
mod face;
mod head;
mod pulse;
mod sources;
mod tls;

pub use accept::Bound;
pub use accept::Drained;
pub use config::BindError;
pub use config::Listener;
pub use face::Face;
pub use face::Visit;
pub use tls::Certificates;
pub use tls::TlsError;
pub use tls::TlsFiles;
