//! Notices connections on which nothing useful happens (HTP-02).
//!
//! hyper's own header timer also runs between requests, so it cannot tell an idle connection
//! (75 s) from a slow head (10 s), and it does not see what comes before HTTP. Hence one watchdog
//! for all phases: handshake, first head, later heads, idleness, answers nobody reads.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use tokio::time::Instant;

use super::Listener;
use super::head::Doubt;

/// How long each phase may last.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    first_request: Duration,
    head: Duration,
    idle: Duration,
    /// In flight without any progress, while it is not us who are waited for: the caller does not
    /// read.
    stuck: Duration,
}

impl Patience {
    pub(super) fn of(listener: &Listener) -> Self {
        let idle = Duration::from_secs(listener.idle_timeout_seconds);
        Self {
            first_request: Duration::from_secs(listener.first_request_timeout_seconds),
            head: Duration::from_secs(listener.header_timeout_seconds),
            idle,
            stuck: idle.max(listener.requests.request_timeout() + Duration::from_secs(5)),
        }
    }
}

/// What one connection is doing, written by its parts and read by its watchdog. Times are
/// milliseconds since the connection was accepted, and never 0 once set.
pub(super) struct Pulse {
    patience: Patience,
    accepted: Instant,
    requested: AtomicBool,
    multiplexed: AtomicBool,
    in_flight: AtomicU32,
    /// Of those in flight: the handler's turn, which has time limits of its own.
    awaited: AtomicU32,
    last_beat: AtomicU64,
    head_began: AtomicU64,
    ambiguous: AtomicBool,
    unbounded: AtomicBool,
}

impl Pulse {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            accepted: Instant::now(),
            requested: AtomicBool::new(false),
            multiplexed: AtomicBool::new(false),
            in_flight: AtomicU32::new(0),
            awaited: AtomicU32::new(0),
            last_beat: AtomicU64::new(0),
            head_began: AtomicU64::new(0),
            ambiguous: AtomicBool::new(false),
            unbounded: AtomicBool::new(false),
        }
    }

    /// What [`super::head`] thinks of the bytes so far.
    pub(super) fn doubt(&self) -> Doubt {
        Doubt {
            ambiguous: self.ambiguous.load(Relaxed),
            unbounded: self.unbounded.load(Relaxed),
        }
    }

    /// Whether this is HTTP/2, as far as is known.
    pub(super) fn is_multiplexed(&self) -> bool {
        self.multiplexed.load(Relaxed)
    }

    pub(super) fn set_doubt(&self, doubt: Doubt) {
        self.ambiguous.store(doubt.ambiguous, Relaxed);
        self.unbounded.store(doubt.unbounded, Relaxed);
    }

    /// Bytes have come in. Between requests of HTTP/1 they begin a head.
    pub(super) fn bytes_arrived(&self) {
        if self.in_flight.load(Relaxed) == 0 && self.head_began.load(Relaxed) == 0 {
            self.head_began.store(self.now(), Relaxed);
        }
    }

    /// A head is complete.
    pub(super) fn request_began(&self, version: http::Version) {
        self.in_flight.fetch_add(1, Relaxed);
        self.multiplexed
            .store(version == http::Version::HTTP_2, Relaxed);
        self.requested.store(true, Relaxed);
        self.head_began.store(0, Relaxed);
        self.progress();
    }

    /// Part of an answer went out.
    pub(super) fn progress(&self) {
        self.last_beat.store(self.now(), Relaxed);
    }

    /// The head or the next part of an answer is waited for: nobody can say that the caller does
    /// not read.
    pub(super) fn wait_began(&self) {
        self.awaited.fetch_add(1, Relaxed);
    }

    /// The wait is over.
    pub(super) fn wait_ended(&self) {
        self.awaited.fetch_sub(1, Relaxed);
    }

    /// An answer is complete, or was given up.
    pub(super) fn request_ended(&self) {
        self.progress();
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// A head that has begun is not complete. Its patience is the only one that can end before
    /// those that [`Self::stopped`] waits for: whoever sees this polls that.
    pub(super) fn is_head_open(&self) -> bool {
        self.head_began.load(Relaxed) > 0
    }

    /// Returns when patience has run out, and says with what.
    pub(super) async fn stopped(&self) -> Stopped {
        // What happens from now on has at least so long.
        let least = self.patience.idle.min(self.patience.stuck);
        let mut armed = Instant::now() + least;
        let mut sleep = pin!(tokio::time::sleep_until(armed));
        poll_fn(|context| {
            loop {
                // An earlier deadline is taken at once. A later one waits for the timer: no reset
                // for each request.
                let due = self.due();
                if let Some((due, _)) = due.filter(|(due, _)| *due < armed) {
                    sleep.as_mut().reset(due);
                    armed = due;
                }
                ready!(sleep.as_mut().poll(context));
                let now = Instant::now();
                armed = match due {
                    Some((due, why)) if due <= now => return Poll::Ready(why),
                    Some((due, _)) => due.min(now + least),
                    None => now + least,
                };
                sleep.as_mut().reset(armed);
            }
        })
        .await
    }

    /// When patience ends, and with what; never while the caller waits for us.
    fn due(&self) -> Option<(Instant, Stopped)> {
        let since = |time: &AtomicU64, patience: Duration| {
            self.accepted + Duration::from_millis(time.load(Relaxed)) + patience
        };
        Some(if !self.requested.load(Relaxed) {
            (self.accepted + self.patience.first_request, Stopped::Silent)
        } else if self.in_flight.load(Relaxed) > self.awaited.load(Relaxed) {
            (since(&self.last_beat, self.patience.stuck), Stopped::Stuck)
        } else if self.in_flight.load(Relaxed) > 0 {
            return None;
        } else if self.head_began.load(Relaxed) > 0 && !self.multiplexed.load(Relaxed) {
            (
                since(&self.head_began, self.patience.head),
                Stopped::SlowHead,
            )
        } else {
            (since(&self.last_beat, self.patience.idle), Stopped::Idle)
        })
    }

    fn now(&self) -> u64 {
        let elapsed = self.accepted.elapsed().as_millis();
        u64::try_from(elapsed).unwrap_or(u64::MAX).max(1)
    }
}

/// What a connection was doing when patience ran out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stopped {
    /// No complete request since it was accepted.
    Silent,
    /// A later head did not get finished.
    SlowHead,
    /// Nothing was asked.
    Idle,
    /// An answer was not read.
    Stuck,
}

impl Stopped {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Silent => "no_request",
            Self::SlowHead => "slow_head",
            Self::Idle => "idle",
            Self::Stuck => "not_reading",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse() -> Pulse {
        let listener = Listener::default();
        Pulse::new(Patience::of(&listener))
    }

    async fn stops_after(pulse: &Pulse) -> (u64, Stopped) {
        let from = Instant::now();
        let why = pulse.stopped().await;
        (from.elapsed().as_secs(), why)
    }

    #[tokio::test(start_paused = true)]
    async fn silence_and_half_a_head_end_after_the_first_request_timeout() {
        let silent = pulse();
        assert_eq!(stops_after(&silent).await, (10, Stopped::Silent));

        let half = pulse();
        half.bytes_arrived();
        assert_eq!(stops_after(&half).await, (10, Stopped::Silent));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_connections_last_longer_than_slow_heads() {
        let pulse = pulse();
        pulse.request_began(http::Version::HTTP_11);
        pulse.request_ended();
        assert_eq!(stops_after(&pulse).await, (75, Stopped::Idle));

        pulse.bytes_arrived();
        assert_eq!(stops_after(&pulse).await, (10, Stopped::SlowHead));
    }

    #[tokio::test(start_paused = true)]
    async fn pings_of_http2_are_no_slow_head() {
        let pulse = pulse();
        pulse.request_began(http::Version::HTTP_2);
        pulse.request_ended();
        pulse.bytes_arrived();
        assert_eq!(stops_after(&pulse).await, (75, Stopped::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_reads_ends_the_connection() {
        let pulse = pulse();
        pulse.request_began(http::Version::HTTP_11);
        assert_eq!(stops_after(&pulse).await, (75, Stopped::Stuck));
    }
}
