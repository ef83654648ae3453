//! The product in one process: its routes over a database of its own and a clock of the test's.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use countersign_authority::{
    Actor, Authority, Carrier, Channels, Config, Created, Despite, Disabling, ForeignConfig,
    ForeignIms, NewCertificate, NewCredential, NewGrant, NewOrganization, NewProject,
    ProviderConfig, ProviderHttp, Refused,
};
use countersign_jose::SigningKey;
use countersign_model::signing_key::publish_ahead;
use countersign_model::{Catalogue, DeprecationPolicy, Origin, Owner, ProjectKind, Subscription};
use countersign_server::app::App;
use countersign_server::ims::Compatibility;
use countersign_server::kit::client_ip::TrustedProxies;
use countersign_server::kit::stack::{self, Explain, Surroundings};
use countersign_store::Store;
use countersign_wire::{OrgId, ServiceCode, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clients::{Caller, TestClient};
use crate::clock::TestClock;
use crate::db::{self, TestDatabase};
use crate::{ALIAS, ISSUER};

/// When every test begins: 2026-02-01T12:00:00Z, and half a second, so that nothing is even.
pub const START: Timestamp = Timestamp::from_millis(1_769_947_200_500);

/// A year, the life of most certificates.
pub const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// How long a signing key is published before it signs, by the settings that an installation begins
/// with.
pub const PUBLISH_AHEAD: Duration = publish_ahead(Duration::from_secs(300));

/// What a test may set before the product starts.
pub struct Setup {
    /// Settings of the authority. Limits that count by the real clock are off.
    pub config: Config,
    /// How closely answers keep to the original.
    pub compatibility: Compatibility,
    /// Whose `X-Forwarded-For` is believed.
    pub proxies: TrustedProxies,
    /// Makes signing keys of its own instead of sharing those of all tests.
    pub own_keys: bool,
    /// Lets nodes do the work that one node does for all.
    pub leads: bool,
    /// The IMS whose tokens the gateway takes instead of our own.
    pub foreign_ims: Option<(ForeignConfig, Arc<dyn ForeignIms>)>,
    /// The OpenID providers that people may sign in at.
    pub providers: Vec<(ProviderConfig, Arc<dyn ProviderHttp>)>,
    /// Who is told what ends, and how.
    pub notices: Option<(Channels, Arc<dyn Carrier>)>,
}

impl Default for Setup {
    fn default() -> Self {
        let config = Config {
            issuer: ISSUER.to_owned(),
            aliases: vec![ALIAS.to_owned()],
            tokens_per_minute: 0,
            failures_per_minute: 0,
            poll_milliseconds: 20,
            ..Config::default()
        };
        let (compatibility, proxies) = (Compatibility::default(), TrustedProxies::default());
        Self {
            config,
            compatibility,
            proxies,
            own_keys: false,
            leads: true,
            foreign_ims: None,
            providers: Vec::new(),
            notices: None,
        }
    }
}

/// The product, and all that a test does to it.
pub struct TestApp {
    /// The clock of all nodes.
    pub clock: TestClock,
    /// The database of all nodes.
    pub database: TestDatabase,
    node: Node,
    setup: Setup,
}

/// One running process of the product, as others on the same database see it.
pub struct Node {
    /// The use cases, for what a face is not there for yet.
    pub authority: Arc<Authority>,
    /// Its own connections to the database.
    pub store: Store,
    router: Router,
    stop: CancellationToken,
}

impl TestApp {
    /// On SQLite, with the usual settings.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// On SQLite, with settings of the test's own.
    pub async fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup::default();
        change(&mut setup);
        let database = if setup.own_keys {
            TestDatabase::empty_sqlite()
        } else {
            TestDatabase::sqlite().await
        };
        Self::on(database, setup).await
    }

    /// On a database of the test's choice.
    pub async fn on(database: TestDatabase, setup: Setup) -> Self {
        let clock = TestClock::at(START);
        let node = Node::start(&database, &clock, &setup).await;
        Self {
            clock,
            database,
            node,
            setup,
        }
    }

    /// Another process on the same database.
    pub async fn second_node(&self) -> Node {
        self.second_node_at(&self.clock).await
    }

    /// Another process on the same database, on a machine whose clock is another one.
    pub async fn second_node_at(&self, clock: &TestClock) -> Node {
        Node::start(&self.database, clock, &self.setup).await
    }

    /// Moves the clock on.
    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Moves the clock to a date or an instant.
    #[track_caller]
    pub fn set_date(&self, date: &str) {
        self.clock.set(date.parse().unwrap());
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Ends everything and removes the database.
    pub async fn remove(self) {
        self.node.stop.cancel();
        self.node.store.close().await;
        self.database.remove().await;
    }
}

/// What one node can do, the whole product can.
impl Deref for TestApp {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}

impl Node {
    async fn start(database: &TestDatabase, clock: &TestClock, setup: &Setup) -> Self {
        let store = database.open().await;
        let catalogue = Catalogue::parse(Catalogue::BUILT_IN).unwrap();
        let config = setup.config.clone().checked().unwrap();
        let opened = Authority::open(
            store.clone(),
            db::master_key(),
            config,
            catalogue,
            clock.clock(),
        );
        let authority = match setup.foreign_ims.clone() {
            Some((config, ims)) => opened.await.unwrap().with_foreign_ims(config, ims),
            None => opened.await.unwrap(),
        };
        let authority = authority.with_providers(setup.providers.clone());
        let authority = match setup.notices.clone() {
            Some((channels, carrier)) => authority.with_notices(channels, carrier),
            None => authority,
        };
        let authority = Arc::new(authority);
        let stop = CancellationToken::new();
        if setup.leads {
            authority.run_in_background(&TaskTracker::new(), &stop);
        } else {
            authority.follow_in_background(&TaskTracker::new(), &stop);
        }
        let app = App::new(Arc::clone(&authority), setup.compatibility);
        let surroundings = Surroundings {
            proxies: setup.proxies.clone(),
            explain: Some(explainer(&authority)),
            pages: Some(countersign_console::pages(Arc::clone(&authority))),
            ..Surroundings::default()
        };
        let routes = countersign_server::routes(app)
            .merge(countersign_console::router(Arc::clone(&authority)));
        let router = stack::surround(routes, surroundings);
        Self {
            authority,
            store,
            router,
            stop,
        }
    }

    /// Everything it answers, to be put behind a port.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Keeps the causes of refusals of a face that is not among its routes.
    #[must_use]
    pub fn explainer(&self) -> Explain {
        explainer(&self.authority)
    }

    /// Somebody who knows nothing but the address.
    #[must_use]
    pub fn anonymous(&self) -> Caller {
        Caller::new(self.router.clone())
    }

    /// A new organization.
    pub async fn organization(&self) -> OrgId {
        let new = NewOrganization {
            name: "Test".to_owned(),
            ..NewOrganization::default()
        };
        self.authority
            .create_organization(new, &operator())
            .await
            .unwrap()
            .id
    }

    /// A credential of OAuth Server-to-Server, in a project of its own.
    pub async fn oauth(&self, org: &OrgId, services: &[&str]) -> TestClient {
        let new = self.new_credential(org, NewGrant::OAuth, services).await;
        self.create(new, None).await
    }

    /// A Service Account (JWT) credential whose one certificate is of `key`, in a project of its
    /// own.
    pub async fn jwt(
        &self,
        org: &OrgId,
        services: &[&str],
        key: &'static SigningKey,
    ) -> TestClient {
        let new = self
            .new_credential(org, self.jwt_grant(key), services)
            .await;
        self.create(new, Some(key)).await
    }

    /// The grant of [`jwt`](Self::jwt), for tests that ask for the credential themselves.
    #[must_use]
    pub fn jwt_grant(&self, key: &SigningKey) -> NewGrant {
        NewGrant::Jwt(self.certificate(key))
    }

    /// A certificate of `key` that is valid for a year from now on.
    #[must_use]
    pub fn certificate(&self, key: &SigningKey) -> NewCertificate {
        let now = self.authority.clock().now();
        NewCertificate::Upload(crate::keys::certificate(key, now, now.plus(YEAR)))
    }

    /// Makes what [`new_credential`](Self::new_credential) describes.
    pub async fn create(&self, new: NewCredential, key: Option<&'static SigningKey>) -> TestClient {
        let created = self
            .authority
            .create_credential(new, &operator())
            .await
            .unwrap();
        self.client(created, key)
    }

    /// A credential to be made in a new project of `org`.
    pub async fn new_credential(
        &self,
        org: &OrgId,
        grant: NewGrant,
        services: &[&str],
    ) -> NewCredential {
        static PROJECTS: AtomicU32 = AtomicU32::new(1);
        let project = NewProject {
            org_id: org.clone(),
            name: format!("p{}", PROJECTS.fetch_add(1, Ordering::Relaxed)),
            title: String::new(),
            description: String::new(),
            kind: ProjectKind::Default,
        };
        let (project, _) = self
            .authority
            .create_project(project, &operator())
            .await
            .unwrap();
        NewCredential {
            project_id: project.id,
            workspace_id: None,
            name: "Nightly sync".to_owned(),
            owner: Owner {
                team: "Data".to_owned(),
                contact: "data@example.com".to_owned(),
            },
            origin: Origin::Console,
            grant,
            subscriptions: services.iter().map(|code| subscription(code)).collect(),
            client_id: None,
            technical_account_id: None,
        }
    }

    /// Sets the deprecation policy of the installation, or of one organization.
    pub async fn set_policy(&self, org: Option<&OrgId>, policy: DeprecationPolicy) {
        self.authority
            .set_policy(org, policy, &operator())
            .await
            .unwrap();
    }

    /// What lets a client's JWT half go although it may be used.
    pub async fn despite(&self, client: &TestClient) -> Despite {
        let (org, id) = (&client.org_id, client.project_id.as_str());
        let project = self.authority.find_project(org, id, &operator()).await;
        Despite {
            project: project.unwrap().name,
            reason: "a test wants it".to_owned(),
        }
    }

    /// Starts the migration of a client, and disables its JWT half.
    pub async fn disable_jwt_half(&self, client: &TestClient) {
        let (id, by) = (&client.id, operator());
        self.authority.start_migration(id, &by).await.unwrap();
        let disabling = Disabling {
            despite: Some(self.despite(client).await),
            ..Disabling::default()
        };
        let disabled = self.authority.disable_jwt_half(id, &disabling, &by).await;
        disabled.unwrap();
    }

    /// Migrates a client to the end.
    pub async fn migrate(&self, client: &TestClient) {
        self.disable_jwt_half(client).await;
        let despite = self.despite(client).await;
        self.authority
            .finish_migration(&client.id, Some(&despite), &operator())
            .await
            .unwrap();
    }

    /// Waits until the change log was read to its end: a node reads its own changes there, too, and
    /// forgets the clients that they concern.
    pub async fn caught_up(&self) {
        // What ended just now may have begun before: the next one counts.
        for _ in 0..2 {
            let began = Instant::now();
            while self.authority.age() >= began.elapsed() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }

    /// Why a request was refused, as its owner is told.
    pub async fn explain(&self, debug_id: &str) -> Option<String> {
        self.authority.flush().await;
        let found = countersign_authority::explain(&self.store, debug_id)
            .await
            .unwrap();
        found.map(|refusal| refusal.cause)
    }

    fn client(&self, created: Created, key: Option<&'static SigningKey>) -> TestClient {
        let catalogue = self.authority.catalogue();
        let credential = created.credential;
        let metascopes = credential
            .bound_metascopes(catalogue)
            .map(|m| m.as_str().to_owned());
        TestClient {
            metascopes: metascopes.collect(),
            id: credential.id,
            client_id: credential.client_id,
            org_id: credential.org_id,
            project_id: credential.project_id,
            account_id: created.account.id,
            account_email: created.account.email,
            secret_id: credential.secrets.first().unwrap().id.clone(),
            certificate_id: credential.certificates.first().map(|c| c.id.clone()),
            secret: created.secret.expose().to_owned(),
            key,
        }
    }
}

fn explainer(authority: &Arc<Authority>) -> Explain {
    let authority = Arc::clone(authority);
    Box::new(move |explained| {
        authority.note_refusal(Refused {
            debug_id: explained.id.to_string(),
            endpoint: explained.path.clone(),
            status: explained.status.as_u16(),
            error: explained.cause.code,
            client_id: explained.cause.client.clone(),
            cause: explained.cause.detail.clone(),
            source: explained.source.0.to_string(),
        });
    })
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Whoever runs the installation.
#[must_use]
pub fn operator() -> Actor {
    Actor::operator("test")
}

/// A service without profiles.
#[must_use]
pub fn subscription(code: &str) -> Subscription {
    Subscription {
        service: ServiceCode::parse(code).unwrap(),
        profiles: Vec::new(),
    }
}
