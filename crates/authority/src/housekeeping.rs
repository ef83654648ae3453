//! What a process does without being asked: follows the change log, writes what was collected,
//! sends notices, and, on one node at a time, rotates keys, ends quarantines, finds what people must
//! be told, and trims what nobody needs any more.

use std::sync::Arc;
use std::time::Duration;

use countersign_model::brownout;
use countersign_store::{self as store};
use countersign_wire::Timestamp;
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::Authority;
use crate::clocks::KEEP_NODES;
use crate::evidence;
use crate::follow::KEEP_CHANGES;
use crate::lease::{Lease, WorkError};
use crate::notices::KEEP_NOTICES;

/// A third of a lease's life: two rounds may fail before it is lost.
const WORK_EVERY: Duration = Duration::from_secs(10);
/// Those who were refused ask why at once.
const WRITE_REFUSALS_EVERY: Duration = Duration::from_secs(1);
/// A clock that jumps ahead and comes back must not have revived what was revoked, nor let an
/// assertion be used again.
const MARGIN: Duration = Duration::from_secs(86_400);
const BATCH: u32 = 500;
const MOST_BATCHES: u32 = 200;
const MOST_REFUSALS: u64 = 200_000;

/// Why something is written now.
enum Why {
    /// It is time.
    Time,
    /// More callers than allowed would have failed in a brown-out: other nodes must hear of it.
    Brownout,
}

impl Authority {
    /// Starts the background work; it ends when `stop` is cancelled, after writing what was
    /// collected.
    pub fn run_in_background(self: &Arc<Self>, tasks: &TaskTracker, stop: &CancellationToken) {
        self.follow_in_background(tasks, stop);
        let (authority, ended) = (Arc::clone(self), stop.clone());
        tasks.spawn(async move { authority.work_regularly(ended).await });
        let (authority, ended) = (Arc::clone(self), stop.clone());
        tasks.spawn(async move { authority.send_regularly(ended).await });
    }

    /// The part of the background work that every node does for itself: it never leads.
    pub fn follow_in_background(self: &Arc<Self>, tasks: &TaskTracker, stop: &CancellationToken) {
        let (authority, ended) = (Arc::clone(self), stop.clone());
        tasks.spawn(async move { authority.follow_changes(ended).await });
        let (authority, ended) = (Arc::clone(self), stop.clone());
        tasks.spawn(async move { authority.beat_regularly(ended).await });
        let (authority, ended) = (Arc::clone(self), stop.clone());
        tasks.spawn(async move { authority.write_collected(ended).await });
    }

    async fn write_collected(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(WRITE_REFUSALS_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut written = tokio::time::Instant::now();
        while let Some(why) = stop.run_until_cancelled(self.next_write(&mut ticks)).await {
            if let Why::Brownout = why {
                self.write_brownouts().await;
                continue;
            }
            self.watch_storage().await;
            self.measure();
            if !self.takes_writes() {
                continue;
            }
            self.write_refusals().await;
            self.write_brownouts().await;
            if written.elapsed() >= evidence::WRITE_EVERY || self.activity.is_much() {
                self.write_evidence().await;
                written = tokio::time::Instant::now();
            }
        }
        self.flush().await;
    }

    /// Waits for the next time to write.
    async fn next_write(&self, ticks: &mut Interval) -> Why {
        tokio::select! {
            _ = ticks.tick() => Why::Time,
            () = self.brownouts.filled() => Why::Brownout,
        }
    }

    /// Writes what was collected since the last time: evidence of use, and refusals.
    pub async fn flush(&self) {
        self.write_refusals().await;
        self.write_brownouts().await;
        self.write_evidence().await;
    }

    async fn work_regularly(&self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(WORK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.watch_rotation();
            if !self.takes_writes() {
                continue;
            }
            match self.work_as_leader().await {
                Ok(()) => {}
                Err(WorkError::LeaseLost) => debug!("another node does the background work now"),
                Err(error) => warn!("background work failed, the next round will do it: {error}"),
            }
        }
        if let Err(error) = self.release_lease().await {
            debug!("the lease was not given back and will run out: {error}");
        }
    }

    /// One round of the work that one node does for all, if this one leads and knows what time it
    /// is.
    ///
    /// # Errors
    /// [`WorkError::LeaseLost`] when another node has taken over since.
    pub async fn work_as_leader(&self) -> Result<(), WorkError> {
        let Some(now) = self.trusted_now() else {
            // Another node may know better what time it is.
            return Ok(self.release_lease().await?);
        };
        self.revocations.trim(now.minus(MARGIN));
        match self.take_lease().await? {
            Some(lease) => self.work_at(lease, now).await,
            None => {
                self.forget_endings();
                Ok(())
            }
        }
    }

    /// Does everything that is due, once.
    ///
    /// # Errors
    /// [`WorkError::LeaseLost`] when another node has taken over since; nothing is written then.
    pub async fn work(&self, lease: Lease) -> Result<(), WorkError> {
        self.work_at(lease, self.clock.now()).await
    }

    /// The clock is not asked again: it may be set at any moment.
    async fn work_at(&self, lease: Lease, now: Timestamp) -> Result<(), WorkError> {
        let rotated = self.rotate_on_schedule(lease, now).await;
        let ended = self.end_quarantines(lease, now).await;
        let moved = self.migrate_by_dates(lease, now).await;
        self.seal_events(lease).await?;
        self.note_progress(lease, now).await?;
        self.trim(lease, now).await?;
        self.find_notices(lease, now).await?;
        rotated.and(ended).and(moved)
    }

    /// Deletes what nobody needs any more, in small batches that keep nobody waiting.
    async fn trim(&self, lease: Lease, now: Timestamp) -> Result<(), WorkError> {
        let kept = u64::from(self.config.keep_refusals_days);
        let oldest = now.minus(Duration::from_secs(kept * 86_400));
        let days = now.minus(evidence::KEEP_DAYS);
        let changes = now.minus(KEEP_CHANGES + KEEP_CHANGES);
        let nodes = now.minus(KEEP_NODES);
        let over = now.minus(MARGIN);
        let told = now.minus(KEEP_NOTICES);
        let browned = now.minus(brownout::KEPT);
        for _ in 0..MOST_BATCHES {
            // A node whose row looks old to this one's clock may be writing it.
            let deleted = store::retry(|| async {
                let mut write = self.store.write().await?;
                lease.hold(&mut write).await?;
                let deleted = store::used_assertions::trim(&mut write, over, BATCH).await?
                    + store::revocations::trim(&mut write, over, BATCH).await?
                    + store::refusals::trim(&mut write, oldest, MOST_REFUSALS, BATCH).await?
                    + store::changes::trim(&mut write, changes, BATCH).await?
                    + store::nodes::trim(&mut write, nodes, BATCH).await?
                    + store::idempotency::trim(&mut write, over, BATCH).await?
                    + store::sessions::trim(&mut write, over, BATCH).await?
                    + store::used_states::trim(&mut write, over, BATCH).await?
                    + store::invitations::trim(&mut write, over, BATCH).await?
                    + store::daily_usage::trim(&mut write, days, BATCH).await?
                    + store::brownouts::trim(&mut write, browned, BATCH).await?
                    + store::notices::trim(&mut write, told, BATCH).await?
                    + store::messages::trim(&mut write, told, BATCH).await?;
                write.commit().await?;
                Ok::<_, WorkError>(deleted)
            })
            .await?;
            if deleted == 0 {
                break;
            }
        }
        Ok(())
    }
}
