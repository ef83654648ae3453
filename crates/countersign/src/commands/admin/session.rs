//! One command's way into the installation: its database, through its use cases.

use countersign_authority::{Actor, Authority, Clock, ManageError};
use countersign_store::{Page, Store};
use countersign_wire::OrgId;

use crate::config::{Config, Database};
use crate::outcome::Failure;

/// An opened installation, and who asks.
pub struct Session {
    /// The use cases.
    pub authority: Authority,
    /// What is read past the authority: the reasons of refusals.
    pub store: Store,
    /// The person at the command line.
    pub actor: Actor,
}

impl Session {
    /// Opens the installation; makes it at first use.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn open(config: &Config) -> Result<Self, Failure> {
        let store = config.open_store().await?;
        let master_key = config.master_key(Database::of(&store).await?)?;
        let ims = config.ims_at(config.server.address)?;
        let (catalogue, clock) = (config.catalogue.clone(), Clock::system());
        let authority = Authority::open(store.clone(), master_key, ims, catalogue, clock).await?;
        Ok(Self {
            authority,
            store,
            actor: Actor::operator("cli"),
        })
    }

    /// The organization that was named, or the only one there is.
    ///
    /// # Errors
    /// There is none, or more than one.
    pub async fn organization(&self, named: Option<&OrgId>) -> Result<OrgId, Failure> {
        if let Some(id) = named {
            return Ok(id.clone());
        }
        let two = Page {
            after: None,
            limit: 2,
        };
        let mut found = self.authority.list_organizations(&two, &self.actor).await?;
        match (found.pop(), found.pop()) {
            (Some(only), None) => Ok(only.id),
            (None, _) => Err(Failure::broken("there is no organization yet")
                .hint("make one: `countersign admin organizations create --name NAME`")),
            (Some(_), Some(_)) => Err(Failure::broken(
                "there are several organizations: say which one is meant",
            )
            .hint("add `--org ID`; `countersign admin organizations list` shows all")),
        }
    }
}

/// Reads a list to its end, page by page.
pub async fn all<T>(
    list: impl AsyncFn(&Page) -> Result<Vec<T>, ManageError>,
    key: impl Fn(&T) -> &str,
) -> Result<Vec<T>, ManageError> {
    let mut everything = Vec::new();
    let mut page = Page::first();
    loop {
        let rows = list(&page).await?;
        page.after = rows.last().map(|row| key(row).to_owned());
        let is_last = rows.len() < Page::MAX as usize;
        everything.extend(rows);
        if is_last {
            return Ok(everything);
        }
    }
}
