//! Who calls: a bounded sketch at the credential, and what somebody should look at.

use std::time::Duration;

use countersign_authority::Grant;
use countersign_model::evidence::{MOST_CALLERS, Seen};
use countersign_testkit::app::operator;
use countersign_testkit::{Assertion, Setup, TestApp, TestClient, keys};

fn setup() -> Setup {
    Setup::default()
}

on_both_engines!(
    callers_are_told_apart_and_counted,
    what_two_nodes_see_of_one_caller_is_one_caller,
    a_crowd_is_folded_and_loses_no_use,
    secrets_in_urls_are_found,
);

async fn client(app: &TestApp) -> TestClient {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    app.authority
        .start_migration(&client.id, &operator())
        .await
        .unwrap();
    client
}

async fn callers(app: &TestApp, client: &TestClient, grant: Grant) -> Vec<Seen> {
    app.authority.flush().await;
    let halves = app
        .authority
        .list_callers(&client.id, &operator())
        .await
        .unwrap();
    halves
        .into_iter()
        .find(|half| half.grant == grant)
        .map(|half| half.seen)
        .unwrap_or_default()
}

fn named(seen: &Seen) -> String {
    let trace = seen.trace.as_ref().unwrap();
    let consumer = trace.caller.consumer.as_ref();
    format!(
        "{} {} {}",
        trace.caller.network,
        trace.caller.agent,
        consumer.map_or("-", |consumer| consumer.as_str())
    )
}

async fn callers_are_told_apart_and_counted(app: &TestApp) {
    let client = client(app).await;
    let form = client.form("openid");
    let ask = |ip: &str, agent: &str, consumer: &str| {
        let call = app.anonymous().from(ip).post("/ims/token/v3").form(&form);
        let call = call.header("user-agent", agent);
        call.header("x-consumer", consumer).send()
    };
    let began = app.now();
    ask(
        "203.0.113.7",
        "aio-cli/10 (jane's laptop) node/20",
        "nightly",
    )
    .await
    .token();
    app.advance(Duration::from_secs(3600));
    ask("203.0.113.99", "aio-cli/10 (another) node/20", "nightly")
        .await
        .token();
    ask("2001:db8:7:8::1", "curl/8.5", "not a name")
        .await
        .token();
    app.anonymous()
        .exchange(&client, &Assertion::of(&client, app.now()).sign())
        .await
        .token();

    let mut seen = callers(app, &client, Grant::ClientCredentials).await;
    seen.sort_by_key(named);

    assert_eq!(named(&seen[0]), "2001:db8:7::/48 curl/8.5 -");
    assert_eq!(named(&seen[1]), "203.0.113.0/24 aio-cli/10 node/20 nightly");
    assert_eq!(seen.len(), 2);
    let last = &seen[1];
    assert_eq!((last.uses, last.rhythm.hours), (2, 0b11));
    assert_eq!((last.first_at, last.last_at), (began, app.now()));
    let trace = last.trace.as_ref().unwrap();
    assert_eq!(trace.secret.as_ref(), Some(&client.secret_id));
    let by_jwt = callers(app, &client, Grant::JwtExchange).await;
    let trace = by_jwt[0].trace.as_ref().unwrap();
    let certificate = client.certificate_id.clone().unwrap();
    assert_eq!(*trace.minted_by, format!("certificate:{certificate}"));
    assert_eq!(trace.secret.as_ref(), Some(&client.secret_id));
}

async fn what_two_nodes_see_of_one_caller_is_one_caller(app: &TestApp) {
    let client = client(app).await;
    let node = app.second_node().await;
    for _ in 0..3 {
        app.anonymous().token(&client, "openid").await.token();
        app.advance(Duration::from_secs(86_400));
        node.anonymous().token(&client, "openid").await.token();
        app.advance(Duration::from_secs(86_400));
    }

    tokio::join!(node.authority.flush(), app.authority.flush());

    let seen = callers(app, &client, Grant::ClientCredentials).await;
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].uses, seen[0].rhythm.days), (6, 0b11_1111));
}

async fn a_crowd_is_folded_and_loses_no_use(app: &TestApp) {
    let client = client(app).await;
    for n in 0..MOST_CALLERS + 10 {
        let caller = app.anonymous().from(&format!("198.51.{n}.1"));
        caller.token(&client, "openid").await.token();
        app.advance(Duration::from_millis(1));
        if n % 20 == 0 {
            app.authority.flush().await;
        }
    }

    let seen = callers(app, &client, Grant::ClientCredentials).await;

    assert_eq!(seen.len(), MOST_CALLERS + 1);
    let others = seen.iter().find(|seen| seen.trace.is_none()).unwrap();
    assert_eq!(others.uses, 10);
    let uses: u64 = seen.iter().map(|seen| seen.uses).sum();
    assert_eq!(uses, MOST_CALLERS as u64 + 10);
}

async fn secrets_in_urls_are_found(app: &TestApp) {
    let client = client(app).await;
    app.anonymous().token(&client, "openid").await.token();
    let found = async || {
        app.authority.flush().await;
        let found = app.authority.list_findings(&client.id, &operator()).await;
        found.unwrap()
    };
    assert_eq!(found().await, []);

    for ip in ["203.0.113.7", "192.0.2.9"] {
        let call = app.anonymous().from(ip).post("/ims/token/v3");
        let call = call.query(&client.form("openid"));
        call.header("user-agent", "old/1").send().await.token();
        app.advance(Duration::from_secs(1));
    }

    let found = found().await;
    assert_eq!((found.len(), found[0].times), (1, 2));
    assert_eq!(found[0].caller.network.to_string(), "192.0.2.0/24");
    assert_eq!(found[0].last_at, app.now().minus(Duration::from_secs(1)));
}
