//! The library against a stand-in for an IMS on this machine.

mod cache;
mod grants;
mod limits;
mod sharing;
mod stand_in;
