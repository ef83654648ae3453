//! Which version of a thing a change was made from.

use crate::error::ManageError;

/// A thing to be changed, and the revision that whoever changes it has seen. Made from an id, it is
/// whatever is there.
#[derive(Debug)]
pub struct At<'i, I> {
    id: &'i I,
    revision: Option<i64>,
}

impl<'i, I> At<'i, I> {
    /// The thing as it was at `revision`: if it is another one by now, the change fails with
    /// [`ManageError::Stale`].
    #[must_use]
    pub const fn revision(id: &'i I, revision: Option<i64>) -> Self {
        Self { id, revision }
    }

    pub(crate) const fn id(self) -> &'i I {
        self.id
    }

    /// Lets a change pass that was made from what is stored.
    pub(crate) fn check(self, stored: i64) -> Result<(), ManageError> {
        match self.revision {
            Some(expected) if expected != stored => Err(ManageError::Stale),
            _ => Ok(()),
        }
    }
}

impl<I> Clone for At<'_, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I> Copy for At<'_, I> {}

impl<'i, I> From<&'i I> for At<'i, I> {
    fn from(id: &'i I) -> Self {
        Self { id, revision: None }
    }
}
