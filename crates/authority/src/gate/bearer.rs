//! Whether the token of a call holds: verified once, asked anew for each call.

use std::sync::Arc;

use countersign_store::revocations::Subject;
use countersign_wire::{OrgId, Timestamp};

use super::tokens::{self, Ground, VerifiedToken};
use super::{Authorization, Call, Denied};
use crate::Authority;
use crate::directory::{Client, LookupError};
use crate::validate::{GONE, InvalidToken, REVOKED};

impl Authority {
    pub(super) async fn token_that_holds(
        &self,
        call: &Call<'_>,
        client: Option<&Client>,
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

    /// Whether a token that held once still does.
    pub(super) async fn still_stands(
        &self,
        token: &VerifiedToken,
        client: Option<&Client>,
        now: Timestamp,
    ) -> bool {
        match token.to_ask_again(now) {
            Some(bearer) => self.check_bearer(bearer, client, now).await.is_ok(),
            None => {
                self.check_token(token, now).is_ok()
                    && client.is_none_or(|client| self.check_holder(token, client).is_ok())
            }
        }
    }

    /// The token, whoever's it is: whether it holds is said before whose it should have been.
    /// What does not hold is never kept, so that no flood of it takes the place of what does.
    async fn check_bearer(
        &self,
        bearer: &str,
        client: Option<&Client>,
        now: Timestamp,
    ) -> Result<Arc<VerifiedToken>, InvalidToken> {
        let digest = tokens::digest(bearer);
        let kept = self.tokens.find(&digest);
        let kept = kept.filter(|token| token.to_ask_again(now).is_none());
        let token = match &kept {
            Some(token) => Arc::clone(token),
            None => Arc::new(self.verify(bearer, now).await?),
        };
        self.check_token(&token, now)?;
        match client.filter(|client| client.credential.client_id == token.client_id) {
            Some(client) => self.check_holder(&token, client)?,
            None => self.check_other_holder(&token).await?,
        }
        if kept.is_none() {
            self.tokens.keep(digest, Arc::clone(&token));
        }
        Ok(token)
    }

    /// What is kept has passed here, and was well-formed then: nobody asks that of it again.
    async fn verify(&self, bearer: &str, now: Timestamp) -> Result<VerifiedToken, InvalidToken> {
        let bearer = well_formed(bearer);
        match &self.foreign {
            None => VerifiedToken::ours(self.verify_access_token(bearer, now)?),
            Some(foreign) => foreign.verify(bearer, now).await,
        }
    }

    /// What can change about a token that was verified: its time, its key, its revocation.
    fn check_token(&self, token: &VerifiedToken, now: Timestamp) -> Result<(), InvalidToken> {
        if token.expires_at <= now {
            return Err(InvalidToken::Expired(token.expires_at));
        }
        let Ground::Ours {
            signed_by,
            revocable,
        } = &token.ground
        else {
            return Ok(());
        };
        if !self.keyring.load().publishes(signed_by) {
            return Err(InvalidToken::Signature);
        }
        if self.is_any_revoked(revocable, token.created_at) {
            return Err(REVOKED);
        }
        Ok(())
    }

    /// Whether `client` stands behind its token. Of another IMS only what is the same everywhere
    /// must agree: it may know the client under another technical account.
    fn check_holder(&self, token: &VerifiedToken, client: &Client) -> Result<(), InvalidToken> {
        if let Ground::Ours { .. } = token.ground {
            let (account_id, org_id) = (&token.account_id, token.org_id());
            return self.check_owner(client, account_id, org_id, token.created_at);
        }
        let is_other = |org_id: &OrgId| *org_id != client.organization.id;
        let credential = Subject::Credential(client.credential.id.clone());
        let ended = self.is_any_revoked(&[credential], token.created_at);
        if token.org_id.as_ref().is_some_and(is_other) || client.disabled().is_some() || ended {
            return Err(GONE);
        }
        Ok(())
    }

    /// Whether the client of a token stands behind it that is not the one of the key. Another IMS
    /// has said so already.
    async fn check_other_holder(&self, token: &VerifiedToken) -> Result<(), InvalidToken> {
        if let Ground::Foreign { .. } = token.ground {
            return Ok(());
        }
        let owner = self.client_of_key(token.client_id.as_str()).await;
        let owner = owner.map_err(|error| match error {
            LookupError::Unknown => GONE,
            LookupError::Unavailable(why) => InvalidToken::Unavailable(why),
        })?;
        self.check_holder(token, &owner)
    }
}

/// The token if it is one by its grammar (`b64token`, RFC 6750 section 2.1); else nothing, which is
/// no token either.
fn well_formed(token: &str) -> &str {
    let body = token.trim_end_matches('=');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    if !body.is_empty() && body.bytes().all(fits) {
        token
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_a_grammar() {
        for token in ["a.b-c_d~e+f/g==", "abc"] {
            assert_eq!(well_formed(token), token);
        }
        for token in [" abc", "a b", "a,b", "a=b", "=", ""] {
            assert_eq!(well_formed(token), "", "{token}");
        }
    }
}
