//! A creation that is asked for twice with one key is done once. What is remembered holds no
//! secret: a repeated request learns what it made, not what was shown.

use countersign_store::idempotency::{Remembered, Reply};
use countersign_store::{self as store};

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::master_key::Mark;

/// What to do with a request that came with a key.
#[derive(Debug)]
pub enum Begun {
    /// It is new: do it, then [`Authority::finish_request`].
    New,
    /// It was done: this was the answer, without secrets.
    Done(Reply),
    /// It is worked on, or whoever did stopped in the middle.
    Unfinished,
    /// The key was used for another request.
    OtherRequest,
}

impl Authority {
    /// Begins a request under a key of the actor's.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn begin_request(
        &self,
        key: &str,
        request: &str,
        actor: &Actor,
    ) -> Result<Begun, ManageError> {
        let digest = self.master_key.mark(Mark::Request, request);
        let now = self.clock.now();
        let begun = store::retry(|| async {
            let mut write = self.store.write().await?;
            store::idempotency::begin(&mut write, actor.name(), key, &digest, now).await?;
            write.commit().await
        })
        .await;
        match begun {
            Ok(()) => return Ok(Begun::New),
            Err(store::Error::Duplicate) => {}
            Err(error) => return Err(error.into()),
        }
        let mut read = self.store.read().await?;
        let found = store::idempotency::find(&mut read, actor.name(), key).await?;
        Ok(match found {
            Some(Remembered { request, .. }) if request != digest => Begun::OtherRequest,
            Some(Remembered {
                reply: Some(reply), ..
            }) => Begun::Done(reply),
            // Forgotten just now, because it was refused: the next try finds a free key.
            Some(Remembered { reply: None, .. }) | None => Begun::Unfinished,
        })
    }

    /// Remembers the answer of a request, which holds no secret.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn finish_request(
        &self,
        key: &str,
        reply: &Reply,
        actor: &Actor,
    ) -> Result<(), ManageError> {
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::idempotency::finish(&mut write, actor.name(), key, reply).await?;
            write.commit().await
        })
        .await?;
        Ok(())
    }

    /// Forgets a request that was refused: nothing was made, and it may be asked for again.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn forget_request(&self, key: &str, actor: &Actor) -> Result<(), ManageError> {
        store::retry(|| async {
            let mut write = self.store.write().await?;
            store::idempotency::forget(&mut write, actor.name(), key).await?;
            write.commit().await
        })
        .await?;
        Ok(())
    }

    /// Seals where a list goes on, for this list only.
    ///
    /// # Errors
    /// [`ManageError::Seal`].
    pub fn seal_cursor(&self, list: &str, key: &str) -> Result<String, ManageError> {
        Ok(self.master_key.seal(&cursor(list), key.as_bytes())?)
    }

    /// Where a list goes on; nothing for a cursor of another list.
    #[must_use]
    pub fn open_cursor(&self, list: &str, sealed: &str) -> Option<String> {
        let key = self.master_key.open(&cursor(list), sealed).ok()?;
        String::from_utf8(key.to_vec()).ok()
    }
}

fn cursor(list: &str) -> String {
    format!("cursor of {list}")
}
