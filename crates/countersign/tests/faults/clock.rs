//! REL-20 to REL-22: the wall clock set, forward and back, while tokens are issued, validated,
//! exchanged and revoked and the background work runs. In one process, because the clock of a
//! machine is not a test's to set.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use countersign_authority::{Authority, NewCertificate, NewGrant, OrganizationChange, TokensOf};
use countersign_jose::Unverified;
use countersign_model::{DeprecationPolicy, ReplayPolicy};
use countersign_testkit::app::{Node, operator};
use countersign_testkit::{
    Assertion, Caller, Setup, TestApp, TestClient, TestClock, TestDatabase, keys,
};
use countersign_wire::Timestamp;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const STEPS: [i64; 6] = [HOUR, -HOUR, DAY, -DAY, 3653 * DAY, -3653 * DAY];
/// Neither on a day's border nor on an hour's.
const CERTIFICATE_LIFE: Duration = Duration::from_secs(7 * 3600 + 77);
const POLICY_LIFE: Duration = Duration::from_secs(30 * 3600 + 33);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clock_that_is_set_revives_nothing_on_sqlite() {
    a_clock_that_is_set_revives_nothing(TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clock_that_is_set_revives_nothing_on_postgres() {
    if let Some(database) = TestDatabase::postgres().await {
        a_clock_that_is_set_revives_nothing(database).await;
    }
}

async fn a_clock_that_is_set_revives_nothing(database: TestDatabase) {
    let mut setup = Setup::default();
    // What is revoked stays alive for longer than most steps.
    setup.config.token_life_seconds = 30 * 86_400;
    setup.leads = false;
    let app = TestApp::on(database, setup).await;
    let world = World::new(&app).await;
    let before = app.authority.list_keys(&operator()).await.unwrap();

    for step in STEPS {
        let right = app.now();
        let stop = Arc::new(AtomicBool::new(false));
        let load = world.clone().work_until(Arc::clone(&stop));
        let load = tokio::spawn(load);
        world.acts_for_a_while().await;
        app.clock
            .turn(Timestamp::from_millis(right.as_millis() + step));
        within_a_second(|| noticed(&app) == Some(step)).await;
        world.acts_for_a_while().await;
        app.advance(Duration::from_secs(60));
        world.holds_nothing_that_ended(&app).await;
        app.clock.turn(right.plus(Duration::from_secs(60)));
        within_a_second(|| noticed(&app).is_none()).await;
        world.acts_for_a_while().await;
        stop.store(true, Ordering::SeqCst);
        load.await.unwrap();

        world.holds_nothing_that_ended(&app).await;
        world.goes_on(&app).await;
    }

    let after = app.authority.list_keys(&operator()).await.unwrap();
    assert_eq!(before, after, "no key was made by a wrong clock");
    let restarted = app.second_node().await;
    world.holds_nothing_that_ended(&restarted).await;
    world.goes_on(&restarted).await;
    drop(restarted);
    world.is_substantial();
    app.remove().await;
}

#[tokio::test]
async fn a_node_started_by_a_wrong_clock_recovers_with_it() {
    let mut setup = Setup::default();
    setup.config.token_life_seconds = 30 * 86_400;
    setup.leads = false;
    let app = TestApp::on(TestDatabase::sqlite().await, setup).await;
    let world = World::new(&app).await;
    // Longer than the part of the change log that is read again each time.
    app.advance(Duration::from_secs(200));
    let right = app.now();
    app.clock
        .turn(Timestamp::from_millis(right.as_millis() + 3653 * DAY));
    let node = app.second_node().await;

    app.clock.turn(right);

    within_a_second(|| noticed(&node).is_some()).await;
    node.caught_up().await;
    world.holds_nothing_that_ended(&node).await;
    world.goes_on(&node).await;
}

fn noticed(node: &Node) -> Option<i64> {
    node.authority.clock_step().map(|step| step.milliseconds)
}

async fn within_a_second(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(5), "not in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Clients, and what became of what they had.
#[derive(Clone)]
struct World {
    oauth: TestClient,
    jwt: TestClient,
    node: Arc<Parts>,
    /// When no token of an assertion may be alive any more.
    last: Timestamp,
    seen: Arc<Mutex<Seen>>,
}

/// What the load works on.
struct Parts {
    caller: Caller,
    authority: Arc<Authority>,
    clock: TestClock,
}

#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    revoked: Vec<String>,
    used: Vec<String>,
    rounds: usize,
}

impl World {
    async fn new(app: &TestApp) -> Self {
        let now = app.now();
        let org = app.organization().await;
        let oauth = app.oauth(&org, &["DocCloudSDK"]).await;
        let certificate = keys::certificate(keys::first(), now, now.plus(CERTIFICATE_LIFE));
        let grant = NewGrant::Jwt(NewCertificate::Upload(certificate));
        let new = app.new_credential(&org, grant, &["DocCloudSDK"]).await;
        let jwt = app.create(new, Some(keys::first())).await;
        let policy = DeprecationPolicy {
            final_on: Some(now.plus(POLICY_LIFE)),
            ..DeprecationPolicy::default()
        };
        app.set_policy(Some(&org), policy).await;
        let change = OrganizationChange {
            replay: Some(ReplayPolicy::RequireJti),
            ..OrganizationChange::default()
        };
        app.authority
            .change_organization(&org, change, &operator())
            .await
            .unwrap();
        app.caught_up().await;
        let node = Parts {
            caller: app.anonymous(),
            authority: Arc::clone(&app.authority),
            clock: app.clock.clone(),
        };
        let world = Self {
            oauth,
            jwt,
            node: Arc::new(node),
            last: now.plus(CERTIFICATE_LIFE.min(POLICY_LIFE)),
            seen: Arc::default(),
        };
        world.end_some(app).await;
        world
    }

    /// Revokes single tokens, all of a secret, and uses an assertion that lives for a day.
    async fn end_some(&self, app: &TestApp) {
        let caller = app.anonymous();
        for _ in 0..5 {
            let token = caller.token(&self.oauth, "openid").await.token();
            caller.revoke(&self.oauth, &token).await.must_be(200, "");
            self.seen.lock().unwrap().revoked.push(token);
        }
        let another = app.oauth(&self.oauth.org_id, &["DocCloudSDK"]).await;
        let token = caller.token(&another, "openid").await.token();
        let all = TokensOf::Secret(another.secret_id.clone());
        app.authority.end_tokens(&all, &operator()).await.unwrap();
        self.seen.lock().unwrap().revoked.push(token);
        let used = Assertion::of(&self.jwt, app.now())
            .with("jti", "for a day")
            .with("exp", app.now().as_seconds() + 86_400);
        self.exchange(used.sign()).await.unwrap();
    }

    /// Everything at once, over and over.
    async fn work_until(self, stop: Arc<AtomicBool>) {
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let (world, stop) = (self.clone(), Arc::clone(&stop));
            workers.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    world.act().await;
                    // SQLite has one writer, and the leader wants its turn.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            });
        }
        workers.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                self.node.authority.work_as_leader().await.unwrap();
                self.node.authority.flush().await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        while let Some(done) = workers.join_next().await {
            done.unwrap();
        }
    }

    async fn act(&self) {
        let caller = &self.node.caller;
        let before = self.node.clock.now();
        let answer = caller.token(&self.oauth, "openid").await;
        let token = answer.token();
        assert!(answer.json()["expires_in"].as_u64().unwrap() > 0);
        self.is_new(&token);
        let holds = caller.holds(&self.oauth, &token).await;
        assert!(
            holds || before != self.node.clock.now(),
            "the clock stood still"
        );
        caller.revoke(&self.oauth, &token).await.must_be(200, "");
        assert!(!caller.holds(&self.oauth, &token).await, "it was revoked");
        // Of a token that is over by the clock nothing is revoked, and in the moment in which a
        // step is not noticed yet, that may be said of one that is not.
        if before == self.node.clock.now() {
            self.seen.lock().unwrap().revoked.push(token);
        }
        let assertion = Assertion::of(&self.jwt, self.node.clock.now());
        let jti = uuid::Uuid::new_v4().to_string();
        self.exchange(assertion.with("jti", jti).sign()).await;
        self.seen.lock().unwrap().rounds += 1;
    }

    /// A token, unless the clock stands where the certificate or the policy allows none.
    async fn exchange(&self, assertion: String) -> Option<String> {
        let answer = self.node.caller.exchange(&self.jwt, &assertion).await;
        if answer.status != 200 {
            return None;
        }
        let token = answer.token();
        assert!(
            answer.json()["expires_in"].as_u64().is_some(),
            "{}",
            answer.body
        );
        let (life, ends) = self.is_new(&token);
        // One that was asked for just before the clock was set beyond its end is over at once.
        let is_within = ends <= self.last || life == 0;
        assert!(is_within, "{ends} is after {}", self.last);
        self.seen.lock().unwrap().used.push(assertion);
        Some(token)
    }

    /// No token has the id of another one. Gives its life and its end.
    fn is_new(&self, token: &str) -> (i64, Timestamp) {
        let unverified = Unverified::parse(token).unwrap();
        let claims = unverified.claims();
        let id = claims.string("id").unwrap().to_owned();
        assert!(
            self.seen.lock().unwrap().ids.insert(id),
            "an id was used twice"
        );
        let digits = |name: &str| claims.digits(name).unwrap();
        let life = digits("expires_in");
        (life, Timestamp::from_millis(digits("created_at") + life))
    }

    /// Until the load has gone around a few times more.
    async fn acts_for_a_while(&self) {
        let rounds = || self.seen.lock().unwrap().rounds;
        let wanted = rounds() + 20;
        let began = Instant::now();
        while rounds() < wanted {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "the load stands still"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn holds_nothing_that_ended(&self, node: &Node) {
        let (revoked, used) = {
            let seen = self.seen.lock().unwrap();
            (seen.revoked.clone(), seen.used.clone())
        };
        for token in revoked {
            assert!(!node.anonymous().holds(&self.oauth, &token).await);
        }
        for assertion in used {
            let again = node.anonymous().exchange(&self.jwt, &assertion).await;
            assert_eq!(again.status, 400, "used twice: {}", again.body);
        }
    }

    /// All is as it was: what was revoked is known as such, and new things are made.
    async fn goes_on(&self, node: &Node) {
        let caller = node.anonymous();
        let (revoked, used) = {
            let seen = self.seen.lock().unwrap();
            (seen.revoked[0].clone(), seen.used[0].clone())
        };
        let verdict = caller.validate(&self.oauth, &revoked).await;
        verdict.must_be(200, r#"{"valid":false,"reason":"token_revoked"}"#);
        let again = caller.exchange(&self.jwt, &used).await;
        again.must_fail(400, "invalid_jti");
        let token = caller.token(&self.oauth, "openid").await.token();
        assert!(caller.holds(&self.oauth, &token).await);
        let assertion = Assertion::of(&self.jwt, self.node.clock.now());
        let jti = uuid::Uuid::new_v4().to_string();
        let token = self.exchange(assertion.with("jti", jti).sign()).await;
        assert!(caller.holds(&self.jwt, &token.unwrap()).await);
    }

    fn is_substantial(&self) {
        let seen = self.seen.lock().unwrap();
        assert!(seen.revoked.len() > 100 && seen.used.len() > 100);
    }
}
