//! The read-mostly copy of what the token path needs of each client.
//!
//! A bounded cache, not a copy of everything: an installation may have millions of credentials.
//! An entry lives until a change of it is seen in the change log, so that clients that are known
//! are served while the database is away; how long that may go on is bounded (`Directory::serves`).

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign_jose::{JwkSet, VerifyingKey};
use countersign_model::secret::Strength;
use countersign_model::{
    Catalogue, Certificate, Credential, Organization, Project, TechnicalAccount,
};
use countersign_store::{self as store, Store};
use countersign_wire::{CertificateId, ClientId, OrgId, ProjectId, ScopeSet};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use moka::future::Cache;
use tokio::sync::Semaphore;

use crate::measure::Lookups;

/// What is known of one client.
pub struct Client {
    /// The credential with its secrets and certificates.
    pub credential: Credential,
    /// Its owner.
    pub organization: Organization,
    /// Its project.
    pub project: Project,
    /// Whom it acts as.
    pub account: TechnicalAccount,
    /// Every scope it may ask for.
    pub scopes: ScopeSet,
    /// The certificates' keys, parsed once.
    pub(crate) keys: Vec<(CertificateId, VerifyingKey)>,
    /// The registered keys, parsed once.
    pub(crate) jwks: JwkSet,
    /// Tokens per minute. Found here, so that asking it costs no look-up.
    pub(crate) limiter: Option<Arc<DefaultDirectRateLimiter>>,
}

impl Client {
    /// What is switched off, if anything: credential, project or organization.
    #[must_use]
    pub fn disabled(&self) -> Option<&'static str> {
        let parts = [
            ("credential", self.credential.state),
            ("project", self.project.state),
            ("organization", self.organization.state),
        ];
        parts
            .into_iter()
            .find(|(_, state)| !state.is_enabled())
            .map(|(name, _)| name)
    }

    /// Whether a secret of it could be found by trying: an imported one that is weak. Whoever
    /// failed too often for such a client is not even heard.
    pub(crate) fn is_guessable(&self) -> bool {
        let mut secrets = self.credential.secrets.iter();
        secrets.any(|secret| secret.strength == Strength::Weak)
    }

    /// The certificate of that id and its key.
    pub(crate) fn certificate(&self, id: &CertificateId) -> Option<&Certificate> {
        self.credential.certificates.iter().find(|c| c.id == *id)
    }

    /// Roughly the bytes it takes: strings, digests, parsed keys, and the cache's own share.
    fn weight(&self) -> u32 {
        let credential = &self.credential;
        let certificates: usize = credential
            .certificates
            .iter()
            .map(|c| c.pem.len() + 1200)
            .sum();
        let jwks = credential.jwks.as_ref().map_or(0, |text| text.len() * 3);
        let scopes: usize = self.scopes.iter().map(|s| s.as_str().len() + 32).sum();
        let text =
            credential.name.len() + self.organization.name.len() + self.project.description.len();
        let bytes = 1500 + certificates + jwks + scopes + text + credential.secrets.len() * 250;
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// Why a client could not be looked up.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LookupError {
    /// There is none of that id.
    #[error("no credential has this client id")]
    Unknown,
    /// It is not in memory, and cannot be read.
    #[error("the credential is not in memory and cannot be read from the database now: {0}")]
    Unavailable(String),
}

/// Clients that were asked for last.
pub(crate) struct Directory {
    store: Store,
    catalogue: Arc<Catalogue>,
    tokens_per_minute: Option<NonZeroU32>,
    /// Outlive what is known of their clients: a change of one must not refill its bucket.
    limiters: moka::sync::Cache<ClientId, Arc<DefaultDirectRateLimiter>>,
    known: Cache<ClientId, Arc<Client>>,
    unknown: Cache<ClientId, ()>,
    lookups: Lookups,
    /// Counts invalidations: a load that one of them overtook must not stay in the cache.
    invalidations: AtomicU64,
    started: Instant,
    /// Milliseconds after `started` at which the change log was last read to its end.
    synced: AtomicU64,
    serve_without_database: Duration,
    /// Loads at once: made-up client ids must not take every connection to the database.
    loads: Semaphore,
}

/// How many clients' buckets are remembered, at a few hundred bytes each.
const LIMITERS_MOST: u64 = 50_000;
/// Fewer than the connections that are open by default.
const MOST_LOADS: usize = 6;
/// Longest wait for the database, the turn and its answer included: whoever is not in memory is told
/// within a second that it does not answer, however many others ask (`spec/security.md` REL-10).
const LONGEST_LOAD: Duration = Duration::from_millis(900);
/// How many unknown client ids are remembered, and for how long.
const UNKNOWN_MOST: u64 = 50_000;
const UNKNOWN_LIFE: Duration = Duration::from_secs(30);

impl Directory {
    pub(crate) fn new(store: Store, catalogue: Arc<Catalogue>, config: &crate::Config) -> Self {
        Self {
            store,
            catalogue,
            tokens_per_minute: NonZeroU32::new(config.tokens_per_minute),
            limiters: moka::sync::Cache::new(LIMITERS_MOST),
            known: Cache::builder()
                .max_capacity(config.directory_mebibytes.max(1) * 1024 * 1024)
                .weigher(|_, client: &Arc<Client>| client.weight())
                .build(),
            unknown: Cache::builder()
                .max_capacity(UNKNOWN_MOST)
                .time_to_live(UNKNOWN_LIFE)
                .build(),
            lookups: Lookups::new(),
            invalidations: AtomicU64::new(0),
            started: Instant::now(),
            synced: AtomicU64::new(0),
            serve_without_database: Duration::from_secs(config.serve_without_database_seconds),
            loads: Semaphore::new(MOST_LOADS),
        }
    }

    /// The client of that id. One load runs for all who wait for it.
    pub(crate) async fn find(&self, id: &ClientId) -> Result<Arc<Client>, LookupError> {
        if let Some(client) = self.known.get(id).await {
            self.lookups.hits.increment(1);
            return Ok(client);
        }
        self.lookups.misses.increment(1);
        // Boxed, or every request would carry the room that a query needs.
        Box::pin(self.find_in_store(id)).await
    }

    async fn find_in_store(&self, id: &ClientId) -> Result<Arc<Client>, LookupError> {
        if self.unknown.contains_key(id) {
            return Err(LookupError::Unknown);
        }
        let before = self.invalidations.load(Ordering::SeqCst);
        let found = self
            .known
            .try_get_with_by_ref(id, self.load_in_time(id))
            .await;
        let found = found.map_err(|error: Arc<LookupError>| error.as_ref().clone());
        if matches!(found, Err(LookupError::Unknown)) {
            self.unknown.insert(id.clone(), ()).await;
        }
        if self.invalidations.load(Ordering::SeqCst) != before {
            self.forget(id).await;
        }
        found
    }

    /// The client of an API key. Costs no copy of the key where the client is in memory.
    pub(crate) async fn find_by_key(&self, key: &str) -> Result<Arc<Client>, LookupError> {
        if let Some(client) = self.known.get(key).await {
            self.lookups.hits.increment(1);
            return Ok(client);
        }
        let id = ClientId::parse(key).map_err(|_| LookupError::Unknown)?;
        self.find(&id).await
    }

    /// Roughly how many clients are in memory.
    pub(crate) fn len(&self) -> usize {
        usize::try_from(self.known.entry_count()).unwrap_or(usize::MAX)
    }

    /// The client of that id, if it is in memory.
    pub(crate) async fn peek(&self, id: &ClientId) -> Option<Arc<Client>> {
        self.known.get(id).await
    }

    /// Forgets a client because something about it changed.
    pub(crate) async fn invalidate(&self, id: &ClientId) {
        self.invalidations.fetch_add(1, Ordering::SeqCst);
        self.forget(id).await;
    }

    /// Puts what is stored now in the place of what is known of a client; what cannot be read is
    /// forgotten. Whoever was served before goes on being served if the database goes away next.
    pub(crate) async fn refresh(&self, id: &ClientId) {
        let overtaken = self.invalidations.fetch_add(1, Ordering::SeqCst) + 1;
        match self.load_in_time(id).await {
            Ok(client) => self.known.insert(id.clone(), client).await,
            Err(_) => self.forget(id).await,
        }
        if self.invalidations.load(Ordering::SeqCst) != overtaken {
            self.forget(id).await;
        }
    }

    /// Forgets every client of an organization.
    pub(crate) async fn invalidate_organization(&self, id: &OrgId) {
        self.invalidate_where(|client| client.organization.id == *id)
            .await;
    }

    /// Forgets every client of a project.
    pub(crate) async fn invalidate_project(&self, id: &ProjectId) {
        self.invalidate_where(|client| client.project.id == *id)
            .await;
    }

    /// Forgets everything: changes may have been missed.
    pub(crate) async fn invalidate_all(&self) {
        self.invalidate_where(|_| true).await;
        self.unknown.invalidate_all();
    }

    /// Notes that the change log was read to its end.
    pub(crate) fn synced(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.synced.store(elapsed, Ordering::Relaxed);
    }

    /// How long ago the change log was last read to its end.
    pub(crate) fn age(&self) -> Duration {
        let synced = Duration::from_millis(self.synced.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(synced)
    }

    /// Whether what is in memory may still be acted on.
    pub(crate) fn serves(&self) -> bool {
        self.age() <= self.serve_without_database
    }

    async fn forget(&self, id: &ClientId) {
        self.known.invalidate(id).await;
        self.unknown.invalidate(id).await;
    }

    async fn invalidate_where(&self, matches: impl Fn(&Client) -> bool) {
        self.invalidations.fetch_add(1, Ordering::SeqCst);
        for (id, client) in &self.known {
            if matches(&client) {
                self.known.invalidate(id.as_ref()).await;
            }
        }
    }

    fn limiter(&self, id: &ClientId) -> Option<Arc<DefaultDirectRateLimiter>> {
        let quota = Quota::per_minute(self.tokens_per_minute?);
        let full = || Arc::new(RateLimiter::direct(quota));
        Some(self.limiters.get_with_by_ref(id, full))
    }

    async fn load_in_time(&self, id: &ClientId) -> Result<Arc<Client>, LookupError> {
        let loaded = tokio::time::timeout(LONGEST_LOAD, self.load(id)).await;
        loaded.unwrap_or_else(|_| Err(LookupError::Unavailable("no answer in time".to_owned())))
    }

    async fn load(&self, id: &ClientId) -> Result<Arc<Client>, LookupError> {
        let unavailable = |error: store::Error| LookupError::Unavailable(error.to_string());
        let _turn = self.loads.acquire().await;
        let mut read = self.store.read().await.map_err(unavailable)?;
        let record = store::credentials::find_record(&mut read, id)
            .await
            .map_err(unavailable)?;
        let record = record.ok_or(LookupError::Unknown)?;
        let keys = record.credential.certificates.iter().filter_map(|certificate| {
            match VerifyingKey::from_pem(&certificate.pem) {
                Ok(key) => Some((certificate.id.clone(), key)),
                Err(error) => {
                    tracing::error!(certificate.id = %certificate.id, client.id = %id, "certificate `{}` of the store does not parse: {error}", certificate.id);
                    None
                }
            }
        });
        Ok(Arc::new(Client {
            keys: keys.collect(),
            jwks: registered_keys(&record.credential),
            scopes: record.credential.granted_scopes(&self.catalogue),
            limiter: self.limiter(id),
            credential: record.credential,
            organization: record.organization,
            project: record.project,
            account: record.technical_account,
        }))
    }
}

/// The keys that a credential may authenticate with besides its certificates.
pub(crate) fn registered_keys(credential: &Credential) -> JwkSet {
    let Some(text) = &credential.jwks else {
        return JwkSet::new();
    };
    JwkSet::parse(text.as_bytes()).unwrap_or_else(|error| {
        tracing::error!(credential.id = %credential.id, client.id = %credential.client_id, "the key set of credential `{}` in the store does not parse: {error}", credential.id);
        JwkSet::new()
    })
}
