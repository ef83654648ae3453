//! Whether a soak ended as it began.

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use super::WARM_UP;
use super::tally::Tally;
use super::watch::{Sample, median};

/// Connections to the database that were opened and closed meanwhile: each is a thread and a few
/// descriptors.
const SOME: f64 = 12.0;
/// The entries of a change in the audit log and in the log that nodes follow, with their indexes,
/// and the ids that are never used again.
const BYTES_PER_CHANGE: f64 = 3000.0;
/// As configured for the write-ahead log, and some that a checkpoint has not written back yet.
const LOG_MEBIBYTES: f64 = 80.0;
const MEBIBYTE: f64 = (1 << 20) as f64;

/// Holds the end against the beginning, once it was warm.
pub fn tell(samples: &[Sample], tally: &Tally) -> ExitCode {
    let settled = &samples[samples.len() / WARM_UP as usize..];
    let third = settled.len() / 3;
    if third == 0 {
        println!("verdict: none, it was too short");
        return ExitCode::FAILURE;
    }
    let (first, last) = (&settled[..third], &settled[settled.len() - third..]);
    let both = |of: fn(&Sample) -> f64| (median(first, of), median(last, of));
    let mut verdict = Verdict::default();
    println!("\n| | measured | limit | |\n|---|---|---|---|");

    let errors = tally.errors.load(Ordering::Relaxed);
    verdict.hold("errors", errors as f64, 0.0);
    let (memory, _) = both(|sample| sample.resident);
    let rise = rise(settled, |sample| sample.resident);
    verdict.hold(
        "rise of resident memory, MiB",
        rise,
        (memory * 0.03).max(1.0),
    );
    let (before, after) = both(|sample| sample.p99);
    verdict.hold("p99 of the last third, ms", after, before * 1.5);
    let (before, after) = both(|sample| sample.descriptors as f64);
    verdict.hold("descriptors", after, before + SOME);
    let (before, after) = both(|sample| sample.threads as f64);
    verdict.hold("threads", after, before + SOME);

    let (from, to) = (first[0], last[third - 1]);
    let changes = over(settled, |sample| sample.changes);
    let grown = to.used_bytes.saturating_sub(from.used_bytes) as f64;
    verdict.hold(
        "bytes of the database for each change",
        grown / changes,
        BYTES_PER_CHANGE,
    );
    let log = to.log_bytes as f64 / MEBIBYTE;
    verdict.hold("write-ahead log, MiB", log, LOG_MEBIBYTES);
    verdict.tell()
}

/// How many more there were at the end.
fn over(samples: &[Sample], of: impl Fn(&Sample) -> u64) -> f64 {
    let [first, .., last] = samples else {
        return 1.0;
    };
    of(last).saturating_sub(of(first)).max(1) as f64
}

/// How much a value rose over all samples, by the straight line that fits them best: one sample
/// more or less says nothing.
fn rise(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    let count = samples.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = samples.iter().map(&of).sum::<f64>() / count;
    let (mut both, mut alone) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        let from_middle = at as f64 - middle;
        both += from_middle * (of(sample) - mean);
        alone += from_middle * from_middle;
    }
    both / f64::max(alone, 1.0) * count
}

#[derive(Default)]
struct Verdict {
    failed: bool,
}

impl Verdict {
    fn hold(&mut self, what: &str, measured: f64, limit: f64) {
        let holds = measured <= limit;
        self.failed |= !holds;
        let word = if holds { "holds" } else { "**fails**" };
        println!("| {what} | {measured:.2} | {limit:.2} | {word} |");
    }

    fn tell(&self) -> ExitCode {
        println!(
            "\nverdict: {}",
            if self.failed {
                "FAILED"
            } else {
                "it ended as it began"
            }
        );
        match self.failed {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        }
    }
}
