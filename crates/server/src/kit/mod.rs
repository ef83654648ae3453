//! What every face needs around its handlers: limits, request ids, the access log.
//!
//! A handler meets three things of it: [`request_id::RequestId`] and [`client_ip::Source`] among
//! its request's extensions, and [`access_log::Cause`], which it may attach to its response.

pub mod access_log;
pub mod client_ip;
pub mod csv;
mod host;
pub mod key_pair;
pub mod limit;
pub mod log;
pub mod problem;
pub mod request_id;
pub mod stack;
pub(crate) mod whole;
