//! Who waits for a signature, in whose turn, and who is sent away at once.
//!
//! Clients take turns, so that one with a thousand requests delays the others by one signature
//! each round. A client is sent away when its own next request would wait too long, by the time
//! that turns were measured to take: never by a number of connections. Sources:
//! `spec/security.md` REL-30, REL-39.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use countersign_wire::ClientId;

/// What a turn is taken to last until some were measured: eight signatures of RSA-2048.
const FIRST_GUESS: Duration = Duration::from_micros(2500);
/// How many of the last turns the measured time is about, roughly: so many that a thread that was
/// kept from running for a moment, with its turns, is not taken for an overload.
const REMEMBERED: u32 = 256;

/// Why a request was sent away: more is asked for than can be signed in time.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{who}: the next would wait for {} ms, and {} ms are the limit (`ims.longest_wait_milliseconds`)",
    .wait.as_millis(), .longest.as_millis()
)]
pub struct Overloaded {
    /// Who asks for too much.
    pub who: Crowd,
    /// How long the signature would have been waited for.
    pub wait: Duration,
    /// The limit.
    pub longest: Duration,
}

/// Who asks for more than can be signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Crowd {
    /// This client; another one would be served.
    Client,
    /// All clients together: nobody new is served.
    Everybody,
}

impl Crowd {
    /// The word for it in metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Everybody => "everybody",
        }
    }
}

impl std::fmt::Display for Crowd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Client => "this client has too many requests waiting",
            Self::Everybody => "all clients together ask for more tokens than can be signed",
        })
    }
}

/// What waits for a signature, by client. Asks no clock and makes no signature itself.
pub(crate) struct Line<J> {
    waiting: HashMap<ClientId, VecDeque<J>>,
    /// Every client with something waiting, once; the first one is next.
    turns: VecDeque<ClientId>,
    len: usize,
    /// How many have a turn at once.
    turns_at_once: u32,
    /// How long a turn lasts, on average of the last ones.
    turn: Duration,
}

impl<J> Line<J> {
    /// A line for so many turns at once.
    pub(crate) fn new(turns_at_once: u32) -> Self {
        Self {
            waiting: HashMap::new(),
            turns: VecDeque::new(),
            len: 0,
            turns_at_once,
            turn: FIRST_GUESS,
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether a request of this client may still be added.
    pub(crate) fn admit(&self, client: &ClientId, longest: Duration) -> Result<(), Overloaded> {
        let own = self.waiting.get(client).map_or(0, VecDeque::len);
        let others = self.turns.len() - usize::from(own > 0);
        let wait = self.wait(own, others);
        if wait <= longest {
            return Ok(());
        }
        let who = match self.wait(0, self.turns.len()) <= longest {
            true => Crowd::Client,
            false => Crowd::Everybody,
        };
        Err(Overloaded { who, wait, longest })
    }

    /// How long a request waits behind `own` of its client, while `others` take turns with it.
    fn wait(&self, own: usize, others: usize) -> Duration {
        let rounds = own + 1;
        let ahead = self.len.min(rounds.saturating_mul(others + 1) - 1);
        let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
        self.turn.saturating_mul(ahead) / self.turns_at_once
    }

    /// Adds a request behind those of its client.
    pub(crate) fn push(&mut self, client: &ClientId, job: J) {
        self.len += 1;
        if let Some(own) = self.waiting.get_mut(client) {
            return own.push_back(job);
        }
        self.waiting.insert(client.clone(), VecDeque::from([job]));
        self.turns.push_back(client.clone());
    }

    /// Takes the request whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<J> {
        let client = self.turns.pop_front()?;
        let own = self.waiting.get_mut(&client)?;
        let job = own.pop_front()?;
        self.len -= 1;
        if own.is_empty() {
            self.waiting.remove(&client);
        } else {
            self.turns.push_back(client);
        }
        Some(job)
    }

    /// Notes how long a turn lasted.
    pub(crate) fn measured(&mut self, took: Duration) {
        self.turn = (self.turn * (REMEMBERED - 1) + took) / REMEMBERED;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(100);

    fn client(name: &str) -> ClientId {
        ClientId::parse(name).expect("valid")
    }

    /// Two turns of two milliseconds at once: one signature each millisecond.
    fn line() -> Line<&'static str> {
        let mut line = Line::new(2);
        line.turn = Duration::from_millis(2);
        line
    }

    fn fill(line: &mut Line<&'static str>, name: &'static str) -> usize {
        let id = client(name);
        (0..10_000)
            .take_while(|_| {
                let admitted = line.admit(&id, LIMIT).is_ok();
                if admitted {
                    line.push(&id, name);
                }
                admitted
            })
            .count()
    }

    #[test]
    fn one_client_alone_may_wait_as_long_as_the_limit_says() {
        let mut line = line();
        assert_eq!(fill(&mut line, "noisy"), 101);
        let refused = line.admit(&client("noisy"), LIMIT).expect_err("full");
        assert_eq!(refused.who, Crowd::Client);
        assert_eq!(refused.wait, Duration::from_millis(101));
    }

    #[test]
    fn a_quiet_client_is_next_however_long_the_line_of_a_noisy_one() {
        let mut line = line();
        fill(&mut line, "noisy");
        for _ in 0..50 {
            line.admit(&client("quiet"), LIMIT)
                .expect("its own line is short");
            line.push(&client("quiet"), "quiet");
            let taken = [line.pop(), line.pop()];
            assert!(taken.contains(&Some("quiet")), "{taken:?}");
        }
    }

    #[test]
    fn two_noisy_clients_get_the_same() {
        let mut line = line();
        fill(&mut line, "first");
        fill(&mut line, "second");
        let taken: Vec<_> = (0..40).filter_map(|_| line.pop()).collect();
        let first = taken.iter().filter(|name| **name == "first").count();
        assert_eq!((first, taken.len()), (20, 40));
    }

    #[test]
    fn many_clients_with_one_request_each_are_a_crowd() {
        let mut line = line();
        let admitted = (0..1000)
            .map(|n| client(&format!("client-{n}")))
            .take_while(|id| {
                let admitted = line.admit(id, LIMIT);
                line.push(id, "one");
                admitted.is_ok()
            })
            .count();
        assert_eq!(admitted, 101);
        let refused = line.admit(&client("another"), LIMIT).expect_err("full");
        assert_eq!(refused.who, Crowd::Everybody);
    }

    #[test]
    fn slower_signatures_make_a_shorter_line() {
        let mut line = line();
        fill(&mut line, "noisy");
        while line.pop().is_some() {}
        for _ in 0..1000 {
            line.measured(Duration::from_millis(20));
        }
        let admitted = fill(&mut line, "noisy");
        assert!((10..=12).contains(&admitted), "{admitted}");
    }

    #[test]
    fn nobody_is_forgotten_and_nothing_is_left_behind() {
        let mut line = line();
        for name in ["a", "b", "a", "c", "a", "b"] {
            line.push(&client(name), name);
        }
        let taken: Vec<_> = std::iter::from_fn(|| line.pop()).collect();
        assert_eq!(taken, ["a", "b", "c", "a", "b", "a"]);
        assert_eq!(
            (line.len(), line.waiting.len(), line.turns.len()),
            (0, 0, 0)
        );
    }
}
