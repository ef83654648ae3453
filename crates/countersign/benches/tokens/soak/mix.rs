//! The load of a soak: tokens of each kind by each grant, validation and introspection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::Value;

use super::rate::Rate;
use super::tally::Tally;
use crate::chance::Chance;
use crate::connection::Connection;
use crate::installation::{Client, Installation};
use crate::paced::wait_until;
use crate::requests;

const CONNECTIONS: usize = 16;
/// After so many tokens, a connection asks what the last one is good for.
const ASK_ABOUT_EVERY: usize = 4;

pub struct Mix<'a> {
    pub address: SocketAddr,
    tally: &'a Tally,
    clients: &'a [Client],
    /// How each client asks for a token: replaced when a secret is, or when assertions age.
    requests: Mutex<Arc<[Vec<u8>]>>,
}

impl<'a> Mix<'a> {
    pub fn new(
        installation: &'a Installation,
        address: SocketAddr,
        tally: &'a Tally,
    ) -> anyhow::Result<Self> {
        let clients = &installation.clients;
        let requests: anyhow::Result<_> = clients.iter().map(Client::request).collect();
        Ok(Self {
            address,
            tally,
            clients,
            requests: Mutex::new(requests?),
        })
    }

    /// As much as the server can.
    pub fn saturate(&self, span: Duration) {
        let until = Instant::now() + span;
        let rate = Rate::new(f64::INFINITY);
        std::thread::scope(|scope| self.ask(scope, &rate, until));
    }

    /// Asks as often as `rate` says, at random moments.
    pub fn ask<'s>(&'s self, scope: &'s Scope<'s, '_>, rate: &'s Rate, until: Instant) {
        for number in 0..CONNECTIONS {
            let mut pace = Pace {
                rate,
                chance: Chance::new(number as u64),
                due: Instant::now(),
            };
            scope.spawn(move || {
                // A connection that fails is counted and opened again.
                while Instant::now() < until {
                    let went = self.ask_on_one(number, &mut pace, until);
                    went.unwrap_or_else(|error| self.tally.failed("load", &error));
                }
            });
        }
    }

    fn ask_on_one(&self, number: usize, pace: &mut Pace<'_>, until: Instant) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.address)?;
        for turn in number.. {
            let client = &self.clients[turn % self.clients.len()];
            let request = &self.requests()[turn % self.clients.len()];
            let Some(began) = pace.next(until) else { break };
            let answer = connection.ask(request)?.granted()?;
            self.tally.answered(began.elapsed());
            if turn % ASK_ABOUT_EVERY == 0 {
                let reply: Value = serde_json::from_str(answer.body)?;
                let token = reply["access_token"].as_str().unwrap_or_default();
                for (question, yes) in [validation(client, token), introspection(client, token)] {
                    let Some(began) = pace.next(until) else { break };
                    let answer = connection.ask(&question)?.granted()?;
                    self.tally.answered(began.elapsed());
                    ensure!(
                        answer.body.contains(yes),
                        "{}: {}",
                        client.kind,
                        answer.body
                    );
                }
            }
        }
        Ok(())
    }

    /// Lets every client ask as it is now: assertions age.
    pub fn renew(&self) -> anyhow::Result<()> {
        let requests: anyhow::Result<_> = self.clients.iter().map(Client::request).collect();
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner) = requests?;
        Ok(())
    }

    fn requests(&self) -> Arc<[Vec<u8>]> {
        let requests = self.requests.lock();
        Arc::clone(&requests.unwrap_or_else(PoisonError::into_inner))
    }
}

/// When a connection asks next.
struct Pace<'a> {
    rate: &'a Rate,
    chance: Chance,
    due: Instant,
}

impl Pace<'_> {
    /// Waits; gives the time from which the answer is waited for.
    fn next(&mut self, until: Instant) -> Option<Instant> {
        let gap = CONNECTIONS as f64 / self.rate.get();
        self.due += Duration::from_secs_f64(gap * self.chance.exponential());
        let is_time_left = self.due.max(Instant::now()) < until;
        is_time_left.then(|| wait_until(self.due))
    }
}

/// Whether a token holds, and what says that it does.
pub fn validation(client: &Client, token: &str) -> (Vec<u8>, &'static str) {
    let id = &client.created.credential.client_id;
    let form = format!("client_id={id}&type=access_token&token={token}");
    (
        requests::post("/ims/validate_token/v1", &form),
        r#""valid":true"#,
    )
}

fn introspection(client: &Client, token: &str) -> (Vec<u8>, &'static str) {
    let (id, secret) = (&client.created.credential.client_id, &client.created.secret);
    let secret = secret.expose();
    let form = format!("client_id={id}&client_secret={secret}&token={token}");
    (
        requests::post("/oauth2/introspect", &form),
        r#""active":true"#,
    )
}
