//! Lets a call to a published service pass, or says why not. Only a [`Permit`] leads to an
//! upstream, and only [`Authority::permit`] makes one.
//!
//! Everything that is asked for each call is in memory: what was verified of a token is kept
//! (`gate/tokens.rs`), and whether it still holds is asked anew, every time.

use std::sync::Arc;

use countersign_wire::{Caller, CanonicalPath, Timestamp};

use crate::Authority;
use crate::activity::Called;
use crate::directory::{Client, LookupError};
use checks::{
    check_client, check_headers, check_profile, check_scopes, check_subscription,
    must_ask_for_scopes,
};
use permit::Bearer;
use tokens::VerifiedToken;

mod bearer;
mod checks;
mod config;
mod denied;
mod foreign;
mod limits;
mod permit;
mod published;
mod tokens;

pub use config::{GatewayConfig, PublishError};
pub use denied::Denied;
pub(crate) use foreign::Foreign;
pub use foreign::{Asked, Fetched, ForeignConfig, ForeignIms, UnknownClients, VerifyBy};
pub use permit::Permit;
pub(crate) use published::Source;
pub use published::{Clash, Published, PublishedTable};
pub(crate) use tokens::Tokens;

/// One call as a face read it: values borrowed, nothing believed.
pub struct Call<'a> {
    /// What is called; see [`PublishedTable::find`].
    pub service: &'a Arc<Published>,
    /// The method, case as it came.
    pub method: &'a str,
    /// The path that will be forwarded.
    pub path: &'a CanonicalPath,
    /// `x-api-key`, if there is exactly one.
    pub api_key: Option<&'a str>,
    /// `Authorization`.
    pub authorization: Authorization<'a>,
    /// The one value of any other header; names are in lower case.
    pub headers: &'a (dyn Fn(&str) -> Option<&'a str> + Send + Sync),
    /// Who says to call; evidence only.
    pub caller: &'a Caller,
}

/// What `Authorization` holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Authorization<'a> {
    /// There is none.
    Absent,
    /// Anything but a bearer token.
    OtherScheme,
    /// A bearer token, whatever its grammar.
    Bearer(&'a str),
}

impl Authority {
    /// The services that are published now, by host and path.
    pub fn published(&self) -> arc_swap::Guard<Arc<PublishedTable>> {
        self.published.load()
    }

    /// Roughly how many tokens that were verified are remembered.
    #[must_use]
    pub fn verified_tokens(&self) -> usize {
        self.tokens.len()
    }

    /// Takes tokens of another IMS at the gateway, instead of our own. Everything else of this
    /// authority stays as it is.
    #[must_use]
    pub fn with_foreign_ims(mut self, config: ForeignConfig, ims: Arc<dyn ForeignIms>) -> Self {
        self.foreign = Some(Foreign::new(config, ims));
        self
    }

    /// Lets a call pass, or says why not. Takes from the limits what it lets pass.
    ///
    /// Source: `spec/ims-protocol.md` 8.2, "our sequence"; the first failure answers.
    ///
    /// # Errors
    /// [`Denied`]; what cannot be looked up closes.
    pub async fn permit(&self, call: &Call<'_>) -> Result<Permit, Denied> {
        let service = call.service;
        if service.allow_options && call.method == "OPTIONS" {
            return Ok(Permit::for_anybody(service));
        }
        let now = self.clock.now();
        let key = call
            .api_key
            .filter(|key| !key.is_empty())
            .ok_or(Denied::NoApiKey)?;
        let client = self.client_that_may(call, key).await?;
        let known = client.as_deref();
        let token = self.token_that_holds(call, known, now).await?;
        check_client(service, key, known, &token)?;
        check_scopes(call, &token)?;
        check_headers(call, &token)?;
        check_profile(service, known)?;
        service.take_share(&token)?;
        self.note_call(call, known, &token, now);
        Ok(Permit::for_client(service, client, token))
    }

    /// Whether what was permitted would still be permitted, scopes and limits aside: asked about
    /// every second for calls that run long. In memory, unless the client changed.
    pub async fn still_holds(&self, permit: &Permit) -> bool {
        let Some(Bearer { client, token }) = permit.bearer() else {
            return true;
        };
        // As it is published now: it may have been taken back, or closed to this client.
        let published = self.published();
        let Some(service) = published.named(&permit.service().name) else {
            return false;
        };
        let (service, key) = (Arc::clone(service), token.client_id.as_str());
        drop(published);
        let now = self.clock.now();
        let client = match client {
            None => None,
            Some(_) => match self.client_of_key(key).await {
                Ok(client) => Some(client),
                Err(_) => return false,
            },
        };
        let known = client.as_deref();
        known.is_none_or(|client| check_subscription(&service, client).is_ok())
            && self.still_stands(token, known, now).await
            && check_client(&service, key, known, token).is_ok()
            && check_profile(&service, known).is_ok()
    }

    /// The client of the key; nothing for one of another IMS of which nothing is known here.
    async fn client_that_may(
        &self,
        call: &Call<'_>,
        key: &str,
    ) -> Result<Option<Arc<Client>>, Denied> {
        let foreign = self.foreign.as_ref();
        let takes_unknown = foreign.is_some_and(Foreign::takes_unknown_clients);
        match self.client_of_key(key).await {
            Ok(client) => {
                check_subscription(call.service, &client)?;
                Ok(Some(client))
            }
            Err(LookupError::Unknown) if takes_unknown => must_ask_for_scopes(call).map(|()| None),
            Err(LookupError::Unknown) => Err(Denied::UnknownApiKey),
            Err(LookupError::Unavailable(why)) => Err(Denied::ApiKeyUnavailable(why)),
        }
    }

    /// There is nothing to note it at for a client that is not known here.
    fn note_call(
        &self,
        call: &Call<'_>,
        client: Option<&Client>,
        token: &VerifiedToken,
        now: Timestamp,
    ) {
        let Some(client) = client else { return };
        let called = Called {
            service: &call.service.service,
            grant: token.grant,
            minted_by: &token.minted_by,
            caller: call.caller,
        };
        self.activity.note_call(&client.credential.id, &called, now);
    }
}
