//! The Cloud Manager API: programs, environments, pipelines, executions.
//!
//! Source: spec/aem-integrations.md section 8. Nothing here deploys anything: what an organization
//! has follows from its id (`landscape.rs`), how far an execution is follows from the time
//! (`execution.rs`), and only what was started is kept (`runs.rs`).

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use super::SampleApi;
use hal::{Links, List, whole_list};
use problem::Problem;
use view::{Ids, View};

mod address;
mod execution;
mod hal;
mod landscape;
mod logs;
mod problem;
mod represent;
pub(super) mod runs;
mod view;

/// The scope that every operation asks for.
pub(super) const SCOPE: &str = "read_pc.dma_aem_ams";

/// Everything under `/api`.
pub(super) fn routes() -> Router<Arc<SampleApi>> {
    let of_program = |rest: &str| format!("/api/program/{{program}}{rest}");
    let of_repository = |rest: &str| of_program(&format!("/repository/{{repository}}{rest}"));
    let of_environment = |rest: &str| of_program(&format!("/environment/{{environment}}{rest}"));
    let of_pipeline = |rest: &str| of_program(&format!("/pipeline/{{pipeline}}{rest}"));
    let of_step = |rest: &str| {
        of_pipeline(&format!(
            "/execution/{{execution}}/phase/{{phase}}/step/{{step}}{rest}"
        ))
    };
    Router::new()
        .route("/api/programs", get(programs))
        .route("/api/tenants", get(tenants))
        .route("/api/tenant/{tenant}", get(tenant))
        .route("/api/tenant/{tenant}/programs", get(programs_of_tenant))
        .route(&of_program(""), get(program))
        .route(&of_program("/regions"), get(regions))
        .route(&of_program("/repositories"), get(repositories))
        .route(&of_repository(""), get(repository))
        .route(&of_repository("/branches"), get(branches))
        .route(&of_program("/environments"), get(environments))
        .route(&of_environment(""), get(environment))
        .route(&of_environment("/variables"), get(environment_variables))
        .route(&of_environment("/logs"), get(logs::list))
        .route(&of_environment("/logs/download"), get(logs::download))
        .route(&of_program("/pipelines"), get(pipelines))
        .route(&of_pipeline(""), get(pipeline))
        .route(&of_pipeline("/variables"), get(pipeline_variables))
        .route(&of_pipeline("/executions"), get(executions))
        .route(
            &of_pipeline("/execution"),
            get(current_execution).put(start_execution),
        )
        .route(&of_pipeline("/execution/{execution}"), get(execution_by_id))
        .route(&of_step(""), get(step))
        .route(&of_step("/metrics"), get(metrics))
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
}

/// What no route is for.
pub(super) async fn nothing_here() -> Problem {
    Problem::NotFound("Resource")
}

/// A HAL document. Source: spec/aem-integrations.md 8.1, "Media".
struct Hal(Value);

impl IntoResponse for Hal {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, json)], self.0.to_string()).into_response()
    }
}

type Answer = Result<Hal, Problem>;

async fn programs(view: View) -> Answer {
    let programs = view.landscape.programs.iter();
    let items = programs.map(|program| represent::program(&view.landscape, program));
    list(&view, "programs", "name", "", items.collect())
}

async fn tenants(view: View) -> Answer {
    let tenant = represent::tenant(&view.landscape.tenant);
    Ok(Hal(whole_list("tenants", &[tenant], Links::of(&view.path))))
}

async fn tenant(view: View, Ids([tenant]): Ids<1>) -> Answer {
    view.must_be_tenant(&tenant)?;
    Ok(Hal(represent::tenant(&view.landscape.tenant)))
}

async fn programs_of_tenant(view: View, Ids([tenant]): Ids<1>) -> Answer {
    view.must_be_tenant(&tenant)?;
    programs(view).await
}

async fn program(view: View, Ids([program]): Ids<1>) -> Answer {
    let program = view.program(&program)?;
    Ok(Hal(represent::program(&view.landscape, program)))
}

async fn regions(view: View, Ids([program]): Ids<1>) -> Answer {
    let program = view.program(&program)?;
    let items = program
        .plan
        .regions
        .iter()
        .map(|name| represent::region(program, name));
    let links = Links::of(&view.path).to("program", address::href_of_program(program));
    Ok(Hal(whole_list(
        "regions",
        &items.collect::<Vec<_>>(),
        links,
    )))
}

async fn repositories(view: View, Ids([program]): Ids<1>) -> Answer {
    let program = view.program(&program)?;
    let items = program
        .repository
        .iter()
        .map(|found| represent::repository(program, found));
    list(&view, "repositories", "repo", "", items.collect())
}

async fn repository(view: View, Ids([program, repository]): Ids<2>) -> Answer {
    let program = view.program(&program)?;
    let found = view.repository(program, &repository)?;
    Ok(Hal(represent::repository(program, found)))
}

async fn branches(view: View, Ids([program, repository]): Ids<2>) -> Answer {
    let program = view.program(&program)?;
    let found = view.repository(program, &repository)?;
    let items = represent::branches(program, found);
    Ok(Hal(whole_list("branches", &items, Links::of(&view.path))))
}

async fn environments(view: View, Ids([program]): Ids<1>) -> Answer {
    let program = view.program(&program)?;
    let kind = view
        .one_of("type", &["dev", "stage", "prod", "rde", "preprod"])?
        .unwrap_or("");
    let found = program.environments.iter();
    let found = found.filter(|environment| kind.is_empty() || environment.plan.kind == kind);
    let items = found.map(|environment| represent::environment(program, environment));
    list(&view, "environments", "name", kind, items.collect())
}

async fn environment(view: View, Ids([program, environment]): Ids<2>) -> Answer {
    let program = view.program(&program)?;
    let environment = view.environment(program, &environment)?;
    Ok(Hal(represent::environment(program, environment)))
}

async fn environment_variables(view: View, Ids([program, environment]): Ids<2>) -> Answer {
    let program = view.program(&program)?;
    let environment = view.environment(program, &environment)?;
    Ok(Hal(represent::environment_variables(program, environment)))
}

async fn pipelines(view: View, Ids([program]): Ids<1>) -> Answer {
    let program = view.program(&program)?;
    let kind = view
        .one_of("type", &["CI_CD", "CODE_GENERATOR"])?
        .unwrap_or("");
    // All of ours are of the one type.
    let found = program
        .pipelines
        .iter()
        .filter(|_| kind != "CODE_GENERATOR");
    let items = found.map(|pipeline| represent::pipeline(&view, program, pipeline));
    list(&view, "pipelines", "name", kind, items.collect())
}

async fn pipeline(view: View, Ids([program, pipeline]): Ids<2>) -> Answer {
    let program = view.program(&program)?;
    let pipeline = view.pipeline(program, &pipeline)?;
    Ok(Hal(represent::pipeline(&view, program, pipeline)))
}

async fn pipeline_variables(view: View, Ids([program, pipeline]): Ids<2>) -> Answer {
    let program = view.program(&program)?;
    let pipeline = view.pipeline(program, &pipeline)?;
    Ok(Hal(represent::pipeline_variables(program, pipeline)))
}

async fn executions(view: View, Ids([program, pipeline]): Ids<2>) -> Answer {
    let program = view.program(&program)?;
    let pipeline = view.pipeline(program, &pipeline)?;
    let newest_first = view.executions(pipeline).into_iter().rev();
    let items = newest_first.map(|found| represent::execution(&view, program, pipeline, &found));
    list(&view, "executions", "createdAt", "", items.collect())
}

async fn current_execution(view: View, Ids([program, pipeline]): Ids<2>) -> Answer {
    let program = view.program(&program)?;
    let pipeline = view.pipeline(program, &pipeline)?;
    let current = view.current_execution(program, pipeline);
    let current = current.ok_or(Problem::NotFound("Current execution"))?;
    Ok(Hal(represent::execution(
        &view, program, pipeline, &current,
    )))
}

async fn start_execution(
    State(api): State<Arc<SampleApi>>,
    view: View,
    Ids([program, pipeline]): Ids<2>,
) -> Result<impl IntoResponse, Problem> {
    let program = view.program(&program)?;
    let pipeline = view.pipeline(program, &pipeline)?;
    let mode = view.mode(program)?;
    let execution = api.runs.start(&view, program, pipeline, mode)?;
    let document = represent::execution(&view, program, pipeline, &execution);
    let location = address::href_of_execution(program, pipeline, &execution);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Hal(document),
    ))
}

async fn execution_by_id(view: View, Ids([program, pipeline, execution]): Ids<3>) -> Answer {
    let program = view.program(&program)?;
    let pipeline = view.pipeline(program, &pipeline)?;
    let execution = view.execution(pipeline, &execution)?;
    Ok(Hal(represent::execution(
        &view, program, pipeline, &execution,
    )))
}

async fn step(view: View, Ids(ids): Ids<5>) -> Answer {
    view.step(&ids, represent::step).map(Hal)
}

async fn metrics(view: View, Ids(ids): Ids<5>) -> Answer {
    let found = view.step(&ids, |_, _, _, state| represent::metrics(state))?;
    found
        .map(Hal)
        .ok_or(Problem::NotFound("Metrics of this step"))
}

/// The page of a list that the query asks for.
fn list(
    view: &View,
    name: &'static str,
    order: &'static str,
    kind: &str,
    items: Vec<Value>,
) -> Answer {
    // Source: spec/aem-integrations.md 8.2; of pipelines 500, of the rest 20.
    let usual = if name == "pipelines" { 500 } else { 20 };
    let list = List {
        path: &view.path,
        name,
        order,
        kind,
    };
    Ok(Hal(list.page(view.page(usual)?, items)))
}
