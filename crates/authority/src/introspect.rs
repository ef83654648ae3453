//! Says what a token is good for, to those whose business it is. Source: RFC 7662.

use countersign_wire::claims::audience;

use crate::Authority;
use crate::client_auth::AuthenticatedClient;
use crate::validate::{InvalidToken, ValidToken};

impl Authority {
    /// What `token` says, if it holds and is the caller's business: a token of its organization,
    /// or one whose audience is the caller, `{issuer}/c/{client id}` (`spec/security.md` INT-03;
    /// that form of an audience is our choice, after the original's).
    ///
    /// # Errors
    /// [`InvalidToken::Unavailable`] when it cannot be told; every other reason is nothing.
    pub async fn introspect(
        &self,
        token: &str,
        caller: &AuthenticatedClient,
    ) -> Result<Option<ValidToken>, InvalidToken> {
        match self.validate(token).await {
            Ok(held) if self.concerns(&held, caller) => Ok(Some(held)),
            Err(error @ InvalidToken::Unavailable(_)) => Err(error),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    fn concerns(&self, held: &ValidToken, caller: &AuthenticatedClient) -> bool {
        let caller = caller.client();
        let own = audience(&self.config.issuer, &caller.credential.client_id);
        held.client.organization.id == caller.organization.id || held.claims.audience.contains(&own)
    }
}
