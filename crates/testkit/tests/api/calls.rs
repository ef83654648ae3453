//! The management API as programs use it.

use std::collections::HashSet;

use countersign_model::Role;
use countersign_testkit::{TestApp, keys};
use http::Method;
use serde_json::{Value, json};

use crate::caller::{json as with, operators, problem, program};

on_both_engines!(
    a_credential_is_made_and_used,
    a_repeated_creation_is_done_once_and_shows_no_secret,
    thirty_two_at_once_keep_the_limit,
    two_who_change_a_thing_at_once,
    lists_come_in_pages_that_belong_to_them,
    projects_are_found_by_what_is_in_them,
    certificates_are_generated_and_deleted,
    the_activity_log_says_who_did_what,
);

fn new_credential(project: &str) -> Value {
    json!({
        "project_id": project, "name": "Nightly sync", "owner_team": "Data",
        "owner_contact": "data@example.com", "type": "oauth_server_to_server",
        "services": [{"service": "DocCloudSDK"}],
    })
}

async fn a_credential_is_made_and_used(app: &TestApp) {
    let operator = operators(app).await;
    let org = operator
        .post("/organizations", &json!({"name": "Example"}))
        .await;
    assert_eq!(org.status, 201, "{}", org.body);
    let org: countersign_wire::OrgId = org.json()["id"].as_str().unwrap().parse().unwrap();
    let base = format!("/organizations/{org}");
    let bob = program(app, &org, "bob@example.com", Role::Developer).await;
    let project = bob
        .post(&format!("{base}/projects"), &json!({"name": "Demo"}))
        .await;
    assert_eq!(project.header("etag"), Some("\"0\""));
    let id = project.json()["id"].as_str().unwrap().to_owned();

    let made = bob
        .post(&format!("{base}/credentials"), &new_credential(&id))
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.json();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", made["client_id"].as_str().unwrap()),
        ("client_secret", made["client_secret"].as_str().unwrap()),
        ("scope", "openid,DCAPI"),
    ];
    let token = app
        .anonymous()
        .post("/ims/token/v3")
        .form(&form)
        .send()
        .await;
    token.token();

    let path = format!("{base}/credentials/{}", made["id"].as_str().unwrap());
    let shown = bob.get(&path).await;
    assert_eq!(
        shown.json()["technical_account_id"],
        made["technical_account_id"]
    );
    assert!(shown.json().get("client_secret").is_none());
    app.authority.flush().await;
    let usage = bob.get(&format!("{path}/usage")).await.json();
    assert_eq!(usage["uses"][0]["uses"], 1);
    let secrets = bob.get(&format!("{path}/secrets")).await.json();
    let secret = &secrets["items"][0];
    assert!(
        secret["last_used_at"]
            .as_str()
            .unwrap()
            .starts_with("2026-02-01T12:00")
    );
    let last = format!("{path}/secrets/{}", secret["id"].as_str().unwrap());
    assert_eq!(
        problem(&bob.delete(&last).await),
        (409, "confirmation_needed".to_owned())
    );
    assert_eq!(bob.delete(&format!("{last}?force=true")).await.status, 204);
    assert_eq!(
        problem(&bob.delete(&format!("{base}/projects/{id}")).await),
        (409, "in_use".to_owned())
    );
    assert_eq!(bob.delete(&path).await.status, 204);
    assert_eq!(
        bob.delete(&format!("{base}/projects/{id}")).await.status,
        204
    );
    assert_eq!(bob.get(&path).await.status, 404);
}

async fn a_repeated_creation_is_done_once_and_shows_no_secret(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let bob = program(app, &org, "bob@example.com", Role::Developer).await;
    let path = format!("/organizations/{org}/credentials/{}/secrets", client.id);
    let ask = async |key: &str, label: &str| {
        let call = bob.call(Method::POST, &path).header("idempotency-key", key);
        with(call, &json!({"label": label})).send().await
    };
    let first = ask("one", "a").await;
    let secret = first.json()["client_secret"].as_str().unwrap().to_owned();
    let again = ask("one", "a").await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (201, Some("true"))
    );
    assert_eq!(again.json()["id"], first.json()["id"]);
    assert_eq!(again.json()["client_secret"], Value::Null);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(
        problem(&ask("one", "b").await),
        (422, "key_used".to_owned())
    );
    assert_eq!(problem(&ask("bad key", "b").await).0, 400);
    let kept = app
        .database
        .query("SELECT body FROM idempotency_keys")
        .await;
    assert!(!format!("{kept:?}").contains(&secret));

    // What was refused did nothing, and its key is free.
    assert_eq!(ask("two", "").await.status, 422);
    assert_eq!(ask("two", "b").await.status, 201);
    // Somebody else's key is another key.
    let eve = program(app, &org, "eve@example.com", Role::Developer).await;
    let call = eve
        .call(Method::POST, &path)
        .header("idempotency-key", "one");
    let other = with(call, &json!({"label": "c"})).send().await;
    assert!(other.json()["client_secret"].is_string(), "{}", other.body);

    // Sixteen at once with one key: one secret.
    let before = app.database.count("secrets").await;
    let tries = (0..16).map(|_| ask("three", "d"));
    for answer in futures(tries).await {
        assert!([201, 409].contains(&answer.status), "{}", answer.body);
    }
    assert_eq!(app.database.count("secrets").await, before + 1);
}

/// Awaits all at the same time.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        let mut is_ready = true;
        for (future, output) in &mut all {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => is_ready = false,
                }
            }
        }
        match is_ready {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    all.into_iter().filter_map(|(_, output)| output).collect()
}

/// ORG-07: exactly as many as there is room for are made, and each that was shown works.
async fn thirty_two_at_once_keep_the_limit(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let bob = program(app, &org, "bob@example.com", Role::Developer).await;
    let path = format!("/organizations/{org}/credentials/{}/secrets", client.id);
    let tries = (0..32).map(|n| {
        let call = bob.call(Method::POST, &path).faults_expected();
        with(call, &json!({"label": format!("n{n}")})).send()
    });
    let answers = futures(tries).await;
    let made: Vec<_> = answers.iter().filter(|one| one.status == 201).collect();
    assert!(
        answers
            .iter()
            .all(|one| [201, 409, 503].contains(&one.status))
    );
    assert!(made.len() <= 4, "{} beside the first", made.len());
    let live = app.database.count("secrets").await;
    assert_eq!(
        usize::try_from(live).unwrap(),
        made.len() + 1,
        "none is lost, none is extra"
    );
    assert!(made.len() >= 3, "{}", made.len());
    for answer in made {
        let secret = answer.json()["client_secret"].as_str().unwrap().to_owned();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client.client_id.as_str()),
            ("client_secret", &secret),
            ("scope", "openid"),
        ];
        app.anonymous()
            .post("/ims/token/v3")
            .form(&form)
            .send()
            .await
            .token();
    }
}

async fn two_who_change_a_thing_at_once(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let base = format!("/organizations/{org}");
    let credential = format!("{base}/credentials/{}", client.id);
    let project = format!("{base}/projects/{}", client.project_id);
    for (path, name) in [(&base, "name"), (&credential, "name"), (&project, "title")] {
        let tag = ada.get(path).await.header("etag").unwrap().to_owned();
        let ask = async |value: &str| {
            let call = ada.call(Method::PATCH, path).header("if-match", &tag);
            with(call, &json!({name: value})).send().await
        };
        let (one, other) = tokio::join!(ask("First"), ask("Second"));
        let (won, told) = if one.status == 200 {
            (one, other)
        } else {
            (other, one)
        };
        assert_eq!(won.status, 200, "{}", won.body);
        assert_eq!(problem(&told), (412, "changed_meanwhile".to_owned()));
        let now = ada.get(path).await;
        assert_eq!(now.json()[name], won.json()[name]);
        assert_eq!(now.header("etag"), won.header("etag"));
        assert_eq!(ask("Third").await.status, 412);
        assert_eq!(ada.patch(path, &json!({name: "Fourth"})).await.status, 200);
    }
    let nonsense = ada
        .call(Method::PATCH, &project)
        .header("if-match", "W/\"x\"");
    assert_eq!(with(nonsense, &json!({})).send().await.status, 412);
}

async fn lists_come_in_pages_that_belong_to_them(app: &TestApp) {
    let (org, other) = (app.organization().await, app.organization().await);
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let eve = program(app, &other, "eve@example.com", Role::SystemAdministrator).await;
    let path = format!("/organizations/{org}/projects");
    for n in 0..5 {
        let made = ada.post(&path, &json!({"name": format!("p{n}")})).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let made = eve
            .post(
                &format!("/organizations/{other}/projects"),
                &json!({"name": format!("p{n}")}),
            )
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let (mut seen, mut cursors, mut next) = (HashSet::new(), Vec::new(), String::new());
    loop {
        let page = ada.get(&format!("{path}?limit=2{next}")).await.json();
        for item in page["items"].as_array().unwrap() {
            assert!(seen.insert(item["id"].as_str().unwrap().to_owned()));
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        cursors.push(cursor.to_owned());
        next = format!("&cursor={cursor}");
    }
    assert_eq!((seen.len(), cursors.len()), (5, 2));
    let cursor = &cursors[0];
    for wrong in [
        eve.get(&format!("/organizations/{other}/projects?cursor={cursor}"))
            .await,
        ada.get(&format!("/organizations/{org}/credentials?cursor={cursor}"))
            .await,
        ada.get(&format!("{path}?cursor={cursor}x")).await,
        ada.get(&format!("{path}?limit=0")).await,
        ada.get(&format!("{path}?limit=201")).await,
        ada.get(&format!("{path}?nosuch=1")).await,
        ada.get(&format!("{path}?limit=1&limit=2")).await,
    ] {
        assert_eq!(problem(&wrong).0, 400, "{}", wrong.body);
    }
}

async fn projects_are_found_by_what_is_in_them(app: &TestApp) {
    let org = app.organization().await;
    let ada = program(app, &org, "ada@example.com", Role::SystemAdministrator).await;
    let path = format!("/organizations/{org}/projects");
    for (name, title) in [("beta", "50 per cent"), ("alpha", "Zebra")] {
        app.advance(std::time::Duration::from_secs(1));
        let made = ada
            .post(&path, &json!({"name": name, "title": title}))
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
    app.advance(std::time::Duration::from_secs(1));
    let jwt = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let found = async |query: &str| {
        let page = ada.get(&format!("{path}?limit=100&{query}")).await;
        assert_eq!(page.status, 200, "{query}: {}", page.body);
        let names = page.json();
        let names = names["items"].as_array().unwrap().iter();
        names
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let third = found("has_jwt_credential=true").await;
    assert_eq!(third.len(), 1);
    let third = third[0].as_str();
    for (query, expected) in [
        ("", vec!["beta", "alpha", third]),
        ("sort=-created_at", vec![third, "alpha", "beta"]),
        ("search=ZEBRA", vec!["alpha"]),
        ("search=%25", vec![]),
        ("search='--", vec![]),
        ("created_by=ada%40example", vec!["beta", "alpha"]),
        ("service=DocCloudSDK", vec![third]),
        ("service=StockSDK", vec![]),
        ("certificates_expire_within_days=3650", vec![third]),
        ("certificates_expire_within_days=1", vec![]),
        (&format!("search={}", jwt.client_id), vec![third]),
        (&format!("search={}", jwt.project_id), vec![third]),
    ] {
        assert_eq!(found(query).await, expected, "{query}");
    }
    let cursor = ada.get(&format!("{path}?sort=title&limit=1")).await.json();
    let cursor = cursor["next_cursor"].as_str().unwrap();
    let second = ada
        .get(&format!("{path}?sort=title&limit=1&cursor={cursor}"))
        .await;
    assert_eq!(second.json()["items"].as_array().unwrap().len(), 1);
    for wrong in [
        "sort=size",
        "certificates_expire_within_days=-1",
        "has_jwt_credential=maybe",
    ] {
        assert_eq!(
            problem(&ada.get(&format!("{path}?{wrong}")).await).0,
            400,
            "{wrong}"
        );
    }
    let table = ada
        .get(&format!("{path}?sort=title&limit=1&format=csv"))
        .await;
    assert_eq!(
        table.header("content-type"),
        Some("text/csv; charset=utf-8; header=present")
    );
    assert!(
        table
            .body
            .starts_with("\"id\",\"organization_id\",\"name\",\"title\","),
        "{}",
        table.body
    );
    assert!(
        table.body.contains("\"beta\",\"50 per cent\"") && table.header("next-cursor").is_some()
    );
    let other = ada
        .get(&format!("{path}?sort=-title&cursor={cursor}"))
        .await;
    assert_eq!(problem(&other).0, 400, "a cursor belongs to its order");
}

async fn certificates_are_generated_and_deleted(app: &TestApp) {
    let org = app.organization().await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let bob = program(app, &org, "bob@example.com", Role::Developer).await;
    let path = format!(
        "/organizations/{org}/credentials/{}/certificates",
        client.id
    );
    let made = bob.post(&path, &json!({})).await.json();
    assert!(
        made["private_key"]
            .as_str()
            .unwrap()
            .contains("PRIVATE KEY")
    );
    let list = bob.get(&path).await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let html = bob
        .post(&path, &json!({"certificate": "<svg onload=alert(1)>"}))
        .await;
    assert_eq!(problem(&html), (422, "invalid".to_owned()));
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        bob.delete(&format!("{path}/{id}?also_end_tokens=true"))
            .await
            .status,
        204
    );
    assert_eq!(bob.delete(&format!("{path}/{id}")).await.status, 404);

    let migration = format!("/organizations/{org}/credentials/{}/migration", client.id);
    let started = bob.post(&migration, &json!({"step": "start"})).await;
    assert_eq!(started.json()["state"], "started");
    let again = bob.post(&migration, &json!({"step": "start"})).await;
    assert_eq!((again.status, again.json()), (200, started.json()));
    let early = bob.post(&migration, &json!({"step": "finish"})).await;
    assert_eq!(problem(&early), (409, "not_possible_now".to_owned()));
}

async fn the_activity_log_says_who_did_what(app: &TestApp) {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    let bob = program(app, &org, "bob@example.com", Role::Developer).await;
    let base = format!("/organizations/{org}");
    let path = format!("{base}/credentials/{}", client.id);
    app.advance(std::time::Duration::from_secs(1));
    bob.patch(&path, &json!({"name": "After"})).await;
    let log = bob
        .get(&format!("{base}/activity?subject={}&limit=1", client.id))
        .await
        .json();
    let event = &log["items"][0];
    assert_eq!(event["action"], "credential.changed");
    assert!(
        event["actor"]
            .as_str()
            .unwrap()
            .starts_with("person:bob@example.com access-token:")
    );
    assert_eq!(event["source"], "203.0.113.7");
    assert_eq!(event["detail"]["before"]["name"], "Nightly sync");
    assert_eq!(event["detail"]["after"]["name"], "After");
    let none = bob
        .get(&format!("{base}/activity?action=%25'--"))
        .await
        .json();
    assert_eq!(none["items"], json!([]));
}
