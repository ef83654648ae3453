//! Executions and their steps as documents.

use serde_json::{Value, json};

use super::put_date;
use crate::sample_api::cloud::address::{
    digits_of, href_of_execution, href_of_pipeline, href_of_program, href_of_step, id_of_execution,
    id_of_phase, id_of_step,
};
use crate::sample_api::cloud::execution::{Execution, QUALITY_GATE, Status, StepState};
use crate::sample_api::cloud::hal::{Links, date, resource};
use crate::sample_api::cloud::landscape::{Pipeline, Program};
use crate::sample_api::cloud::view::View;

/// An execution with the states of its steps.
pub fn execution(
    view: &View,
    program: &Program,
    pipeline: &Pipeline,
    execution: &Execution,
) -> Value {
    let progress = execution.at(program, pipeline, view.now);
    let shown = progress
        .steps
        .iter()
        .map(|state| step(program, pipeline, execution, state));
    let mut members = json!({
        "id": id_of_execution(pipeline, execution),
        "programId": program.id,
        "pipelineId": pipeline.id,
        "artifactsVersion": artifacts_version(execution),
        "status": progress.status.as_str(),
        "trigger": if execution.user.is_some() { "MANUAL" } else { "ON_COMMIT" },
        "pipelineExecutionMode": execution.mode.as_str(),
        "pipelineType": "CI_CD",
        "createdAt": date(execution.started_at),
        "updatedAt": date(progress.updated_at),
        "_embedded": { "stepStates": shown.collect::<Vec<_>>() },
    });
    if let Some(user) = &execution.user {
        members["user"] = user.as_str().into();
    }
    put_date(&mut members, "finishedAt", progress.finished_at);
    let links = Links::of(href_of_execution(program, pipeline, execution))
        .to("program", href_of_program(program))
        .to("pipeline", href_of_pipeline(program, pipeline));
    resource(members, links)
}

/// `2019.708.234050.0000001007`: date, time and number.
fn artifacts_version(execution: &Execution) -> String {
    let digits: String = execution
        .started_at
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let (date, time) = (
        digits.get(..8).unwrap_or_default(),
        digits.get(8..14).unwrap_or_default(),
    );
    let (year, day) = date.split_at_checked(4).unwrap_or_default();
    format!(
        "{year}.{}.{time}.{:010}",
        day.trim_start_matches('0'),
        execution.number
    )
}

/// The state of a step.
pub fn step(
    program: &Program,
    pipeline: &Pipeline,
    execution: &Execution,
    state: &StepState,
) -> Value {
    let (href, step) = (
        href_of_step(program, pipeline, execution, &state.step),
        state.step,
    );
    let mut members = json!({
        "id": format!("{}{}", id_of_execution(pipeline, execution), digits_of(&step)),
        "stepId": id_of_step(pipeline, &step),
        "phaseId": id_of_phase(pipeline, step.phase),
        "executionId": id_of_execution(pipeline, execution),
        "pipelineId": pipeline.id,
        "programId": program.id,
        "action": step.action,
        "status": state.status.as_str(),
        "details": {},
    });
    put_date(&mut members, "startedAt", state.started_at);
    put_date(&mut members, "finishedAt", state.finished_at);
    if step.phase > 0 {
        members["branch"] = pipeline.plan.branch.into();
        members["repository"] = json!(
            program
                .repository
                .as_ref()
                .map(|repository| repository.name)
        );
    }
    if let Some(environment) = step
        .environment
        .and_then(|kind| program.environment_of(kind))
    {
        members["environment"] = environment.name.as_str().into();
        members["environmentId"] = environment.id.as_str().into();
        members["environmentType"] = environment.plan.kind.into();
    }
    let mut links = Links::of(&href)
        .to("program", href_of_program(program))
        .to("pipeline", href_of_pipeline(program, pipeline))
        .to("execution", href_of_execution(program, pipeline, execution));
    if metrics(state).is_some() {
        links = links.to("pipeline/metrics", format!("{href}/metrics"));
    }
    resource(members, links)
}

/// What the quality gate measured, once it has.
pub fn metrics(state: &StepState) -> Option<Value> {
    let passed = match state.status {
        Status::Finished => true,
        Status::Failed => false,
        Status::NotStarted | Status::Running => return None,
    };
    let metric = |kpi: &str,
                  severity: &str,
                  comparator: &str,
                  expected: &str,
                  actual: &str,
                  passed: bool| {
        json!({
            "id": kpi,
            "kpi": kpi,
            "severity": severity,
            "comparator": comparator,
            "expectedValue": expected,
            "actualValue": actual,
            "passed": passed,
            "override": false,
        })
    };
    let security = if passed { "A" } else { "D" };
    (state.step.action == QUALITY_GATE).then(|| {
        json!({ "metrics": [
            metric("security_rating", "critical", "LTE", "B", security, passed),
            metric("reliability_rating", "important", "LTE", "C", "A", true),
            metric("coverage", "important", "GTE", "50", "72.4", true),
            metric("skipped_tests", "informational", "LTE", "1", "0", true),
        ] })
    })
}
