//! `kill -9` of the real binary under write load: what was acknowledged is there afterwards.
//!
//! A round starts the server, checks what the rounds before acknowledged, writes through several
//! connections, and kills the process in the middle of that. What was in flight may have happened
//! or not; what was answered must have.

#![expect(clippy::unwrap_used, reason = "tests: what fails here fails the test")]

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use acknowledged::Acknowledged;
use chance::Chance;
use countersign_testkit::TestDatabase;
use support::installation::Installation;
use support::server::Server;

mod acknowledged;
mod chance;
mod load;
mod migration;
#[path = "../support/mod.rs"]
mod support;

/// How often the server is killed, on each engine.
const ROUNDS: usize = 50;
/// The server is killed at any moment up to this one.
const LONGEST_LOAD_MILLISECONDS: u64 = 400;
/// How many writes of earlier rounds are checked again after each kill.
const SAMPLE: usize = 15;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_sqlite() {
    let installation = Installation::new(TestDatabase::empty_sqlite()).await;

    kill_again_and_again(&installation).await;

    assert_eq!(
        installation.database.query("PRAGMA integrity_check").await,
        ["ok"]
    );
    installation.database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_postgres() {
    if std::env::var_os("COUNTERSIGN_TEST_POSTGRES").is_none() {
        return say_that_postgres_is_missing();
    }
    let installation = Installation::new(TestDatabase::postgres().await.unwrap()).await;

    kill_again_and_again(&installation).await;

    installation.database.remove().await;
}

async fn kill_again_and_again(installation: &Installation) {
    let mut chance = Chance::from_environment();
    println!(
        "{}={} repeats the moments of this run",
        chance::VARIABLE,
        chance.seed()
    );
    let mut all = Acknowledged::default();
    let mut last = Acknowledged::default();
    for round in 0..ROUNDS {
        let server = Server::start(installation.command()).await;
        last.check(installation, &server).await;
        all.sample(SAMPLE, &mut chance)
            .check(installation, &server)
            .await;
        all.append(last);

        let after = Duration::from_millis(chance.below(LONGEST_LOAD_MILLISECONDS));
        last = load::until_killed(installation, server, round, after).await;
    }
    let server = Server::start(installation.command()).await;
    all.append(last);
    let began = Instant::now();
    all.check(installation, &server).await;
    server.kill().await;
    println!("{all}; checked once more in {:.1?}", began.elapsed());
    assert!(
        all.is_substantial(),
        "too few writes to prove anything: {all}"
    );
}

fn say_that_postgres_is_missing() {
    // Past the test harness, which keeps what `eprintln!` says of tests that pass.
    _ = writeln!(
        io::stderr(),
        "\n*** NOBODY WAS KILLED ON POSTGRESQL: set COUNTERSIGN_TEST_POSTGRES to an administrator's URL ***\n"
    );
    assert!(
        std::env::var_os("CI").is_none(),
        "COUNTERSIGN_TEST_POSTGRES is not set, and continuous integration must run both engines"
    );
}
