//! Callers that go on all the time, and everything that they were answered.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::figures::Figures;

/// Between two requests of one worker: load, but no overload of two cores.
const PAUSE: Duration = Duration::from_millis(20);

/// One request.
struct Sample {
    at: Instant,
    took: Duration,
    what: &'static str,
    /// What was wrong with the answer.
    failure: Option<String>,
}

/// Running workers. They end with this value.
pub struct Load {
    samples: Arc<Mutex<Vec<Sample>>>,
    stop: CancellationToken,
    workers: JoinSet<()>,
}

impl Load {
    pub fn new() -> Self {
        Self {
            samples: Arc::default(),
            stop: CancellationToken::new(),
            workers: JoinSet::new(),
        }
    }

    /// Lets one more worker make the same request again and again, until the end.
    pub fn spawn<F>(&mut self, what: &'static str, mut request: impl FnMut() -> F + Send + 'static)
    where
        F: Future<Output = Result<(), String>> + Send,
    {
        let (samples, stop) = (Arc::clone(&self.samples), self.stop.clone());
        self.workers.spawn(async move {
            while !stop.is_cancelled() {
                let at = Instant::now();
                let failure = request().await.err();
                let took = at.elapsed();
                samples.lock().unwrap().push(Sample {
                    at,
                    took,
                    what,
                    failure,
                });
                tokio::time::sleep(PAUSE).await;
            }
        });
    }

    /// Ends it when every worker has its last answer.
    pub async fn end(mut self) -> Answers {
        self.stop.cancel();
        while let Some(ended) = self.workers.join_next().await {
            ended.unwrap();
        }
        Answers(std::mem::take(&mut self.samples.lock().unwrap()))
    }
}

/// What all workers were answered.
pub struct Answers(Vec<Sample>);

impl Answers {
    /// How many requests of each kind there were, and how long they took.
    pub fn figures(&self, from: Instant, until: Instant) -> String {
        let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for sample in self
            .0
            .iter()
            .filter(|sample| (from..until).contains(&sample.at))
        {
            kinds.entry(sample.what).or_default().push(sample.took);
        }
        let mut text = String::new();
        for (what, took) in kinds {
            _ = write!(text, "\n    {what}: {}", Figures::new(took));
        }
        text
    }

    /// How many requests of a kind were made.
    pub fn count(&self, what: &str) -> usize {
        self.0.iter().filter(|sample| sample.what == what).count()
    }

    /// Not one of them failed.
    pub fn must_be_good(&self) {
        let failures = self.0.iter().filter_map(|sample| {
            let failure = sample.failure.as_ref()?;
            Some(format!(
                "{} after {:.1?}: {failure}",
                sample.what, sample.took
            ))
        });
        let failures: Vec<_> = failures.collect();
        let some = &failures[..failures.len().min(20)];
        assert!(
            failures.is_empty(),
            "{} of {}:\n{}",
            failures.len(),
            self.0.len(),
            some.join("\n")
        );
    }
}
