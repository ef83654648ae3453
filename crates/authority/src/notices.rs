//! What people are told before something ends: found by one node, carried by any, once.
//!
//! The node that does the background work finds what is due (`find`) and makes messages of it: one
//! for each recipient. They wait in the store until some node sends them (`send`). How messages
//! travel is the business of a [`Carrier`]: authority knows neither SMTP nor HTTP.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_model::{Credential, UseCase};
use countersign_store::endings::Owned;
use countersign_store::messages::{Channel, State};
use countersign_store::notices::{About, Noted, Notice};
use countersign_store::{self as store, Page};
use countersign_wire::{NumericOrgId, OrgId, Timestamp};

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;

mod find;
mod measure;
mod send;
mod trouble;

pub(crate) use measure::describe;
pub(crate) use trouble::attempts_of;

/// Ends are days away, and windows are days long.
const LOOK_EVERY: Duration = Duration::from_secs(3600);
/// How long what was told is kept: longer than any window, so that nothing is told twice.
pub(crate) const KEEP_NOTICES: Duration = Duration::from_secs(365 * 86_400);

/// The ways on which messages can leave.
#[derive(Clone, Debug, Default)]
pub struct Channels {
    /// Whether mail can be sent.
    pub mail: bool,
    /// Where else to.
    pub webhooks: Vec<Webhook>,
}

/// Somebody who is told by HTTP.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Names it: its URL may be a secret.
    pub name: String,
    /// Of which organizations it is told; of all, if there are none.
    pub organizations: Vec<OrgId>,
}

/// Carries messages out of the house.
pub trait Carrier: Send + Sync {
    /// Sends a message; gives up within [`LONGEST_SENDING`].
    fn carry<'a>(&'a self, outgoing: &'a Outgoing) -> Carried<'a>;
}

/// A message on its way.
pub type Carried<'a> = Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 'a>>;

/// How long sending one message may take.
pub const LONGEST_SENDING: Duration = Duration::from_secs(30);

/// A message to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The same for every try.
    pub id: String,
    /// How it travels.
    pub channel: Channel,
    /// Mail address, or name of the webhook.
    pub recipient: String,
    /// Whose things it tells of.
    pub org_id: OrgId,
    /// The organization's number, which is in the paths of pages.
    pub org_number: NumericOrgId,
    /// The organization's name.
    pub org_name: String,
    /// When the message was made.
    pub made_at: Timestamp,
    /// The time of this try.
    pub now: Timestamp,
    /// What ends, the next one first; at most [`MOST_NOTICES`].
    pub notices: Vec<Notice>,
    /// How many notices there are, with those that are left out.
    pub total: u64,
}

/// Most notices that a message spells out.
pub const MOST_NOTICES: u32 = 200;

/// Why a message did not arrive: a sentence for administrators, without secrets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Undelivered {
    /// Another try may succeed.
    Later(String),
    /// No try will.
    Never(String),
}

/// What this node does about notices.
#[derive(Default)]
pub(crate) struct Notices {
    channels: Channels,
    carrier: Option<Arc<dyn Carrier>>,
    looked_at: Mutex<Option<Timestamp>>,
}

impl Notices {
    /// Whether the last look is so long ago that something may be due.
    fn is_time(&self, now: Timestamp) -> bool {
        let looked = self.looked_at.lock();
        let looked = *looked.unwrap_or_else(PoisonError::into_inner);
        // A clock that was turned back makes the last look worth nothing.
        looked.is_none_or(|at| now < at || now.since(at) >= LOOK_EVERY)
    }

    fn looked(&self, now: Timestamp) {
        let looked = self.looked_at.lock();
        *looked.unwrap_or_else(PoisonError::into_inner) = Some(now);
    }
}

impl Authority {
    /// The same, with ways to tell people what ends.
    #[must_use]
    pub fn with_notices(self, channels: Channels, carrier: Arc<dyn Carrier>) -> Self {
        let notices = Notices {
            channels,
            carrier: Some(carrier),
            looked_at: Mutex::default(),
        };
        Self { notices, ..self }
    }

    /// What was told about an organization's things, and what became of it, the newest first; the
    /// id is the key of the page.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`], [`ManageError::Forbidden`].
    pub async fn list_notices(
        &self,
        org: &OrgId,
        state: Option<State>,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<Noted>, ManageError> {
        actor.check(UseCase::ReadNotices, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        Ok(store::notices::list(&mut read, org, state, page).await?)
    }

    /// Credentials whose owner's contact is no mail address, by id, which is the key of the page:
    /// the administrators are told instead.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`], [`ManageError::Forbidden`].
    pub async fn list_unreachable(
        &self,
        org: &OrgId,
        page: &Page,
        actor: &Actor,
    ) -> Result<Vec<Owned>, ManageError> {
        actor.check(UseCase::ReadNotices, org, ManageError::NoOrganization)?;
        let wanted = usize::try_from(page.limit.min(Page::MAX)).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        let mut part = Page {
            after: page.after.clone(),
            limit: Page::MAX,
        };
        let mut read = self.store.read().await?;
        while found.len() < wanted {
            let all = store::endings::owned(&mut read, org, &part).await?;
            let Some(last) = all.last() else { break };
            part.after = Some(last.id.to_string());
            let is_unreachable = |one: &Owned| one.owner.mail_address().is_none();
            found.extend(all.into_iter().filter(is_unreachable));
        }
        found.truncate(wanted);
        Ok(found)
    }
}

/// What is shown of a credential.
pub(crate) fn about(credential: &Credential) -> About {
    About {
        id: credential.id.clone(),
        client_id: credential.client_id.clone(),
        project_id: credential.project_id.clone(),
        name: credential.name.clone(),
    }
}
