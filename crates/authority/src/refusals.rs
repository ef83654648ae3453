//! Remembers why requests were refused, so that an owner can be told in full what the caller is
//! told in general. Found by the answer's `x-debug-id`.

use std::sync::Mutex;
use std::sync::PoisonError;

use countersign_store::refusals::RefusalRecord;
use countersign_store::{self as store, Store};
use countersign_wire::{ClientId, CredentialId};

use tracing::warn;

use crate::Authority;
use crate::measure::Counters;

/// More than this between two writes are dropped: refusals are made by anybody, memory and disk
/// are ours.
const MOST_WAITING: usize = 1000;

/// Refusals that are not written yet.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<Vec<RefusalRecord>>);

impl Refusals {
    fn put_back(&self, mut older: Vec<RefusalRecord>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        older.append(&mut waiting);
        older.truncate(MOST_WAITING);
        *waiting = older;
    }

    pub(crate) fn take(&self) -> Vec<RefusalRecord> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A refusal as a face knows it.
#[derive(Clone, Debug)]
pub struct Refused {
    /// `x-debug-id` of the answer.
    pub debug_id: String,
    /// Path of the endpoint, without a query.
    pub endpoint: String,
    /// HTTP status.
    pub status: u16,
    /// Code of the error.
    pub error: &'static str,
    /// The client that was named, if it was well formed.
    pub client_id: Option<String>,
    /// The reason in full; holds no secret.
    pub cause: String,
    /// Where the request came from.
    pub source: String,
}

impl Authority {
    /// Remembers a refusal. Never waits.
    pub fn note_refusal(&self, refused: Refused) {
        Counters::refused(refused.error);
        let record = RefusalRecord {
            debug_id: refused.debug_id,
            at: self.clock.now(),
            endpoint: refused.endpoint,
            status: refused.status,
            error: refused.error.to_owned(),
            credential_id: None,
            client_id: refused.client_id,
            cause: refused.cause,
            source: refused.source,
        };
        let mut waiting = self
            .refusals
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST_WAITING {
            waiting.push(record);
        }
    }

    /// Writes what was remembered since the last time; what cannot be written waits.
    pub(crate) async fn write_refusals(&self) {
        let mut refusals = self.refusals.take();
        if refusals.is_empty() {
            return;
        }
        for refusal in &mut refusals {
            refusal.credential_id = self.credential_of(refusal).await;
        }
        let written = store::retry(|| async {
            let mut write = self.store.write().await?;
            store::refusals::insert(&mut write, &refusals).await?;
            write.commit().await
        })
        .await;
        if let Err(error) = written {
            warn!(
                "{} refusals could not be written, keeping them for later: {error}",
                refusals.len()
            );
            self.refusals.put_back(refusals);
        }
    }
}

impl Authority {
    /// The credential that a refusal is about, as far as memory tells: a refusal is no reason to
    /// ask the database.
    async fn credential_of(&self, refusal: &RefusalRecord) -> Option<CredentialId> {
        let id = ClientId::parse(refusal.client_id.as_deref()?).ok()?;
        let client = self.directory.peek(&id).await?;
        Some(client.credential.id.clone())
    }
}

/// Why the request with that `x-debug-id` was refused, if it is still remembered.
///
/// # Errors
/// [`store::Error`].
pub async fn explain(store: &Store, debug_id: &str) -> Result<Option<RefusalRecord>, store::Error> {
    let mut read = store.read().await?;
    store::refusals::find(&mut read, debug_id).await
}
