//! The undo link: whoever has it ends a brown-out, without signing in. It opens one brown-out and
//! nothing else.

use std::net::IpAddr;

use countersign_model::brownout::Brownout;
use countersign_store::changes::Topic;
use countersign_store::{self as store};
use countersign_wire::Timestamp;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::master_key::Mark;

/// As the activity log names whoever used the link.
const BY_LINK: &str = "link:undo";

/// A brown-out as whoever has its link sees it.
#[derive(Clone, Debug)]
pub struct Undoable {
    /// It.
    pub brownout: Brownout,
    /// The organization, by name.
    pub organization: String,
    /// The credentials, by name.
    pub credentials: Vec<String>,
    /// The time by which this was written.
    pub now: Timestamp,
}

impl Authority {
    /// What a link undoes.
    ///
    /// # Errors
    /// [`ManageError::NoBrownout`] for a link that is none, or too old.
    pub async fn find_undoable(&self, code: &str) -> Result<Undoable, ManageError> {
        let digest = self.master_key.mark(Mark::Undo, code);
        let mut read = self.store.read().await?;
        let found = store::brownouts::find_by_digest(&mut read, &digest).await?;
        let brownout = found.ok_or(ManageError::NoBrownout)?;
        let org = store::organizations::find(&mut read, &brownout.org_id).await?;
        let ids: Vec<_> = brownout.members.iter().map(|one| one.id.clone()).collect();
        let credentials = store::credentials::of_ids(&mut read, &ids).await?;
        Ok(Undoable {
            organization: org.map(|org| org.name).unwrap_or_default(),
            credentials: credentials.into_iter().map(|one| one.name).collect(),
            now: self.clock.now(),
            brownout,
        })
    }

    /// Ends what a link undoes: at once here, within a second on other nodes. What is over stays as
    /// it is.
    ///
    /// # Errors
    /// [`ManageError::NoBrownout`] for a link that is none, or too old.
    pub async fn undo_by_link(&self, code: &str, source: IpAddr) -> Result<Brownout, ManageError> {
        let digest = self.master_key.mark(Mark::Undo, code);
        let actor = Actor::witness(BY_LINK.to_owned()).from(source);
        let undone = store::retry(|| async {
            let mut write = self.store.write().await?;
            let found = store::brownouts::find_by_digest(&mut write, &digest).await?;
            let before = found.ok_or(ManageError::NoBrownout)?;
            self.end_brownout(write, before, &actor).await
        });
        let undone = undone.await?;
        self.apply(&Topic::Brownouts).await;
        Ok(undone)
    }
}
