//! What is wrong with the database itself, remembered until it is over: so that somebody is told.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;

/// Something that an operator has to mend.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// It takes no writes, or does not read: full, read-only, gone, broken disk.
    Failing(String),
    /// It holds what it should not. Nothing but a backup mends that.
    Damaged(String),
}

/// The troubles that were met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health(Arc<Mutex<Met>>);

#[derive(Debug, Default)]
struct Met {
    failing: Option<String>,
    damaged: Option<String>,
}

impl Health {
    /// Remembers what an error says about the database. Of several damages the first one stays.
    pub(crate) fn note(&self, error: &Error) {
        let Some(trouble) = error.trouble() else {
            return;
        };
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            Trouble::Failing(why) => met.failing = Some(why),
            Trouble::Damaged(what) => {
                met.damaged.get_or_insert(what);
            }
        }
    }

    /// It was seen to read and write.
    pub(crate) fn works(&self) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        met.failing = None;
    }

    /// Everything that is not over yet.
    pub(crate) fn troubles(&self) -> Vec<Trouble> {
        let met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failing = met.failing.clone().map(Trouble::Failing);
        let damaged = met.damaged.clone().map(Trouble::Damaged);
        failing.into_iter().chain(damaged).collect()
    }
}
