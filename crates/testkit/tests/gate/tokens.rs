//! Tokens that were verified are remembered; what does not hold never is. Source: security.md
//! GWY-12.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use countersign_authority::{Lease, ManageError, WorkError};
use countersign_model::KeyState;
use countersign_model::signing_key::KEEP_AFTER;
use countersign_store::Error;
use countersign_testkit::app::{Node, PUBLISH_AHEAD, START, operator};
use countersign_testkit::{Setup, TestApp, TestClient, redact};

use crate::support::{self, Attempt, SCOPES, client};

const DAY: Duration = Duration::from_secs(86_400);
const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// Nodes lead only when a test lets them: its clock jumps by months.
fn setup() -> Setup {
    Setup {
        leads: false,
        ..support::setup()
    }
}

on_both_engines!(
    a_token_ends_when_it_ends,
    an_altered_copy_of_a_remembered_token_is_refused,
    known_clients_pass_while_the_database_is_away,
    no_call_is_refused_while_keys_rotate,
);

async fn a_token_ends_when_it_ends(app: &TestApp) {
    let client = client(app, &app.organization().await).await;
    let token = app.anonymous().token(&client, SCOPES).await.token();
    let attempt = Attempt::of(&client, &token);
    let open = attempt.ask(app).await.expect("passes");
    app.clock
        .set(START.plus(DAY).minus(Duration::from_millis(1)));
    assert_eq!(attempt.code(app).await, None);
    app.clock.set(START.plus(DAY));
    assert_eq!(attempt.code(app).await, Some("401013"));
    assert!(!app.authority.still_holds(&open).await);
}

async fn an_altered_copy_of_a_remembered_token_is_refused(app: &TestApp) {
    let client = client(app, &app.organization().await).await;
    let token = app.anonymous().token(&client, SCOPES).await.token();
    assert_eq!(Attempt::of(&client, &token).code(app).await, None);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let other = app.anonymous().token(&client, SCOPES).await.token();
    let (other_signed, other_signature) = other.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    for copy in [
        format!("{signed}.{flipped}"),
        format!("{signed}.{other_signature}"),
        format!("{other_signed}.{signature}"),
        format!("{signed}."),
        format!("{token}="),
        format!("{token} "),
        token.to_uppercase(),
    ] {
        assert_eq!(
            Attempt::of(&client, &copy).code(app).await,
            Some("401013"),
            "{copy}"
        );
    }
    let more = redact::payload_text(&token).replace("openid", "openid,user_management_sdk");
    let header = redact::header_text(&token);
    let foreign = countersign_testkit::keys::foreign();
    let foreign = foreign
        .sign_compact(header.as_bytes(), more.as_bytes())
        .unwrap();
    assert_eq!(
        Attempt::of(&client, &foreign).code(app).await,
        Some("401013")
    );
    assert_eq!(Attempt::of(&client, &token).code(app).await, None);
}

async fn known_clients_pass_while_the_database_is_away(app: &TestApp) {
    let client = client(app, &app.organization().await).await;
    let unseen = support::client(app, &client.org_id).await;
    let first = app.anonymous().token(&client, SCOPES).await.token();
    let elsewhere = app.second_node().await;
    let of_unseen = elsewhere.anonymous().token(&unseen, SCOPES).await.token();
    app.caught_up().await;
    assert_eq!(Attempt::of(&client, &first).code(app).await, None);
    let second = app.anonymous().token(&client, SCOPES).await.token();

    app.store.close().await;

    assert_eq!(Attempt::of(&client, &first).code(app).await, None);
    assert_eq!(
        Attempt::of(&client, &second).code(app).await,
        None,
        "never shown before"
    );
    assert_eq!(
        Attempt::of(&unseen, &of_unseen).code(app).await,
        Some("503000")
    );
    let mut mixed = Attempt::of(&client, &of_unseen);
    assert_eq!(
        mixed.code(app).await,
        Some("503010"),
        "whose token it is cannot be told"
    );
    mixed.bearer = Some("garbage".to_owned());
    assert_eq!(mixed.code(app).await, Some("401013"));
}

/// Two nodes under load, each with tokens of the other, while keys come and go.
async fn no_call_is_refused_while_keys_rotate(app: &TestApp) {
    let client = client(app, &app.organization().await).await;
    let node = app.second_node().await;
    let load = Load {
        done: AtomicBool::new(false),
        passed: AtomicU32::new(0),
        refused: Mutex::default(),
    };
    let rotate = async {
        for wait in [MONTH - PUBLISH_AHEAD, PUBLISH_AHEAD, DAY + KEEP_AFTER] {
            load.advance_gently(app, wait).await;
            work(app).await;
            load.wait_for(300).await;
        }
        load.done.store(true, Ordering::SeqCst);
    };

    tokio::join!(
        rotate,
        load.run(app, &client, app, &node),
        load.run(app, &client, &node, app),
    );

    assert_eq!(*load.refused.lock().unwrap(), Vec::<String>::new());
    assert!(load.passed.load(Ordering::SeqCst) > 1000);
    let keys = app.authority.list_keys(&operator()).await.unwrap();
    assert!(
        matches!(keys[0].state, KeyState::Removed { .. }),
        "the first key is gone"
    );
}

async fn work(app: &TestApp) {
    loop {
        match app.authority.work(lease(app).await).await {
            Ok(()) => return,
            // Both are for the next turn, which in production comes by itself.
            Err(WorkError::LeaseLost | WorkError::Manage(ManageError::Store(Error::Busy(_)))) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn lease(app: &TestApp) -> Lease {
    loop {
        app.advance(Duration::from_secs(31));
        if let Some(lease) = app.authority.take_lease().await.unwrap() {
            return lease;
        }
    }
}

struct Load {
    done: AtomicBool,
    passed: AtomicU32,
    refused: Mutex<Vec<String>>,
}

impl Load {
    /// Gets tokens of one node and calls through another, with each many times in its life.
    async fn run(&self, app: &TestApp, client: &TestClient, here: &Node, there: &Node) {
        while !self.done.load(Ordering::SeqCst) {
            let minted_at = app.now();
            let token = here.anonymous().token(client, SCOPES).await.token();
            let attempt = Attempt::of(client, &token);
            for _ in 0..10 {
                let answer = attempt.ask(there).await;
                // Age is asked afterwards: the clock may jump at any moment.
                let is_alive = app.now().since(minted_at) < DAY;
                match answer {
                    Err(denied) if is_alive => {
                        self.refused.lock().unwrap().push(denied.to_string());
                    }
                    _ => _ = self.passed.fetch_add(1, Ordering::SeqCst),
                }
                // Everything is in memory: without this, nothing ever waits.
                tokio::task::yield_now().await;
            }
        }
    }

    async fn wait_for(&self, more: u32) {
        let goal = self.passed.load(Ordering::SeqCst) + more;
        within_a_minute(async || self.passed.load(Ordering::SeqCst) >= goal).await;
    }

    /// In steps that living tokens survive.
    async fn advance_gently(&self, app: &TestApp, span: Duration) {
        let mut left = span;
        while !left.is_zero() {
            let step = left.min(DAY / 2);
            app.advance(step);
            left -= step;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn within_a_minute(holds: impl AsyncFn() -> bool) {
    let began = std::time::Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(60), "stuck");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
