//! Faults of the machine under the real binary: the disk full, the data folder read-only or gone,
//! a damaged page, no descriptors left; and the clock set, under the product in one process. Each
//! has its own clear behaviour, none is silent. Source: security.md REL-07, REL-20 to REL-22,
//! REL-35 to REL-37.

#![expect(clippy::unwrap_used, reason = "tests: what fails here fails the test")]

mod client;
mod clock;
mod damage;
mod descriptors;
mod disk;
mod disk_full;
mod http;
#[path = "../installation/place.rs"]
#[expect(dead_code, reason = "shared with the tests of an installation")]
mod place;
mod read_only;
mod running;
mod vanished;
