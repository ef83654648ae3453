//! Sends what waits. Any node does: a message belongs to whoever counts its try up first. A node
//! that dies between sending and noting it sends again, under the same id.

use std::time::Duration;

use countersign_model::notice;
use countersign_store::messages::{self, Message};
use countersign_store::{self as store, organizations};
use countersign_wire::Timestamp;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Carrier, LONGEST_SENDING, MOST_NOTICES, Outgoing, Undelivered};
use crate::Authority;
use crate::error::ManageError;

const SEND_EVERY: Duration = Duration::from_secs(5);
/// Messages of one round; the next one is soon.
const MOST: u32 = 50;
/// Far longer than sending takes: who has not noted its end by then has died.
const CLAIMED_FOR: Duration = Duration::from_secs(300);

impl Authority {
    pub(crate) async fn send_regularly(&self, stop: CancellationToken) {
        if self.notices.carrier.is_none() {
            return;
        }
        let mut ticks = tokio::time::interval(SEND_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            if !self.takes_writes() {
                continue;
            }
            if let Err(error) = self.send_notices().await {
                warn!("notices were not sent, the next round will do it: {error}");
            }
        }
    }

    /// Tries to send every message that may be tried now; says how many arrived.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn send_notices(&self) -> Result<usize, ManageError> {
        let (Some(carrier), Some(now)) = (&self.notices.carrier, self.trusted_now()) else {
            return Ok(0);
        };
        let mut read = self.store.read().await?;
        let due = messages::due(&mut read, now, MOST).await?;
        drop(read);
        let mut sent = 0;
        for message in due {
            if self.claim(&message, now).await? {
                sent += usize::from(self.send(&**carrier, &message).await?);
            }
        }
        Ok(sent)
    }

    async fn claim(&self, message: &Message, now: Timestamp) -> Result<bool, ManageError> {
        let is_ours = store::retry(|| async {
            let mut write = self.store.write().await?;
            let until = now.plus(CLAIMED_FOR);
            let is_ours = messages::claim(&mut write, message, until).await?;
            write.commit().await.map(|()| is_ours)
        });
        Ok(is_ours.await?)
    }

    async fn send(&self, carrier: &dyn Carrier, message: &Message) -> Result<bool, ManageError> {
        let carried = match self.outgoing(message).await? {
            Some(outgoing) => within_time(carrier, &outgoing).await,
            None => Err(Undelivered::Never("nothing is left to tell".to_owned())),
        };
        let now = self.clock.now();
        let failed = message.attempts.saturating_add(1);
        let again_at = match &carried {
            Err(Undelivered::Later(_)) => notice::next_try(failed).map(|wait| now.plus(wait)),
            _ => None,
        };
        store::retry(|| async {
            let mut write = self.store.write().await?;
            match &carried {
                Ok(()) => messages::sent(&mut write, message, now).await?,
                Err(Undelivered::Later(why) | Undelivered::Never(why)) => {
                    messages::failed(&mut write, message, why, again_at).await?;
                }
            }
            write.commit().await
        })
        .await?;
        tell(message, carried.is_ok(), again_at);
        Ok(carried.is_ok())
    }

    async fn outgoing(&self, message: &Message) -> Result<Option<Outgoing>, ManageError> {
        let mut read = self.store.read().await?;
        let address = &message.address;
        let carried = store::notices::of_message(&mut read, &message.id, MOST_NOTICES);
        let (notices, total) = carried.await?;
        let org = organizations::find(&mut read, &address.org_id).await?;
        let Some(org) = org.filter(|_| total > 0) else {
            return Ok(None);
        };
        Ok(Some(Outgoing {
            id: message.id.clone(),
            channel: address.channel,
            recipient: address.recipient.clone(),
            org_id: org.id,
            org_number: org.numeric_id,
            org_name: org.name,
            made_at: message.created_at,
            now: self.clock.now(),
            notices,
            total,
        }))
    }
}

async fn within_time(carrier: &dyn Carrier, outgoing: &Outgoing) -> Result<(), Undelivered> {
    match tokio::time::timeout(LONGEST_SENDING, carrier.carry(outgoing)).await {
        Ok(carried) => carried,
        Err(_) => Err(Undelivered::Later("it took too long".to_owned())),
    }
}

/// Why it failed is not logged: servers like to repeat the address.
fn tell(message: &Message, arrived: bool, again_at: Option<Timestamp>) {
    let (id, channel) = (&message.id, message.address.channel.as_str());
    match (arrived, again_at) {
        (true, _) => debug!(message.id = %id, "sent notices by {channel}"),
        (false, Some(at)) => {
            warn!(message.id = %id, "could not send notices by {channel}, trying again at {at}: `countersign notices list` says why");
        }
        (false, None) => {
            warn!(message.id = %id, "gave up sending notices by {channel}: `countersign notices list` says why");
        }
    }
}
