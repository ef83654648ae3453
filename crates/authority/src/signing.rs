//! Lets only a few dear signatures, RSA ones, be ready to be made, so that what is cheap never
//! waits behind more than those: health, validation, keys, and saying no.
//!
//! A signature is made on the request's own task, because handing it over to another thread was
//! measured to cost an eighth of it. Left to the scheduler, though, every request that was read
//! would sign at once, and all others would wait behind all of them, nobody knows how long. So
//! who is to sign lets everything else that is ready go first, and most wait in a line of ours,
//! where it is known how long that takes (`spec/security.md` REL-30 to REL-32).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use countersign_wire::ClientId;
use metrics::Histogram;
use tokio::sync::oneshot;

use crate::admission::{Line, Overloaded};
use crate::measure::{self, Counters};

/// Signatures that are made, or ready to be, for each core: what a cheap request waits behind at
/// worst. Fewer of them would leave signing less of the cores while many requests are refused.
const TURNS_PER_CORE: usize = 8;

/// Gives turns at signing. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Signing(Arc<Shared>);

struct Shared {
    /// Held for as long as it takes to add or take one request, twice a signature.
    desk: Mutex<Desk>,
    turns: usize,
    /// How long a signature may be waited for; none is no limit.
    longest: Option<Duration>,
    waited: Histogram,
}

struct Desk {
    line: Line<oneshot::Sender<Turn>>,
    /// Turns that somebody has.
    taken: usize,
}

/// The right to make one signature; given on when dropped.
pub(crate) struct Turn {
    signing: Signing,
    since: Instant,
}

impl Signing {
    /// A limit of zero is no limit.
    pub(crate) fn new(longest: Duration) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self::with_turns(cores * TURNS_PER_CORE, longest)
    }

    fn with_turns(turns: usize, longest: Duration) -> Self {
        Self(Arc::new(Shared {
            desk: Mutex::new(Desk {
                line: Line::new(u32::try_from(turns).unwrap_or(u32::MAX)),
                taken: 0,
            }),
            turns,
            longest: (!longest.is_zero()).then_some(longest),
            waited: measure::signing_wait(),
        }))
    }

    /// Whether a signature for this client would be made in time. Asked early, before the request
    /// has cost or used up anything.
    pub(crate) fn admit(&self, client: &ClientId) -> Result<(), Overloaded> {
        let Some(longest) = self.0.longest else {
            return Ok(());
        };
        let admitted = self.desk().line.admit(client, longest);
        if let Err(overloaded) = &admitted {
            Counters::shed(overloaded.who);
        }
        admitted
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.desk().line.len()
    }

    /// Waits until this client may make a signature.
    pub(crate) async fn turn(&self, client: &ClientId) -> Turn {
        let began = Instant::now();
        let turn = loop {
            match self.take_or_wait(client) {
                Ok(turn) => break turn,
                Err(given) => {
                    if let Ok(turn) = given.await {
                        break turn;
                    }
                }
            }
        };
        // To the end of the scheduler's own line, behind all that is cheap.
        tokio::task::yield_now().await;
        self.0.waited.record(began.elapsed().as_secs_f64());
        turn
    }

    fn take_or_wait(&self, client: &ClientId) -> Result<Turn, oneshot::Receiver<Turn>> {
        let mut desk = self.desk();
        if desk.taken < self.0.turns {
            desk.taken += 1;
            return Ok(self.take());
        }
        let (give, given) = oneshot::channel();
        desk.line.push(client, give);
        Err(given)
    }

    fn take(&self) -> Turn {
        Turn {
            signing: self.clone(),
            since: Instant::now(),
        }
    }

    /// Gives a turn on to whoever is next and still there.
    fn give_on(&self, took: Duration) {
        let mut desk = self.desk();
        desk.line.measured(took);
        while let Some(next) = desk.line.pop() {
            if !next.is_closed() {
                drop(desk);
                // Whoever goes away in this moment drops the turn, and thereby gives it on.
                drop(next.send(self.take()));
                return;
            }
        }
        desk.taken -= 1;
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.signing.give_on(self.since.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinHandle;

    use super::*;
    use crate::admission::Crowd;

    const LIMIT: Duration = Duration::from_millis(100);

    fn client(name: &str) -> ClientId {
        ClientId::parse(name).expect("valid")
    }

    /// Asks for a turn as a request does, and gives it back at once.
    fn request(signing: &Signing, name: &'static str, order: &Order) -> JoinHandle<()> {
        let (signing, order) = (signing.clone(), order.clone());
        tokio::spawn(async move {
            let turn = signing.turn(&client(name)).await;
            order.lock().expect("not poisoned").push(name);
            drop(turn);
        })
    }

    type Order = Arc<Mutex<Vec<&'static str>>>;

    /// Lets everybody who can come as far as they can.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn while_all_turns_are_taken_a_noisy_client_is_refused_and_a_quiet_one_is_next() {
        let (signing, order) = (Signing::with_turns(1, LIMIT), Order::default());
        let held = signing.turn(&client("holder")).await;
        let mut noisy = Vec::new();
        let refused = loop {
            if let Err(refused) = signing.admit(&client("noisy")) {
                break refused;
            }
            noisy.push(request(&signing, "noisy", &order));
            settle().await;
            assert!(noisy.len() < 10_000, "nobody is ever refused");
        };
        assert_eq!(refused.who, Crowd::Client);
        assert!(refused.wait > LIMIT);
        assert_eq!(signing.waiting(), noisy.len());

        signing.admit(&client("quiet")).expect("its line is empty");
        let quiet = request(&signing, "quiet", &order);
        settle().await;
        drop(held);
        for task in noisy.into_iter().chain([quiet]) {
            task.await.expect("no panic");
        }

        let order = order.lock().expect("not poisoned");
        assert_eq!(order.iter().position(|name| *name == "quiet"), Some(1));
        assert_eq!(signing.waiting(), 0);
        signing.admit(&client("noisy")).expect("it is over");
    }

    #[tokio::test]
    async fn who_goes_away_takes_no_turn_along() {
        let (signing, order) = (Signing::with_turns(1, LIMIT), Order::default());
        let held = signing.turn(&client("holder")).await;
        let gone = request(&signing, "gone", &order);
        settle().await;
        let other = request(&signing, "stays", &order);
        settle().await;
        gone.abort();
        settle().await;
        drop(held);
        other.await.expect("no panic");
        // And one that goes away with the turn already in its hands.
        let late = client("late");
        tokio::select! {
            biased;
            _ = signing.turn(&late) => panic!("it did not stand back"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(signing.desk().taken, 0);
        drop(signing.turn(&client("after")).await);
        assert_eq!(*order.lock().expect("not poisoned"), ["stays"]);
        assert_eq!(signing.desk().taken, 0);
    }

    #[tokio::test]
    async fn without_a_limit_nobody_is_refused() {
        let signing = Signing::with_turns(1, Duration::ZERO);
        let _held = signing.turn(&client("holder")).await;
        let waiting: Vec<_> = (0..2000)
            .map(|_| request(&signing, "noisy", &Order::default()))
            .collect();
        settle().await;
        assert_eq!(signing.waiting(), waiting.len());
        signing.admit(&client("noisy")).expect("no limit");
    }
}
