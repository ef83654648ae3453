//! Keeps what is in memory true: follows the change log, writes what was collected, trims.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use countersign_store::changes::{Change, Topic};
use countersign_store::{self as store};
use countersign_wire::Timestamp;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use crate::Authority;
use crate::policies::Policies;

/// How far back each poll looks again: commit order is not the order of `at`, and clocks of nodes
/// may differ by 30 s before readiness fails (`spec/decisions.md`, decision 8).
const OVERLAP: Duration = Duration::from_secs(45);
/// Older changes are trimmed; a node that was away for longer starts from nothing.
pub(crate) const KEEP_CHANGES: Duration = Duration::from_secs(86_400);
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Where a follower of the change log stands.
pub(crate) struct Follower {
    since: Timestamp,
    seen: HashMap<String, Timestamp>,
}

impl Follower {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            since: now.minus(OVERLAP),
            seen: HashMap::new(),
        }
    }

    /// What of `changes` is new; afterwards it stands at `now`.
    fn advance(&mut self, changes: Vec<Change>, now: Timestamp) -> Vec<Topic> {
        let mut new = Vec::new();
        for change in changes {
            if self.seen.insert(change.id, change.at).is_none() {
                new.push(change.topic);
            }
        }
        // A clock that was set back must not make later changes look old.
        self.since = now.minus(OVERLAP);
        let keep = self.since.minus(OVERLAP);
        self.seen.retain(|_, at| *at >= keep);
        new
    }
}

impl Authority {
    /// Starts the background work; it ends when `stop` is cancelled, after writing what was
    /// collected.
    pub fn run_in_background(self: &Arc<Self>, tasks: &TaskTracker, stop: &CancellationToken) {
        let (authority, ended) = (Arc::clone(self), stop.clone());
        tasks.spawn(async move { authority.follow_changes(ended).await });
        let (authority, ended) = (Arc::clone(self), stop.clone());
        tasks.spawn(async move { authority.write_collected(ended).await });
        let (authority, ended) = (Arc::clone(self), stop.clone());
        tasks.spawn(async move { authority.trim_regularly(ended).await });
    }

    async fn follow_changes(&self, stop: CancellationToken) {
        let mut follower = Follower::new(self.opened_at);
        let mut ticks = tokio::time::interval(Duration::from_millis(self.config.poll_milliseconds));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            match self.poll_changes(&mut follower).await {
                Ok(()) => {
                    if std::mem::take(&mut failing) {
                        warn!("the database answers again: caught up with its change log");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        error!("the change log cannot be read, serving what is in memory: {error}");
                    }
                }
            }
        }
    }

    async fn poll_changes(&self, follower: &mut Follower) -> Result<(), store::Error> {
        let now = self.clock.now();
        let since = follower.since.min(now.minus(OVERLAP));
        if now.since(since) > KEEP_CHANGES {
            self.load_all().await?;
            self.directory.invalidate_all().await;
        }
        let mut read = self.store.read().await?;
        let changes = store::changes::since(&mut read, since).await?;
        drop(read);
        for topic in follower.advance(changes, now) {
            self.try_apply(&topic).await?;
        }
        self.directory.synced();
        Ok(())
    }

    /// Makes a change act on this node. What cannot be read now is read by the next poll.
    pub(crate) async fn apply(&self, topic: &Topic) {
        if let Err(error) = self.try_apply(topic).await {
            warn!("a change could not be read back, the next poll will: {error}");
        }
    }

    async fn try_apply(&self, topic: &Topic) -> Result<(), store::Error> {
        match topic {
            Topic::Client(id) => self.directory.invalidate(id).await,
            Topic::Organization(id) => self.directory.invalidate_organization(id).await,
            Topic::Project(id) => self.directory.invalidate_project(id).await,
            Topic::Policies => self.load_policies().await?,
            Topic::SigningKeys => self.load_keyring().await?,
            Topic::Revocation(subject) => {
                let mut read = self.store.read().await?;
                if let Some(revocation) = store::revocations::find(&mut read, subject).await? {
                    self.revocations.insert(revocation);
                }
            }
        }
        Ok(())
    }

    /// Reads everything that is kept whole in memory.
    pub(crate) async fn load_all(&self) -> Result<(), store::Error> {
        self.load_policies().await?;
        self.load_keyring().await?;
        let mut read = self.store.read().await?;
        for revocation in store::revocations::list(&mut read, self.clock.now()).await? {
            self.revocations.insert(revocation);
        }
        Ok(())
    }

    async fn load_policies(&self) -> Result<(), store::Error> {
        let mut read = self.store.read().await?;
        let rows = store::policies::list(&mut read).await?;
        self.policies.store(Arc::new(Policies::new(rows)));
        Ok(())
    }

    async fn load_keyring(&self) -> Result<(), store::Error> {
        let mut read = self.store.read().await?;
        let records = store::signing_keys::list(&mut read).await?;
        drop(read);
        match crate::keyring::Keyring::new(&records, &self.master_key, self.config.x5u) {
            Ok(keyring) => self.keyring.store(Arc::new(keyring)),
            // The keys that are in memory are good: going on with them beats stopping.
            Err(error) => {
                error!("the stored signing keys cannot be used, keeping those in memory: {error}")
            }
        }
        Ok(())
    }

    async fn write_collected(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(FLUSH_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.flush().await;
        }
        self.flush().await;
    }

    /// Writes what was collected since the last time: evidence of use, and refusals.
    pub async fn flush(&self) {
        let usages = self.activity.take();
        let refusals = self.refusals.take();
        if usages.is_empty() && refusals.is_empty() {
            return;
        }
        let written = store::retry(|| async {
            let mut write = self.store.write().await?;
            store::usage::add(&mut write, &usages).await?;
            store::refusals::insert(&mut write, &refusals).await?;
            write.commit().await
        })
        .await;
        if let Err(error) = written {
            warn!("evidence of use could not be written, keeping it for later: {error}");
            self.activity.put_back(usages);
        }
    }

    async fn trim_regularly(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TRIM_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let now = self.clock.now();
            self.revocations.trim(now);
            match self.trim(now).await {
                Ok(()) => {}
                Err(error) => warn!("old rows could not be trimmed, the next round will: {error}"),
            }
        }
    }

    /// Deletes what nobody needs any more, in small batches, on one node at a time.
    async fn trim(&self, now: Timestamp) -> Result<(), store::Error> {
        let mut write = self.store.write().await?;
        let until = now.plus(TRIM_EVERY);
        let lease = store::leases::acquire(&mut write, "trim", &self.instance, now, until).await?;
        write.commit().await?;
        if lease.is_none() {
            return Ok(());
        }
        let oldest = now.minus(Duration::from_secs(
            u64::from(self.config.keep_refusals_days) * 86_400,
        ));
        let changes = now.minus(KEEP_CHANGES + KEEP_CHANGES);
        for _ in 0..MOST_BATCHES {
            let mut write = self.store.write().await?;
            let deleted = store::used_assertions::trim(&mut write, now, BATCH).await?
                + store::revocations::trim(&mut write, now, BATCH).await?
                + store::refusals::trim(&mut write, oldest, MOST_REFUSALS, BATCH).await?
                + store::changes::trim(&mut write, changes, BATCH).await?;
            write.commit().await?;
            if deleted == 0 {
                break;
            }
        }
        Ok(())
    }
}

const TRIM_EVERY: Duration = Duration::from_secs(60);
const BATCH: u32 = 500;
const MOST_BATCHES: u32 = 200;
const MOST_REFUSALS: u64 = 200_000;

#[cfg(test)]
mod tests {
    use countersign_wire::ClientId;

    use super::*;

    fn change(id: &str, at: i64) -> Change {
        let client = ClientId::parse(id).expect("valid");
        Change {
            id: id.to_owned(),
            at: Timestamp::from_seconds(at),
            topic: Topic::Client(client),
        }
    }

    #[test]
    fn a_change_that_is_read_twice_acts_once() {
        let mut follower = Follower::new(Timestamp::from_seconds(1000));
        let now = Timestamp::from_seconds(1000);
        assert_eq!(follower.advance(vec![change("a", 999)], now).len(), 1);
        assert_eq!(
            follower
                .advance(vec![change("a", 999), change("b", 980)], now)
                .len(),
            1
        );
    }

    #[test]
    fn the_clock_set_back_loses_no_change() {
        let mut follower = Follower::new(Timestamp::from_seconds(10_000));
        follower.advance(Vec::new(), Timestamp::from_seconds(10_000));
        follower.advance(Vec::new(), Timestamp::from_seconds(6_400));
        assert!(follower.since <= Timestamp::from_seconds(6_400).minus(OVERLAP));
    }
}
