//! Tells people when the database itself is in trouble, and notices when it is over.

use std::sync::{Mutex, PoisonError};

use countersign_store::Trouble;
use tracing::{error, warn};

use crate::Authority;

/// The troubles that people were told of.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Vec<Trouble>>);

impl Authority {
    /// What is wrong with the database itself. Answers from memory.
    #[must_use]
    pub fn storage_troubles(&self) -> Vec<Trouble> {
        self.store.troubles()
    }

    /// Whether writing is worth trying.
    pub(crate) fn takes_writes(&self) -> bool {
        let is_failing = |trouble: &Trouble| matches!(trouble, Trouble::Failing(_));
        !self.store.troubles().iter().any(is_failing)
    }

    /// Tells of every trouble once, and tries a database that failed again.
    pub(crate) async fn watch_storage(&self) {
        self.tell_troubles();
        if self.takes_writes() {
            return;
        }
        // What is still in the way is remembered by the store.
        if self.store.try_writing().await.is_ok() {
            warn!("the database takes writes again");
        }
        self.tell_troubles();
    }

    fn tell_troubles(&self) {
        let troubles = self.store.troubles();
        let mut told = self.told.0.lock().unwrap_or_else(PoisonError::into_inner);
        for trouble in troubles.iter().filter(|trouble| !told.contains(trouble)) {
            match trouble {
                Trouble::Failing(why) => {
                    error!("{why}. Known clients are served from memory, writes are refused");
                }
                Trouble::Damaged(what) => {
                    error!("{what}. What does not need the damaged part is served");
                }
            }
        }
        *told = troubles;
    }
}
