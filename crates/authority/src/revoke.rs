//! Ends a token before its time.

use std::time::Duration;

use countersign_jose::Unverified;
use countersign_store::changes::Topic;
use countersign_store::revocations::{Revocation, Subject};
use countersign_store::{self as store, Write};
use countersign_wire::{ClientId, Timestamp, TokenId};

use crate::Authority;
use crate::client_auth::AuthenticatedClient;
use crate::clock::BETWEEN_NODES;
use crate::validate::{InvalidToken, SignedToken};

/// Who may revoke.
pub enum Revoker<'a> {
    /// A client, its own tokens.
    Client(&'a AuthenticatedClient),
    /// Whoever holds the token, naming its client: the original asks for no secret when an access
    /// token is invalidated (`spec/ims-protocol.md` 4.5), and the token itself is worth more.
    Holder(&'a ClientId),
}

/// What became of a request to revoke.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Revoked {
    /// It is durable and holds.
    Done,
    /// Nothing to do: unknown, expired, malformed, or another client's. The caller is not told.
    NotApplicable,
}

/// Revocations are kept a little longer than the token lives: clocks of nodes differ.
pub(crate) const KEEP: Duration = Duration::from_secs(60);

impl Authority {
    /// Revokes one access token. The signature is verified before anything is written, so that an
    /// altered copy of a living token revokes nothing (`spec/security.md` RVK-02).
    ///
    /// # Errors
    /// [`store::Error`] when the revocation could not be made durable: it then does not hold.
    pub async fn revoke_token(
        &self,
        token: &str,
        revoker: Revoker<'_>,
    ) -> Result<Revoked, store::Error> {
        let now = self.clock.now();
        let Ok(SignedToken {
            claims, expires_at, ..
        }) = self.verify_to_revoke(token, now)
        else {
            return Ok(Revoked::NotApplicable);
        };
        let owner = match revoker {
            Revoker::Client(client) => client.client().credential.client_id.as_str(),
            Revoker::Holder(client_id) => client_id.as_str(),
        };
        let Ok(id) = TokenId::parse(&claims.id) else {
            return Ok(Revoked::NotApplicable);
        };
        if owner != claims.client_id {
            return Ok(Revoked::NotApplicable);
        }
        self.save_revocation(Subject::Token(id), expires_at, now)
            .await?;
        Ok(Revoked::Done)
    }

    /// Verifies a token that holds on any node, whatever the clock says there. It may come from one
    /// whose clock is ahead: it will hold, so it can be revoked. And where the clock is behind, it
    /// still holds; so does one that is over only by a step of this node's clock.
    pub(crate) fn verify_to_revoke(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<SignedToken, InvalidToken> {
        let now = now.min(self.unstepped_now());
        let then = now.minus(BETWEEN_NODES).max(claimed_start(token));
        self.verify_access_token(token, then)
    }

    pub(crate) async fn save_revocation(
        &self,
        subject: Subject,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), store::Error> {
        let revocation = Revocation {
            subject,
            revoked_at: now,
            expires_at: expires_at.plus(KEEP),
        };
        store::retry(|| async {
            let mut write = self.store.write().await?;
            revoke_in(&mut write, &revocation, self.clock.now()).await?;
            write.commit().await
        })
        .await?;
        self.revocations.insert(revocation);
        Ok(())
    }
}

/// When a token claims to have been issued; the beginning of time if it does not say.
fn claimed_start(token: &str) -> Timestamp {
    let Ok(unverified) = Unverified::parse(token) else {
        return Timestamp::default();
    };
    let claims = unverified.claims();
    let millis = claims.digits("created_at").ok();
    let seconds = || claims.integer("iat").ok().map(Timestamp::from_seconds);
    millis
        .map(Timestamp::from_millis)
        .or_else(seconds)
        .unwrap_or_default()
}

/// Revokes inside of a transaction, and lets the other nodes hear of it.
pub(crate) async fn revoke_in(
    write: &mut Write,
    revocation: &Revocation,
    now: Timestamp,
) -> Result<(), store::Error> {
    store::revocations::insert(write, revocation).await?;
    let topic = Topic::Revocation(revocation.subject.clone());
    store::changes::append(write, &topic, now).await
}
