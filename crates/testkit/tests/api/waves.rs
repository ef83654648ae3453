//! Waves of a migration, and steps for many credentials, over the management API.

use std::time::Duration;

use countersign_model::{Origin, Role};
use countersign_testkit::app::operator;
use countersign_testkit::{Assertion, TestApp, TestClient, keys};
use countersign_wire::OrgId;
use http::Method;
use serde_json::{Value, json};

use crate::caller::{Program, json as with, problem, program};

on_both_engines!(
    a_wave_is_made_changed_and_taken_away,
    what_cannot_be_a_wave_is_refused,
    credentials_come_into_a_wave_by_name,
    credentials_come_into_a_wave_by_the_filters_of_the_board,
    a_wave_says_what_is_next_and_what_is_late,
    a_step_is_taken_with_those_that_can_and_refused_for_the_others,
    two_people_plan_one_wave_at_once,
);

const DAY: Duration = Duration::from_secs(86_400);

fn waves(org: &OrgId) -> String {
    format!("/organizations/{org}/migration/waves")
}

async fn bob<'a>(app: &'a TestApp, org: &OrgId) -> Program<'a> {
    program(app, org, "bob@example.com", Role::Developer).await
}

async fn credential(app: &TestApp, org: &OrgId, team: &str, origin: Origin) -> TestClient {
    let grant = app.jwt_grant(keys::first());
    let mut new = app.new_credential(org, grant, &["DocCloudSDK"]).await;
    team.clone_into(&mut new.owner.team);
    new.origin = origin;
    app.create(new, Some(keys::first())).await
}

/// One of another organization.
async fn foreign(app: &TestApp) -> TestClient {
    let elsewhere = app.organization().await;
    app.jwt(&elsewhere, &["DocCloudSDK"], keys::second()).await
}

async fn credentials<const N: usize>(app: &TestApp, org: &OrgId) -> [TestClient; N] {
    let mut all = Vec::new();
    for _ in 0..N {
        all.push(credential(app, org, "billing", Origin::Console).await);
    }
    all.try_into().ok().unwrap()
}

fn ids(clients: &[TestClient]) -> Value {
    clients.iter().map(|one| json!(one.id)).collect()
}

#[track_caller]
fn ok(answer: &countersign_testkit::Answer) -> Value {
    assert!((200..300).contains(&answer.status), "{}", answer.body);
    answer.json()
}

/// What the activity log has of something, by the alphabet: the clock of tests stands still.
async fn actions(app: &TestApp, subject: &str) -> Vec<String> {
    let text = format!("SELECT action FROM audit WHERE subject = '{subject}'");
    let mut all = app.database.query(&text).await;
    all.retain(|action| !action.ends_with(".created") || action.starts_with("wave"));
    all.sort_unstable();
    all
}

async fn a_wave_is_made_changed_and_taken_away(app: &TestApp) {
    let org = app.organization().await;
    let bob = bob(app, &org).await;
    let [client] = credentials(app, &org).await;
    let path = format!("{}/First.1", waves(&org));
    let new = json!({
        "name": "First.1", "note": " the easy ones ", "start_on": "2026-03-01",
        "disable_on": "2026-04-01T12:00:00Z",
    });
    let made = bob.post(&waves(&org), &new).await;
    assert_eq!(
        (made.status, made.header("etag"), made.header("location")),
        (201, Some("\"0\""), Some(&*format!("/api/v1{path}")))
    );
    let made = made.json();
    assert_eq!(made["note"], "the easy ones");
    assert_eq!(made["start_on"], "2026-03-01T00:00:00Z");
    assert_eq!(made["next_step"], "fill");
    let by = made["created_by"].as_str().unwrap();
    assert!(by.starts_with("person:bob@example.com"), "{by}");
    assert_eq!(bob.get(&path).await.json(), made);
    assert_eq!(
        problem(&bob.post(&waves(&org), &new).await),
        (409, "taken".to_owned())
    );

    let change = json!({"note": "", "start_on": null});
    let changed = bob.patch(&path, &change).await;
    assert_eq!(changed.header("etag"), Some("\"1\""));
    assert_eq!(changed.json()["start_on"], Value::Null);
    assert_eq!(changed.json()["disable_on"], "2026-04-01T12:00:00Z");
    let same = bob.patch(&path, &change).await;
    assert_eq!(same.header("etag"), Some("\"1\""), "nothing changed");

    let plan = json!({"change": "add", "credentials": [client.id]});
    ok(&bob.post(&format!("{path}/credentials"), &plan).await);
    let delete = |tag: &'static str| {
        bob.call(Method::DELETE, &path)
            .header("if-match", tag)
            .send()
    };
    assert_eq!(delete("\"0\"").await.status, 412);
    assert_eq!(delete("\"1\"").await.status, 204);
    assert_eq!(problem(&bob.get(&path).await).0, 404);
    assert_eq!(
        actions(app, "First.1").await,
        ["wave.changed", "wave.created", "wave.deleted"]
    );
    // Its credential is as it was, and can be planned again.
    assert_eq!(
        actions(app, client.id.as_str()).await,
        ["migration.planned"]
    );
    let board = format!("/organizations/{org}/migration/board?planned=false");
    assert_eq!(
        ok(&bob.get(&board).await)["items"][0]["migration"],
        "not_started"
    );
}

async fn what_cannot_be_a_wave_is_refused(app: &TestApp) {
    let org = app.organization().await;
    let bob = bob(app, &org).await;
    let long = "x".repeat(501);
    for (body, status) in [
        (json!({"name": ""}), 400),
        (json!({"name": "-a"}), 400),
        (json!({"name": "a b"}), 400),
        (json!({"name": "x".repeat(41)}), 400),
        (json!({"name": "a", "start_on": "soon"}), 400),
        (json!({"name": "a", "note": long}), 422),
        (
            json!({"name": "a", "start_on": "2026-03-02", "disable_on": "2026-03-01"}),
            422,
        ),
    ] {
        let refused = bob.post(&waves(&org), &body).await;
        assert_eq!(problem(&refused).0, status, "{body}: {}", refused.body);
    }
    ok(&bob
        .post(
            &waves(&org),
            &json!({"name": "a", "start_on": "2026-03-02"}),
        )
        .await);
    let path = format!("{}/a", waves(&org));
    let refused = bob.patch(&path, &json!({"disable_on": "2026-03-01"})).await;
    assert!(refused.body.contains("2026-03-02"), "{}", refused.body);
    let many: Vec<_> = (0..501).map(|n| n.to_string()).collect();
    for body in [
        json!({"change": "add"}),
        json!({"change": "add", "credentials": [], "found": {}}),
        json!({"change": "add", "credentials": [], "cursor": "x"}),
        json!({"change": "add", "credentials": many}),
        json!({"change": "add", "found": {}, "cursor": "x"}),
        json!({"change": "add", "found": {"duty": "maybe"}}),
    ] {
        let refused = bob.post(&format!("{path}/credentials"), &body).await;
        assert_eq!(problem(&refused).0, 400, "{body}");
    }
    for query in ["wave=a%20b", "planned=true", "planned=false&wave=a"] {
        let board = format!("/organizations/{org}/migration/board?{query}");
        assert_eq!(problem(&bob.get(&board).await).0, 400, "{query}");
    }
    let steps = format!("/organizations/{org}/migration/steps");
    for body in [
        json!({"step": "start", "credentials": many}),
        json!({"step": "start", "credentials": [], "end_tokens": true}),
        json!({"step": "begin", "credentials": []}),
        json!({"step": "start", "credentials": ["x"]}),
    ] {
        assert_eq!(problem(&bob.post(&steps, &body).await).0, 400, "{body}");
    }
}

async fn credentials_come_into_a_wave_by_name(app: &TestApp) {
    let org = app.organization().await;
    let bob = bob(app, &org).await;
    let [first, second, third] = credentials(app, &org).await;
    let oauth = app.oauth(&org, &["DocCloudSDK"]).await;
    let theirs = foreign(app).await;
    for name in ["one", "two"] {
        ok(&bob.post(&waves(&org), &json!({"name": name})).await);
    }
    let plan = async |wave: &str, change: &str, ids: Value| {
        let path = format!("{}/{wave}/credentials", waves(&org));
        let body = json!({"change": change, "credentials": ids});
        ok(&bob.post(&path, &body).await)
    };
    let done = plan(
        "one",
        "add",
        json!([first.id, second.id, first.id, oauth.id, theirs.id, "7"]),
    )
    .await;
    assert_eq!(
        (&done["changed"], &done["unchanged"]),
        (&json!(2), &json!(0))
    );
    let mut unknown = [oauth.id.to_string(), theirs.id.to_string(), "7".to_owned()];
    unknown.sort_unstable();
    assert_eq!(done["unknown"], json!(unknown));
    let again = plan("one", "add", json!([first.id, third.id])).await;
    assert_eq!(
        (&again["changed"], &again["unchanged"]),
        (&json!(1), &json!(1))
    );
    // By name, it comes out of the wave that it was in.
    plan("two", "add", json!([second.id])).await;
    let board = async |wave: &str| {
        let path = format!("/organizations/{org}/migration/board?wave={wave}");
        let lines = ok(&bob.get(&path).await)["items"].clone();
        let lines = lines.as_array().unwrap().iter();
        let mut ids: Vec<_> = lines
            .map(|line| {
                assert_eq!(line["wave"], wave);
                line["id"].as_str().unwrap().to_owned()
            })
            .collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(board("two").await, [second.id.as_str()]);
    assert_eq!(board("one").await.len(), 2);
    assert_eq!(board("three").await.len(), 0);
    let out = plan("one", "remove", json!([second.id, third.id])).await;
    assert_eq!((&out["changed"], &out["unchanged"]), (&json!(1), &json!(1)));
    assert_eq!(board("two").await.len(), 1, "it is not in the first one");
    assert_eq!(
        actions(app, third.id.as_str()).await,
        ["migration.planned", "migration.unplanned"]
    );
    let listed = ok(&bob.get(&waves(&org)).await);
    let counts: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["credentials"])
        .collect();
    assert_eq!(counts, [1, 1]);
}

async fn credentials_come_into_a_wave_by_the_filters_of_the_board(app: &TestApp) {
    let org = app.organization().await;
    let bob = bob(app, &org).await;
    let [first, second, third] = credentials(app, &org).await;
    credential(app, &org, "press", Origin::Console).await;
    credential(app, &org, "billing", Origin::AemDeveloperConsole).await;
    credential(app, &org, "billing", Origin::AutoGenerated).await;
    for name in ["one", "two"] {
        ok(&bob.post(&waves(&org), &json!({"name": name})).await);
    }
    let plan = async |wave: &str, body: Value| {
        let path = format!("{}/{wave}/credentials", waves(&org));
        ok(&bob.post(&path, &body).await)
    };
    plan("two", json!({"change": "add", "credentials": [third.id]})).await;
    let found = json!({"change": "add", "found": {"owner_team": "billing"}});
    let done = plan("one", found.clone()).await;
    // Another's, the platform's and AEM's own are left alone.
    assert_eq!((&done["changed"], &done["skipped"]), (&json!(2), &json!(3)));
    assert_eq!(done["next_cursor"], Value::Null);
    let again = plan("one", found).await;
    assert_eq!(
        (&again["changed"], &again["unchanged"]),
        (&json!(0), &json!(2))
    );
    app.authority
        .start_migration(&first.id, &operator())
        .await
        .unwrap();
    let started = json!({"change": "remove", "found": {"migration": "started"}});
    assert_eq!(plan("one", started).await["changed"], 1);
    let board = format!("/organizations/{org}/migration/board?wave=one");
    let left = bob.get(&board).await.json();
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    assert_eq!(left["items"][0]["id"], json!(second.id));
}

async fn a_wave_says_what_is_next_and_what_is_late(app: &TestApp) {
    let org = app.organization().await;
    let [first, second] = credentials(app, &org).await;
    let wave = async || {
        // Tokens live for a day, and days pass here.
        let by = crate::caller::operators(app).await;
        let found = by.get(&format!("{}/one", waves(&org))).await.json();
        ["next_step", "late"].map(|name| found[name].clone())
    };
    {
        let bob = bob(app, &org).await;
        let (start, disable) = (app.now().plus(2 * DAY), app.now().plus(200 * DAY));
        let new = json!({
            "name": "one", "start_on": start.to_string(), "disable_on": disable.to_string(),
        });
        ok(&bob.post(&waves(&org), &new).await);
        let plan = json!({"change": "add", "credentials": [first.id, second.id]});
        ok(&bob
            .post(&format!("{}/one/credentials", waves(&org)), &plan)
            .await);
    }
    assert_eq!(wave().await, [json!("start"), Value::Null]);
    app.advance(3 * DAY);
    let [next, late] = wave().await;
    assert_eq!(
        (&next, &late["step"], &late["credentials"]),
        (&json!("start"), &json!("start"), &json!(2))
    );
    for client in [&first, &second] {
        app.authority
            .start_migration(&client.id, &operator())
            .await
            .unwrap();
    }
    assert_eq!(wave().await, [json!("disable"), Value::Null]);
    app.advance(200 * DAY);
    assert_eq!(wave().await[1]["step"], "disable");
    app.disable_jwt_half(&first).await;
    app.disable_jwt_half(&second).await;
    assert_eq!(wave().await, [json!("finish"), Value::Null]);
    // Nothing happened because of the dates alone.
    let by_itself =
        "SELECT action FROM audit WHERE actor = 'schedule' AND action LIKE 'migration.%'";
    assert_eq!(app.database.query(by_itself).await, [""; 0]);
}

async fn a_step_is_taken_with_those_that_can_and_refused_for_the_others(app: &TestApp) {
    let org = app.organization().await;
    let bob = bob(app, &org).await;
    let [idle, used] = credentials(app, &org).await;
    let oauth = app.oauth(&org, &["DocCloudSDK"]).await;
    let theirs = foreign(app).await;
    let steps = format!("/organizations/{org}/migration/steps");
    let take = async |step: &str, ids: Value| {
        let answer = ok(&bob
            .post(&steps, &json!({"step": step, "credentials": ids}))
            .await);
        let results = answer["results"].as_array().unwrap().iter();
        let told = results.map(|one| {
            let problem = one["problem"]["type"].as_str().unwrap_or_default();
            let code = problem.rsplit(':').next().unwrap().to_owned();
            (one["outcome"].as_str().unwrap().to_owned(), code)
        });
        told.collect::<Vec<_>>()
    };
    let told = |outcome: &str, code: &str| (outcome.to_owned(), code.to_owned());
    let both = ids(&[idle.clone(), used.clone()]);
    let done = take("start", both.clone()).await;
    assert_eq!(done, [told("done", ""), told("done", "")]);
    let again = take("start", json!([idle.id, idle.id, oauth.id, theirs.id, "7"])).await;
    assert_eq!(
        again,
        [
            told("unchanged", ""),
            told("unchanged", ""),
            told("refused", "not_possible_now"),
            told("refused", "not_found"),
            told("refused", "not_found"),
        ]
    );
    assert_eq!(actions(app, idle.id.as_str()).await, ["migration.started"]);

    // Nobody was seen for long enough to say so; a while later one of them is safe.
    let refused = take("disable", both.clone()).await;
    assert_eq!(
        refused,
        [told("refused", "not_safe"), told("refused", "not_safe")]
    );
    app.advance(200 * DAY);
    let assertion = Assertion::of(&used, app.now()).sign();
    app.anonymous().exchange(&used, &assertion).await;
    let later = program(app, &org, "later@example.com", Role::Developer).await;
    let body = json!({"step": "disable", "credentials": both, "end_tokens": true});
    let answer = ok(&later.post(&steps, &body).await);
    let (safe, not) = (&answer["results"][0], &answer["results"][1]);
    assert_eq!(
        (&safe["outcome"], &safe["state"]),
        (&json!("done"), &json!("disabled"))
    );
    assert!(safe["quarantined_until"].is_string(), "{safe}");
    assert_eq!(
        (&not["outcome"], &not["state"]),
        (&json!("refused"), &json!("started"))
    );
    assert_eq!(not["name"], "Nightly sync", "{not}");

    // By the authority, with what a filter finds: only those that the step is next for.
    let filter = countersign_authority::BoardFilter::default();
    let found = app
        .authority
        .take_found_steps(
            &org,
            (&filter, None),
            countersign_model::Step::Restore,
            &operator(),
        )
        .await
        .unwrap();
    let outcomes: Vec<_> = found
        .0
        .iter()
        .map(|one| format!("{:?}", one.outcome))
        .collect();
    let mut outcomes: Vec<_> = outcomes.iter().map(String::as_str).collect();
    outcomes.sort_unstable();
    assert_eq!((outcomes, found.1), (vec!["Done", "Unchanged"], None));
    let states = "SELECT grants FROM credentials WHERE grants <> 'oauth'";
    let mut states = app.database.query(states).await;
    states.sort_unstable();
    assert_eq!(states, ["jwt", "jwt_paired", "jwt_paired"]);
}

async fn two_people_plan_one_wave_at_once(app: &TestApp) {
    const ROUNDS: usize = 6;
    let node = app.second_node().await;
    let org = app.organization().await;
    let all: [TestClient; 8] = credentials(app, &org).await;
    let ada = program(app, &org, "ada@example.com", Role::Developer).await;
    let bob = program(&node, &org, "bob@example.com", Role::Developer).await;
    for round in 0..ROUNDS {
        let name = format!("round{round}");
        let path = format!("{}/{name}", waves(&org));
        let make = |by: &Program<'_>| {
            let call = by.call(Method::POST, &waves(&org)).faults_expected();
            with(call, &json!({"name": name})).send()
        };
        let made = tokio::join!(make(&ada), make(&bob));
        let mut statuses = [made.0.status, made.1.status];
        statuses.sort_unstable();
        assert!(
            statuses[0] == 201 && [409, 503].contains(&statuses[1]),
            "{statuses:?}"
        );

        // Both fill it with some of the same: each is in it once.
        let fill = |by: &Program<'_>, some: &[TestClient]| {
            let call = by
                .call(Method::POST, &format!("{path}/credentials"))
                .faults_expected();
            with(call, &json!({"change": "add", "credentials": ids(some)})).send()
        };
        let (one, other) = tokio::join!(fill(&ada, &all[..6]), fill(&bob, &all[2..]));
        assert!([200, 503].contains(&one.status) && [200, 503].contains(&other.status));
        for (by, some) in [(&ada, &all[..6]), (&bob, &all[2..])] {
            assert_eq!(fill(by, some).await.status, 200);
        }
        assert_eq!(ok(&ada.get(&path).await)["credentials"], 8);

        // One fills it while the other one takes it away: afterwards nothing is in it.
        let away = bob
            .call(Method::DELETE, &path)
            .header("if-match", "\"0\"")
            .faults_expected()
            .send();
        let (filled, gone) = tokio::join!(fill(&ada, &all), away);
        assert!([200, 404, 503].contains(&filled.status), "{}", filled.body);
        assert!([204, 409, 503].contains(&gone.status), "{}", gone.body);
        let gone = match gone.status {
            204 => 204,
            _ => bob.delete(&path).await.status,
        };
        assert_eq!(gone, 204);
        assert_eq!(app.database.count("wave_credentials").await, 0);
    }
}
