//! Keeps what is in memory true: follows the change log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use countersign_store::changes::{Change, Topic};
use countersign_store::revocations::Subject;
use countersign_store::{self as store};
use countersign_wire::{ClientId, Timestamp};
use tokio::time::{Instant, MissedTickBehavior, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::Authority;
use crate::clocks::Comparison;
use crate::policies::Policies;
use crate::rotation::Outlook;

/// How far back each poll looks again: commit order is not the order of `at`, and the clocks of
/// nodes may differ by this much.
const OVERLAP: Duration = Duration::from_secs(45);
/// Older changes are trimmed; a node that was away for longer starts from nothing.
pub(crate) const KEEP_CHANGES: Duration = Duration::from_secs(86_400);

/// How long clients that changed are read again for at once; the others are when they call next.
const REFRESH_FOR: Duration = Duration::from_millis(200);

/// Where a follower of the change log stands.
pub(crate) struct Follower {
    since: Timestamp,
    seen: HashMap<String, Timestamp>,
    comparison: Comparison,
}

impl Follower {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            since: now.minus(OVERLAP),
            seen: HashMap::new(),
            comparison: Comparison::default(),
        }
    }

    fn is_new(&self, change: &Change) -> bool {
        !self.seen.contains_key(&change.id)
    }

    /// Notes that a change acts here. Before that, it is read again by every poll.
    fn applied(&mut self, change: Change) {
        self.seen.insert(change.id, change.at);
    }

    /// Stands at `now`: everything before it acts here.
    fn advance(&mut self, now: Timestamp) {
        // A clock that was set back must not make later changes look old.
        self.since = now.minus(OVERLAP);
        let keep = self.since.minus(OVERLAP);
        self.seen.retain(|_, at| *at >= keep);
    }
}

impl Authority {
    pub(crate) async fn follow_changes(&self, stop: CancellationToken) {
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
        self.watch_clock();
        let now = self.unstepped_now();
        let since = follower.since.min(now.minus(OVERLAP));
        let is_stale = self.clock_watch.take_stale();
        if is_stale || now.since(since) > KEEP_CHANGES {
            let reloaded = self.reload().await;
            reloaded.inspect_err(|_| self.clock_watch.put_stale())?;
        }
        let began = self.clock.now();
        let mut read = self.store.read().await?;
        let changes = store::changes::since(&mut read, since).await?;
        let beats = store::nodes::others(&mut read, &self.instance).await?;
        drop(read);
        follower.comparison.hear(beats, began, self.clock.now());
        self.note_clocks(&follower.comparison);
        let news: Vec<_> = changes
            .into_iter()
            .filter(|change| follower.is_new(change))
            .collect();
        // Of a later release: anything may have changed.
        if news.iter().any(|change| change.topic.is_none()) {
            self.reload().await?;
        }
        let topics: Vec<_> = news
            .iter()
            .filter_map(|change| change.topic.as_ref())
            .collect();
        self.try_apply(&topics).await?;
        for change in news {
            follower.applied(change);
        }
        follower.advance(now);
        self.directory.synced();
        Ok(())
    }

    /// Makes a change act on this node. What cannot be read now is read by the next poll.
    pub(crate) async fn apply(&self, topic: &Topic) {
        if let Err(error) = self.try_apply(&[topic]).await {
            warn!("a change could not be read back, the next poll will: {error}");
        }
    }

    /// What is kept whole is read once, and revocations in one transaction, however many changes
    /// there are: a node that missed thousands must catch up within the time that was promised.
    async fn try_apply(&self, topics: &[&Topic]) -> Result<(), store::Error> {
        let (mut changed, mut revoked) = (Vec::new(), Vec::new());
        let (mut policies, mut published, mut signing_keys) = (false, false, false);
        let mut brownouts = false;
        for topic in topics {
            match topic {
                Topic::Client(id) if self.directory.peek(id).await.is_some() => changed.push(id),
                Topic::Client(id) => self.directory.invalidate(id).await,
                Topic::Organization(id) => self.directory.invalidate_organization(id).await,
                Topic::Project(id) => self.directory.invalidate_project(id).await,
                Topic::Brownouts => brownouts = true,
                Topic::Policies => policies = true,
                Topic::PublishedServices => published = true,
                Topic::SigningKeys => signing_keys = true,
                Topic::Revocation(subject) => revoked.push(subject),
            }
        }
        self.load_revocations(&revoked).await?;
        if signing_keys {
            self.load_keyring().await?;
        }
        if policies {
            self.load_policies().await?;
        }
        if published {
            self.load_published().await?;
        }
        if brownouts {
            self.load_brownouts().await?;
        }
        self.refresh(&changed).await;
        Ok(())
    }

    /// Reads clients again that are in memory, as far as that is quick, and forgets the others: no
    /// change may wait for a slow database.
    async fn refresh(&self, clients: &[&ClientId]) {
        let end = Instant::now() + REFRESH_FOR;
        for id in clients {
            if timeout_at(end, self.directory.refresh(id)).await.is_err() {
                self.directory.invalidate(id).await;
            }
        }
    }

    async fn load_revocations(&self, subjects: &[&Subject]) -> Result<(), store::Error> {
        if subjects.is_empty() {
            return Ok(());
        }
        let mut read = self.store.read().await?;
        for subject in subjects {
            if let Some(revocation) = store::revocations::find(&mut read, subject).await? {
                self.revocations.insert(revocation);
            }
        }
        Ok(())
    }

    /// Forgets what was read before, and reads again what is kept whole.
    async fn reload(&self) -> Result<(), store::Error> {
        self.load_all().await?;
        self.directory.invalidate_all().await;
        Ok(())
    }

    /// Reads everything that is kept whole in memory.
    pub(crate) async fn load_all(&self) -> Result<(), store::Error> {
        self.load_policies().await?;
        self.load_keyring().await?;
        self.load_published().await?;
        self.load_brownouts().await?;
        let mut read = self.store.read().await?;
        for revocation in store::revocations::list(&mut read, self.unstepped_now()).await? {
            self.revocations.insert(revocation);
        }
        Ok(())
    }

    async fn load_policies(&self) -> Result<(), store::Error> {
        let _one_at_a_time = self.loading.lock().await;
        let mut read = self.store.read().await?;
        let rows = store::policies::list(&mut read).await?;
        self.policies.store(Arc::new(Policies::new(rows)));
        Ok(())
    }

    async fn load_keyring(&self) -> Result<(), store::Error> {
        let _one_at_a_time = self.loading.lock().await;
        let mut read = self.store.read().await?;
        let records = store::signing_keys::list(&mut read).await?;
        drop(read);
        let outlook = Outlook::new(&records, &self.schedule());
        self.outlook.store(Arc::new(outlook));
        match crate::keyring::Keyring::new(&records, &self.master_key, self.config.x5u) {
            Ok(keyring) => self.keyring.store(Arc::new(keyring)),
            // The keys that are in memory are good: going on with them beats stopping.
            Err(error) => {
                error!("the stored signing keys cannot be used, keeping those in memory: {error}")
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(id: &str, at: i64) -> Change {
        let client = ClientId::parse(id).expect("valid");
        Change {
            id: id.to_owned(),
            at: Timestamp::from_seconds(at),
            topic: Some(Topic::Client(client)),
        }
    }

    #[test]
    fn a_change_is_new_until_it_acts() {
        let mut follower = Follower::new(Timestamp::from_seconds(1000));
        assert!(follower.is_new(&change("a", 999)));
        assert!(
            follower.is_new(&change("a", 999)),
            "it could not be applied"
        );
        follower.applied(change("a", 999));
        follower.advance(Timestamp::from_seconds(1000));
        assert!(!follower.is_new(&change("a", 999)));
        assert!(follower.is_new(&change("b", 980)), "committed late");
    }

    #[test]
    fn the_clock_set_back_loses_no_change() {
        let mut follower = Follower::new(Timestamp::from_seconds(10_000));
        follower.advance(Timestamp::from_seconds(10_000));
        follower.advance(Timestamp::from_seconds(6_400));
        assert!(follower.since <= Timestamp::from_seconds(6_400).minus(OVERLAP));
    }
}
