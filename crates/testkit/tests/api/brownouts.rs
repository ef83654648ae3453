//! Brown-outs: who is refused when, what ends it, and who noticed.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use countersign_authority::ManageError;
use countersign_model::Role;
use countersign_testkit::app::{Node, operator};
use countersign_testkit::assertion::Assertion;
use countersign_testkit::{Answer, TestApp, TestClient, keys};
use countersign_wire::{OrgId, Timestamp};
use http::Method;
use serde_json::{Value, json};

use crate::caller::{Program, json as with, operators, problem, program};

on_both_engines!(
    it_refuses_in_its_window_and_says_why,
    a_window_comes_again,
    the_same_plan_again_changes_nothing,
    what_cannot_be_planned_is_told,
    one_caller_too_many_ends_it_on_every_node,
    callers_are_counted_over_all_nodes,
    undone_it_refuses_nobody_on_any_node,
    a_restart_in_the_middle_keeps_everything,
    a_share_or_named_callers_are_refused,
    it_ends_with_the_migration,
    the_report_says_who_noticed,
    only_whoever_may_migrate_plans_and_ends,
);

const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A credential with both halves.
async fn paired(app: &TestApp, org: &OrgId) -> TestClient {
    let client = app.jwt(org, &["DocCloudSDK"], keys::first()).await;
    let by = operator();
    app.authority
        .start_migration(&client.id, &by)
        .await
        .unwrap();
    client
}

async fn exchange(node: &Node, client: &TestClient, consumer: &str) -> Answer {
    let now = node.authority.clock().now();
    let assertion = Assertion::of(client, now).sign();
    let call = node.anonymous().post("/ims/exchange/jwt");
    let call = call.form(&client.exchange_form(&assertion));
    call.header("x-consumer", consumer).send().await
}

async fn refused(node: &Node, client: &TestClient, consumer: &str) -> bool {
    let answer = exchange(node, client, consumer).await;
    match answer.status {
        200 => false,
        _ => {
            assert!(answer.body.contains("browned out"), "{}", answer.body);
            true
        }
    }
}

fn place(org: &OrgId) -> String {
    format!("/organizations/{org}/migration/brownouts")
}

/// A plan for ten minutes from now on, with what a test adds.
fn plan(clients: &[&TestClient], more: Value) -> Value {
    let ids: Vec<_> = clients.iter().map(|client| &client.id).collect();
    let mut body = json!({"credentials": ids, "seconds": 600});
    let Value::Object(more) = more else {
        panic!("members: {more}")
    };
    for (name, value) in more {
        body[name] = value;
    }
    body
}

async fn planned(by: &Program<'_>, org: &OrgId, body: &Value) -> Value {
    let answer = by.post(&place(org), body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()
}

async fn show(by: &Program<'_>, org: &OrgId, brownout: &Value) -> Value {
    let path = format!("{}/{}", place(org), brownout["id"].as_str().unwrap());
    let answer = by.get(&path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// Takes rights away or gives them back: other nodes hear of it within a second.
async fn within_a_second(holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "not within a second"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn events(app: &TestApp) -> Vec<String> {
    app.database
        .query("SELECT action || ' by ' || actor FROM audit WHERE action LIKE 'brownout.%' ORDER BY happened_at, action DESC")
        .await
}

async fn it_refuses_in_its_window_and_says_why(app: &TestApp) {
    let org = app.organization().await;
    let (client, other) = (paired(app, &org).await, paired(app, &org).await);
    let by = operators(app).await;
    let at = app.now().plus(HOUR);
    let body = plan(
        &[&client],
        json!({"at": at.to_string(), "name": "first try"}),
    );
    let made = planned(&by, &org, &body).await;
    assert_eq!(made["state"], "planned");
    assert_eq!(
        (&made["next_at"], &made["until"]),
        (&json!(at.to_string()), &Value::Null)
    );
    assert!(!refused(app, &client, "a").await, "not yet");

    app.clock.set(at.plus(MINUTE));
    let answer = exchange(app, &client, "a").await;
    answer.must_fail(400, "invalid_client");
    let (id, operator) = (client.project_id.as_str(), operator());
    let project = app.authority.find_project(&org, id, &operator);
    let project = project.await.unwrap().name;
    let until = at.plus(600 * Duration::from_secs(1));
    assert_eq!(
        answer.json()["error_description"],
        format!(
            "The Service Account (JWT) half of this credential is browned out until {until}, as planned for project {project}, because it will be disabled. Request tokens at /ims/token/v3 with client_credentials instead."
        )
    );
    assert_eq!(answer.header("retry-after"), Some("540"));
    assert_eq!(answer.header("deprecation"), Some("@1682899200"));
    let cause = app.explain(&answer.debug_id()).await.unwrap();
    assert!(cause.contains("brown-out `first try`"), "{cause}");
    // Nobody learns of it before the secret is right, and nobody else is refused.
    let mut stranger = client.clone();
    stranger.secret = "wrong".to_owned();
    let unknown = exchange(app, &stranger, "a").await;
    assert!(unknown.body.contains("invalid client_secret parameter"));
    assert_eq!(unknown.header("retry-after"), None);
    app.anonymous().token(&client, "openid").await.token();
    assert!(!refused(app, &other, "a").await);
    assert_eq!(show(&by, &org, &made).await["state"], "running");

    app.clock.set(until);
    assert!(!refused(app, &client, "a").await, "over");
    assert_eq!(show(&by, &org, &made).await["state"], "over");
    app.clock.set(until.minus(Duration::from_millis(1)));
    let answer = exchange(app, &client, "a").await;
    assert_eq!(answer.header("retry-after"), Some("1"));
}

async fn a_window_comes_again(app: &TestApp) {
    let org = app.organization().await;
    let client = paired(app, &org).await;
    let by = operators(app).await;
    let body = plan(&[&client], json!({"repeat": "hourly", "times": 3}));
    let made = planned(&by, &org, &body).await;
    let begin: Timestamp = made["at"].as_str().unwrap().parse().unwrap();
    for (minute, state) in [
        (0, "running"),
        (9, "running"),
        (10, "pausing"),
        (59, "pausing"),
        (60, "running"),
        (125, "running"),
        (130, "over"),
        (180, "over"),
    ] {
        app.clock.set(begin.plus(minute * MINUTE));
        let is_refused = refused(app, &client, "a").await;
        assert_eq!(is_refused, state == "running", "minute {minute}");
        assert_eq!(
            show(&by, &org, &made).await["state"],
            state,
            "minute {minute}"
        );
    }
}

async fn the_same_plan_again_changes_nothing(app: &TestApp) {
    let org = app.organization().await;
    let (client, other) = (paired(app, &org).await, paired(app, &org).await);
    let by = operators(app).await;
    let at = app.now().plus(HOUR).to_string();
    let named = plan(&[&client, &other], json!({"name": "n"}));
    let unnamed = plan(&[&client], json!({"at": at}));
    let first = planned(&by, &org, &named).await;
    assert!(
        first["undo_link"]
            .as_str()
            .unwrap()
            .contains("/console/brown-out?code=")
    );
    let second = planned(&by, &org, &unnamed).await;
    app.advance(MINUTE);
    let turned = plan(&[&other, &client, &other], json!({"name": " n "}));
    for (body, made) in [(&named, &first), (&turned, &first), (&unnamed, &second)] {
        let again = by.post(&place(&org), body).await;
        assert_eq!(again.status, 200, "{}", again.body);
        let again = again.json();
        assert_eq!(
            (&again["id"], &again["undo_link"]),
            (&made["id"], &Value::Null)
        );
        assert_eq!(again["at"], made["at"]);
    }
    // Under its name another plan is refused; after its end, too, the plan is the same.
    for more in [
        json!({"name": "n", "allowed_callers": 9}),
        json!({"name": "n", "per_cent": 50}),
        json!({"name": "n", "seconds": 601}),
        json!({"name": "n", "at": at}),
    ] {
        let other_plan = by.post(&place(&org), &plan(&[&client, &other], more)).await;
        assert_eq!(problem(&other_plan), (409, "taken".to_owned()));
    }
    let undo = format!("{}/{}/undo", place(&org), first["id"].as_str().unwrap());
    for _ in 0..2 {
        let undone = by.call(Method::POST, &undo).send().await;
        assert_eq!(undone.status, 200, "{}", undone.body);
        assert_eq!(undone.json()["state"], "undone");
    }
    let again = by.post(&place(&org), &named).await;
    assert_eq!(
        (again.status, &again.json()["state"]),
        (200, &json!("undone"))
    );
    assert!(!refused(app, &client, "a").await);
    // With a key of its own, the same answer comes again, without the link.
    let key = |call: countersign_testkit::Call| call.header("idempotency-key", "k1");
    let body = plan(&[&client], json!({"name": "keyed"}));
    let first = with(key(by.call(Method::POST, &place(&org))), &body)
        .send()
        .await;
    let again = with(key(by.call(Method::POST, &place(&org))), &body)
        .send()
        .await;
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(again.json()["undo_link"], Value::Null);
    assert_eq!(app.database.count("brownouts").await, 3);
    let mut told = events(app).await;
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 2, "{told:?}");
}

async fn what_cannot_be_planned_is_told(app: &TestApp) {
    let org = app.organization().await;
    let client = paired(app, &org).await;
    let unpaired = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let oauth = app.oauth(&org, &["DocCloudSDK"]).await;
    let elsewhere = app.organization().await;
    let theirs = app.jwt(&elsewhere, &["DocCloudSDK"], keys::second()).await;
    let by = operators(app).await;
    let past = app.now().minus(MINUTE).to_string();
    let late = app.now().plus(366 * 24 * HOUR).to_string();
    let (invalid, bad) = ((422, "invalid"), (400, "bad_request"));
    for (more, expected) in [
        (json!({"seconds": 59}), invalid),
        (json!({"seconds": 86_401}), invalid),
        (json!({"at": past}), invalid),
        (json!({"at": late}), invalid),
        (json!({"at": "soon"}), bad),
        (json!({"repeat": "daily"}), invalid),
        (json!({"times": 2}), invalid),
        (json!({"repeat": "hourly", "times": 101}), invalid),
        (
            json!({"repeat": "hourly", "times": 2, "seconds": 3601}),
            invalid,
        ),
        (
            json!({"repeat": "daily", "times": 8, "seconds": 86_400}),
            invalid,
        ),
        (json!({"repeat": "yearly", "times": 2}), bad),
        (json!({"per_cent": 0}), invalid),
        (json!({"per_cent": 101}), invalid),
        (json!({"per_cent": -1}), bad),
        (json!({"per_cent": 5, "callers": []}), bad),
        (json!({"callers": []}), invalid),
        (json!({"callers": [{}]}), invalid),
        (json!({"callers": [{"network": "203.0.113.7"}]}), bad),
        (json!({"callers": [{"agent": "a (b)"}]}), bad),
        (json!({"callers": [{"consumer": "<b>"}]}), bad),
        (json!({"allowed_callers": 0}), invalid),
        (json!({"allowed_callers": 1001}), invalid),
        (json!({"name": "  "}), invalid),
        (json!({"name": "x".repeat(101)}), invalid),
        (json!({"name": "a\u{0}b"}), invalid),
        (json!({"credentials": []}), invalid),
        (json!({"credentials": vec!["1"; 1000]}), (404, "not_found")),
        (
            json!({"credentials": [unpaired.id]}),
            (409, "not_possible_now"),
        ),
        (
            json!({"credentials": [oauth.id]}),
            (409, "not_possible_now"),
        ),
        (
            json!({"credentials": [client.id, theirs.id]}),
            (404, "not_found"),
        ),
    ] {
        let answer = by.post(&place(&org), &plan(&[&client], more.clone())).await;
        let (status, code) = problem(&answer);
        assert_eq!((status, code.as_str()), expected, "{more}: {}", answer.body);
    }
    assert_eq!(app.database.count("brownouts").await, 0);
    let nothing = format!("{}/{}", place(&org), "0".repeat(32));
    assert_eq!(
        problem(&by.get(&nothing).await),
        (404, "not_found".to_owned())
    );
    for number in 0..100 {
        let body = plan(&[&client], json!({"name": format!("n{number}")}));
        planned(&by, &org, &body).await;
    }
    let more = by.post(&place(&org), &plan(&[&client], json!({}))).await;
    assert_eq!(problem(&more), (409, "limit_reached".to_owned()));
    let list = by.get(&format!("{}?limit=60", place(&org))).await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 60);
    let cursor = list["next_cursor"].as_str().unwrap();
    let rest = by
        .get(&format!("{}?limit=60&cursor={cursor}", place(&org)))
        .await;
    assert_eq!(rest.json()["items"].as_array().unwrap().len(), 40);
    let of_other = format!("{}?credential={}", place(&org), unpaired.id);
    assert_eq!(by.get(&of_other).await.json()["items"], json!([]));
}

async fn one_caller_too_many_ends_it_on_every_node(app: &TestApp) {
    let org = app.organization().await;
    let client = paired(app, &org).await;
    let node = app.second_node().await;
    let by = operators(app).await;
    let body = plan(
        &[&client],
        json!({"allowed_callers": 1, "repeat": "daily", "times": 2}),
    );
    let made = planned(&by, &org, &body).await;
    within_a_second(async || refused(&node, &client, "a").await).await;
    app.advance(Duration::from_secs(1));
    assert!(refused(app, &client, "a").await, "the same one again");

    assert!(
        !refused(app, &client, "b").await,
        "it would be one too many"
    );
    assert!(!refused(app, &client, "a").await, "here at once");
    within_a_second(async || !refused(&node, &client, "a").await).await;

    app.authority.flush().await;
    let shown = show(&by, &org, &made).await;
    assert_eq!(
        (&shown["state"], &shown["failed_callers"]),
        (&json!("aborted"), &json!(1))
    );
    assert_eq!(shown["ended_at"], app.now().to_string());
    let noticed = shown["report"][0]["noticed"].as_array().unwrap();
    let outcome = |name: &str| {
        let of = noticed.iter().find(|one| one["consumer"] == name);
        of.unwrap()["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(outcome("b"), "let_through");
    assert_eq!(
        events(app).await.last().map(String::as_str),
        Some("brownout.aborted by schedule")
    );
    // The windows that would still come are ended with it.
    app.advance(24 * HOUR);
    assert!(!refused(app, &client, "a").await);
    assert!(!refused(&node, &client, "a").await);
}

async fn callers_are_counted_over_all_nodes(app: &TestApp) {
    let org = app.organization().await;
    let client = paired(app, &org).await;
    let node = app.second_node().await;
    let by = operators(app).await;
    let made = planned(&by, &org, &plan(&[&client], json!({"allowed_callers": 2}))).await;
    within_a_second(async || refused(&node, &client, "a").await).await;
    assert!(refused(app, &client, "b").await);

    // Each node has seen at most two, and all of them together three.
    let began = Instant::now();
    while show(&by, &org, &made).await["state"] != "aborted" {
        exchange(app, &client, "b").await;
        exchange(&node, &client, "c").await;
        assert!(began.elapsed() < Duration::from_secs(4), "not aborted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    within_a_second(async || !refused(app, &client, "b").await).await;
    within_a_second(async || !refused(&node, &client, "a").await).await;
    let shown = show(&by, &org, &made).await;
    let failed = shown["failed_callers"].as_u64().unwrap();
    assert!((2..=3).contains(&failed), "{shown}");
}

async fn undone_it_refuses_nobody_on_any_node(app: &TestApp) {
    let org = app.organization().await;
    let client = paired(app, &org).await;
    let node = app.second_node().await;
    let by = operators(app).await;
    let made = planned(&by, &org, &plan(&[&client], json!({}))).await;
    within_a_second(async || refused(&node, &client, "a").await).await;

    let undo = format!("{}/{}/undo", place(&org), made["id"].as_str().unwrap());
    let undone = by.call(Method::POST, &undo).send().await;

    assert_eq!(undone.status, 200, "{}", undone.body);
    assert!(!refused(app, &client, "a").await);
    within_a_second(async || !refused(&node, &client, "a").await).await;
    // By its link, too; who has it needs no name.
    let made = planned(&by, &org, &plan(&[&client], json!({"name": "again"}))).await;
    within_a_second(async || refused(&node, &client, "a").await).await;
    let link = made["undo_link"].as_str().unwrap();
    let code = link.rsplit('=').next().unwrap();
    let found = app.authority.find_undoable(code).await.unwrap();
    assert_eq!(found.credentials, ["Nightly sync"]);
    app.authority.undo_by_link(code, SOMEWHERE).await.unwrap();
    assert!(!refused(app, &client, "a").await);
    within_a_second(async || !refused(&node, &client, "a").await).await;
    assert!(
        events(app)
            .await
            .contains(&"brownout.undone by link:undo".to_owned())
    );
    for wrong in ["", "x", made["id"].as_str().unwrap(), &code[1..]] {
        let refused = app.authority.undo_by_link(wrong, SOMEWHERE).await;
        assert!(matches!(refused, Err(ManageError::NoBrownout)), "{wrong}");
    }
    let dump = app
        .database
        .query("SELECT undo_digest FROM brownouts")
        .await;
    assert!(!dump.iter().any(|digest| digest.contains(code)));
}

async fn a_restart_in_the_middle_keeps_everything(app: &TestApp) {
    let org = app.organization().await;
    let client = paired(app, &org).await;
    let by = operators(app).await;
    let made = planned(&by, &org, &plan(&[&client], json!({"allowed_callers": 1}))).await;
    assert!(refused(app, &client, "a").await);
    app.authority.flush().await;

    let fresh = app.second_node().await;

    assert!(refused(&fresh, &client, "a").await);
    assert!(
        !refused(&fresh, &client, "b").await,
        "it knows who failed before it began"
    );
    within_a_second(async || !refused(app, &client, "a").await).await;
    fresh.authority.flush().await;
    let shown = show(&by, &org, &made).await;
    assert_eq!(
        (&shown["state"], &shown["failed_callers"]),
        (&json!("aborted"), &json!(1))
    );
}

async fn a_share_or_named_callers_are_refused(app: &TestApp) {
    let org = app.organization().await;
    let (some, named) = (paired(app, &org).await, paired(app, &org).await);
    let by = operators(app).await;
    planned(&by, &org, &plan(&[&some], json!({"per_cent": 25}))).await;
    let callers =
        json!({"callers": [{"consumer": "a", "network": "203.0.113.0/24"}, {"consumer": "c"}]});
    planned(&by, &org, &plan(&[&named], callers)).await;

    let mut times = 0;
    for _ in 0..100 {
        times += u32::from(refused(app, &some, "a").await);
    }
    assert_eq!(times, 25);
    for (consumer, expected) in [("a", true), ("b", false), ("c", true)] {
        assert_eq!(refused(app, &named, consumer).await, expected, "{consumer}");
    }
}

async fn it_ends_with_the_migration(app: &TestApp) {
    let org = app.organization().await;
    let (client, other) = (paired(app, &org).await, paired(app, &org).await);
    let by = operators(app).await;
    let made = planned(&by, &org, &plan(&[&client, &other], json!({}))).await;
    assert!(refused(app, &client, "a").await);

    app.disable_jwt_half(&client).await;
    let disabled = exchange(app, &client, "a").await;
    assert!(
        disabled.body.contains("was disabled on"),
        "{}",
        disabled.body
    );
    let (id, operator) = (&client.id, operator());
    app.authority.restore_jwt_half(id, &operator).await.unwrap();

    within_a_second(async || !refused(app, &client, "a").await).await;
    assert!(
        refused(app, &other, "a").await,
        "the other one is still concerned"
    );
    assert_eq!(show(&by, &org, &made).await["state"], "running");
    let cancelled = app.authority.cancel_migration(&other.id, &operator);
    cancelled.await.unwrap();
    app.authority.flush().await;
    assert!(!refused(app, &other, "a").await);
    let shown = show(&by, &org, &made).await;
    assert_eq!(shown["state"], "over");
    assert_eq!(shown["failed_callers"], 2);
    // What is deleted takes nothing else with it.
    let deleted = app.authority.delete_credential(&client.id, &operator);
    deleted.await.unwrap();
    let shown = show(&by, &org, &made).await;
    assert_eq!(shown["report"].as_array().unwrap().len(), 1);
}

async fn the_report_says_who_noticed(app: &TestApp) {
    let org = app.organization().await;
    let client = paired(app, &org).await;
    let by = operators(app).await;
    for consumer in ["moves", "returns", "leaves", "sleeps"] {
        assert!(!refused(app, &client, consumer).await);
    }
    app.advance(MINUTE);
    let made = planned(&by, &org, &plan(&[&client], json!({"allowed_callers": 5}))).await;
    for consumer in ["moves", "returns", "leaves", "leaves"] {
        assert!(refused(app, &client, consumer).await);
    }
    app.advance(MINUTE);
    let moved = app
        .anonymous()
        .post("/ims/token/v3")
        .form(&client.form("openid"));
    moved.header("x-consumer", "moves").send().await.token();
    app.advance(HOUR);
    assert!(!refused(app, &client, "returns").await);
    app.authority.flush().await;

    let shown = show(&by, &org, &made).await;
    let report = &shown["report"][0];
    assert_eq!(
        (&report["name"], &report["migration"]),
        (&json!("Nightly sync"), &json!("started"))
    );
    let mut noticed: Vec<_> = report["noticed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["consumer"].as_str().unwrap(),
                one["outcome"].as_str().unwrap(),
                one["times"].as_u64().unwrap(),
            )
        })
        .collect();
    noticed.sort_unstable();
    assert_eq!(
        noticed,
        [
            ("leaves", "silent", 2),
            ("moves", "moved", 1),
            ("returns", "returned", 1)
        ]
    );
    let unnoticed = report["unnoticed"].as_array().unwrap();
    assert_eq!(unnoticed.len(), 1, "{unnoticed:?}");
    assert_eq!(unnoticed[0]["consumer"], "sleeps");
    // Whoever was refused would use the JWT half if he could: the review knows it, too.
    let path = format!("/organizations/{org}/credentials/{}/migration", client.id);
    let migration = by.get(&path).await.json();
    assert_eq!(migration["attempts"], 4);
    let review = by.get(&format!("{path}/review")).await.json();
    assert_eq!(review["verdict"], "still_used");
}

async fn only_whoever_may_migrate_plans_and_ends(app: &TestApp) {
    let org = app.organization().await;
    let client = paired(app, &org).await;
    let viewer = program(app, &org, "eve@example.com", Role::Viewer).await;
    let admin = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let elsewhere = app.organization().await;
    let foreign = program(
        app,
        &elsewhere,
        "mal@example.com",
        Role::SystemAdministrator,
    )
    .await;
    let body = plan(&[&client], json!({"name": "mine"}));
    let refused = viewer.post(&place(&org), &body).await;
    assert_eq!(problem(&refused), (403, "role_too_low".to_owned()));
    for at in [&org, &elsewhere] {
        let refused = foreign.post(&place(at), &body).await;
        assert_eq!(problem(&refused), (404, "not_found".to_owned()));
    }

    let made = planned(&admin, &org, &body).await;

    let by = made["planned_by"].as_str().unwrap();
    assert!(by.starts_with("person:ada@example.com "), "{by}");
    assert_eq!(show(&viewer, &org, &made).await["state"], "running");
    let id = made["id"].as_str().unwrap();
    let undo = |at: &OrgId| format!("{}/{id}/undo", place(at));
    let refused = viewer.call(Method::POST, &undo(&org)).send().await;
    assert_eq!(problem(&refused), (403, "role_too_low".to_owned()));
    for at in [&org, &elsewhere] {
        let refused = foreign.call(Method::POST, &undo(at)).send().await;
        assert_eq!(problem(&refused), (404, "not_found".to_owned()));
        let hidden = foreign.get(&format!("{}/{id}", place(at))).await;
        assert_eq!(problem(&hidden), (404, "not_found".to_owned()));
    }
    assert_eq!(
        admin.call(Method::POST, &undo(&org)).send().await.status,
        200
    );
}
