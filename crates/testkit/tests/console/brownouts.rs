//! Brown-outs on pages: planned, shown, and ended by whoever has the link.

use std::time::Duration;

use countersign_model::Role;
use countersign_testkit::app::operator;
use countersign_testkit::{Answer, Assertion, TestApp, TestClient, keys};

use crate::pages::{must_not_say, must_say, page_of, setup, text_of};

async fn exchange(app: &TestApp, client: &TestClient, consumer: &str) -> Answer {
    let assertion = Assertion::of(client, app.now()).sign();
    let call = app.anonymous().post("/ims/exchange/jwt");
    let call = call.form(&client.exchange_form(&assertion));
    let answer = call.header("x-consumer", consumer).send().await;
    app.authority.flush().await;
    answer
}

async fn start(app: &TestApp, client: &TestClient) {
    let by = operator();
    app.authority
        .start_migration(&client.id, &by)
        .await
        .unwrap();
}

const NOW: [(&str, &str); 6] = [
    ("minutes", "10"),
    ("repeat", "once"),
    ("times", "1"),
    ("share", "100"),
    ("allowed", "3"),
    ("name", "Tuesday"),
];

fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<_> = NOW
        .into_iter()
        .filter(|(other, _)| *other != name)
        .collect();
    fields.push((name, value));
    fields
}

#[tokio::test]
async fn a_brown_out_is_planned_looked_at_and_ended_by_its_link() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let page = format!("{}/migration", page_of(&projects, &client));
    let plan = format!("{page}/brown-out");
    must_not_say(&ada.get(&page).await, &["Plan a brown-out"]);
    must_say(&ada.get(&plan).await, &["start its migration first"]);
    start(&app, &client).await;
    exchange(&app, &client, "nightly").await.token();
    must_say(&ada.get(&page).await, &["Plan a brown-out"]);
    must_say(&ada.get(&plan).await, &["nightly at 203.0.113.0/24"]);
    for (name, value, told) in [
        ("at", "soon", "Write a time in UTC"),
        ("at", "2020-01-01T00:00", "has passed"),
        ("minutes", "", "Choose how long"),
        ("minutes", "1441", "at most a day"),
        ("repeat", "daily", "2 to 100"),
        ("share", "none", "Choose which exchanges"),
        ("share", "callers", "names 1 to 20 callers"),
        ("allowed", "0", "may fail before it is aborted"),
        ("allowed", "many", "Write a number"),
    ] {
        let refused = ada.post(&plan, &with(name, value)).await;
        assert_eq!(refused.status, 422, "{name}={value}: {}", refused.body);
        must_say(&refused, &[told]);
    }

    let planned = ada.post(&plan, &NOW).await;

    assert_eq!(planned.status, 200, "{}", planned.body);
    let link = text_of(&planned, "link");
    let path = link.split_once("/console").unwrap().1;
    let path = format!("/console{path}");
    let code = link.rsplit('=').next().unwrap();
    assert_eq!(exchange(&app, &client, "nightly").await.status, 400);
    let again = ada.post(&plan, &NOW).await;
    assert_eq!(again.status, 303, "{}", again.body);
    let own = again.header("location").unwrap().to_owned();
    let shown = ada.get(&own).await;
    must_say(
        &shown,
        &[
            "Tuesday",
            "Running",
            "nightly at 203.0.113.0/24",
            "once",
            "not seen since",
            "End it",
        ],
    );
    must_say(&ada.get(&page).await, &["Tuesday", "Running"]);
    let list = own.rsplit_once('/').unwrap().0;
    must_say(&ada.get(list).await, &["Tuesday", "Running"]);
    let viewer = app.person(&org, "v@example.com", Role::Viewer).await;
    must_not_say(&viewer.get(&own).await, &["End it"]);
    assert_eq!(viewer.get(&plan).await.status, 403);
    let undo = format!("{own}/undo");
    assert_eq!(viewer.post(&undo, &[]).await.status, 403);

    // Whoever has the link, and nobody who has another one.
    let nobody = app.anonymous();
    let seen = nobody.get(&path).send().await;
    assert_eq!(seen.status, 200, "{}", seen.body);
    must_say(
        &seen,
        &["Tuesday", "Nightly sync", "Running", "End the brown-out"],
    );
    assert_eq!(
        exchange(&app, &client, "nightly").await.status,
        400,
        "looking ends nothing"
    );
    for wrong in ["/console/brown-out", "/console/brown-out?code=x"] {
        assert_eq!(nobody.get(wrong).send().await.status, 404);
    }
    let guessed = nobody.post("/console/brown-out").form(&[("code", "x")]);
    assert_eq!(guessed.send().await.status, 404);
    let foreign = nobody.post("/console/brown-out").form(&[("code", code)]);
    let foreign = foreign.header("sec-fetch-site", "cross-site").send().await;
    assert_eq!(foreign.status, 403, "{}", foreign.body);
    assert_eq!(exchange(&app, &client, "nightly").await.status, 400);
    let ended = nobody.post("/console/brown-out").form(&[("code", code)]);
    let ended = ended.send().await;
    assert_eq!(ended.status, 200, "{}", ended.body);
    must_say(
        &ended,
        &["Ended", "There is nothing to end", "by its undo link"],
    );
    app.advance(Duration::from_secs(60));
    exchange(&app, &client, "nightly").await.token();
    must_say(
        &ada.get(&own).await,
        &["by its undo link", "uses JWT again"],
    );
    let who =
        "SELECT actor || ' ' || COALESCE(source, '') FROM audit WHERE action = 'brownout.undone'";
    assert_eq!(app.database.query(who).await, ["link:undo 203.0.113.7"]);
}

#[tokio::test]
async fn named_callers_are_planned_and_a_brown_out_is_ended_on_its_page() {
    let app = TestApp::new().await;
    let (org, ada, projects) = setup(&app).await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    start(&app, &client).await;
    for consumer in ["nightly", "weekly"] {
        exchange(&app, &client, consumer).await.token();
    }
    let plan = format!("{}/migration/brown-out", page_of(&projects, &client));
    let form = ada.get(&plan).await;
    let box_of = |who: &str| {
        let values = form.body.split("name=\"callers\" value=\"").skip(1);
        let mut values = values.map(|rest| rest.split('"').next().unwrap().to_owned());
        values.find(|value| value.contains(who)).unwrap()
    };
    let nightly = box_of("nightly");
    let mut fields = with("share", "callers");
    fields.push(("callers", &nightly));

    let planned = ada.post(&plan, &fields).await;

    assert_eq!(planned.status, 200, "{}", planned.body);
    assert_eq!(exchange(&app, &client, "nightly").await.status, 400);
    exchange(&app, &client, "weekly").await.token();
    let own = planned.body.split("/brown-outs/").nth(1).unwrap();
    let own = own.split('"').next().unwrap();
    let number = projects.rsplit('/').next().unwrap();
    let own = format!("/console/organizations/{number}/brown-outs/{own}");
    must_say(
        &ada.get(&own).await,
        &["exchanges of nightly", "Was not refused", "weekly at"],
    );
    let ended = ada.post(&format!("{own}/undo"), &[]).await;
    assert_eq!(ended.status, 303, "{}", ended.body);
    exchange(&app, &client, "nightly").await.token();
    must_say(&ada.get(&own).await, &["person:ada@example.com ended it"]);
    let csv = ada
        .get(&format!("/console/organizations/{number}/activity"))
        .await;
    must_say(&csv, &["brownout.planned", "brownout.undone"]);
}
