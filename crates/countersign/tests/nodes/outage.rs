//! The database goes away under load and comes back (`spec/security.md` REL-10 to REL-12, REL-51).

use std::time::{Duration, Instant};

use countersign_testkit::TestDatabase;
use countersign_testkit::upstream::Upstream;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::callers::{self, ask};
use crate::gateway;
use crate::load::Load;
use crate::node::{Node, admin, answer, wait_until};
use crate::postgres::Postgres;
use crate::relay::Relay;
use crate::support::installation::Installation;
use crate::{installation, say, there_is_postgres};

/// Says how long the database is away each time, in seconds.
const VARIABLE: &str = "COUNTERSIGN_TEST_OUTAGE_SECONDS";
/// Long enough for readiness to say so, and for every connection to be found dead.
const SECONDS: u64 = 20;
/// Load before and after, to compare with.
const CALM: Duration = Duration::from_secs(3);
/// What needs the database is refused within this time while it is away, also on a busy machine.
const REFUSED_WITHIN: Duration = Duration::from_secs(3);
/// What a node misses that is cut off.
const MISSED: usize = 200;
/// A change acts on other nodes within this time.
const REACH: Duration = Duration::from_secs(1);
/// From the return of the database until a node says that it is well.
const WELL_WITHIN: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn known_credentials_do_not_notice_that_the_database_was_stopped() {
    if !there_is_postgres() {
        return;
    }
    let place = Place::start().await;
    let load = place.load().await;
    place.postgres.stop();
    let gone = Instant::now();
    place.do_without(gone).await;
    place.postgres.start_again();
    place.end("stopped", gone, load).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn known_credentials_do_not_notice_that_the_database_hangs() {
    if !there_is_postgres() {
        return;
    }
    let place = Place::start().await;
    let load = place.load().await;
    place.postgres.freeze().await;
    let gone = Instant::now();
    place.do_without(gone).await;
    place.postgres.thaw().await;
    place.end("frozen", gone, load).await;
}

/// Only one node loses the database; the other one goes on changing things.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_cut_off_learns_what_it_missed() {
    let Some(installation) = installation().await else {
        return;
    };
    let (relay, url) = Relay::to_database(installation.database.url()).await;
    let a = Node::start(&installation, &[]).await;
    let b = Node::start(&installation, &[("COUNTERSIGN__STORE__URL", &url)]).await;
    let load = callers::load(&installation, &[&a, &b]).await;

    for (how, part) in [("held up", Relay::hold as fn(&Relay)), ("cut", Relay::cut)] {
        let mut tokens = Vec::new();
        for _ in 0..MISSED {
            tokens.push(a.token(&installation, KNOWN).await);
        }
        part(&relay);
        let parted = Instant::now();
        let is_degraded = async || status(&b).await == "degraded";
        assert!(wait_until(Duration::from_secs(10), is_degraded).await);
        refuses_what_needs_the_database(&installation, &b).await;
        for token in &tokens {
            revoke(&installation, &a, KNOWN, token).await;
            assert!(b.holds(&installation, KNOWN, token).await, "it cannot know");
        }
        assert_eq!(status(&a).await, "ok");

        relay.release();

        let released = Instant::now();
        for token in &tokens {
            let is_refused = async || !b.holds(&installation, KNOWN, token).await;
            assert!(wait_until(WELL_WITHIN, is_refused).await);
        }
        let (parted, late) = (parted.elapsed(), released.elapsed());
        say(&format!(
            "connections {how} for {parted:.0?}: caught up after {late:.1?}"
        ));
    }

    acts_on_the_other(&installation, [&a, &b]).await;
    load.end().await.must_be_good();
    drop((a, b));
    installation.database.remove().await;
}

/// Two nodes on a PostgreSQL of their own.
struct Place {
    // Before the server that they use: values are dropped in this order.
    nodes: [Node; 2],
    installation: Installation,
    postgres: Postgres,
    /// Behind the gateways of both.
    _upstream: Upstream,
}

impl Place {
    async fn start() -> Self {
        let postgres = Postgres::start();
        let database = TestDatabase::on_postgres(postgres.url()).await;
        let installation = Installation::new(database).await;
        let a = Node::start(&installation, gateway::GATEWAY).await;
        let b = Node::start(&installation, gateway::GATEWAY).await;
        let upstream = Upstream::start().await;
        gateway::publish(&installation, &a, &upstream).await;
        Self {
            nodes: [a, b],
            installation,
            postgres,
            _upstream: upstream,
        }
    }

    /// Load on both nodes, which goes well for a while.
    async fn load(&self) -> Load {
        let [a, b] = &self.nodes;
        let mut load = callers::load(&self.installation, &[a, b]).await;
        gateway::load(&self.installation, &[a, b], &mut load).await;
        tokio::time::sleep(CALM).await;
        load
    }

    /// The time without the database, and what is said and refused in it.
    async fn do_without(&self, gone: Instant) {
        let over = gone + Duration::from_secs(seconds());
        for node in &self.nodes {
            let is_degraded = async || status(node).await == "degraded";
            assert!(wait_until(Duration::from_secs(10), is_degraded).await);
        }
        loop {
            for node in &self.nodes {
                says_how_old_it_is(node, gone).await;
            }
            let [a, b] = &self.nodes;
            tokio::join!(
                refuses_what_needs_the_database(&self.installation, a),
                refuses_what_needs_the_database(&self.installation, b),
                gateway::refuses_unknown(a),
                gateway::refuses_unknown(b),
            );
            let pause = Duration::from_secs(5);
            if Instant::now() + pause > over {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        self.command_says_what_is_wrong().await;
        tokio::time::sleep_until(over.into()).await;
    }

    async fn command_says_what_is_wrong(&self) {
        let ran = admin(&self.installation, &["organizations", "list"]).await;
        assert_eq!((ran.exit, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("the database is not available"),
            "{}",
            ran.stderr
        );
    }

    /// All is well again by itself; nobody has noticed anything.
    async fn end(self, how: &str, gone: Instant, load: Load) {
        let back = Instant::now();
        for node in &self.nodes {
            let is_well = async || status(node).await == "ok";
            assert!(
                wait_until(WELL_WITHIN, is_well).await,
                "{}",
                node.get("/readyz").await.1
            );
        }
        let well = back.elapsed();
        let [a, b] = &self.nodes;
        acts_on_the_other(&self.installation, [a, b]).await;
        acts_at_the_gateways(&self.installation, [a, b]).await;
        tokio::time::sleep(CALM).await;
        let answers = load.end().await;

        let before = answers.figures(gone - CALM, gone);
        let without = answers.figures(gone, back);
        say(&format!(
            "database {how} for {:.0?}; well again after {well:.1?}",
            back - gone
        ));
        say(&format!("answers before:{before}"));
        say(&format!("answers without the database:{without}"));
        answers.must_be_good();
        drop(self.nodes);
        self.installation.database.remove().await;
    }
}

/// What readiness says.
async fn status(node: &Node) -> Value {
    node.get("/readyz").await.1["status"].take()
}

/// Readiness does not fail, but says how old what is served is.
async fn says_how_old_it_is(node: &Node, gone: Instant) {
    let (status, report) = node.get("/readyz").await;
    let elapsed = gone.elapsed().as_secs();
    assert_eq!((status, &report["status"]), (200, &json!("degraded")));
    let checks = report["checks"].as_array().unwrap();
    let database = checks
        .iter()
        .find(|check| check["name"] == "database")
        .unwrap();
    let reason = database["reason"].as_str().unwrap();
    let age = reason.strip_prefix("the database was last read ").unwrap();
    let age = age
        .strip_suffix(" s ago: known clients are served from memory")
        .unwrap();
    let age: u64 = age.parse().unwrap();
    assert!(age.abs_diff(elapsed) <= 2, "{age} s instead of {elapsed} s");
}

/// A client that the load has made known to every node.
const KNOWN: usize = 3;

/// Each write, and each question about somebody unknown, with its whole answer.
async fn refuses_what_needs_the_database(installation: &Installation, node: &Node) {
    let token = node.token(installation, KNOWN).await;
    let mut revocation = vec![("token", token)];
    revocation.extend(callers::credentials(installation, KNOWN));
    let mut unknown = callers::credentials(installation, KNOWN).to_vec();
    unknown[0].1 = uuid::Uuid::new_v4().simple().to_string();
    unknown.push(("grant_type", "client_credentials".to_owned()));
    let exchange = installation
        .exchange_form(&installation.assertion())
        .to_vec();
    let refusal = json!({
        "error": "temporarily_unavailable",
        "error_description": "The service is not available right now. Please try again later.",
    });
    let asked = [
        ("/ims/revoke", &revocation),
        ("/ims/invalidate_token/v2", &revocation),
        ("/oauth2/revoke", &revocation),
        ("/ims/exchange/jwt", &exchange),
        ("/ims/token/v3", &unknown),
        ("/oauth2/token", &unknown),
    ];
    let asked = asked.map(async |(path, form)| {
        let sent = Instant::now();
        let (status, retry_after, found) = ask(&node.caller, path, form).await;
        let took = sent.elapsed();
        let retry_after = retry_after.as_deref();
        assert_eq!(
            (status, retry_after, &found),
            (503, Some("2"), &refusal),
            "{path}"
        );
        assert!(took < REFUSED_WITHIN, "{path}: {took:.1?}");
    });
    join_all(asked).await;
}

/// What clients and operators change acts on both nodes.
async fn acts_on_the_other(installation: &Installation, [a, b]: [&Node; 2]) {
    let token = a.token(installation, 1).await;
    assert!(b.holds(installation, 1, &token).await);
    revoke(installation, a, 1, &token).await;
    let is_refused = async || !b.holds(installation, 1, &token).await;
    assert!(
        wait_until(REACH, is_refused).await,
        "a revocation did not arrive"
    );

    let client_id = installation.client_id(2);
    answer(installation, &["credentials", "disable", &client_id]).await;
    for node in [a, b] {
        let form = installation.token_form(2, installation.secret(2));
        let is_refused = async || ask(&node.caller, "/ims/token/v3", &form).await.0 != 200;
        assert!(
            wait_until(REACH, is_refused).await,
            "a change did not arrive"
        );
    }
}

/// A token that both gateways have let through is refused by both once it is revoked.
async fn acts_at_the_gateways(installation: &Installation, [a, b]: [&Node; 2]) {
    let caller = gateway::Caller::new(installation, a, KNOWN).await;
    let origins = [gateway::gateway(a).await, gateway::gateway(b).await];
    for origin in &origins {
        assert_eq!(caller.call(origin, "/load").await.0, 200);
    }
    revoke(installation, a, KNOWN, caller.token()).await;
    let [here, there] = origins.each_ref();
    assert_eq!(caller.call(here, "/load").await.0, 401);
    let is_refused = async || caller.call(there, "/load").await.0 == 401;
    assert!(
        wait_until(REACH, is_refused).await,
        "a revocation did not arrive at the gateway"
    );
}

async fn revoke(installation: &Installation, node: &Node, client: usize, token: &str) {
    let mut form = vec![("token", token.to_owned())];
    form.extend(callers::credentials(installation, client));
    let (status, _, body) = ask(&node.caller, "/ims/revoke", &form).await;
    assert_eq!(status, 200, "{body}");
    assert!(!node.holds(installation, client, token).await);
}

fn seconds() -> u64 {
    let named = std::env::var(VARIABLE).ok();
    named.map_or(SECONDS, |text| text.parse().unwrap())
}
