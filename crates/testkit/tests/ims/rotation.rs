//! Signing keys move on by themselves, on one node, and nobody notices. Source: security.md KEY-01
//! to KEY-06.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use countersign_authority::{Force, Lease, WorkError};
use countersign_model::signing_key::KEEP_AFTER;
use countersign_model::{KeyState, SigningKeyRecord};
use countersign_testkit::app::{Node, PUBLISH_AHEAD, operator};
use countersign_testkit::{Setup, TestApp, TestClient};

use crate::revocation::within_a_second;

const DAY: Duration = Duration::from_secs(86_400);
const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// Nodes lead only when a test lets them: its clock jumps by months.
fn setup() -> Setup {
    Setup {
        leads: false,
        ..Setup::default()
    }
}

on_both_engines!(
    keys_rotate_by_themselves,
    a_leader_that_slept_writes_nothing,
    a_crash_at_any_point_is_continued,
    a_key_that_is_taken_out_is_refused_everywhere,
    no_validation_fails_while_keys_rotate,
);

async fn client(app: &TestApp) -> TestClient {
    app.oauth(&app.organization().await, &["DocCloudSDK"]).await
}

async fn keys(node: &Node) -> Vec<SigningKeyRecord> {
    node.authority.list_keys(&operator()).await.unwrap()
}

async fn states(node: &Node) -> Vec<&'static str> {
    let word = |key: &SigningKeyRecord| match key.state {
        KeyState::Next => "next",
        KeyState::Active { .. } => "active",
        KeyState::Retired { .. } => "retired",
        KeyState::Removed { .. } => "removed",
    };
    keys(node).await.iter().map(word).collect()
}

/// The lease of the background work, taken from whoever has it.
async fn lease(app: &TestApp, node: &Node) -> Lease {
    loop {
        app.advance(Duration::from_secs(31));
        if let Some(lease) = node.authority.take_lease().await.unwrap() {
            return lease;
        }
    }
}

/// One round of the background work of a node.
async fn work(app: &TestApp, node: &Node) {
    loop {
        let lease = lease(app, node).await;
        match node.authority.work(lease).await {
            Ok(()) => return,
            Err(WorkError::LeaseLost) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn keys_rotate_by_themselves(app: &TestApp) {
    let client = client(app).await;
    let caller = app.anonymous();
    let first = caller.token(&client, "openid").await.token();
    app.advance(MONTH - DAY);
    work(app, app).await;
    assert_eq!(states(app).await, ["active"]);

    app.advance(DAY - PUBLISH_AHEAD);
    work(app, app).await;
    assert_eq!(states(app).await, ["active", "next"]);
    assert!(app.authority.overdue_rotation().is_none());
    app.advance(PUBLISH_AHEAD);
    work(app, app).await;
    assert_eq!(states(app).await, ["retired", "active"]);
    let second = caller.token(&client, "openid").await.token();
    assert_ne!(first.split('.').next(), second.split('.').next());
    assert!(caller.holds(&client, &second).await);

    app.advance(DAY + KEEP_AFTER);
    work(app, app).await;
    assert_eq!(states(app).await, ["removed", "active"]);
    app.advance(MONTH + DAY);
    assert!(app.authority.overdue_rotation().is_some());
}

async fn a_leader_that_slept_writes_nothing(app: &TestApp) {
    let node = app.second_node().await;
    let old = lease(app, app).await;
    app.advance(MONTH);
    let new = lease(app, &node).await;

    let refused = app.authority.work(old).await;

    assert!(matches!(refused, Err(WorkError::LeaseLost)), "{refused:?}");
    assert_eq!(states(app).await, ["active"]);
    node.authority.work(new).await.unwrap();
    assert_eq!(states(app).await, ["active", "next"]);
}

/// Ends the work after each of its pauses in turn, as a crash would.
async fn a_crash_at_any_point_is_continued(app: &TestApp) {
    let node = app.second_node().await;
    for (wait, goal) in [
        (MONTH, &["active", "next"][..]),
        (PUBLISH_AHEAD, &["retired", "active"]),
        (DAY + KEEP_AFTER, &["removed", "active"]),
    ] {
        app.advance(wait);
        let mut pauses = 1;
        while states(app).await != goal {
            let lease = lease(app, &node).await;
            crash_after(pauses, node.authority.work(lease)).await;
            pauses += 1;
            assert!(pauses < 2000, "never done");
            let states = states(app).await;
            let active = states.iter().filter(|state| **state == "active").count();
            assert_eq!(active, 1, "{states:?}");
        }
    }
}

/// Polls so often and then never again.
async fn crash_after<T>(pauses: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut polled = 0;
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if polled >= pauses => Poll::Ready(None),
        Poll::Pending => {
            polled += 1;
            Poll::Pending
        }
    })
    .await
}

async fn a_key_that_is_taken_out_is_refused_everywhere(app: &TestApp) {
    let client = client(app).await;
    let node = app.second_node().await;
    let token = app.anonymous().token(&client, "openid").await.token();
    let id = keys(app).await[0].id.clone();
    let authority = &app.authority;
    let refused = authority.remove_key(&id, Force::No, &operator()).await;
    assert!(refused.unwrap_err().to_string().contains("confirm"));

    let removed = authority
        .remove_key(&id, Force::Yes, &operator())
        .await
        .unwrap();

    assert_eq!(
        removed.trusted_until,
        app.now().plus(Duration::from_secs(300))
    );
    let verdict = app.anonymous().validate(&client, &token).await;
    verdict.must_be(200, r#"{"valid":false,"reason":"bad_signature"}"#);
    within_a_second(async || !node.anonymous().holds(&client, &token).await).await;
    let fresh = node.anonymous().token(&client, "openid").await.token();
    assert!(app.anonymous().holds(&client, &fresh).await);
    assert_eq!(states(app).await, ["removed", "active"]);
    assert_eq!(keys(app).await[1].id, removed.replacement.unwrap());
    let certificate = format!("/keys/prod/{id}.cer");
    assert_eq!(app.anonymous().get(&certificate).send().await.status, 404);
    let again = authority.remove_key(&id, Force::Yes, &operator()).await;
    assert!(again.is_err());
}

async fn no_validation_fails_while_keys_rotate(app: &TestApp) {
    let client = client(app).await;
    let node = app.second_node().await;
    let load = Load {
        done: AtomicBool::new(false),
        checked: AtomicU32::new(0),
        failed: Mutex::default(),
    };
    let rotate = async {
        for wait in [MONTH - PUBLISH_AHEAD, PUBLISH_AHEAD, DAY + KEEP_AFTER] {
            load.advance_gently(app, wait).await;
            work(app, app).await;
            load.wait_for(400).await;
        }
        load.done.store(true, Ordering::SeqCst);
    };

    tokio::join!(
        rotate,
        load.run(app, &client, app, &node),
        load.run(app, &client, &node, app),
    );

    assert_eq!(*load.failed.lock().unwrap(), Vec::<String>::new());
    assert_eq!(states(app).await[..2], ["removed", "active"]);
    assert!(load.checked.load(Ordering::SeqCst) > 2000);
}

struct Load {
    done: AtomicBool,
    checked: AtomicU32,
    failed: Mutex<Vec<String>>,
}

impl Load {
    /// Gets tokens of one node and has them validated by another, each many times in its life.
    async fn run(&self, app: &TestApp, client: &TestClient, here: &Node, there: &Node) {
        while !self.done.load(Ordering::SeqCst) {
            let minted_at = app.now();
            let token = here.anonymous().token(client, "openid").await.token();
            for _ in 0..10 {
                let verdict = there.anonymous().validate(client, &token).await;
                // Age is asked afterwards: the clock may jump at any moment.
                let is_alive = app.now().since(minted_at) < DAY;
                if is_alive && verdict.json()["valid"] != true {
                    self.failed.lock().unwrap().push(verdict.body);
                }
                self.checked.fetch_add(1, Ordering::SeqCst);
                // Everything is in memory: without this, nothing ever waits.
                tokio::task::yield_now().await;
            }
        }
    }

    async fn wait_for(&self, more: u32) {
        let goal = self.checked.load(Ordering::SeqCst) + more;
        let began = Instant::now();
        while self.checked.load(Ordering::SeqCst) < goal {
            assert!(began.elapsed() < Duration::from_secs(60), "the load rests");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// In steps that tokens outlive.
    async fn advance_gently(&self, app: &TestApp, span: Duration) {
        let mut left = span;
        while !left.is_zero() {
            let step = left.min(DAY / 2);
            app.advance(step);
            left -= step;
            self.wait_for(30).await;
        }
    }
}
