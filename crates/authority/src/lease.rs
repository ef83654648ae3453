//! Background work is done by one node at a time: whoever has the lease. Its fencing number goes
//! into every transaction of that work, so that a node that slept while another one took over
//! writes nothing any more (`spec/security.md` KEY-06, REL-56).

use std::time::Duration;

use countersign_store::{self as store, Retryable, Write};

use crate::Authority;
use crate::error::ManageError;

/// The right to do background work, as long as nobody else has taken it over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lease {
    fencing: i64,
}

/// How long a lease lasts that nobody renews: how long work rests when a node dies.
const LIFE: Duration = Duration::from_secs(30);
const NAME: &str = "background";

/// Why background work was not done.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// Another node took it over.
    #[error("another node took the background work over")]
    LeaseLost,
    /// As everybody's work.
    #[error(transparent)]
    Manage(#[from] ManageError),
}

impl From<store::Error> for WorkError {
    fn from(error: store::Error) -> Self {
        Self::Manage(error.into())
    }
}

impl Retryable for WorkError {
    fn is_retryable(&self) -> bool {
        match self {
            Self::LeaseLost => false,
            Self::Manage(error) => error.is_retryable(),
        }
    }
}

impl Authority {
    /// Takes the lease or renews it; nothing while another node has it.
    ///
    /// # Errors
    /// [`store::Error`].
    pub async fn take_lease(&self) -> Result<Option<Lease>, store::Error> {
        let now = self.clock.now();
        let fencing = store::retry(|| async {
            let mut write = self.store.write().await?;
            let until = now.plus(LIFE);
            let owner = &self.instance;
            let taken = store::leases::acquire(&mut write, NAME, owner, now, until).await?;
            write.commit().await?;
            Ok::<_, store::Error>(taken)
        })
        .await?;
        Ok(fencing.map(|fencing| Lease { fencing }))
    }

    /// Gives the lease back, so that another node need not wait for its end.
    ///
    /// # Errors
    /// [`store::Error`].
    pub async fn release_lease(&self) -> Result<(), store::Error> {
        let mut write = self.store.write().await?;
        store::leases::release(&mut write, NAME, &self.instance).await?;
        write.commit().await
    }
}

impl Lease {
    /// Keeps the lease until the transaction ends. The first statement of every one.
    pub(crate) async fn hold(self, write: &mut Write) -> Result<(), WorkError> {
        if store::leases::hold(write, NAME, self.fencing).await? {
            Ok(())
        } else {
            Err(WorkError::LeaseLost)
        }
    }
}
