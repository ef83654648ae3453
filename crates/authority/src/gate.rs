//! Lets a call to a published service pass, or says why not. Only a [`Permit`] leads to an
//! upstream, and only [`Authority::permit`] makes one.
//!
//! Everything that is asked for each call is in memory: what was verified of a token is kept
//! (`gate/tokens.rs`), and whether it still holds is asked anew, every time.

use std::sync::Arc;

use countersign_model::published::{Console, Holds, RequiredHeader};
use countersign_model::{Origin, Subscription};
use countersign_wire::{Caller, CanonicalPath, Timestamp};

use crate::Authority;
use crate::activity::Called;
use crate::directory::{Client, LookupError};
use crate::validate::{GONE, InvalidToken, REVOKED};
use tokens::VerifiedToken;

mod config;
mod denied;
mod limits;
mod permit;
mod published;
mod tokens;

pub use config::{GatewayConfig, PublishError};
pub use denied::Denied;
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
    /// A bearer token.
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
        let client = self.subscribed_client(call).await?;
        let token = self.token_that_holds(call, &client, now).await?;
        check_client(service, &client, &token)?;
        check_scopes(call, &token)?;
        check_headers(call, &token)?;
        check_profile(service, &client)?;
        service.take_share(&client)?;
        self.note_call(call, &client, &token, now);
        Ok(Permit::for_client(service, client, token))
    }

    /// Whether what was permitted would still be permitted, limits aside: asked about every second
    /// for calls that run long. In memory, unless the client changed.
    pub async fn still_holds(&self, permit: &Permit) -> bool {
        let Some((client, token)) = permit.bearer() else {
            return true;
        };
        let service = permit.service();
        let Ok(client) = self
            .client_of_key(client.credential.client_id.as_str())
            .await
        else {
            return false;
        };
        self.check_token(token, self.clock.now()).is_ok()
            && self.check_token_owner(token, &client).is_ok()
            && subscription(service, &client).is_some()
            && check_client(service, &client, token).is_ok()
            && check_profile(service, &client).is_ok()
    }

    async fn subscribed_client(&self, call: &Call<'_>) -> Result<Arc<Client>, Denied> {
        let key = call.api_key.filter(|key| !key.is_empty());
        let found = self.client_of_key(key.ok_or(Denied::NoApiKey)?).await;
        let client = found.map_err(|error| match error {
            LookupError::Unknown => Denied::UnknownApiKey,
            LookupError::Unavailable(why) => Denied::ApiKeyUnavailable(why),
        })?;
        if let Some(part) = client.disabled() {
            return Err(Denied::Disabled(part));
        }
        match subscription(call.service, &client) {
            Some(_) => Ok(client),
            None => Err(Denied::NotSubscribed(call.service.service.clone())),
        }
    }

    async fn token_that_holds(
        &self,
        call: &Call<'_>,
        client: &Client,
        now: Timestamp,
    ) -> Result<Arc<VerifiedToken>, Denied> {
        let bearer = match call.authorization {
            Authorization::Absent => return Err(Denied::NoToken),
            Authorization::OtherScheme => return Err(Denied::NoBearerToken),
            Authorization::Bearer(bearer) => bearer,
        };
        let token = self.check_bearer(bearer, client, now).await;
        token.map_err(|error| match error {
            InvalidToken::Unavailable(why) => Denied::TokenUnavailable(why),
            error => Denied::InvalidToken(error),
        })
    }

    /// The token, whoever's it is: whether it holds is said before whose it should have been.
    /// What does not hold is never kept, so that no flood of it takes the place of what does.
    async fn check_bearer(
        &self,
        bearer: &str,
        client: &Client,
        now: Timestamp,
    ) -> Result<Arc<VerifiedToken>, InvalidToken> {
        let digest = tokens::digest(bearer);
        let kept = self.tokens.find(&digest);
        let token = match &kept {
            Some(token) => Arc::clone(token),
            None => Arc::new(VerifiedToken::new(self.verify_access_token(bearer, now)?)?),
        };
        self.check_token(&token, now)?;
        if token.client_id == client.credential.client_id {
            self.check_token_owner(&token, client)?;
        } else {
            let owner = self.client_of_key(token.client_id.as_str()).await;
            let owner = owner.map_err(|error| match error {
                LookupError::Unknown => GONE,
                LookupError::Unavailable(why) => InvalidToken::Unavailable(why),
            })?;
            self.check_token_owner(&token, &owner)?;
        }
        if kept.is_none() {
            self.tokens.keep(digest, Arc::clone(&token));
        }
        Ok(token)
    }

    /// What can change about a token that was verified: its time, its key, its revocation.
    fn check_token(&self, token: &VerifiedToken, now: Timestamp) -> Result<(), InvalidToken> {
        if token.expires_at <= now {
            return Err(InvalidToken::Expired(token.expires_at));
        }
        if !self.keyring.load().publishes(&token.signed_by) {
            return Err(InvalidToken::Signature);
        }
        if self.is_any_revoked(&token.revocable, token.created_at) {
            return Err(REVOKED);
        }
        Ok(())
    }

    fn check_token_owner(&self, token: &VerifiedToken, owner: &Client) -> Result<(), InvalidToken> {
        self.check_owner(owner, &token.account_id, &token.org_id, token.created_at)
    }

    fn note_call(&self, call: &Call<'_>, client: &Client, token: &VerifiedToken, now: Timestamp) {
        let called = Called {
            service: &call.service.service,
            grant: token.grant,
            minted_by: &token.minted_by,
            caller: call.caller,
        };
        self.activity.note_call(&client.credential.id, &called, now);
    }
}

fn subscription<'c>(service: &Published, client: &'c Client) -> Option<&'c Subscription> {
    let mut all = client.credential.subscriptions.iter();
    all.find(|subscription| subscription.service == service.service)
}

/// The token's client is the one of the key, may call, and came through a console that the service
/// is published for.
fn check_client(service: &Published, client: &Client, token: &VerifiedToken) -> Result<(), Denied> {
    let id = &client.credential.client_id;
    if token.client_id != *id {
        return Err(Denied::AnotherClient(token.client_id.clone()));
    }
    if !service.clients.is_empty() && !service.clients.contains(id) {
        return Err(Denied::ClientNotListed);
    }
    let console = match client.credential.origin {
        Origin::Console | Origin::AutoGenerated => Console::DeveloperConsole,
        Origin::AemDeveloperConsole => Console::AemDeveloperConsole,
    };
    if service.accepts.contains(&console) {
        Ok(())
    } else {
        Err(Denied::WrongConsole(console))
    }
}

fn check_scopes(call: &Call<'_>, token: &VerifiedToken) -> Result<(), Denied> {
    let path = call.service.upstream_path(call.path);
    let asked = call.service.scopes_for(call.method, path);
    if asked.iter().all(|scope| token.has(scope)) {
        return Ok(());
    }
    let missing = asked.iter().filter(|scope| !token.has(scope));
    Err(Denied::Scopes(missing.cloned().collect()))
}

/// All of them are there before any is read: an absent one is a mistake of the program, another
/// organization may be an attempt.
fn check_headers(call: &Call<'_>, token: &VerifiedToken) -> Result<(), Denied> {
    let required = call.service.required_headers();
    let value = |header: &RequiredHeader| (call.headers)(&header.name).filter(|v| !v.is_empty());
    if let Some(absent) = required.iter().find(|header| value(header).is_none()) {
        return Err(Denied::MissingHeader(absent.name.clone()));
    }
    let mut named = required
        .iter()
        .filter(|header| header.holds == Holds::Organization);
    match named.find(|header| value(header) != Some(&token.org_id)) {
        Some(header) => Err(Denied::AnotherOrganization(header.name.clone())),
        None => Ok(()),
    }
}

fn check_profile(service: &Published, client: &Client) -> Result<(), Denied> {
    let holds = subscription(service, client).is_some_and(|held| !held.profiles.is_empty());
    if holds || !service.profile_required {
        Ok(())
    } else {
        Err(Denied::NoProfile(service.service.clone()))
    }
}
