//! Resources as documents. Source: spec/aem-integrations.md 8.3.

use countersign_wire::Timestamp;
use serde_json::{Value, json};

use super::address::{href_of_environment, href_of_pipeline, href_of_program, href_of_repository};
use super::execution::{Mode, Progress, steps};
use super::hal::{Links, date, resource, whole_list};
use super::landscape::{
    Environment, Landscape, Pipeline, Program, ProgramType, Repository, Tenant,
};
use super::logs;
use super::view::View;

pub use run::{execution, metrics, step};

mod run;

/// The tenant of an organization.
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

/// A program, with the ways to what is in it.
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

/// A region, which has no page of its own.
pub fn region(program: &Program, name: &str) -> Value {
    let links = Links::of(format!("{}/regions", href_of_program(program)));
    resource(json!({ "name": name }), links)
}

/// A repository.
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

/// An environment, with its author, publish and console where it is of a cloud service.
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

/// The same for all environments.
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

/// A pipeline, `BUSY` while an execution of it runs.
pub fn pipeline(view: &View, program: &Program, pipeline: &Pipeline) -> Value {
    let href = href_of_pipeline(program, pipeline);
    let last = view.executions(pipeline).pop();
    let progress = last
        .as_ref()
        .map(|last| last.at(program, pipeline, view.now));
    let is_busy = progress.as_ref().is_some_and(Progress::is_running);
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

/// The same for all pipelines.
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

fn put_date(members: &mut Value, name: &str, at: Option<Timestamp>) {
    if let Some(at) = at {
        members[name] = date(at).into();
    }
}
