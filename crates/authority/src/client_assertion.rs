//! `private_key_jwt`: a client proves itself by an assertion that one of its keys signed, instead
//! of a secret. Sources: RFC 7521 section 4.2, RFC 7523 sections 2.2 and 3.

use std::sync::Arc;

use countersign_jose::{
    Algorithm, Candidate, ClaimError, ClaimFault, Object, Rules, TokenId as Jti, Unverified,
};
use countersign_wire::oauth::TOKEN_PATH;
use countersign_wire::{CertificateId, ClientId, KeyThumbprint, Opaque, Timestamp};

use crate::Authority;
use crate::client_auth::{AuthenticatedClient, ClientError, Presented};
use crate::directory::Client;
use crate::exchange::KEEP_USED;
use crate::token::Minter;

/// Longest time ahead that an assertion may expire, in seconds. It is remembered for as long, so
/// that it serves once.
const LONGEST: u32 = 600;

/// What a client may sign with.
pub const CLIENT_ALGORITHMS: [Algorithm; 3] =
    [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

impl Authority {
    /// Believes a client by its assertion, which is then used up.
    pub(crate) async fn believe_assertion(
        &self,
        assertion: &Opaque,
        presented: &Presented,
    ) -> Result<AuthenticatedClient, ClientError> {
        let unverified = Unverified::parse(assertion.expose()).map_err(refused)?;
        let id = named_client(&unverified, presented)?;
        let client = self.known_client(&id).await?;
        if let Some(part) = client.disabled() {
            return Err(ClientError::Disabled(part));
        }
        let now = self.clock.now();
        let keys = Keys::of(&client, now);
        let rules = Rules::assertion()
            .with_algorithms(CLIENT_ALGORITHMS)
            .with_longest(LONGEST);
        let read = |claims: &Object| self.read_client_assertion(claims, &id);
        let verified = unverified
            .verify(&keys.candidates, &rules, now.as_millis(), read)
            .map_err(refused)?;
        let minter = keys.minter(verified.key())?;
        self.check_certificates(&client, &minter, presented, now)?;
        let ends = Timestamp::from_millis(verified.expires_at());
        self.use_up(&client, verified.claims(), ends).await?;
        drop(keys);
        Ok(AuthenticatedClient::new(client, minter))
    }

    /// Certificates belong to the JWT half, and go with it: whoever relies on them here is told
    /// while it can still be restored.
    fn check_certificates(
        &self,
        client: &Client,
        minter: &Minter,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<(), ClientError> {
        let credential = &client.credential;
        if !matches!(minter, Minter::Certificate(_)) {
            return Ok(());
        }
        if credential.grants.uses_jwt_half() {
            let refused = self.check_brownouts(client, &presented.caller, now);
            return refused.map_err(ClientError::BrownedOut);
        }
        self.activity
            .note_attempt(&credential.id, &presented.caller, now);
        Err(refused(
            "its key is that of a certificate of the Service Account (JWT) half, which is disabled: register the key in the credential's key set",
        ))
    }

    /// Gives the assertion's id.
    fn read_client_assertion(&self, claims: &Object, id: &ClientId) -> Result<Jti, ClaimError> {
        for name in ["iss", "sub"] {
            if claims.string(name)? != id.as_str() {
                return Err(ClaimError::new(name, ClaimFault::Value));
            }
        }
        let issuer = self.config.issuer.as_str();
        let audience = claims.one_audience()?;
        if audience != issuer && audience.strip_prefix(issuer) != Some(TOKEN_PATH) {
            return Err(ClaimError::new("aud", ClaimFault::Value));
        }
        claims
            .token_id()?
            .ok_or_else(|| ClaimError::new("jti", ClaimFault::Missing))
    }

    async fn use_up(&self, client: &Client, jti: &Jti, ends: Timestamp) -> Result<(), ClientError> {
        // Not the space of assertions that are exchanged: those begin with a number.
        let jti = format!("client|{}|{jti}", client.credential.id);
        let org = &client.organization.id;
        match self.record_use(org, &jti, ends.plus(KEEP_USED)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(ClientError::Assertion("it was used before".to_owned())),
            Err(error) => Err(ClientError::Unavailable(format!(
                "the store of used assertions does not answer: {error}"
            ))),
        }
    }
}

/// `sub` names the client; `client_id` may repeat it (RFC 7521 section 4.2).
fn named_client(
    unverified: &Unverified<'_>,
    presented: &Presented,
) -> Result<ClientId, ClientError> {
    let id = unverified.subject().map(ClientId::parse);
    let Some(Ok(id)) = id else {
        return Err(refused("`sub` is not a client id"));
    };
    match &presented.client.id {
        Some(named) if *named != id => Err(refused("`sub` is not the client_id of the request")),
        _ => Ok(id),
    }
}

/// The keys a client may sign with now: of its certificates, and those it registered.
struct Keys<'c> {
    certificates: Vec<&'c CertificateId>,
    candidates: Vec<Candidate<'c>>,
}

impl<'c> Keys<'c> {
    fn of(client: &'c Arc<Client>, now: Timestamp) -> Self {
        let is_live = |id: &CertificateId| client.certificate(id).is_some_and(|c| c.is_live(now));
        let live = client.keys.iter().filter(|(id, _)| is_live(id));
        let (certificates, mut candidates): (Vec<_>, Vec<_>) = live
            .map(|(id, key)| (id, Candidate { kid: None, key }))
            .unzip();
        candidates.extend(client.jwks.candidates());
        Self {
            certificates,
            candidates,
        }
    }

    /// A certificate is named as such, so that its tokens can be revoked together, whichever way
    /// it minted them.
    fn minter(&self, at: usize) -> Result<Minter, ClientError> {
        if let Some(id) = self.certificates.get(at) {
            return Ok(Minter::Certificate((*id).clone()));
        }
        let thumbprint = self
            .candidates
            .get(at)
            .map(|signer| KeyThumbprint::parse(&signer.key.thumbprint()));
        match thumbprint {
            Some(Ok(thumbprint)) => Ok(Minter::Key(thumbprint)),
            _ => Err(refused("its key has no thumbprint")),
        }
    }
}

fn refused(why: impl std::fmt::Display) -> ClientError {
    ClientError::Assertion(why.to_string())
}
