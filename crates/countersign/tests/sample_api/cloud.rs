//! Documents and refusals of the Cloud Manager API.

use countersign_testkit::app::START;
use http::Method;
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::place::{ORG, OTHER_ORG, Place};

#[tokio::test]
async fn every_document_has_the_shape_of_the_original() {
    let place = Place::new();
    let member = place.member(ORG);
    let program = member.program("Harbour Coffee").await;
    let pipeline = member.pipeline("Harbour Coffee", "Production").await;
    let environment = format!(
        "{program}/environment/{}03",
        &program["/api/program/".len()..]
    );
    let repository = format!(
        "{program}/repository/{}91",
        &program["/api/program/".len()..]
    );
    let tenants = member.json("/api/tenants").await;
    let tenant = tenants["_embedded"]["tenants"][0]["_links"]["self"]["href"]
        .as_str()
        .unwrap();
    let execution = format!(
        "{pipeline}/execution/{}0003",
        pipeline.rsplit('/').next().unwrap()
    );
    let execution_document = member.json(&execution).await;
    let step = &execution_document["_embedded"]["stepStates"][2]["_links"]["self"]["href"];
    let step = step.as_str().unwrap();

    let documents = [
        ("programs", "/api/programs".to_owned()),
        ("program", program.clone()),
        ("tenants", "/api/tenants".to_owned()),
        ("tenant", tenant.to_owned()),
        ("programs_of_tenant", format!("{tenant}/programs?limit=1")),
        ("regions", format!("{program}/regions")),
        ("repositories", format!("{program}/repositories")),
        ("repository", repository.clone()),
        ("branches", format!("{repository}/branches")),
        ("environments", format!("{program}/environments?type=dev")),
        ("environment", environment.clone()),
        ("environment_variables", format!("{environment}/variables")),
        (
            "logs",
            format!("{environment}/logs?service=author&name=aemerror&days=2"),
        ),
        ("pipelines", format!("{program}/pipelines")),
        ("pipeline", pipeline.clone()),
        ("pipeline_variables", format!("{pipeline}/variables")),
        (
            "executions",
            format!("{pipeline}/executions?start=2&limit=1"),
        ),
        ("execution_that_failed", execution.clone()),
        ("step", step.to_owned()),
        ("metrics", format!("{step}/metrics")),
    ];
    for (name, path) in documents {
        let answer = member.get(&path).await;
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_json_snapshot!(name, answer.json());
    }
}

#[tokio::test]
async fn logs_have_lines_up_to_now() {
    let place = Place::new();
    let member = place.member(ORG);
    let program = member.program("Harbour Coffee").await;
    let environments = member.json(&format!("{program}/environments")).await;
    let environment = &environments["_embedded"]["environments"][0];
    let logs = environment["_links"]["http://ns.adobe.com/adobecloud/rel/logs"]["href"]
        .as_str()
        .unwrap();
    let logs = logs
        .replace("{service}", "publish")
        .replace("{name}", "aemaccess")
        .replace("{days}", "2");

    let listed = member.json(&logs).await;
    let rel = "http://ns.adobe.com/adobecloud/rel/logs/download";
    let today = listed["_embedded"]["downloads"][0]["_links"][rel]["href"]
        .as_str()
        .unwrap();
    let yesterday = listed["_embedded"]["downloads"][1]["_links"][rel]["href"]
        .as_str()
        .unwrap();

    assert!(
        today.ends_with(&format!("date={}", START.date())),
        "{today}"
    );
    assert_eq!(member.get(today).await.body.lines().count(), 13);
    assert_eq!(member.get(yesterday).await.body.lines().count(), 25);
}

#[tokio::test]
async fn refusals_have_the_shapes_of_the_backend() {
    let place = Place::new();
    let member = place.member(ORG);
    let program = member.program("Harbour Coffee").await;
    let pipeline = member.pipeline("Harbour Coffee", "Code Quality").await;
    let error = "http://ns.adobe.com/adobecloud/error";
    let invalid = |name: &str, reason: &str| {
        json!({
            "type": error, "title": "Validation failed", "status": 400,
            "missingParams": [], "invalidParams": [{ "name": name, "reason": reason }],
        })
    };
    let not_found = |what: &str| json!({ "type": error, "title": "Not Found", "status": 404, "errors": [format!("{what} not found")] });
    let environment = format!(
        "{program}/environment/{}01",
        &program["/api/program/".len()..]
    );
    let cases: Vec<(Method, String, Value)> = vec![
        (
            Method::GET,
            "/api/program/1".to_owned(),
            not_found("Program"),
        ),
        (
            Method::GET,
            format!("{program}/pipeline/1"),
            not_found("Pipeline"),
        ),
        (
            Method::PUT,
            format!("{program}/pipeline/1/execution"),
            not_found("Pipeline"),
        ),
        (
            Method::GET,
            format!("{program}/environment/1"),
            not_found("Environment"),
        ),
        (
            Method::GET,
            format!("{program}/repository/1"),
            not_found("Repository"),
        ),
        (
            Method::GET,
            format!("{pipeline}/execution"),
            not_found("Current execution"),
        ),
        (
            Method::GET,
            format!("{pipeline}/execution/1"),
            not_found("Execution"),
        ),
        (
            Method::GET,
            "/api/tenant/foreign".to_owned(),
            not_found("Tenant"),
        ),
        (
            Method::GET,
            "/api/nothing".to_owned(),
            not_found("Resource"),
        ),
        (
            Method::DELETE,
            program.clone(),
            json!({ "type": error, "title": "Method Not Allowed", "status": 405, "errors": ["This path has other methods"] }),
        ),
        (
            Method::GET,
            format!("{program}/pipelines?limit=0"),
            invalid("limit", "value must be from 1 to 500"),
        ),
        (
            Method::GET,
            "/api/programs?start=-1".to_owned(),
            invalid("start", "value must be a number that is not negative"),
        ),
        (
            Method::GET,
            format!("{program}/environments?type=moon"),
            invalid("type", "value is not one of the known ones"),
        ),
        (
            Method::PUT,
            format!("{pipeline}/execution?pipelineExecutionMode=SOON"),
            invalid(
                "pipelineExecutionMode",
                "value is not one of the known ones",
            ),
        ),
        (
            Method::PUT,
            format!("{pipeline}/execution?pipelineExecutionMode=EMERGENCY"),
            json!({
                "type": "http://ns.adobe.com/adobecloud/validation-exception",
                "title": "Constraint Violations",
                "status": 400,
                "errors": { "pipelineExecutionMode": {
                    "field": "pipelineExecutionMode",
                    "code": "NotAllowed",
                    "message": "is for programs of managed services only",
                    "invalidValue": "EMERGENCY",
                } },
            }),
        ),
        (
            Method::GET,
            format!("{environment}/logs?service=author"),
            json!({
                "type": error, "title": "Validation failed", "status": 400, "invalidParams": [],
                "missingParams": [
                    { "name": "name", "type": "string" },
                    { "name": "days", "type": "string" },
                ],
            }),
        ),
        (
            Method::GET,
            format!("{environment}/logs?service=author&name=aemerror&days=8"),
            invalid("days", "value must be from 1 to 7"),
        ),
        (
            Method::GET,
            format!("{environment}/logs/download?service=author&name=aemerror&date=soon"),
            invalid("date", "value must be a date such as 2026-02-01"),
        ),
        (
            Method::GET,
            format!("{environment}/logs?service=moon&name=aemerror&days=1"),
            invalid(
                "name",
                "the environment has no such log: see its availableLogOptions",
            ),
        ),
    ];
    for (method, path, body) in cases {
        let answer = member.send(method, &path, "").await;
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
        assert_eq!(u64::from(answer.status), body["status"], "{path}");
        assert_eq!(answer.json(), body, "{path}");
    }
}

#[tokio::test]
async fn pages_show_every_execution_once_and_the_newest_first() {
    let place = Place::new();
    let member = place.member(ORG);
    let pipeline = member.pipeline("Harbour Coffee", "Production").await;
    let mut seen = Vec::new();
    let mut next = Some(format!("{pipeline}/executions"));
    while let Some(path) = next {
        let page = member.json(&path).await;
        assert_eq!(page["_totalNumberOfItems"], 25);
        let executions = page["_embedded"]["executions"].as_array().unwrap();
        assert!(executions.len() <= 20, "20 is the usual limit");
        seen.extend(
            executions
                .iter()
                .map(|one| one["createdAt"].as_str().unwrap().to_owned()),
        );
        next = page["_links"]["next"]["href"].as_str().map(str::to_owned);
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    sorted.reverse();
    assert_eq!((seen.len(), seen), (25, sorted));
}

#[tokio::test]
async fn what_another_organization_has_is_not_there() {
    let place = Place::new();
    let (member, stranger) = (place.member(ORG), place.member(OTHER_ORG));
    let program = member.program("Harbour Coffee").await;
    let pipeline = member.pipeline("Harbour Coffee", "Production").await;
    let started = member
        .send(Method::PUT, &format!("{pipeline}/execution"), "")
        .await;
    let tenant = member.json("/api/tenants").await["_embedded"]["tenants"][0]["id"].clone();
    let tenant = format!("/api/tenant/{}", tenant.as_str().unwrap());

    for path in [
        program.clone(),
        format!("{program}/pipelines"),
        format!("{program}/environments"),
        pipeline.clone(),
        format!("{pipeline}/execution"),
        format!("{pipeline}/executions"),
        started.header("location").to_owned(),
        tenant.clone(),
        format!("{tenant}/programs"),
    ] {
        let (own, foreign) = (member.get(&path).await, stranger.get(&path).await);
        let nowhere = stranger
            .get(&path.replace(|c: char| c.is_ascii_digit(), "9"))
            .await;
        assert_eq!((own.status, foreign.status), (200, 404), "{path}");
        assert_eq!(
            foreign.body, nowhere.body,
            "{path}: what is foreign looks like what is not there"
        );
    }
    assert_eq!(
        stranger
            .send(Method::PUT, &format!("{pipeline}/execution"), "")
            .await
            .status,
        404
    );
    let own = stranger.pipeline("Harbour Coffee", "Production").await;
    assert_eq!(stranger.json(&own).await["status"], "IDLE");
}
