//! What every handler is given.

use std::sync::Arc;

use countersign_authority::Authority;

use crate::ims::Compatibility;

/// The authority, and how its answers are worded. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The use cases.
    pub authority: Arc<Authority>,
    /// How closely the IMS face keeps to the original where that is not wise.
    pub compatibility: Compatibility,
}

impl App {
    /// Puts a face in front of an authority.
    #[must_use]
    pub fn new(authority: Arc<Authority>, compatibility: Compatibility) -> Self {
        Self {
            authority,
            compatibility,
        }
    }
}
