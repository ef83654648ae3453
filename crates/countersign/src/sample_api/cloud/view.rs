//! One call: who asks, when, for which part of the landscape.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use countersign_wire::Timestamp;
use http::request::Parts;
use url::form_urlencoded;

use super::SCOPE;
use super::address;
use super::execution::{Execution, Mode, StepState};
use super::hal::Page;
use super::landscape::{Environment, Landscape, Pipeline, Program, ProgramType, Repository};
use super::problem::Problem;
use super::runs::Started;
use crate::sample_api::SampleApi;
use crate::sample_api::caller::Caller;

/// What the caller may see, at the moment of the call: never more than its own organization's.
pub struct View {
    /// Who asks.
    pub caller: Caller,
    /// What its organization has.
    pub landscape: Landscape,
    /// When it asks.
    pub now: Timestamp,
    /// The path that it asked for.
    pub path: String,
    started: Started,
    query: Vec<(String, String)>,
}

impl FromRequestParts<Arc<SampleApi>> for View {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<SampleApi>) -> Result<Self, Problem> {
        let caller = Caller::read(&parts.headers)?;
        if !caller.has(SCOPE) {
            return Err(Problem::MissingScope);
        }
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            landscape: Landscape::of(&caller.org),
            now: api.clock.now(),
            path: parts.uri.path().to_owned(),
            started: api.runs.of(&caller.org),
            query: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            caller,
        })
    }
}

impl View {
    /// Refuses every tenant but the caller's.
    pub fn must_be_tenant(&self, id: &str) -> Result<(), Problem> {
        match self.landscape.tenant.id == id {
            true => Ok(()),
            false => Err(Problem::NotFound("Tenant")),
        }
    }

    /// The program of that id.
    pub fn program(&self, id: &str) -> Result<&Program, Problem> {
        self.landscape
            .program(id)
            .ok_or(Problem::NotFound("Program"))
    }

    /// The pipeline of that id.
    pub fn pipeline<'a>(&self, program: &'a Program, id: &str) -> Result<&'a Pipeline, Problem> {
        program.pipeline(id).ok_or(Problem::NotFound("Pipeline"))
    }

    /// The environment of that id.
    pub fn environment<'a>(
        &self,
        program: &'a Program,
        id: &str,
    ) -> Result<&'a Environment, Problem> {
        program
            .environment(id)
            .ok_or(Problem::NotFound("Environment"))
    }

    /// The repository of that id.
    pub fn repository<'a>(
        &self,
        program: &'a Program,
        id: &str,
    ) -> Result<&'a Repository, Problem> {
        let found = program.repository.as_ref().filter(|found| found.id == id);
        found.ok_or(Problem::NotFound("Repository"))
    }

    /// All executions of a pipeline, oldest first.
    pub fn executions(&self, pipeline: &Pipeline) -> Vec<Execution> {
        self.started.with_past(pipeline)
    }

    /// The execution of that id.
    pub fn execution(&self, pipeline: &Pipeline, id: &str) -> Result<Execution, Problem> {
        let mut all = self.executions(pipeline).into_iter();
        let found = all.find(|execution| address::id_of_execution(pipeline, execution) == id);
        found.ok_or(Problem::NotFound("Execution"))
    }

    /// The execution that runs now, if one does.
    pub fn current_execution(&self, program: &Program, pipeline: &Pipeline) -> Option<Execution> {
        let last = self.executions(pipeline).pop()?;
        last.at(program, pipeline, self.now)
            .is_running()
            .then_some(last)
    }

    /// What `show` makes of the step that program, pipeline, execution, phase and step name.
    pub fn step<T>(
        &self,
        [program, pipeline, execution, phase, step]: &[String; 5],
        show: impl Fn(&Program, &Pipeline, &Execution, &StepState) -> T,
    ) -> Result<T, Problem> {
        let program = self.program(program)?;
        let pipeline = self.pipeline(program, pipeline)?;
        let execution = self.execution(pipeline, execution)?;
        let progress = execution.at(program, pipeline, self.now);
        let found = progress.steps.iter().find(|state| {
            address::id_of_phase(pipeline, state.step.phase) == *phase
                && address::id_of_step(pipeline, &state.step) == *step
        });
        let found = found.ok_or(Problem::NotFound("Step"))?;
        Ok(show(program, pipeline, &execution, found))
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// A parameter that is one of a few words.
    pub fn one_of(
        &self,
        name: &'static str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, Problem> {
        let Some(asked) = self.parameter(name).filter(|asked| !asked.is_empty()) else {
            return Ok(None);
        };
        match words.iter().find(|word| **word == asked) {
            Some(word) => Ok(Some(word)),
            None => Err(Problem::InvalidParameter {
                name,
                reason: "value is not one of the known ones",
            }),
        }
    }

    /// `start` and `limit`.
    pub fn page(&self, usual_limit: usize) -> Result<Page, Problem> {
        let number = |name, usual| match self.parameter(name) {
            None => Ok(usual),
            Some(text) => text.parse().map_err(|_| Problem::InvalidParameter {
                name,
                reason: "value must be a number that is not negative",
            }),
        };
        let page = Page {
            start: number("start", 0)?,
            limit: number("limit", usual_limit)?,
        };
        match page.limit {
            1..=MOST_ITEMS => Ok(page),
            _ => Err(Problem::InvalidParameter {
                name: "limit",
                reason: "value must be from 1 to 500",
            }),
        }
    }

    /// `pipelineExecutionMode`.
    pub fn mode(&self, program: &Program) -> Result<Mode, Problem> {
        match self.one_of("pipelineExecutionMode", &["NORMAL", "EMERGENCY"])? {
            Some("EMERGENCY") if program.plan.kind == ProgramType::ManagedServices => {
                Ok(Mode::Emergency)
            }
            Some("EMERGENCY") => Err(Problem::NoEmergency),
            _ => Ok(Mode::Normal),
        }
    }
}

/// The variable parts of the path, in its order.
pub struct Ids<const N: usize>(pub [String; N]);

impl<const N: usize, S: Send + Sync> FromRequestParts<S> for Ids<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = Problem::NotFound("Resource");
        let Ok(params) = RawPathParams::from_request_parts(parts, state).await else {
            return Err(not_found);
        };
        let values: Vec<String> = params.iter().map(|(_, value)| value.to_owned()).collect();
        values.try_into().map(Self).map_err(|_| not_found)
    }
}

const MOST_ITEMS: usize = 500;
