//! Resources as documents. Source: spec/aem-integrations.md 8.3.

use countersign_wire::Timestamp;
use serde_json::{Value, json};

use super::execution::{Execution, Mode, QUALITY_GATE, Status, Step, StepState, steps};
use super::hal::{Links, date, resource, whole_list};
use super::landscape::{
    Environment, Landscape, Pipeline, Program, ProgramType, Repository, Tenant,
};
use super::logs;
use super::view::View;

pub fn tenant(tenant: &Tenant) -> Value {
    let href = format!("/api/tenant/{}", tenant.id);
    let members = json!({
        "id": tenant.id,
        "imsOrgId": tenant.org,
        "imsTenantId": tenant.id,
        "description": "Harbour Coffee and its sites",
        "status": "ready",
        "organisation": { "organizationName": tenant.id, "status": "ready" },
    });
    resource(
        members,
        Links::of(&href).to("programs", format!("{href}/programs")),
    )
}

pub fn program(landscape: &Landscape, program: &Program) -> Value {
    let plan = program.plan;
    let href = href_of_program(program);
    let members = json!({
        "id": program.id,
        "name": plan.name,
        "enabled": plan.status == "ready",
        "tenantId": landscape.tenant.id,
        "imsOrgId": landscape.tenant.org,
        "status": plan.status,
        "type": plan.kind.as_str(),
        "capabilities": { "sandbox": plan.sandbox },
        "createdAt": date(plan.created_at),
        "updatedAt": date(plan.created_at),
    });
    let links = ["pipelines", "environments", "repositories", "regions"]
        .into_iter()
        .fold(Links::of(&href), |links, rel| {
            links.to(rel, format!("{href}/{rel}"))
        });
    resource(
        members,
        links.to("tenant", format!("/api/tenant/{}", landscape.tenant.id)),
    )
}

pub fn region(program: &Program, name: &str) -> Value {
    let links = Links::of(format!("{}/regions", href_of_program(program)));
    resource(json!({ "name": name }), links)
}

pub fn repository(program: &Program, repository: &Repository) -> Value {
    let (parent, href) = (
        href_of_program(program),
        href_of_repository(program, repository),
    );
    let members = json!({
        "id": repository.id,
        "repo": repository.name,
        "description": format!("Source of {}", program.plan.name),
        "repositoryUrl": format!("https://git.example.com/{}/{}", program.id, repository.name),
    });
    let links = Links::of(&href)
        .to("program", parent)
        .to("branches", format!("{href}/branches"));
    resource(members, links)
}

/// The branches that pipelines build.
pub fn branches(program: &Program, repository: &Repository) -> Vec<Value> {
    let mut names: Vec<&str> = program
        .pipelines
        .iter()
        .map(|pipeline| pipeline.plan.branch)
        .collect();
    names.sort_unstable();
    names.dedup();
    let branch = |name| {
        let href = href_of_repository(program, repository);
        let members = json!({
            "programId": program.id,
            "repositoryId": repository.id,
            "name": name,
        });
        let links = Links::of(format!("{href}/branches")).to("program", href_of_program(program));
        resource(members, links.to("repository", href))
    };
    names.into_iter().map(branch).collect()
}

pub fn environment(program: &Program, environment: &Environment) -> Value {
    let plan = environment.plan;
    let href = href_of_environment(program, environment);
    let mut members = json!({
        "id": environment.id,
        "programId": program.id,
        "name": environment.name,
        "description": plan.description,
        "type": plan.kind,
        "status": plan.status,
        "availableLogOptions": logs::OPTIONS
            .map(|(service, name)| json!({ "service": service, "name": name })),
    });
    members["region"] = json!(program.plan.regions.first());
    let mut links = Links::of(&href)
        .to("program", href_of_program(program))
        .to("variables", format!("{href}/variables"))
        .template(
            "logs",
            format!("{href}/logs?service={{service}}&name={{name}}&days={{days}}"),
        );
    let deploys = |pipeline: &&Pipeline| pipeline.plan.deploys_to.contains(&plan.kind);
    if let Some(pipeline) = program.pipelines.iter().find(deploys) {
        links = links.to("pipeline", href_of_pipeline(program, pipeline));
    }
    if program.plan.kind == ProgramType::CloudService {
        let (namespace, cluster) = (
            format!("ns-p{}-e{}", program.id, environment.id),
            "ethos.example.com",
        );
        let host = format!("p{}-e{}.aem.example.com", program.id, environment.id);
        links = links
            .to("author", format!("https://author-{host}"))
            .to("publish", format!("https://publish-{host}"))
            .to(
                "developerConsole",
                format!("https://dev-console-{namespace}.{cluster}/dc/"),
            );
        members["namespace"] = namespace.into();
        members["cluster"] = cluster.into();
    }
    resource(members, links)
}

pub fn environment_variables(program: &Program, environment: &Environment) -> Value {
    let href = href_of_environment(program, environment);
    let items = [
        json!({ "name": "LOG_LEVEL", "value": "info", "type": "string", "service": "author", "status": "ready" }),
        json!({ "name": "SHOP_ENDPOINT", "value": "https://shop.example.com", "type": "string", "status": "ready" }),
        // A secret goes in and never comes out.
        json!({ "name": "SHOP_PASSWORD", "type": "secretString", "status": "ready" }),
    ];
    let links = Links::of(format!("{href}/variables"))
        .to("environment", href)
        .to("program", href_of_program(program));
    whole_list("variables", &items, links)
}

pub fn pipeline(view: &View, program: &Program, pipeline: &Pipeline) -> Value {
    let href = href_of_pipeline(program, pipeline);
    let last = view.executions(pipeline).pop();
    let progress = last
        .as_ref()
        .map(|last| last.at(program, pipeline, view.now));
    let is_busy = progress
        .as_ref()
        .is_some_and(super::execution::Progress::is_running);
    let mut members = json!({
        "id": pipeline.id,
        "programId": program.id,
        "name": pipeline.plan.name,
        "trigger": pipeline.plan.trigger,
        "status": if is_busy { "BUSY" } else { "IDLE" },
        "type": "CI_CD",
        "createdAt": date(program.plan.created_at),
        "updatedAt": date(program.plan.created_at),
        "phases": phases(program, pipeline),
    });
    put_date(
        &mut members,
        "lastStartedAt",
        last.map(|last| last.started_at),
    );
    put_date(
        &mut members,
        "lastFinishedAt",
        progress.and_then(|progress| progress.finished_at),
    );
    let links = Links::of(&href)
        .to("program", href_of_program(program))
        .to("execution", format!("{href}/execution"))
        .to("executions", format!("{href}/executions"))
        .template("execution/id", format!("{href}/execution/{{executionId}}"))
        .to("variables", format!("{href}/variables"));
    resource(members, links)
}

fn phases(program: &Program, pipeline: &Pipeline) -> Vec<Value> {
    let all = steps(program, pipeline, Mode::Normal);
    let phase = |at: usize| {
        let inside = all.iter().filter(|step| step.phase == at);
        let inside: Vec<Value> = inside
            .map(|step| json!({ "name": step.action, "options": {} }))
            .collect();
        let environment = at
            .checked_sub(2)
            .and_then(|at| pipeline.plan.deploys_to.get(at));
        match (at, environment) {
            (0, _) => json!({ "name": "VALIDATE", "type": "VALIDATE", "steps": inside }),
            (_, None) => json!({
                "name": "BUILD",
                "type": "BUILD",
                "repositoryId": program.repository.as_ref().map(|repository| &repository.id),
                "branch": pipeline.plan.branch,
                "steps": inside,
            }),
            (_, Some(kind)) => json!({
                "name": format!("{}_DEPLOY", kind.to_uppercase()),
                "type": "DEPLOY",
                "environmentId": program.environment_of(kind).map(|environment| &environment.id),
                "environmentType": kind,
                "steps": inside,
            }),
        }
    };
    (0..pipeline.plan.deploys_to.len() + 2).map(phase).collect()
}

pub fn pipeline_variables(program: &Program, pipeline: &Pipeline) -> Value {
    let href = href_of_pipeline(program, pipeline);
    let items = [
        json!({ "name": "MAVEN_PROFILE", "value": "release", "type": "string", "status": "ready" }),
        json!({ "name": "NPM_TOKEN", "type": "secretString", "status": "ready" }),
    ];
    let links = Links::of(format!("{href}/variables"))
        .to("pipeline", href)
        .to("program", href_of_program(program));
    whole_list("variables", &items, links)
}

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

fn put_date(members: &mut Value, name: &str, at: Option<Timestamp>) {
    if let Some(at) = at {
        members[name] = date(at).into();
    }
}

pub fn id_of_execution(pipeline: &Pipeline, execution: &Execution) -> String {
    format!("{}{:04}", pipeline.id, execution.number)
}

pub fn id_of_phase(pipeline: &Pipeline, phase: usize) -> String {
    format!("{}{phase:02}", pipeline.id)
}

pub fn id_of_step(pipeline: &Pipeline, step: &Step) -> String {
    format!("{}{}", pipeline.id, digits_of(step))
}

fn digits_of(step: &Step) -> String {
    format!("{:02}{:02}", step.phase, step.at)
}

pub fn href_of_program(program: &Program) -> String {
    format!("/api/program/{}", program.id)
}

fn href_of_repository(program: &Program, repository: &Repository) -> String {
    format!("{}/repository/{}", href_of_program(program), repository.id)
}

pub fn href_of_environment(program: &Program, environment: &Environment) -> String {
    format!(
        "{}/environment/{}",
        href_of_program(program),
        environment.id
    )
}

fn href_of_pipeline(program: &Program, pipeline: &Pipeline) -> String {
    format!("{}/pipeline/{}", href_of_program(program), pipeline.id)
}

pub fn href_of_execution(program: &Program, pipeline: &Pipeline, execution: &Execution) -> String {
    let id = id_of_execution(pipeline, execution);
    format!("{}/execution/{id}", href_of_pipeline(program, pipeline))
}

fn href_of_step(
    program: &Program,
    pipeline: &Pipeline,
    execution: &Execution,
    step: &Step,
) -> String {
    format!(
        "{}/phase/{}/step/{}",
        href_of_execution(program, pipeline, execution),
        id_of_phase(pipeline, step.phase),
        id_of_step(pipeline, step),
    )
}
