//! Ids of what is inside of pipelines, and the addresses of everything. All ids are decimal digits.

use super::execution::{Execution, Step};
use super::landscape::{Environment, Pipeline, Program, Repository};

/// The pipeline's id and the number of the execution.
pub fn id_of_execution(pipeline: &Pipeline, execution: &Execution) -> String {
    format!("{}{:04}", pipeline.id, execution.number)
}

/// The pipeline's id and the place of the phase.
pub fn id_of_phase(pipeline: &Pipeline, phase: usize) -> String {
    format!("{}{phase:02}", pipeline.id)
}

/// The pipeline's id and the place of the step.
pub fn id_of_step(pipeline: &Pipeline, step: &Step) -> String {
    format!("{}{}", pipeline.id, digits_of(step))
}

/// Two digits each of phase and place in it.
pub fn digits_of(step: &Step) -> String {
    format!("{:02}{:02}", step.phase, step.at)
}

/// `/api/program/{id}`
pub fn href_of_program(program: &Program) -> String {
    format!("/api/program/{}", program.id)
}

/// `…/repository/{id}`
pub fn href_of_repository(program: &Program, repository: &Repository) -> String {
    format!("{}/repository/{}", href_of_program(program), repository.id)
}

/// `…/environment/{id}`
pub fn href_of_environment(program: &Program, environment: &Environment) -> String {
    format!(
        "{}/environment/{}",
        href_of_program(program),
        environment.id
    )
}

/// `…/pipeline/{id}`
pub fn href_of_pipeline(program: &Program, pipeline: &Pipeline) -> String {
    format!("{}/pipeline/{}", href_of_program(program), pipeline.id)
}

/// `…/pipeline/{id}/execution/{id}`
pub fn href_of_execution(program: &Program, pipeline: &Pipeline, execution: &Execution) -> String {
    let id = id_of_execution(pipeline, execution);
    format!("{}/execution/{id}", href_of_pipeline(program, pipeline))
}

/// `…/execution/{id}/phase/{id}/step/{id}`
pub fn href_of_step(
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
