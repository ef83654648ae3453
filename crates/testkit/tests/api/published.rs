//! Services are published over the management API.

use countersign_model::Role;
use countersign_testkit::TestApp;
use http::Method;
use serde_json::{Value, json};

use crate::caller::{Program, json as with, operators, problem, program};

on_both_engines!(
    a_service_is_published_changed_and_taken_back,
    what_cannot_work_is_refused_by_its_key,
    of_two_at_once_one_wins_and_the_other_is_told,
    only_the_operator_publishes,
);

const ALL: &str = "/published-services";

fn service(name: &str) -> Value {
    json!({
        "name": name, "service": "CloudManagerSDK", "prefix": format!("/{name}"),
        "upstreams": ["http://127.0.0.1:9"],
    })
}

async fn put(
    by: &Program<'_>,
    path: &str,
    tag: Option<&str>,
    body: &Value,
) -> countersign_testkit::Answer {
    let call = by.call(Method::PUT, path);
    let call = match tag {
        Some(tag) => call.header("if-match", tag),
        None => call,
    };
    with(call, body).send().await
}

async fn a_service_is_published_changed_and_taken_back(app: &TestApp) {
    let by = operators(app).await;
    let call = by.call(Method::POST, ALL).header("idempotency-key", "one");
    let made = with(call, &service("cm")).send().await;
    assert_eq!(
        (made.status, made.header("etag")),
        (201, Some("\"0\"")),
        "{}",
        made.body
    );
    let path = format!("{ALL}/cm");
    assert_eq!(
        made.header("location"),
        Some(format!("/api/v1{path}").as_str())
    );
    let call = by.call(Method::POST, ALL).header("idempotency-key", "one");
    let again = with(call, &service("cm")).send().await;
    assert_eq!((again.status, again.json()), (201, made.json()));
    assert_eq!(app.authority.published().iter().len(), 1);

    let mut definition = by.get(&path).await.json()["definition"].take();
    assert_eq!(definition["response_timeout_ms"], 30_000);
    definition["response_timeout_ms"] = json!(1_000);
    let changed = put(&by, &path, Some("\"0\""), &definition).await;
    assert_eq!(
        (changed.status, changed.header("etag")),
        (200, Some("\"1\"")),
        "{}",
        changed.body
    );
    let published = app.authority.published();
    let published = published.iter().next().unwrap();
    assert_eq!(published.response_timeout_ms, 1_000);
    let stale = put(&by, &path, Some("\"0\""), &definition).await;
    assert_eq!(problem(&stale), (412, "changed_meanwhile".to_owned()));
    let listed = by.get(ALL).await.json();
    assert_eq!(listed["items"][0]["definition"], definition);

    let stale = by.call(Method::DELETE, &path).header("if-match", "\"0\"");
    assert_eq!(problem(&stale.send().await).0, 412);
    assert_eq!(by.delete(&path).await.status, 204);
    assert_eq!(app.authority.published().iter().len(), 0);
    for gone in [
        by.get(&path).await,
        by.delete(&path).await,
        put(&by, &path, None, &definition).await,
    ] {
        assert_eq!(problem(&gone), (404, "not_found".to_owned()));
    }

    let told = "SELECT detail FROM audit WHERE action = 'service.changed'";
    let told: Value = serde_json::from_str(&app.database.query(told).await[0]).unwrap();
    assert_eq!(told["before"]["response_timeout_ms"], 30_000);
    assert_eq!(told["after"]["response_timeout_ms"], 1_000);
}

async fn what_cannot_work_is_refused_by_its_key(app: &TestApp) {
    let by = operators(app).await;
    assert_eq!(by.post(ALL, &service("there")).await.status, 201);
    let wrong = |key: &str, value: Value| {
        let mut service = service("new");
        service[key] = value;
        service
    };
    for (body, expected, said) in [
        (
            wrong("name", json!("there")),
            (409, "taken"),
            "choose another name",
        ),
        (
            wrong("prefix", json!("/there")),
            (409, "taken"),
            "both found at /there",
        ),
        (
            wrong("service", json!("NoSuchSDK")),
            (422, "invalid"),
            "the catalogue has no `NoSuchSDK`",
        ),
        (
            wrong("scopes", json!(["no.such"])),
            (422, "invalid"),
            "does not grant `no.such`",
        ),
        (
            wrong("hosts", json!(["a:1"])),
            (422, "invalid"),
            "without a port",
        ),
        (
            wrong("upstreams", json!([])),
            (422, "invalid"),
            "name at least one",
        ),
        (
            wrong("retry", json!(1)),
            (400, "bad_request"),
            "unknown field `retry`",
        ),
        (
            wrong("operations", json!([{"path": "x", "scopes": []}])),
            (400, "bad_request"),
            "write a path such as",
        ),
    ] {
        let refused = by.post(ALL, &body).await;
        let (status, code) = problem(&refused);
        assert_eq!((status, code.as_str()), expected, "{}", refused.body);
        assert!(refused.body.contains(said), "{}", refused.body);
    }
    let renamed = put(&by, &format!("{ALL}/there"), None, &service("new")).await;
    assert_eq!(problem(&renamed), (400, "bad_request".to_owned()));
    let mut moved = service("there");
    assert_eq!(by.post(ALL, &service("other")).await.status, 201);
    moved["prefix"] = json!("/other");
    let clash = put(&by, &format!("{ALL}/there"), None, &moved).await;
    assert_eq!(problem(&clash), (409, "taken".to_owned()));
    assert_eq!(app.authority.published().iter().len(), 2);
}

async fn of_two_at_once_one_wins_and_the_other_is_told(app: &TestApp) {
    let by = operators(app).await;
    let path = format!("{ALL}/cm");
    assert_eq!(by.post(ALL, &service("cm")).await.status, 201);
    let change = async |retries: u32| {
        let mut body = service("cm");
        body["retries"] = json!(retries);
        put(&by, &path, Some("\"0\""), &body).await
    };
    let delete = async || {
        let call = by.call(Method::DELETE, &path).header("if-match", "\"1\"");
        call.send().await
    };

    let (one, other) = tokio::join!(change(2), change(3));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let body = service("cm");
    let again = put(&by, &path, Some("\"1\""), &body);
    let (gone, changed) = tokio::join!(delete(), again);
    let expected: &[(u16, u16)] = &[(204, 404), (204, 412), (412, 200)];
    assert!(
        expected.contains(&(gone.status, changed.status)),
        "{gone:?} {changed:?}"
    );
}

async fn only_the_operator_publishes(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    for refused in [
        ada.get(ALL).await,
        ada.get(&format!("{ALL}/cm")).await,
        ada.post(ALL, &service("cm")).await,
        put(&ada, &format!("{ALL}/cm"), None, &service("cm")).await,
        ada.delete(&format!("{ALL}/cm")).await,
    ] {
        assert_eq!(problem(&refused), (403, "role_too_low".to_owned()));
    }
    assert_eq!(app.authority.published().iter().len(), 0);
}
