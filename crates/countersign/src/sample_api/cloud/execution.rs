//! Executions of pipelines, as a function of when they were started and what time it is.

use std::time::Duration;

use countersign_wire::Timestamp;

use super::landscape::{Pipeline, Program, ProgramType};

/// A run of a pipeline.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Execution {
    /// Counts the executions of one pipeline, from 1 on.
    pub number: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// Who started it; nobody, where a commit did.
    pub user: Option<String>,
    /// Whether steps were skipped.
    pub mode: Mode,
    fails: bool,
}

/// Member `pipelineExecutionMode`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// All steps.
    Normal,
    /// Without the quality gates; for managed services only.
    Emergency,
}

impl Mode {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::Emergency => "EMERGENCY",
        }
    }
}

/// What a step or an execution has come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Waits for its turn.
    NotStarted,
    /// Now.
    Running,
    /// All went well.
    Finished,
    /// A quality gate was not passed.
    Failed,
}

impl Status {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "NOT_STARTED",
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
        }
    }
}

/// A step of a pipeline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step {
    /// Position of its phase among the pipeline's phases.
    pub phase: usize,
    /// Position in its phase.
    pub at: usize,
    /// `build`, `deploy` and the like.
    pub action: &'static str,
    /// Type of the environment that it works on.
    pub environment: Option<&'static str>,
    seconds: u64,
}

/// A step of one execution, at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StepState {
    /// Which step.
    pub step: Step,
    /// What it has come to.
    pub status: Status,
    /// When it began, if it has.
    pub started_at: Option<Timestamp>,
    /// When it ended, if it has.
    pub finished_at: Option<Timestamp>,
}

/// An execution at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Progress {
    /// What it has come to.
    pub status: Status,
    /// When the status last changed.
    pub updated_at: Timestamp,
    /// When it ended, if it has.
    pub finished_at: Option<Timestamp>,
    /// All steps in their order.
    pub steps: Vec<StepState>,
}

impl Execution {
    /// One that somebody starts now.
    #[must_use]
    pub fn begin(number: u32, user: String, mode: Mode, now: Timestamp) -> Self {
        Self {
            number,
            started_at: now,
            user: Some(user),
            mode,
            fails: false,
        }
    }

    /// What happened before anybody called, oldest first.
    pub fn past(pipeline: &Pipeline) -> impl Iterator<Item = Self> {
        let plan = pipeline.plan;
        (1..=plan.past).map(move |number| Self {
            number,
            started_at: FIRST.plus(BETWEEN * number),
            user: (plan.trigger == "MANUAL").then(|| PAST_USER.to_owned()),
            mode: Mode::Normal,
            fails: number % 5 == 3,
        })
    }

    /// How far it is.
    #[must_use]
    pub fn at(&self, program: &Program, pipeline: &Pipeline, now: Timestamp) -> Progress {
        let mut progress = Progress {
            status: Status::Finished,
            updated_at: self.started_at,
            finished_at: None,
            steps: Vec::new(),
        };
        let mut begins = self.started_at;
        for step in steps(program, pipeline, self.mode) {
            let state = self.step_at(step, begins, progress.status, now);
            progress.updated_at = state
                .finished_at
                .or(state.started_at)
                .unwrap_or(progress.updated_at);
            begins = begins.plus(Duration::from_secs(step.seconds));
            if state.status != Status::NotStarted {
                progress.status = state.status;
            }
            progress.steps.push(state);
        }
        progress.finished_at = (progress.status != Status::Running).then_some(progress.updated_at);
        progress
    }

    fn step_at(&self, step: Step, begins: Timestamp, before: Status, now: Timestamp) -> StepState {
        let ends = begins.plus(Duration::from_secs(step.seconds));
        // The first step has begun, also when the clock was set back since.
        let waits = before != Status::Finished || (now < begins && begins != self.started_at);
        let status = match (waits, now >= ends) {
            (true, _) => Status::NotStarted,
            (false, false) => Status::Running,
            (false, true) if self.fails && step.action == QUALITY_GATE => Status::Failed,
            (false, true) => Status::Finished,
        };
        StepState {
            step,
            status,
            started_at: (!waits).then_some(begins),
            finished_at: (!waits && now >= ends).then_some(ends),
        }
    }
}

impl Progress {
    /// Whether the pipeline is busy with it.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status == Status::Running
    }
}

/// The steps of a pipeline, phase by phase. Times are short enough to watch.
#[must_use]
pub fn steps(program: &Program, pipeline: &Pipeline, mode: Mode) -> Vec<Step> {
    let mut steps = vec![
        step(0, 0, "validate", 3),
        step(1, 0, "build", 20),
        step(1, 1, QUALITY_GATE, 12),
    ];
    if program.plan.kind == ProgramType::CloudService {
        steps.push(step(1, 2, "buildImage", 10));
    }
    for (phase, environment) in (2..).zip(pipeline.plan.deploys_to) {
        let on_environment = |step| Step {
            environment: Some(environment),
            ..step
        };
        steps.push(on_environment(step(phase, 0, "deploy", 15)));
        if *environment == "stage" {
            steps.push(on_environment(step(phase, 1, "securityTest", 8)));
            steps.push(on_environment(step(phase, 2, "loadTest", 8)));
        }
    }
    if mode == Mode::Emergency {
        steps.retain(|step| !EMERGENCY_SKIPS.contains(&step.action));
    }
    steps
}

fn step(phase: usize, at: usize, action: &'static str, seconds: u64) -> Step {
    Step {
        phase,
        at,
        action,
        environment: None,
        seconds,
    }
}

/// The step that has metrics.
pub const QUALITY_GATE: &str = "codeQuality";

const EMERGENCY_SKIPS: [&str; 3] = [QUALITY_GATE, "securityTest", "loadTest"];
const FIRST: Timestamp = Timestamp::from_millis(1_756_717_842_125); // 2025-09-01
const BETWEEN: Duration = Duration::from_secs(3 * 86_400 + 4_021);
const PAST_USER: &str = "3E8367615C0A78710A495EEF@AdobeID";

#[cfg(test)]
mod tests {
    use countersign_wire::OrgId;

    use super::super::landscape::Landscape;
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_769_947_200_500);

    fn landscape() -> Landscape {
        Landscape::of(&OrgId::parse("76543210FEDCBA9876543210@AdobeOrg").expect("valid"))
    }

    #[test]
    fn an_execution_goes_through_its_steps_one_by_one_and_ends() {
        let landscape = landscape();
        let program = &landscape.programs[1];
        let pipeline = &program.pipelines[0];
        let execution = Execution::begin(26, "me".to_owned(), Mode::Normal, NOW);

        let total: u64 = steps(program, pipeline, Mode::Normal)
            .iter()
            .map(|step| step.seconds)
            .sum();
        let mut finished = 0;
        for second in 0..total {
            let progress = execution.at(program, pipeline, NOW.plus(Duration::from_secs(second)));
            assert!(
                progress.is_running() && progress.finished_at.is_none(),
                "{second}"
            );
            let done = progress
                .steps
                .iter()
                .take_while(|step| step.status == Status::Finished);
            let done = done.count();
            assert!(done >= finished);
            finished = done;
            assert_eq!(progress.steps[done].status, Status::Running);
            assert!(
                progress.steps[done + 1..]
                    .iter()
                    .all(|step| step.status == Status::NotStarted)
            );
        }
        let end = NOW.plus(Duration::from_secs(total));
        let progress = execution.at(program, pipeline, end.plus(Duration::from_secs(1_000)));
        assert_eq!(
            (progress.status, progress.finished_at),
            (Status::Finished, Some(end))
        );
    }

    #[test]
    fn a_clock_that_was_set_back_ends_nothing() {
        let landscape = landscape();
        let program = &landscape.programs[1];
        let execution = Execution::begin(1, "me".to_owned(), Mode::Normal, NOW);
        let earlier = NOW.minus(Duration::from_secs(60));
        assert!(
            execution
                .at(program, &program.pipelines[0], earlier)
                .is_running()
        );
    }

    #[test]
    fn what_fails_at_the_quality_gate_goes_no_further() {
        let landscape = landscape();
        let program = &landscape.programs[1];
        let pipeline = &program.pipelines[0];
        let third = Execution::past(pipeline).nth(2).expect("a third");
        let progress = third.at(program, pipeline, NOW);
        let statuses: Vec<Status> = progress.steps.iter().map(|step| step.status).collect();
        assert_eq!(progress.status, Status::Failed);
        assert_eq!(
            statuses[..4],
            [
                Status::Finished,
                Status::Finished,
                Status::Failed,
                Status::NotStarted
            ]
        );
    }

    #[test]
    fn an_emergency_skips_the_gates() {
        let landscape = landscape();
        let program = &landscape.programs[3];
        let steps = steps(program, &program.pipelines[0], Mode::Emergency);
        let actions: Vec<&str> = steps.iter().map(|step| step.action).collect();
        assert_eq!(actions, ["validate", "build", "deploy", "deploy"]);
    }
}
