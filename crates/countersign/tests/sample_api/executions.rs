//! Starting a pipeline, and watching it.

use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use serde_json::Value;

use crate::place::{ORG, Place};

#[tokio::test]
async fn a_pipeline_that_is_started_runs_and_ends_by_the_clock() {
    let place = Place::new();
    let member = place.member(ORG);
    let pipeline = member.pipeline("Harbour Coffee", "Development").await;
    let current = format!("{pipeline}/execution");
    assert_eq!(member.get(&current).await.status, 404);

    let started = member.send(Method::PUT, &current, "").await;

    assert_eq!(started.status, 201, "{}", started.body);
    let location = started.header("location");
    let execution = started.json();
    assert_eq!(execution["_links"]["self"]["href"], location);
    assert_eq!(execution["status"], "RUNNING");
    assert_eq!(execution["trigger"], "MANUAL");
    assert_eq!(
        execution["user"],
        "0123456789ABCDEF01234567@techacct.adobe.com"
    );
    assert_eq!(execution["createdAt"], "2026-02-01T12:00:00.500+0000");
    assert_eq!(actions(&execution, "RUNNING"), ["validate"]);
    assert_eq!(member.json(&pipeline).await["status"], "BUSY");
    assert_eq!(member.json(&current).await, execution);

    place.clock.advance(Duration::from_secs(30));
    let building = member.json(location).await;
    assert_eq!(actions(&building, "FINISHED"), ["validate", "build"]);
    assert_eq!(actions(&building, "RUNNING"), ["codeQuality"]);
    assert_eq!(actions(&building, "NOT_STARTED"), ["buildImage", "deploy"]);

    place.clock.advance(Duration::from_secs(30));
    let ended = member.json(location).await;
    assert_eq!(ended["status"], "FINISHED");
    assert_eq!(ended["finishedAt"], "2026-02-01T12:01:00.500+0000");
    assert_eq!(member.get(&current).await.status, 404);
    let idle = member.json(&pipeline).await;
    assert_eq!(
        (&idle["status"], &idle["lastFinishedAt"]),
        (&"IDLE".into(), &ended["finishedAt"])
    );
    let history = member.json(&format!("{pipeline}/executions")).await;
    assert_eq!(history["_totalNumberOfItems"], 8);
    assert_eq!(history["_embedded"]["executions"][0], ended);
}

#[tokio::test]
async fn a_pipeline_that_runs_is_busy_until_it_ends() {
    let place = Place::new();
    let member = place.member(ORG);
    let current = format!(
        "{}/execution",
        member.pipeline("Harbour Coffee", "Code Quality").await
    );
    let other = format!(
        "{}/execution",
        member.pipeline("Harbour Coffee", "Development").await
    );

    assert_eq!(member.send(Method::PUT, &current, "").await.status, 201);
    let busy = member.send(Method::PUT, &current, "").await;
    assert_eq!(
        (busy.status, busy.header("content-type")),
        (412, "application/problem+json")
    );
    assert!(
        busy.json()["errors"][0]
            .as_str()
            .unwrap()
            .contains("is busy"),
        "{}",
        busy.body
    );
    assert_eq!(member.send(Method::PUT, &other, "").await.status, 201);

    place.clock.advance(Duration::from_secs(45));
    assert_eq!(member.send(Method::PUT, &current, "").await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_start_a_pipeline_at_once_one_does() {
    let place = Place::new();
    let member = place.member(ORG);
    let current = format!(
        "{}/execution",
        member.pipeline("Harbour Coffee", "Production").await
    );
    let starts = (0..32).map(|_| {
        let (member, current) = (member.clone(), current.clone());
        tokio::spawn(async move { member.send(Method::PUT, &current, "").await.status })
    });
    let statuses: Vec<u16> = join_all(starts)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 412).count(),
        31,
        "{statuses:?}"
    );
}

#[tokio::test]
async fn an_emergency_of_managed_services_skips_the_gates() {
    let place = Place::new();
    let member = place.member(ORG);
    let pipeline = member.pipeline("Intranet", "Intranet Release").await;
    let path = format!("{pipeline}/execution?pipelineExecutionMode=EMERGENCY");
    let execution = member.send(Method::PUT, &path, "").await.json();
    assert_eq!(execution["pipelineExecutionMode"], "EMERGENCY");
    assert_eq!(
        actions(&execution, "NOT_STARTED"),
        ["build", "deploy", "deploy"]
    );
}

/// What the steps in a status do.
fn actions<'a>(execution: &'a Value, status: &str) -> Vec<&'a str> {
    let steps = execution["_embedded"]["stepStates"]
        .as_array()
        .unwrap()
        .iter();
    let steps = steps.filter(|step| step["status"] == status);
    steps.map(|step| step["action"].as_str().unwrap()).collect()
}
