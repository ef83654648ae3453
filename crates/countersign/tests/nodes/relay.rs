//! A network between two parties that a test can hold up or cut.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Passes connections on, to several destinations in turn. It ends with this value.
pub struct Relay {
    address: SocketAddr,
    flow: Arc<Flow>,
    _stop: DropGuard,
}

struct Flow {
    destinations: Mutex<Vec<SocketAddr>>,
    next: AtomicUsize,
    state: watch::Sender<State>,
    /// Texts that callers send, one after the other; at the last one everything is held.
    trap: Mutex<VecDeque<&'static str>>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum State {
    Open,
    Held,
    Cut,
}

impl Relay {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let flow = Arc::new(Flow {
            destinations: Mutex::default(),
            next: AtomicUsize::new(0),
            state: watch::Sender::new(State::Open),
            trap: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let accepting = Arc::clone(&flow).accept(listener, stop.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(accepting));
        Self {
            address,
            flow,
            _stop: stop.drop_guard(),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A relay to a database, and the URL of that database through it.
    pub async fn to_database(url: &str) -> (Self, String) {
        let mut url = url::Url::parse(url).unwrap();
        let relay = Self::start().await;
        relay.lead_to(&url.socket_addrs(|| None).unwrap());
        url.set_port(Some(relay.address().port())).unwrap();
        (relay, url.into())
    }

    /// Says where connections go from now on: to each in turn.
    pub fn lead_to(&self, destinations: &[SocketAddr]) {
        *self.flow.destinations.lock().unwrap() = destinations.to_vec();
    }

    /// From now on nothing passes, in either direction; connections stay, and new ones are made.
    pub fn hold(&self) {
        self.flow.state.send_replace(State::Held);
    }

    /// From now on every connection is closed, also those that are made.
    pub fn cut(&self) {
        self.flow.state.send_replace(State::Cut);
    }

    /// Lets everything pass again, also what was held.
    pub fn release(&self) {
        self.flow.state.send_replace(State::Open);
    }

    /// Holds when callers have sent these texts in this order: the last one does not pass.
    pub fn hold_at(&self, texts: &[&'static str]) {
        *self.flow.trap.lock().unwrap() = texts.iter().copied().collect();
    }

    /// Returns when it holds.
    pub async fn held(&self) {
        self.flow.until(State::Held).await;
    }
}

impl Flow {
    async fn accept(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        loop {
            let (caller, _) = listener.accept().await.unwrap();
            let (flow, stop) = (Arc::clone(&self), stop.clone());
            tokio::spawn(async move {
                tokio::select! {
                    () = flow.pass(caller) => {}
                    () = flow.until(State::Cut) => {}
                    () = stop.cancelled() => {}
                }
            });
        }
    }

    async fn pass(&self, caller: TcpStream) {
        self.until(State::Open).await;
        // Whoever refuses a connection is seen to close it.
        let Ok(server) = TcpStream::connect(self.destination()).await else {
            return;
        };
        let (from_caller, to_caller) = caller.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::join!(
            self.copy(from_caller, to_server, |sent| self.look_for_trap(sent)),
            self.copy(from_server, to_caller, |_| ()),
        );
    }

    fn destination(&self) -> SocketAddr {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let destinations = self.destinations.lock().unwrap();
        destinations[number % destinations.len()]
    }

    async fn copy(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, look: impl Fn(&[u8])) {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            look(&buffer[..length]);
            self.until(State::Open).await;
            if to.write_all(&buffer[..length]).await.is_err() {
                break;
            }
        }
        // The end of one direction is passed on, too.
        self.until(State::Open).await;
        _ = to.shutdown().await;
    }

    fn look_for_trap(&self, sent: &[u8]) {
        let mut trap = self.trap.lock().unwrap();
        let Some(next) = trap.front() else {
            return;
        };
        if sent
            .windows(next.len())
            .any(|window| window == next.as_bytes())
        {
            trap.pop_front();
            if trap.is_empty() {
                self.state.send_replace(State::Held);
            }
        }
    }

    async fn until(&self, wanted: State) {
        let mut state = self.state.subscribe();
        // The sender lives as long as this value.
        _ = state.wait_for(|state| *state == wanted).await;
    }
}
