//! What breaks while calls come: no wrong answer, no answer of another call, and all is well again
//! without a restart.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use countersign_testkit::gateway::{Connection, Gateway, Member, checks, get, service};
use countersign_testkit::upstream::{RawUpstream, Then, Upstream};
use countersign_testkit::{Setup, TestApp, TestDatabase};
use tokio::task::JoinSet;

/// Callers that ask without pause until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    callers: JoinSet<BTreeMap<u16, usize>>,
}

impl Load {
    /// Each caller sends an id of its own with each call, and gets that one back or no answer.
    fn on(gateway: &Gateway, member: &Member, callers: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut set = JoinSet::new();
        for caller in 0..callers {
            let (stop, address, headers) = (Arc::clone(&stop), gateway.address, member.headers());
            set.spawn(async move {
                let mut seen = BTreeMap::new();
                let mut connection = Connection::to(address).await;
                for call in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let id = format!("{caller}.{call}");
                    let own = format!("X-Request-Id: {id}\r\nx-echo: {id}\r\n{headers}");
                    connection.write(get(&format!("/echo/{id}"), &own)).await;
                    let reply = connection.reply().await;
                    *seen.entry(reply.status).or_insert(0) += 1;
                    match reply.status {
                        200 => {
                            let echoed = reply.seen("x-echo");
                            assert_eq!(echoed, [id.as_str()], "another call's answer");
                            assert_eq!(reply.json()["target"], format!("/echo/{id}"));
                        }
                        502..=504 => assert!(reply.text().contains("error_code")),
                        other => panic!("{other}: {reply:?}"),
                    }
                    assert_eq!(reply.header("x-request-id"), Some(id.as_str()));
                }
                seen
            });
        }
        Self { stop, callers: set }
    }

    /// How many answers of each status there were.
    async fn end(mut self) -> BTreeMap<u16, usize> {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = BTreeMap::new();
        while let Some(seen) = self.callers.join_next().await {
            for (status, count) in seen.unwrap() {
                *all.entry(status).or_insert(0) += count;
            }
        }
        all
    }
}

async fn until_well(gateway: &Gateway, member: &Member) {
    let began = Instant::now();
    while gateway.get("/", &member.headers()).await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(10), "no recovery");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upstream_is_killed_and_comes_back_under_load() {
    let upstream = Upstream::start().await;
    let (origin, address) = (upstream.origin(), upstream.address);
    let gateway = Gateway::publishing(&origin, "eject_seconds = 1").await;
    let member = gateway.member().await;
    let load = Load::on(&gateway, &member, 16);
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(upstream);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let _upstream = Upstream::at(address).await;
    until_well(&gateway, &member).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let seen = load.end().await;
    assert!(seen[&200] > 100 && seen.contains_key(&502), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_upstream_of_two_is_killed_under_load_and_nobody_notices_reads_fail() {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let services = [service("cm", "/", &[&first.origin(), &second.origin()], "")];
    let gateway = Gateway::with(&services, |_| {}).await;
    let member = gateway.member().await;
    let load = Load::on(&gateway, &member, 16);
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(second);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let seen = load.end().await;
    assert_eq!(seen.keys().collect::<Vec<_>>(), [&200], "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn garbage_under_load_is_nobodys_answer() {
    let good = Upstream::start().await;
    let garbage = RawUpstream::start(Then::Close(b"\x16\x03\x01 this is no HTTP\r\n\r\n")).await;
    let services = [service("cm", "/", &[&good.origin(), &garbage.origin()], "")];
    let gateway = Gateway::with(&services, |_| {}).await;
    let member = gateway.member().await;
    let load = Load::on(&gateway, &member, 16);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let seen = load.end().await;
    assert!(seen[&200] > 100, "{seen:?}");
    assert!(
        seen.get(&502).is_some_and(|count| *count < 100),
        "it is out after a few: {seen:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn signing_keys_rotate_under_load_without_a_false_refusal() {
    let upstream = Upstream::start().await;
    let services = [service("cm", "/", &[&upstream.origin()], "")];
    let app = TestApp::with(|setup| {
        setup.config.gateway = checks(&services);
        setup.own_keys = true;
    });
    let gateway = Gateway::of(app.await, |_| {}).await;
    let member = gateway.member().await;
    let load = Load::on(&gateway, &member, 8);
    for _ in 0..3 {
        // Nobody rotates faster: verifiers must have read the next key before it signs.
        gateway.app.advance(Duration::from_secs(600));
        rotate(&gateway.app).await;
        let fresh = gateway.token(&member.client, "openid,AdobeID").await;
        let fresh = Member {
            token: fresh,
            ..member.clone()
        };
        assert_eq!(gateway.get("/", &fresh.headers()).await.status, 200);
    }
    let seen = load.end().await;
    assert_eq!(seen.keys().collect::<Vec<_>>(), [&200], "{seen:?}");
}

async fn rotate(app: &TestApp) {
    let actor = countersign_testkit::app::operator();
    let rotated = app.authority.rotate_keys(&actor).await;
    rotated.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_database_stops_under_load_and_known_clients_go_on() {
    let upstream = Upstream::start().await;
    let services = [service("cm", "/", &[&upstream.origin()], "")];
    let mut setup = Setup::default();
    setup.config.gateway = checks(&services);
    let app = TestApp::on(TestDatabase::sqlite().await, setup).await;
    let gateway = Gateway::of(app, |_| {}).await;
    let member = gateway.member().await;
    until_well(&gateway, &member).await;
    gateway.app.caught_up().await;
    until_well(&gateway, &member).await;

    let load = Load::on(&gateway, &member, 8);
    tokio::time::sleep(Duration::from_millis(200)).await;
    gateway.app.store.close().await;
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let seen = load.end().await;
    assert_eq!(seen.keys().collect::<Vec<_>>(), [&200], "{seen:?}");
    assert!(seen[&200] > 100, "{seen:?}");

    let unknown = format!("x-api-key: {}\r\n", "1".repeat(32));
    gateway
        .get("/", &unknown)
        .await
        .must_be_refused(503, "503000");
}
