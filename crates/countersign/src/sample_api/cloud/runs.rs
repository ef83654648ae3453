//! The executions that somebody started: all that this API keeps.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use countersign_wire::OrgId;

use super::execution::{Execution, Mode};
use super::landscape::{Pipeline, Program};
use super::problem::Problem;
use super::view::View;

/// Executions of all organizations, in memory.
#[derive(Default)]
pub struct Runs(Mutex<HashMap<OrgId, Started>>);

/// What was started in one organization, by pipeline.
#[derive(Clone, Default)]
pub struct Started(HashMap<String, Vec<Execution>>);

impl Runs {
    /// What was started in an organization.
    #[must_use]
    pub fn of(&self, org: &OrgId) -> Started {
        self.lock().get(org).cloned().unwrap_or_default()
    }

    /// Starts a pipeline that is idle. Of two that start it at once, one does.
    ///
    /// # Errors
    /// [`Problem::Busy`].
    pub fn start(
        &self,
        view: &View,
        program: &Program,
        pipeline: &Pipeline,
        mode: Mode,
    ) -> Result<Execution, Problem> {
        let mut all = self.lock();
        let known = all
            .get(&view.caller.org)
            .map(|started| started.with_past(pipeline));
        let last = known
            .unwrap_or_else(|| Execution::past(pipeline).collect())
            .pop();
        if let Some(last) = &last
            && last.at(program, pipeline, view.now).is_running()
        {
            return Err(Problem::Busy);
        }
        let number = last.map_or(1, |last| last.number.saturating_add(1));
        let execution = Execution::begin(number, view.caller.user.clone(), mode, view.now);
        let started = all.entry(view.caller.org.clone()).or_default();
        started.keep(pipeline, execution.clone());
        Ok(execution)
    }

    /// A panic elsewhere leaves the map as it was before or after a write, never between.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<OrgId, Started>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Started {
    /// All executions of a pipeline, oldest first.
    #[must_use]
    pub fn with_past(&self, pipeline: &Pipeline) -> Vec<Execution> {
        let started = self.0.get(&pipeline.id).into_iter().flatten().cloned();
        Execution::past(pipeline).chain(started).collect()
    }

    fn keep(&mut self, pipeline: &Pipeline, execution: Execution) {
        let kept = self.0.entry(pipeline.id.clone()).or_default();
        if kept.len() >= MOST_KEPT {
            kept.remove(0);
        }
        kept.push(execution);
    }
}

const MOST_KEPT: usize = 100;
