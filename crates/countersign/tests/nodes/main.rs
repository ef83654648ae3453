//! Several processes of the real binary on one PostgreSQL behave as one: changes arrive, a lost
//! database stops nobody, work moves on when its leader dies, and rotations are not noticed.

#![expect(clippy::unwrap_used, reason = "tests: what fails here fails the test")]

use std::io::{self, Write as _};

use countersign_testkit::TestDatabase;

use support::installation::Installation;

mod callers;
mod changes;
mod figures;
mod gateway;
mod lease;
mod load;
mod middleware;
mod migration;
mod node;
mod outage;
mod postgres;
mod relay;
mod rotation;
#[path = "../support/mod.rs"]
mod support;

/// An installation on the PostgreSQL of this run, which tests share.
async fn installation() -> Option<Installation> {
    if !there_is_postgres() {
        return None;
    }
    Some(Installation::new(TestDatabase::postgres().await?).await)
}

/// Without it nothing here can be tested; that is an error in continuous integration.
fn there_is_postgres() -> bool {
    let there = std::env::var_os("COUNTERSIGN_TEST_POSTGRES").is_some();
    if !there {
        say("NO NODES WERE TESTED: set COUNTERSIGN_TEST_POSTGRES to an administrator's URL");
        assert!(
            std::env::var_os("CI").is_none(),
            "COUNTERSIGN_TEST_POSTGRES is not set, and continuous integration must test nodes"
        );
    }
    there
}

/// Past the test harness, which keeps what `eprintln!` says of tests that pass.
fn say(text: &str) {
    _ = writeln!(io::stderr(), "*** {text}");
}
