//! Two people at two nodes do something to one thing at the same time: one wins, the other one is
//! told, nothing is lost (`spec/security.md` ORG-07).

use countersign_model::Role;
use countersign_testkit::{Answer, TestApp, TestClient, keys};
use http::Method;
use serde_json::{Value, json};

use crate::caller::{Program, json as with, operators, program};

on_both_engines!(
    two_who_edit_one_thing,
    one_edits_what_the_other_deletes,
    two_who_delete_one_thing,
    two_who_rotate_a_secret,
    two_who_rotate_a_certificate,
    two_who_publish_at_one_place,
);

/// Often enough for both orders, and for both at the same instant.
const ROUNDS: usize = 8;

/// A call that must have been made from what was seen.
async fn at(
    by: &Program<'_>,
    method: Method,
    path: &str,
    tag: &str,
    body: Option<&Value>,
) -> Answer {
    let call = by.call(method, path).header("if-match", tag);
    // The database may tell that it was too much at once: that is being told, too.
    let call = call.faults_expected();
    match body {
        Some(body) => with(call, body).send().await,
        None => call.send().await,
    }
}

async fn tag(by: &Program<'_>, path: &str) -> String {
    let shown = by.get(path).await;
    shown.header("etag").expect(path).to_owned()
}

/// One of both, and the other one was told that it came too late.
#[track_caller]
fn winner<'a>(one: &'a Answer, other: &'a Answer, what: &str) -> &'a Answer {
    let (won, told) = match (one.status, other.status) {
        (200..300, 400..) => (one, other),
        (400.., 200..300) => (other, one),
        _ => panic!(
            "{what}: {} and {}: {} {}",
            one.status, other.status, one.body, other.body
        ),
    };
    assert!(
        [404, 409, 412, 503].contains(&told.status),
        "{what}: {}",
        told.body
    );
    won
}

async fn two_who_edit_one_thing(app: &TestApp) {
    let node = app.second_node().await;
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let bob = program(&node, &org, "bob@example.com", Role::SystemAdministrator).await;
    let eve = crate::people::member(app, &org, "eve@example.com", Role::Viewer).await;
    let base = format!("/organizations/{org}");
    let things = [
        (base.clone(), "name", ["First", "Second"]),
        (
            format!("{base}/projects/{}", client.project_id),
            "title",
            ["First", "Second"],
        ),
        (
            format!("{base}/credentials/{}", client.id),
            "name",
            ["First", "Second"],
        ),
        (
            format!("{base}/members/{}", eve.person().id),
            "role",
            ["viewer", "developer"],
        ),
    ];
    for (path, member, [first, second]) in &things {
        for round in 0..ROUNDS {
            let seen = tag(&ada, path).await;
            let (one, other) = (json!({*member: first}), json!({*member: second}));
            let both = tokio::join!(
                at(&ada, Method::PATCH, path, &seen, Some(&one)),
                at(&bob, Method::PATCH, path, &seen, Some(&other)),
            );
            let won = winner(&both.0, &both.1, &format!("{path}, round {round}"));
            for by in [&ada, &bob] {
                let now = by.get(path).await;
                assert_eq!(now.json()[*member], won.json()[*member], "{path}");
                assert_eq!(now.header("etag"), won.header("etag"), "{path}");
            }
        }
    }
    let changes = "SELECT CAST(COUNT(*) AS TEXT) FROM audit WHERE action LIKE '%.changed'";
    let expected = (things.len() * ROUNDS).to_string();
    assert_eq!(
        app.database.query(changes).await,
        [expected],
        "one event for each that won"
    );
}

async fn one_edits_what_the_other_deletes(app: &TestApp) {
    let node = app.second_node().await;
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let bob = program(&node, &org, "bob@example.com", Role::Developer).await;
    for round in 0..ROUNDS {
        let client = app.oauth(&org, &["DocCloudSDK"]).await;
        let path = format!("/organizations/{org}/credentials/{}", client.id);
        let seen = tag(&ada, &path).await;
        let change = json!({"name": "After"});
        let (edited, deleted) = tokio::join!(
            at(&ada, Method::PATCH, &path, &seen, Some(&change)),
            at(&bob, Method::DELETE, &path, &seen, None),
        );
        let what = format!("round {round}");
        let won = winner(&edited, &deleted, &what);
        let is_there = won.status == 200;
        for by in [&ada, &bob] {
            let now = by.get(&path).await;
            assert_eq!(now.status, if is_there { 200 } else { 404 }, "{what}");
            assert!(!is_there || now.json()["name"] == "After", "{what}");
        }
        for caller in [app.anonymous(), node.anonymous()] {
            // What is deleted gives no token; a node that did not do it hears within a second.
            let gives = async || caller.token(&client, "openid").await.status == 200;
            assert!(soon(async || gives().await == is_there).await, "{what}");
        }
    }
}

async fn two_who_delete_one_thing(app: &TestApp) {
    let node = app.second_node().await;
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let bob = program(&node, &org, "bob@example.com", Role::Developer).await;
    for round in 0..ROUNDS {
        let client = app.oauth(&org, &["DocCloudSDK"]).await;
        let base = format!("/organizations/{org}");
        let credential = format!("{base}/credentials/{}", client.id);
        for path in [
            &credential,
            &format!("{base}/projects/{}", client.project_id),
        ] {
            let seen = tag(&ada, path).await;
            let (one, other) = tokio::join!(
                at(&ada, Method::DELETE, path, &seen, None),
                at(&bob, Method::DELETE, path, &seen, None),
            );
            winner(&one, &other, &format!("{path}, round {round}"));
            assert_eq!(
                (ada.get(path).await.status, bob.get(path).await.status),
                (404, 404)
            );
        }
    }
    let deleted = "SELECT CAST(COUNT(*) AS TEXT) FROM audit WHERE action LIKE '%.deleted'";
    assert_eq!(
        app.database.query(deleted).await,
        [(2 * ROUNDS).to_string()]
    );
}

/// Both add a new secret and then delete the old one: each new secret that was shown works, and
/// the old one is deleted once.
async fn two_who_rotate_a_secret(app: &TestApp) {
    let node = app.second_node().await;
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let bob = program(&node, &org, "bob@example.com", Role::Developer).await;
    for round in 0..ROUNDS {
        let client = app.oauth(&org, &["DocCloudSDK"]).await;
        let path = format!("/organizations/{org}/credentials/{}", client.id);
        let add = async |by: &Program<'_>| {
            let call = by.call(Method::POST, &format!("{path}/secrets"));
            with(call, &json!({"label": "new"})).send().await
        };
        let (one, other) = tokio::join!(add(&ada), add(&bob));
        assert_eq!(
            (one.status, other.status),
            (201, 201),
            "{} {}",
            one.body,
            other.body
        );

        let old = format!("{path}/secrets/{}", client.secret_id);
        let seen = tag(&bob, &path).await;
        let both = tokio::join!(
            at(&ada, Method::DELETE, &old, &seen, None),
            at(&bob, Method::DELETE, &old, &seen, None),
        );
        winner(&both.0, &both.1, &format!("round {round}"));

        let listed = ada.get(&format!("{path}/secrets")).await.json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed}");
        for caller in [app.anonymous(), node.anonymous()] {
            for made in [&one, &other] {
                let new = TestClient {
                    secret: made.json()["client_secret"].as_str().unwrap().to_owned(),
                    ..client.clone()
                };
                let works = async || caller.token(&new, "openid").await.status == 200;
                assert!(soon(works).await, "a secret that was shown works");
            }
            let is_refused = async || caller.token(&client, "openid").await.status == 400;
            assert!(soon(is_refused).await, "the old one does not");
        }
    }
}

async fn two_who_rotate_a_certificate(app: &TestApp) {
    let node = app.second_node().await;
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let bob = program(&node, &org, "bob@example.com", Role::Developer).await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let path = format!("/organizations/{org}/credentials/{}", client.id);
    let add = async |by: &Program<'_>| {
        let call = by.call(Method::POST, &format!("{path}/certificates"));
        with(call, &json!({})).send().await
    };
    let (one, other) = tokio::join!(add(&ada), add(&bob));
    assert_eq!(
        (one.status, other.status),
        (201, 201),
        "{} {}",
        one.body,
        other.body
    );

    let old = client.certificate_id.clone().unwrap();
    let old = format!("{path}/certificates/{old}");
    let seen = tag(&ada, &path).await;
    let both = tokio::join!(
        at(&ada, Method::DELETE, &old, &seen, None),
        at(&bob, Method::DELETE, &old, &seen, None),
    );
    winner(&both.0, &both.1, "certificate");
    let listed = bob.get(&format!("{path}/certificates")).await.json();
    let left: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["id"])
        .collect();
    let (one, other) = (one.json(), other.json());
    assert!(left.len() == 2 && left.contains(&&one["id"]) && left.contains(&&other["id"]));
}

async fn two_who_publish_at_one_place(app: &TestApp) {
    let node = app.second_node().await;
    let (ada, bob) = (operators(app).await, operators(&node).await);
    let service = |name: &str| {
        json!({
            "name": name, "service": "DocCloudSDK", "prefix": "/here",
            "upstreams": ["http://127.0.0.1:9"],
        })
    };
    for round in 0..ROUNDS {
        let publish = async |by: &Program<'_>, name: &str| {
            let call = by
                .call(Method::POST, "/published-services")
                .faults_expected();
            with(call, &service(name)).send().await
        };
        let (one, other) = tokio::join!(publish(&ada, "one"), publish(&bob, "other"));
        let won = winner(&one, &other, &format!("round {round}")).json();
        let name = won["name"].as_str().unwrap();
        for by in [app, &node as &countersign_testkit::app::Node] {
            let is_there = async || {
                let published = by.authority.published();
                published.iter().map(|one| one.name.as_str()).eq([name])
            };
            assert!(soon(is_there).await, "round {round}");
        }
        let gone = ada.delete(&format!("/published-services/{name}")).await;
        assert_eq!(gone.status, 204, "{}", gone.body);
    }
}

/// Whether it becomes so within the time that a change may take to the other node.
async fn soon(is_so: impl AsyncFn() -> bool) -> bool {
    let asked = async {
        while !is_so().await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let reach = std::time::Duration::from_secs(2);
    tokio::time::timeout(reach, asked).await.is_ok()
}
