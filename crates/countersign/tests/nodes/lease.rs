//! Background work is done by one node: it moves on when that one dies, and one that slept while
//! another took over writes nothing (`spec/security.md` KEY-06, REL-56).

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::changes::kid;
use crate::node::{Node, Settings, answer, wait_until};
use crate::relay::Relay;
use crate::support::installation::Installation;
use crate::{installation, say};

/// A lease lasts 30 s, and each node looks for it every 10 s.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(45);
/// Work that is due is done in the next round, 10 s later.
const DONE_WITHIN: Duration = Duration::from_secs(15);
/// A new key signs after a second and a margin, not after five minutes.
const KEYS: (&str, &str) = ("COUNTERSIGN__IMS__KEY_SET_LIFE_SECONDS", "1");
/// Without prepared statements, each one is sent as text, by which the relay knows it.
const TELLING: (&str, &str) = ("COUNTERSIGN__STORE__STATEMENT_CACHE", "0");
const TALKATIVE: (&str, &str) = (
    "COUNTERSIGN__LOG__FILTER",
    "warn,countersign_authority=debug",
);

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_when_its_node_is_killed() {
    let Some(installation) = installation().await else {
        return;
    };
    let (a, first) = leader(&installation, &[KEYS]).await;
    let b = Node::start(&installation, &[KEYS]).await;

    a.server.kill().await;
    let killed = Instant::now();
    let next = publish(&installation).await;

    let second = successor(&installation, &first).await;
    say(&format!(
        "the lease moved {:.1?} after its node was killed",
        killed.elapsed()
    ));
    assert!(second.fencing > first.fencing);
    // The key was ready long before; only a node that does the background work lets it sign.
    let signs = async || state(&installation, &next).await == "active";
    assert!(wait_until(DONE_WITHIN, signs).await, "nobody does the work");
    assert_eq!(kid(&b.token(&installation, 0).await), next);
    drop(b);
    installation.database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_slept_in_the_middle_of_its_work_writes_nothing() {
    let Some(installation) = installation().await else {
        return;
    };
    let (relay, url) = Relay::to_database(installation.database.url()).await;
    let through_relay = ("COUNTERSIGN__STORE__URL", url.as_str());
    let (a, first) = leader(&installation, &[KEYS, TALKATIVE, TELLING, through_relay]).await;
    let b = Node::start(&installation, &[KEYS]).await;

    // In its next round it renews the lease and begins to let the key sign; the database does not
    // hear of that.
    renewed(&installation, &first).await;
    let next = publish(&installation).await;
    relay.hold_at(&["INSERT INTO leases", "COMMIT", "READ WRITE"]);
    relay.held().await;
    a.signal("STOP").await;
    let stopped = Instant::now();
    let second = successor(&installation, &first).await;
    let signs = async || state(&installation, &next).await == "active";
    assert!(wait_until(DONE_WITHIN, signs).await, "nobody does the work");
    let before = written(&installation).await;

    relay.release();
    let has_begun = async || transaction_waits(&installation).await;
    assert!(
        wait_until(DONE_WITHIN, has_begun).await,
        "its transaction did not begin"
    );
    a.signal("CONT").await;

    let refused = "another node does the background work now";
    a.wait_for_saying(refused, Duration::from_secs(20)).await;
    say(&format!(
        "a node that slept for {:.1?} was refused",
        stopped.elapsed()
    ));
    assert_eq!(written(&installation).await, before);
    assert!(second.fencing > first.fencing);
    drop((a, b));
    installation.database.remove().await;
}

/// Who has the lease, and until when.
struct Holder {
    owner: String,
    fencing: i64,
    until: i64,
}

/// A node that does the background work: the first one.
async fn leader(installation: &Installation, settings: Settings<'_>) -> (Node, Holder) {
    let node = Node::start(installation, settings).await;
    let leads = async || holder(installation).await.is_some();
    assert!(wait_until(DONE_WITHIN, leads).await);
    (node, holder(installation).await.unwrap())
}

async fn holder(installation: &Installation) -> Option<Holder> {
    let sql = "SELECT owner || ' ' || fencing || ' ' || until_at FROM leases WHERE owner <> ''";
    let rows = installation.database.query(sql).await;
    let words: Vec<_> = rows.first()?.split(' ').collect();
    Some(Holder {
        owner: words[0].to_owned(),
        fencing: words[1].parse().unwrap(),
        until: words[2].parse().unwrap(),
    })
}

/// A round of the background work is just over.
async fn renewed(installation: &Installation, before: &Holder) {
    let is_later = async || holder(installation).await.unwrap().until > before.until;
    assert!(
        wait_until(DONE_WITHIN, is_later).await,
        "the lease is not renewed"
    );
    tokio::time::sleep(Duration::from_millis(500)).await;
}

/// Whether the database has begun to write for somebody who says nothing.
async fn transaction_waits(installation: &Installation) -> bool {
    let sql = "SELECT CAST(COUNT(*) AS TEXT) FROM pg_stat_activity
        WHERE datname = current_database() AND state = 'idle in transaction'
            AND query LIKE '%READ WRITE%' AND clock_timestamp() - state_change > INTERVAL '500 ms'";
    installation.database.query(sql).await == ["1"]
}

/// Whoever takes the lease over.
async fn successor(installation: &Installation, before: &Holder) -> Holder {
    let is_another = async || holder(installation).await.unwrap().owner != before.owner;
    assert!(
        wait_until(TAKEN_OVER_WITHIN, is_another).await,
        "nobody took over"
    );
    holder(installation).await.unwrap()
}

/// Begins a rotation, which somebody must finish; gives the new key.
async fn publish(installation: &Installation) -> String {
    let rotated = answer(installation, &["keys", "rotate"]).await;
    rotated["keys"][0].as_str().unwrap().to_owned()
}

async fn state(installation: &Installation, key: &str) -> Value {
    let keys = answer(installation, &["keys", "list"]).await;
    let mut keys = keys.as_array().unwrap().iter();
    keys.find(|found| found["id"] == key).unwrap()["state"].clone()
}

/// What background work changes, and what it says about it.
async fn written(installation: &Installation) -> Vec<String> {
    let sql = "SELECT id || state || COALESCE(CAST(state_since AS TEXT), '') FROM signing_keys
        UNION ALL SELECT id || action FROM audit ORDER BY 1";
    installation.database.query(sql).await
}
