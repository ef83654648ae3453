//! Authenticates clients. One round of comparisons, whatever the secret and whoever the client.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use argon2::PasswordVerifier as _;
use countersign_model::secret::MAX_SECRETS;
use countersign_model::{Secret, SecretDigest, SecretsInQuery};
use countersign_wire::token::PresentedClient;
use countersign_wire::{Caller, ClientId, ClientSecret, Opaque, SecretId, Timestamp};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::Authority;
use crate::brownouts::BrownedOut;
use crate::directory::{Client, LookupError};
use crate::throttle::WINDOW;
use crate::token::Minter;

/// A client that proved who it is. Only [`Authority::authenticate`] makes one.
pub struct AuthenticatedClient {
    client: Arc<Client>,
    minter: Minter,
}

impl AuthenticatedClient {
    pub(crate) fn new(client: Arc<Client>, minter: Minter) -> Self {
        Self { client, minter }
    }

    /// What is known of it.
    #[must_use]
    pub fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// What it proved itself by.
    #[must_use]
    pub fn minter(&self) -> &Minter {
        &self.minter
    }
}

/// What a request says of its sender.
#[derive(Clone, Debug)]
pub struct Presented {
    /// Client id and secret.
    pub client: PresentedClient,
    /// An assertion of the client about itself, instead of a secret (RFC 7523 section 2.2).
    pub assertion: Option<Opaque>,
    /// The address it came from.
    pub source: IpAddr,
    /// Who says to call; evidence only.
    pub caller: Caller,
    /// Whether a secret travelled in the URL.
    pub secret_in_query: bool,
}

/// Why a client was not believed. The sentences are for its owner; the caller sees less.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// No client id in the request.
    #[error("the request has no client_id")]
    NoClientId,
    /// No credential has it.
    #[error(
        "no credential has this client_id: it was mistyped, deleted, or belongs to another installation"
    )]
    Unknown,
    /// Credential, project or organization is switched off.
    #[error("the {0} is disabled: enable it to let the client in")]
    Disabled(&'static str),
    /// No secret in the request.
    #[error("the request has no client_secret")]
    NoSecret,
    /// None of the credential's secrets.
    #[error("the client_secret is none of the credential's {live} live secrets{hint}")]
    WrongSecret {
        /// How many secrets are live.
        live: usize,
        /// What the form of the presented secret tells.
        hint: &'static str,
    },
    /// One of its secrets, but over.
    #[error("secret {id} expired at {at}: add a new one and hand it to the client")]
    ExpiredSecret {
        /// Which secret.
        id: SecretId,
        /// Since when.
        at: Timestamp,
    },
    /// The assertion it shows instead of a secret is not good.
    #[error("the client_assertion is refused: {0}")]
    Assertion(String),
    /// Its key is that of a certificate of the JWT half, which a brown-out refuses.
    #[error(
        "the client_assertion is signed with the key of a certificate: {0}; register the key in the credential's key set"
    )]
    BrownedOut(Box<BrownedOut>),
    /// The organization does not take secrets in URLs.
    #[error("the organization refuses secrets in the query: the client must send them in the body")]
    SecretInQuery,
    /// Too many failures from this source for this client.
    #[error(
        "too many failed authentications from this source for this client: they are counted for a minute"
    )]
    Throttled,
    /// Cannot be decided now.
    #[error("{0}")]
    Unavailable(String),
}

impl ClientError {
    /// How long the caller should wait, where waiting helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled => Some(WINDOW),
            Self::BrownedOut(refused) => Some(refused.wait),
            _ => None,
        }
    }
}

impl Authority {
    /// Believes a client or does not, in the order of `spec/ims-protocol.md` 2.2: exists, enabled,
    /// secret.
    ///
    /// # Errors
    /// [`ClientError`]; every refusal costs the same comparisons.
    pub async fn authenticate(
        &self,
        presented: &Presented,
    ) -> Result<AuthenticatedClient, ClientError> {
        let id = presented.client.id.as_ref();
        let result = match &presented.assertion {
            Some(assertion) => Box::pin(self.believe_assertion(assertion, presented)).await,
            None => self.believe(id, presented).await,
        };
        // Unknown ids are counted together: trying many of them is one attack.
        let counted = match &result {
            Err(ClientError::Unknown) => None,
            Err(
                ClientError::WrongSecret { .. }
                | ClientError::ExpiredSecret { .. }
                | ClientError::Assertion(_),
            ) => id,
            Ok(client) => {
                self.note_secret_in_query(client, presented);
                return result;
            }
            _ => return result,
        };
        // Only failures are slowed down. A right secret always passes: programs that share an
        // address cannot lock each other out by a secret that one of them did not replace.
        if self.throttle.is_exhausted(presented.source, counted) {
            return Err(ClientError::Throttled);
        }
        self.throttle.count(presented.source, counted);
        result
    }

    /// It works, and its owner should know: URLs are kept by proxies and logs (REQ-10).
    fn note_secret_in_query(&self, client: &AuthenticatedClient, presented: &Presented) {
        if presented.secret_in_query {
            let (credential, now) = (&client.client.credential.id, self.clock.now());
            self.activity
                .note_secret_in_query(credential, &presented.caller, now);
        }
    }

    async fn believe(
        &self,
        id: Option<&ClientId>,
        presented: &Presented,
    ) -> Result<AuthenticatedClient, ClientError> {
        let secret = presented.client.secret.as_ref();
        let mac = secret.map(|secret| self.master_key.digest(secret));
        let found = match id {
            Some(id) => self.known_client(id).await,
            None => Err(ClientError::NoClientId),
        };
        let secrets = found
            .as_ref()
            .map_or(&[][..], |client| client.credential.secrets.as_slice());
        let matched = find_match(secrets, mac.as_ref().unwrap_or(&[0; 32]));
        let client = found?;
        if let Some(part) = client.disabled() {
            return Err(ClientError::Disabled(part));
        }
        let secret = secret.ok_or(ClientError::NoSecret)?;
        if client.is_guessable() && self.throttle.is_exhausted(presented.source, id) {
            return Err(ClientError::Throttled);
        }
        let matched = match matched {
            Some(at) => client.credential.secrets.get(at),
            None => Box::pin(self.find_slow_match(&client, secret, presented.source)).await?,
        };
        let now = self.clock.now();
        let matched = matched.ok_or_else(|| wrong_secret(&client, secret, now))?;
        if let Some(at) = matched.expires_at.filter(|_| !matched.is_live(now)) {
            return Err(ClientError::ExpiredSecret {
                id: matched.id.clone(),
                at,
            });
        }
        if presented.secret_in_query
            && client.organization.secrets_in_query == SecretsInQuery::Refuse
        {
            return Err(ClientError::SecretInQuery);
        }
        let minter = Minter::Secret(matched.id.clone());
        Ok(AuthenticatedClient::new(client, minter))
    }

    /// Whether a credential with that client id exists.
    ///
    /// # Errors
    /// [`LookupError`].
    pub async fn knows_client(&self, id: &ClientId) -> Result<(), LookupError> {
        self.directory.find(id).await.map(drop)
    }

    pub(crate) async fn known_client(&self, id: &ClientId) -> Result<Arc<Client>, ClientError> {
        if !self.directory.serves() {
            return Err(ClientError::Unavailable(STALE.to_owned()));
        }
        self.directory.find(id).await.map_err(|error| match error {
            LookupError::Unknown => ClientError::Unknown,
            LookupError::Unavailable(why) => ClientError::Unavailable(why),
        })
    }

    /// The client of an API key, while clients are served at all.
    pub(crate) async fn client_of_key(&self, key: &str) -> Result<Arc<Client>, LookupError> {
        if !self.directory.serves() {
            return Err(LookupError::Unavailable(STALE.to_owned()));
        }
        self.directory.find_by_key(key).await
    }

    /// Imported weak secrets before their first use: the one case for a slow hash. After it, the
    /// secret has a digest like all others.
    async fn find_slow_match<'c>(
        &self,
        client: &'c Client,
        secret: &ClientSecret,
        source: IpAddr,
    ) -> Result<Option<&'c Secret>, ClientError> {
        for candidate in &client.credential.secrets {
            let SecretDigest::Slow(phc) = &candidate.digest else {
                continue;
            };
            let (phc, shown) = (phc.clone(), secret.clone());
            let turn = Arc::clone(&self.slow_hashes).acquire_owned().await;
            // Others of this source may have failed while this one waited for its turn.
            if self
                .throttle
                .is_exhausted(source, Some(&client.credential.client_id))
            {
                return Err(ClientError::Throttled);
            }
            // The turn ends with the hash, not with the caller who may hang up meanwhile.
            let verified = tokio::task::spawn_blocking(move || {
                let verified = verify_slow(&phc, &shown);
                drop(turn);
                verified
            });
            let verified = verified.await;
            if verified.unwrap_or(false) {
                self.rehash(client, candidate, secret).await;
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }
}

const STALE: &str = "the database has been away for longer than clients are served without it";

/// Compares with every secret and with as many dummies as it takes to make the round of one size.
/// Never stops early.
fn find_match(secrets: &[Secret], mac: &[u8; 32]) -> Option<usize> {
    let mut found = 0_u64;
    for at in 0..secrets.len().max(MAX_SECRETS) {
        let (stored, real) = match secrets.get(at).map(|s| &s.digest) {
            Some(SecretDigest::Keyed { mac, .. }) => (mac, Choice::from(1)),
            _ => (&[0xff; 32], Choice::from(0)),
        };
        let position = u64::try_from(at).unwrap_or(u64::MAX).saturating_add(1);
        found.conditional_assign(&position, stored.ct_eq(mac) & real);
    }
    found.checked_sub(1).and_then(|at| usize::try_from(at).ok())
}

fn verify_slow(phc: &str, secret: &ClientSecret) -> bool {
    argon2::PasswordHash::new(phc).is_ok_and(|hash| {
        argon2::Argon2::default()
            .verify_password(secret.expose().as_bytes(), &hash)
            .is_ok()
    })
}

fn wrong_secret(client: &Client, shown: &ClientSecret, now: Timestamp) -> ClientError {
    use countersign_wire::secret::Shape;
    let live = client
        .credential
        .secrets
        .iter()
        .filter(|s| s.is_live(now))
        .count();
    let hint = match shown.shape() {
        Shape::Ours => ": it is well formed, so it was deleted or belongs to another credential",
        Shape::Mistyped => ": its checksum does not agree, so it was mistyped or cut off",
        Shape::Foreign => "",
    };
    ClientError::WrongSecret { live, hint }
}
