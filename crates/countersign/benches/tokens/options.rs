//! What the command line asks for.

use std::time::Duration;

use anyhow::{Context as _, bail};

/// What to do.
pub enum Task {
    /// Measures once and ends.
    Measure,
    /// Measures only what it costs to store many credentials.
    MeasureMany,
    /// Loads one kind of token, for whoever looks at the server with a profiler.
    Load(String),
    /// Loads and changes an installation for that long.
    Soak(Duration),
}

pub struct Options {
    pub task: Task,
    /// How long each row is measured.
    pub span: Duration,
    pub connections: &'static [usize],
    /// How many credentials are many.
    pub many: u32,
    /// Whether a missed goal fails the run.
    pub check: bool,
}

impl Options {
    /// Nothing, when `cargo test NAME` means something else: it passes its filter to everything
    /// it runs.
    pub fn read() -> anyhow::Result<Option<Self>> {
        let mut options = if cfg!(debug_assertions) {
            println!("not optimized and only for a moment: these figures say nothing");
            Self::glance()
        } else {
            Self::whole()
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => {
                    options = Self {
                        check: options.check,
                        task: options.task,
                        ..Self::quick()
                    }
                }
                "--check" => options.check = true,
                "--many" => options.task = Task::MeasureMany,
                "--load" => {
                    let kind = arguments
                        .next()
                        .context("--load needs a kind, as in `ES256`")?;
                    options.task = Task::Load(kind);
                }
                "--soak" => {
                    let minutes = arguments
                        .next()
                        .context("--soak needs a number of minutes")?;
                    let minutes: f64 = minutes.parse()?;
                    options.task = Task::Soak(Duration::try_from_secs_f64(minutes * 60.0)?);
                }
                // What `cargo` itself passes.
                "--bench" | "--test" | "--nocapture" => {}
                filter if !filter.starts_with('-') && "tokens".contains(filter) => {}
                filter if !filter.starts_with('-') => return Ok(None),
                unknown => bail!(
                    "no option `{unknown}`: there are --quick, --check, --many, --load KIND and --soak MINUTES"
                ),
            }
        }
        Ok(Some(options))
    }

    fn whole() -> Self {
        Self {
            task: Task::Measure,
            span: Duration::from_secs(5),
            connections: &[1, 16, 64, 256],
            many: 1_000_000,
            check: false,
        }
    }

    fn quick() -> Self {
        Self {
            span: Duration::from_secs(1),
            many: 50_000,
            ..Self::whole()
        }
    }

    /// To see that it still works.
    fn glance() -> Self {
        Self {
            span: Duration::from_millis(200),
            connections: &[1, 16],
            many: 500,
            ..Self::whole()
        }
    }
}
