//! Compares the clocks of the nodes, through what each of them writes: the database has no say in
//! what time it is (`spec/security.md` REL-23).
//!
//! A beat that is read for the first time was written since the last look. Where its time lies
//! outside of that span by our clock, the clocks differ by at least what it is outside.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_store::nodes::Beat;
use countersign_store::{self as store};
use countersign_wire::Timestamp;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::Authority;
use crate::clock::BETWEEN_NODES;

/// From here on a node should not be given work: what others end or make would begin or hold here
/// at another time.
const TOO_FAR: Duration = Duration::from_secs(30);
/// Polls of the change log between two beats: about five seconds.
const POLLS_PER_BEAT: u32 = 12;
/// A node that was not heard for so long has ended, or is cut off: what time it had is no matter.
const FORGET: Duration = Duration::from_secs(60);
/// How long the row of a node stays that ended.
pub(crate) const KEEP_NODES: Duration = Duration::from_secs(3600);

/// How this node's clock stands to those of the other nodes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Clocks {
    /// They agree, as far as can be told.
    #[default]
    Agree,
    /// At least one of them differs by this much, more than nodes allow each other.
    Differ(Duration),
    /// Most of them differ from this one by this much or more: it should not be given work.
    FarOff(Duration),
}

impl Clocks {
    /// By how much they differ, if it matters.
    pub(crate) fn difference(self) -> Duration {
        match self {
            Self::Agree => Duration::ZERO,
            Self::Differ(by) | Self::FarOff(by) => by,
        }
    }
}

/// What was heard of the other nodes.
#[derive(Default)]
pub(crate) struct Comparison {
    others: HashMap<String, Other>,
    looked: Option<Timestamp>,
}

struct Other {
    number: i64,
    heard: Instant,
    /// Unknown until it is heard a second time: nobody knows when the first beat was written.
    differs: Option<Duration>,
}

impl Comparison {
    /// Takes in what was read between two moments of this node's clock.
    pub(crate) fn hear(&mut self, beats: Vec<Beat>, began: Timestamp, ended: Timestamp) {
        let heard = Instant::now();
        self.others
            .retain(|_, other| heard.duration_since(other.heard) < FORGET);
        let since = self.looked.replace(began).unwrap_or(began);
        for Beat { node, at, number } in beats {
            let other = self.others.entry(node).or_insert(Other {
                number,
                heard,
                differs: None,
            });
            if other.number != number {
                let differs = at.since(ended).max(since.since(at));
                *other = Other {
                    number,
                    heard,
                    differs: Some(differs),
                };
            }
        }
    }

    /// Where most others differ, it is this clock that is wrong; of two nodes nobody can tell, and
    /// it is both.
    pub(crate) fn clocks(&self) -> Clocks {
        let mut all: Vec<_> = self.others.values().filter_map(|o| o.differs).collect();
        all.sort_unstable();
        let middle = all.len().saturating_sub(1) / 2;
        match (all.get(middle), all.last()) {
            (Some(most), _) if *most > TOO_FAR => Clocks::FarOff(*most),
            (_, Some(largest)) if *largest > BETWEEN_NODES => Clocks::Differ(*largest),
            _ => Clocks::Agree,
        }
    }
}

impl Authority {
    /// How this node's clock stands to those of the other nodes, as they were last heard.
    #[must_use]
    pub fn clocks(&self) -> Clocks {
        **self.clocks.load()
    }

    /// Publishes what a comparison says, and tells when that changes.
    pub(crate) fn note_clocks(&self, comparison: &Comparison) {
        let (before, now) = (self.clocks(), comparison.clocks());
        self.clocks.store(Arc::new(now));
        if std::mem::discriminant(&before) == std::mem::discriminant(&now) {
            return;
        }
        match now {
            Clocks::Agree => info!("the clocks of the nodes agree again"),
            Clocks::Differ(by) => warn!(
                "the clocks of the nodes differ by {} s: keep them in step, for example by NTP",
                by.as_secs()
            ),
            Clocks::FarOff(by) => warn!(
                "the clock of this node is {} s away from those of most others: readiness fails until it is set",
                by.as_secs()
            ),
        }
    }

    /// Tells the other nodes now and then what time it is here.
    pub(crate) async fn beat_regularly(&self, stop: CancellationToken) {
        let poll = Duration::from_millis(self.config.poll_milliseconds);
        let mut ticks = tokio::time::interval(poll * POLLS_PER_BEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            if let Err(error) = self.beat().await {
                debug!("the time could not be told to other nodes, the next beat will: {error}");
            }
        }
    }

    async fn beat(&self) -> Result<(), store::Error> {
        store::retry(|| async {
            let mut write = self.store.write().await?;
            // Not before: a transaction may have to wait for its turn.
            store::nodes::beat(&mut write, &self.instance, self.clock.now()).await?;
            write.commit().await
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: i64 = 400;

    /// Hears of nodes whose clocks are ahead by so many seconds, twice.
    fn heard(ahead: &[i64]) -> Comparison {
        let mut comparison = Comparison::default();
        for number in 1..=2 {
            let now = number * POLL;
            let beat = |(node, ahead): (usize, &i64)| Beat {
                node: node.to_string(),
                at: Timestamp::from_millis(now - POLL / 2 + ahead * 1000),
                number,
            };
            let beats = ahead.iter().enumerate().map(beat).collect();
            let now = Timestamp::from_millis(now);
            comparison.hear(beats, now, now);
        }
        comparison
    }

    #[test]
    fn a_beat_within_the_poll_says_nothing_against_a_clock() {
        assert_eq!(heard(&[]).clocks(), Clocks::Agree);
        assert_eq!(heard(&[0, 5, -5]).clocks(), Clocks::Agree);
    }

    #[test]
    fn a_clock_that_is_ahead_or_behind_is_told() {
        for ahead in [-7, 7] {
            let Clocks::Differ(by) = heard(&[0, ahead]).clocks() else {
                panic!("{ahead} s passed");
            };
            assert_eq!(
                by.as_secs(),
                6,
                "at least, and less than a poll is in doubt"
            );
        }
    }

    #[test]
    fn of_two_both_fail_and_of_more_the_one_that_differs_from_most() {
        for ahead in [-32, 32] {
            assert!(matches!(heard(&[ahead]).clocks(), Clocks::FarOff(_)));
            assert!(matches!(heard(&[ahead; 3]).clocks(), Clocks::FarOff(_)));
            assert!(matches!(heard(&[0, ahead]).clocks(), Clocks::Differ(_)));
        }
        assert!(matches!(heard(&[29]).clocks(), Clocks::Differ(_)));
    }

    #[test]
    fn a_row_that_nobody_writes_any_more_says_nothing() {
        let mut comparison = Comparison::default();
        let stale = Beat {
            node: "gone".to_owned(),
            at: Timestamp::from_seconds(9_999),
            number: 7,
        };
        for now in [1_000_000, 1_000_400] {
            let now = Timestamp::from_millis(now);
            comparison.hear(vec![stale.clone()], now, now);
        }
        assert_eq!(comparison.clocks(), Clocks::Agree);
    }

    #[test]
    fn a_long_time_without_the_database_is_no_difference() {
        let mut comparison = heard(&[0]);
        let late = Timestamp::from_seconds(300);
        let beat = Beat {
            node: "0".to_owned(),
            at: Timestamp::from_seconds(100),
            number: 3,
        };
        comparison.hear(vec![beat], late, late);
        assert_eq!(comparison.clocks(), Clocks::Agree);
    }
}
