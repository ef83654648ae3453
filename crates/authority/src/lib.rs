//! The use cases of Countersign: load, let the model decide, save, record.
//!
//! Knows no HTTP and no SQL text. A face parses a request, calls one function here, and prints
//! what comes back.

#![warn(missing_docs)]

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use arc_swap::ArcSwap;
use countersign_model::Catalogue;
use countersign_store::{self as store, Store};
use countersign_wire::Timestamp;
use tokio::sync::Semaphore;
use uuid::Uuid;

mod access_tokens;
mod accounts;
mod activity;
mod activity_log;
mod actor;
mod admission;
mod audit_chain;
mod board;
mod brownouts;
mod by_hand;
mod calendar;
mod certificates;
mod claims;
mod client_assertion;
mod client_auth;
mod clock;
mod clock_watch;
mod clocks;
mod config;
mod credentials;
mod directory;
mod error;
mod evidence;
mod exchange;
mod exemptions;
mod follow;
mod gate;
mod housekeeping;
mod idempotency;
mod identities;
mod identity;
mod introspect;
mod invitations;
mod key_removal;
mod keyring;
mod keys;
mod kill;
mod lease;
mod master_key;
mod measure;
mod members;
mod migration;
mod notices;
mod offers;
mod oidc;
mod organizations;
mod passwords;
mod policies;
mod policy_preview;
mod project_alerts;
mod project_document;
mod projects;
mod published_services;
mod refusals;
mod revision;
mod revocations;
mod revoke;
mod rotation;
mod secrets;
mod sessions;
mod sign_in;
mod signing;
mod storage;
mod throttle;
mod token;
mod token_kinds;
mod totp;
mod validate;
mod waves;
mod webhook_secret;
mod workspaces;

pub use access_tokens::{NewAccessToken, role_of};
pub use accounts::CallerError;
pub use activity::Grant;
pub use actor::Actor;
pub use admission::{Crowd, Overloaded};
pub use audit_chain::{ChainReport, Export, LogReport};
pub use board::{BoardFilter, BoardPage, BoardRow, PROGRESS_DAYS, Progress, Stages, WaveFilter};
pub use brownouts::{
    BrownedOut, BrownoutReport, CredentialReport, NewBrownout, PlannedBrownout, Undoable,
};
pub use by_hand::MadeAssertion;
pub use calendar::Dates;
pub use certificates::{GeneratedCertificate, NewCertificate};
pub use claims::{SignedClaims, TokenClaims};
pub use client_assertion::CLIENT_ALGORITHMS;
pub use client_auth::{AuthenticatedClient, ClientError, Presented};
pub use clock::{Clock, NoRandomness, Reading};
pub use clock_watch::Step;
pub use clocks::Clocks;
pub use config::{Config, ConfigError, X5u};
pub use countersign_model::notice::Ending;
pub use countersign_store::Page;
pub use countersign_store::audit::{Entry, Filter};
pub use countersign_store::calendar_links::CalendarLink;
pub use countersign_store::callers::Finding;
pub use countersign_store::daily_usage::{Day, DayKind};
pub use countersign_store::endings::Owned;
pub use countersign_store::idempotency::Reply;
pub use countersign_store::identities::IdentityRecord;
pub use countersign_store::jwt_credentials::JwtCredential;
pub use countersign_store::messages::{Channel, State as MessageState};
pub use countersign_store::notices::{About, Noted, Notice};
pub use countersign_store::project_pages::{CredentialKinds, NumberedFilter, NumberedPage};
pub use countersign_store::project_search::{Direction, Search, Sort, Wanted};
pub use countersign_store::service_calls::Count;
pub use countersign_store::sessions::SessionRecord;
pub use countersign_store::usage::{Usage, UsageSubject};
pub use credentials::{Created, CredentialChange, NewCredential, NewGrant};
pub use directory::{Client, LookupError};
pub use error::ManageError;
pub use evidence::{Callers, DAYS_SHOWN};
pub use exchange::ExchangeError;
pub use gate::{
    Asked, Authorization, Call, Clash, Denied, Fetched, ForeignConfig, ForeignIms, GatewayConfig,
    Permit, PublishError, Published, PublishedTable, UnknownClients, VerifyBy,
};
pub use idempotency::Begun;
pub use identity::Identity;
pub use invitations::{
    Acceptance, FIRST_LINK, Invited, LINK, NewInvitation, Newcomer, Next, Welcome,
};
pub use key_removal::RemovedKey;
pub use keyring::{KeyDocuments, KeyringError};
pub use keys::Rotation;
pub use kill::{EndedTokens, LivingTokens, TokensOf};
pub use lease::{Lease, WorkError};
pub use master_key::{MasterKey, MasterKeyError, SealError};
pub use members::MemberChange;
pub use migration::{Despite, Disabling, MigrationDetail, MigrationStatus, Outcome, Stepped};
pub use notices::{
    Carried, Carrier, Channels, LONGEST_SENDING, MOST_NOTICES, Outgoing, Undelivered, Webhook,
};
pub use offers::{Obstacle, OfferedService};
pub use oidc::{
    Arrival, Departure, OfferedIdentity, ProviderConfig, ProviderError, ProviderHttp, Purpose,
    Returned, TokenRequest,
};
pub use organizations::{NewOrganization, OrganizationChange};
pub use policies::{Policies, PolicyChange};
pub use policy_preview::{DailyUse, Foreseen, MOST_NAMED, OwnerHit, Preview};
pub use project_alerts::{AlertsChange, Recipients};
pub use projects::{FoundProject, NewProject, NumberedProject, ProjectChange};
pub use published_services::ListedService;
pub use refusals::{Refused, explain};
pub use revision::At;
pub use revoke::{Revoked, Revoker};
pub use secrets::{AddedSecret, Force};
pub use sessions::{CONFIRMED_FOR, IDLE, LONGEST, NewSession, Session, Visitor};
pub use sign_in::{NewDevice, SignInError, SignedIn};
pub use token::{AbsentScope, Issued, Minter, TokenError};
pub use token_kinds::{RegisteredKey, registered_keys};
pub use validate::{InvalidToken, ValidToken};
pub use waves::{NewWave, PlanDirection, Planning, WaveChange, WaveStatus};
pub use webhook_secret::{WebhookSecret, WebhookSecretError};
pub use workspaces::{NewWorkspace, WorkspaceChange};

/// Everything that the faces need: use cases over one store, one master key, one clock.
pub struct Authority {
    store: Store,
    master_key: MasterKey,
    config: Config,
    catalogue: Arc<Catalogue>,
    clock: Clock,
    clock_watch: clock_watch::ClockWatch,
    directory: directory::Directory,
    policies: ArcSwap<Policies>,
    keyring: ArcSwap<keyring::Keyring>,
    outlook: ArcSwap<rotation::Outlook>,
    alarm: rotation::Alarm,
    sweep: migration::Sweep,
    told: storage::Told,
    clocks: ArcSwap<Clocks>,
    revocations: revocations::Revocations,
    throttle: throttle::Throttle,
    people_throttle: throttle::PeopleThrottle,
    signing: signing::Signing,
    activity: activity::Activity,
    notices: notices::Notices,
    published: ArcSwap<PublishedTable>,
    brownouts: brownouts::Brownouts,
    tokens: gate::Tokens,
    foreign: Option<gate::Foreign>,
    providers: Vec<oidc::Provider>,
    refusals: refusals::Refusals,
    counters: measure::Counters,
    /// Held while something that is kept whole is read and put in place: whoever began to read
    /// before a change must not put what it read over what was read after it.
    loading: tokio::sync::Mutex<()>,
    /// The last day (since 1970) whose progress this node wrote down.
    progress_noted: AtomicI64,
    /// Slow hashes run one at a time: they are rare, and each takes tens of milliseconds.
    slow_hashes: Arc<Semaphore>,
    password_hashes: Arc<Semaphore>,
    /// Names this process where processes must be told apart.
    instance: String,
    opened_at: Timestamp,
}

impl Authority {
    /// Opens the authority over a store: checks that the master key is the one the store was made
    /// with, makes the first signing keys where there are none, and reads what is kept in memory.
    ///
    /// # Errors
    /// [`ManageError`] says what is in the way.
    pub async fn open(
        store: Store,
        master_key: MasterKey,
        config: Config,
        catalogue: Catalogue,
        clock: Clock,
    ) -> Result<Self, ManageError> {
        let opened_at = clock.now();
        check_master_key(&store, &master_key).await?;
        keys::ensure_first_keys(&store, (&config, &master_key), opened_at).await?;
        let mut read = store.read().await?;
        let records = store::signing_keys::list(&mut read).await?;
        let keyring = keyring::Keyring::new(&records, &master_key, config.x5u)?;
        drop(read);
        let catalogue = Arc::new(catalogue);
        let authority = Self {
            directory: directory::Directory::new(store.clone(), Arc::clone(&catalogue), &config),
            throttle: throttle::Throttle::new(config.failures_per_minute),
            people_throttle: throttle::PeopleThrottle::new(),
            signing: signing::Signing::new(config.longest_wait()),
            policies: ArcSwap::default(),
            keyring: ArcSwap::from_pointee(keyring),
            outlook: ArcSwap::default(),
            alarm: rotation::Alarm::default(),
            sweep: migration::Sweep::default(),
            told: storage::Told::default(),
            clock_watch: clock_watch::ClockWatch::new(&clock),
            clocks: ArcSwap::default(),
            revocations: revocations::Revocations::new(),
            activity: activity::Activity::new(),
            notices: notices::Notices::default(),
            published: ArcSwap::default(),
            brownouts: brownouts::Brownouts::default(),
            tokens: gate::Tokens::new(config.gateway.token_cache_mebibytes),
            foreign: None,
            providers: Vec::new(),
            refusals: refusals::Refusals::default(),
            counters: measure::Counters::new(),
            loading: tokio::sync::Mutex::default(),
            progress_noted: AtomicI64::new(i64::MIN),
            slow_hashes: Arc::new(Semaphore::new(1)),
            password_hashes: Arc::new(Semaphore::new(passwords::AT_ONCE)),
            instance: Uuid::new_v4().simple().to_string(),
            store,
            master_key,
            config,
            catalogue,
            clock,
            opened_at,
        };
        authority.load_all().await?;
        authority.directory.synced();
        Ok(authority)
    }

    /// The settings it runs with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The service catalogue it runs with.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The clock it decides by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How long ago the change log was last read to its end: about the poll interval while all is
    /// well, growing while the database is away.
    #[must_use]
    pub fn age(&self) -> std::time::Duration {
        self.directory.age()
    }

    /// Whether clients that are known are served.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.directory.serves()
    }
}

/// Whether a store was opened with a master key before: it then needs that one, not a new one.
///
/// # Errors
/// [`store::Error`].
pub async fn has_master_key(store: &Store) -> Result<bool, store::Error> {
    let mut read = store.read().await?;
    Ok(store::settings::get(&mut read, MASTER_KEY_ID)
        .await?
        .is_some())
}

const MASTER_KEY_ID: &str = "master_key_id";

async fn check_master_key(store: &Store, master_key: &MasterKey) -> Result<(), ManageError> {
    let expected = store::retry(|| async {
        let mut write = store.write().await?;
        let id = store::settings::put_if_absent(&mut write, MASTER_KEY_ID, master_key.id()).await?;
        write.commit().await?;
        Ok::<_, store::Error>(id)
    })
    .await?;
    if expected != master_key.id() {
        return Err(ManageError::WrongMasterKey {
            expected,
            found: master_key.id().to_owned(),
        });
    }
    Ok(())
}
