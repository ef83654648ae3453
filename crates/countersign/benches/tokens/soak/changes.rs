//! What changes during a soak, every second and more often to begin with: past the server, as an
//! operator's command does it. The server has a second to act on it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use countersign_authority::{Force, TokensOf};
use countersign_model::KeyState;
use countersign_wire::ProjectId;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::mix::{Mix, validation};
use super::tally::Tally;
use crate::connection::Connection;
use crate::installation::{Client, Installation, Opened};
use crate::kinds::Kind;
use crate::requests;

const EVERY: Duration = Duration::from_secs(1);
/// While it warms up: what fills with changes, and only with them, is to be full by then.
const EVERY_AT_FIRST: Duration = Duration::from_millis(150);
/// Signing keys sign only after they were published for five minutes. So this is how soon the next
/// one is published, once they do.
const ROTATE_EVERY: Duration = Duration::from_secs(10);
/// Long before assertions expire.
const RENEW_EVERY: Duration = Duration::from_secs(3600);
/// Within which a change acts on every node.
const REACH: Duration = Duration::from_secs(1);

pub struct Changes<'a> {
    runtime: &'a Runtime,
    opened: &'a Opened,
    mix: &'a Mix<'a>,
    tally: &'a Tally,
    clients: &'a [Client],
    /// Is switched off and on.
    switched: Client,
    /// Where credentials come and go.
    project: ProjectId,
}

/// What is done each time, and how often it was done before.
type Change<C> = fn(&C, usize) -> anyhow::Result<()>;

impl<'a> Changes<'a> {
    pub fn prepare(
        runtime: &'a Runtime,
        opened: &'a Opened,
        installation: &'a Installation,
        mix: &'a Mix<'a>,
        tally: &'a Tally,
    ) -> anyhow::Result<Self> {
        let clients = installation.clients.as_slice();
        let org = &clients
            .first()
            .context("clients")?
            .created
            .credential
            .org_id;
        let project = runtime.block_on(opened.project(org, "switched"))?;
        Ok(Self {
            runtime,
            opened,
            mix,
            tally,
            clients,
            switched: runtime.block_on(opened.credential(project, Kind::ES256))?,
            project: runtime.block_on(opened.project(org, "passing"))?,
        })
    }

    /// Makes changes beside each other until it is over; more of them until it is `warm`.
    pub fn make<'s>(&'s self, scope: &'s Scope<'s, '_>, warm: Instant, over: &'s AtomicBool) {
        let changes: [(_, _, Change<Self>); 5] = [
            ("change of secrets", EVERY, Self::change_secrets),
            ("switch", EVERY, Self::switch),
            ("credential", EVERY, Self::pass),
            ("rotation", ROTATE_EVERY, Self::rotate),
            ("renewal", RENEW_EVERY, |changes, _| changes.mix.renew()),
        ];
        for (what, every, change) in changes {
            scope.spawn(move || {
                let mut due = Instant::now();
                for turn in 0.. {
                    while Instant::now() < due {
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        std::thread::sleep(Duration::from_millis(50));
                    }
                    let now = Instant::now();
                    due = match now < warm && every == EVERY {
                        true => now + EVERY_AT_FIRST,
                        false => now + every,
                    };
                    let done = change(self, turn);
                    done.unwrap_or_else(|error| self.tally.failed(what, &error));
                }
            });
        }
    }

    /// Adds a secret to a client that is under load, and deletes it again.
    fn change_secrets(&self, turn: usize) -> anyhow::Result<()> {
        let Opened {
            authority, actor, ..
        } = self.opened;
        let client = &self.clients[turn % self.clients.len()];
        let id = &client.created.credential.id;
        let added = authority.add_secret(id, "soak".to_owned(), None, actor);
        let added = self.runtime.block_on(added)?;
        let request = client.request_with(&added.secret.context("a new secret")?)?;
        self.reaches("a new secret", || self.is_granted(&request))?;
        let deleted = authority.delete_secret(id, &added.record.id, Force::No, actor);
        self.runtime.block_on(deleted)?;
        self.reaches("a deletion", || Ok(!self.is_granted(&request)?))?;
        self.changed(2)
    }

    /// Switches a credential off, which ends its tokens, and on, and ends its tokens for good.
    fn switch(&self, _turn: usize) -> anyhow::Result<()> {
        let Opened {
            authority, actor, ..
        } = self.opened;
        let (id, request) = (
            &self.switched.created.credential.id,
            self.switched.request()?,
        );
        let token = self.token(&request)?;
        let off = authority.switch_credential(id, false, actor);
        self.runtime.block_on(off)?;
        self.reaches("a switch", || Ok(!self.is_granted(&request)?))?;
        ensure!(
            !self.holds(&self.switched, &token)?,
            "a token of a switched-off credential holds"
        );
        let on = authority.switch_credential(id, true, actor);
        self.runtime.block_on(on)?;
        self.reaches("a switch", || self.holds(&self.switched, &token))?;
        let of = TokensOf::Credential(id.clone());
        self.runtime.block_on(authority.end_tokens(&of, actor))?;
        self.reaches("an end of tokens", || {
            Ok(!self.holds(&self.switched, &token)?)
        })?;
        self.changed(3)
    }

    /// Makes a credential, revokes its token, and deletes it.
    fn pass(&self, _turn: usize) -> anyhow::Result<()> {
        let Opened {
            authority, actor, ..
        } = self.opened;
        let made = self.opened.credential(self.project.clone(), Kind::ES256);
        let client = self.runtime.block_on(made)?;
        let request = client.request()?;
        let token = self.token(&request)?;
        let (id, secret) = (&client.created.credential.client_id, &client.created.secret);
        let revocation = format!(
            "client_id={id}&client_secret={}&token={token}",
            secret.expose()
        );
        ensure!(
            self.is_granted(&requests::post("/ims/revoke", &revocation))?,
            "not revoked"
        );
        ensure!(!self.holds(&client, &token)?, "a revoked token holds");
        let deleted = authority.delete_credential(&client.created.credential.id, actor);
        self.runtime.block_on(deleted)?;
        self.reaches("a deletion", || Ok(!self.is_granted(&request)?))?;
        self.changed(3)
    }

    /// Publishes the next keys as soon as the last ones sign; the server lets them sign.
    fn rotate(&self, _turn: usize) -> anyhow::Result<()> {
        let Opened {
            authority, actor, ..
        } = self.opened;
        let keys = self.runtime.block_on(authority.list_keys(actor))?;
        if keys.iter().any(|key| key.state == KeyState::Next) {
            return Ok(());
        }
        self.runtime.block_on(authority.rotate_keys(actor))?;
        self.tally.rotations.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Waits until a change acts, but no longer than it may take.
    fn reaches(&self, what: &str, acts: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
        let began = Instant::now();
        while !acts()? {
            if began.elapsed() > REACH {
                bail!("{what} did not act within {REACH:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn is_granted(&self, request: &[u8]) -> anyhow::Result<bool> {
        let mut connection = Connection::open(self.mix.address)?;
        Ok(connection.ask(request)?.status == 200)
    }

    fn token(&self, request: &[u8]) -> anyhow::Result<String> {
        let mut connection = Connection::open(self.mix.address)?;
        let reply: Value = serde_json::from_str(connection.ask(request)?.granted()?.body)?;
        let token = reply["access_token"].as_str();
        Ok(token.context("a token")?.to_owned())
    }

    fn holds(&self, client: &Client, token: &str) -> anyhow::Result<bool> {
        let mut connection = Connection::open(self.mix.address)?;
        let (question, yes) = validation(client, token);
        Ok(connection.ask(&question)?.granted()?.body.contains(yes))
    }

    fn changed(&self, times: u64) -> anyhow::Result<()> {
        self.tally.changes.fetch_add(times, Ordering::Relaxed);
        Ok(())
    }
}
