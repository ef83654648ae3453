//! The product on two loopback ports, by the clock of the machine, with what the clients ask for.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use countersign::sample_api::{SampleApi, published};
use countersign_authority::{
    Actor, Authority, Clock, Config, Created, GatewayConfig, NewCertificate, NewCredential,
    NewGrant, NewOrganization, NewProject, ValidToken,
};
use countersign_jose::SigningKey;
use countersign_model::{Catalogue, Organization, Origin, Owner, ProjectKind, Subscription};
use countersign_server::app::App;
use countersign_server::gateway;
use countersign_server::ims::Compatibility;
use countersign_server::kit::stack::{self, Surroundings as Stack};
use countersign_server::listen::{Bound, Listener, TlsFiles};
use countersign_store::Store;
use countersign_testkit::app::{YEAR, operator, subscription};
use countersign_testkit::real_clients::{self, Client, Grant, Host, Outcome, Surroundings};
use countersign_testkit::tls;
use countersign_testkit::{ISSUER, TestDatabase, db, keys};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Every service that a client of `clients.json` asks for by itself or in [`Product::job`].
const SERVICES: [&str; 5] = [
    "AdobeAnalyticsSDK",
    "CloudManagerSDK",
    "FireflySDK",
    "McDataServicesSdk",
    "UserMgmtSDK",
];
const METASCOPES: [&str; 4] = [
    "ent_cloudmgr_sdk",
    "ent_user_sdk",
    "ent_dataservices_sdk",
    "ent_analytics_bulk_ingest_sdk",
];
const SCOPES: [&str; 6] = [
    "openid",
    "AdobeID",
    "read_organizations",
    "user_management_sdk",
    "firefly_api",
    "ff_apis",
];

/// The running product, and one credential of each kind.
pub struct Product {
    pub authority: Arc<Authority>,
    pub organization: Organization,
    pub oauth: Created,
    pub jwt: Created,
    plain_port: u16,
    tls_port: u16,
    gateway_port: u16,
    trusted: PathBuf,
    _stop: DropGuard,
    _folder: TempDir,
    _database: TestDatabase,
}

/// Which scheme a client uses that takes both.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Scheme {
    Http,
    Https,
}

impl Product {
    pub async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let (trusted, files) = tls::make(folder.path());
        let (plain, tls) = (listen(None).await, listen(Some(files)).await);
        let (plain_port, tls_port) = (plain.address().port(), tls.address().port());
        let (gateway, sample) = (listen(None).await, listen(None).await);
        let gateway_port = gateway.address().port();
        let database = TestDatabase::sqlite().await;
        let authority = open(
            database.open().await,
            [plain_port, tls_port],
            sample.address(),
        )
        .await;

        let stop = CancellationToken::new();
        let app = App::new(Arc::clone(&authority), Compatibility::default());
        let router = stack::surround(countersign_server::routes(app), Stack::default());
        tokio::spawn(plain.serve(router.clone(), stop.clone()));
        tokio::spawn(tls.serve(router, stop.clone()));
        let face = gateway::face(Arc::clone(&authority), &Listener::default(), None);
        tokio::spawn(gateway.serve(face, stop.clone()));
        tokio::spawn(sample.serve(SampleApi::new(Clock::system()).routes(), stop.clone()));

        let new = NewOrganization {
            name: "Real clients".to_owned(),
            ..NewOrganization::default()
        };
        let organization = authority
            .create_organization(new, &operator())
            .await
            .unwrap();
        let oauth = credential(&authority, &organization, NewGrant::OAuth, Origin::Console).await;
        let now = authority.clock().now();
        let certificate = keys::certificate(keys::first(), now, now.plus(YEAR));
        let grant = NewGrant::Jwt(NewCertificate::Upload(certificate));
        let jwt = credential(&authority, &organization, grant, Origin::Console).await;
        Self {
            authority,
            organization,
            oauth,
            jwt,
            plain_port,
            tls_port,
            gateway_port,
            trusted,
            _stop: stop.drop_guard(),
            _folder: folder,
            _database: database,
        }
    }

    /// The credential for a grant.
    pub fn credential(&self, grant: Grant) -> &Created {
        match grant {
            Grant::Jwt => &self.jwt,
            Grant::ClientCredentials => &self.oauth,
        }
    }

    /// A job that succeeds.
    pub fn job(&self, client: &Client, grant: Grant, scheme: Scheme) -> Value {
        let created = self.credential(grant);
        json!({
            "ims": self.origin(client.host, scheme),
            "grant": grant.as_str(),
            "client_id": created.credential.client_id,
            "client_secret": created.secret.expose(),
            "scopes": SCOPES,
            "org_id": created.credential.org_id,
            "technical_account_id": created.account.id,
            "metascopes": METASCOPES,
            "private_key_pem": pem(keys::first()),
        })
    }

    /// A technical account of an AEM environment.
    pub async fn aem_credential(&self) -> Created {
        let origin = Origin::AemDeveloperConsole;
        credential(&self.authority, &self.organization, NewGrant::OAuth, origin).await
    }

    /// The origin of the gateway, with the sample API behind it.
    pub fn gateway(&self) -> String {
        http_origin(self.gateway_port)
    }

    /// Runs a client whose clock is right.
    pub async fn run(&self, client: &str, job: &Value) -> Outcome {
        self.run_at(client, job, 0).await
    }

    /// Runs a client whose clock is off.
    pub async fn run_at(&self, client: &str, job: &Value, clock_offset_seconds: i64) -> Outcome {
        let authority = self.trusted.clone();
        let surroundings = Surroundings {
            tls_port: self.tls_port,
            authority,
            clock_offset_seconds,
        };
        real_clients::run(client, job, &surroundings).await
    }

    /// The token of an outcome, if it holds.
    pub async fn held(&self, outcome: &Outcome) -> Result<ValidToken, String> {
        let token = outcome.access_token.as_deref().ok_or("there is no token")?;
        self.authority
            .validate(token)
            .await
            .map_err(|error| error.to_string())
    }

    fn origin(&self, host: Host, scheme: Scheme) -> String {
        match (host, scheme) {
            (Host::Fixed, _) => ISSUER.to_owned(),
            (Host::Https, _) | (Host::Any, Scheme::Https) => https_origin(self.tls_port),
            (Host::Http, _) | (Host::Any, Scheme::Http) => http_origin(self.plain_port),
        }
    }
}

/// A private key as the files of users hold it.
pub fn pem(key: &SigningKey) -> String {
    key.to_pem().unwrap().as_str().to_owned()
}

pub async fn listen(tls: Option<TlsFiles>) -> Bound {
    let address = ([127, 0, 0, 1], 0).into();
    Listener {
        address,
        tls,
        ..Listener::default()
    }
    .bind()
    .await
    .unwrap()
}

async fn open(
    store: Store,
    [plain_port, tls_port]: [u16; 2],
    sample: SocketAddr,
) -> Arc<Authority> {
    let catalogue = Catalogue::parse(Catalogue::BUILT_IN).unwrap();
    let services = published(sample, &catalogue).unwrap().to_vec();
    let gateway = GatewayConfig::default();
    let config = Config {
        issuer: ISSUER.to_owned(),
        aliases: vec![http_origin(plain_port), https_origin(tls_port)],
        tokens_per_minute: 0,
        failures_per_minute: 0,
        gateway: gateway.with_services(services, &catalogue).unwrap(),
        ..Config::default()
    };
    let config = config.checked().unwrap();
    let opened = Authority::open(store, db::master_key(), config, catalogue, Clock::system()).await;
    Arc::new(opened.unwrap())
}

async fn credential(
    authority: &Authority,
    organization: &Organization,
    grant: NewGrant,
    origin: Origin,
) -> Created {
    let actor: Actor = operator();
    let name = match (&grant, origin) {
        (_, Origin::AemDeveloperConsole) => "aem",
        (NewGrant::OAuth, _) => "oauth",
        (NewGrant::Jwt(_), _) => "jwt",
    };
    let project = NewProject {
        org_id: organization.id.clone(),
        name: name.to_owned(),
        title: String::new(),
        description: String::new(),
        kind: ProjectKind::Default,
    };
    let (project, _) = authority.create_project(project, &actor).await.unwrap();
    let new = NewCredential {
        project_id: project.id,
        workspace_id: None,
        name: name.to_owned(),
        owner: Owner {
            team: "Tests".to_owned(),
            contact: "tests@example.com".to_owned(),
        },
        origin,
        grant,
        subscriptions: subscriptions(authority, organization).await,
        client_id: None,
        technical_account_id: None,
    };
    authority.create_credential(new, &actor).await.unwrap()
}

/// To every service; to Cloud Manager with a product profile, without which its API is not called.
async fn subscriptions(authority: &Authority, organization: &Organization) -> Vec<Subscription> {
    let mut all = SERVICES.map(subscription);
    let cloud_manager = all
        .iter_mut()
        .find(|one| one.service.as_str() == "CloudManagerSDK");
    let cloud_manager = cloud_manager.unwrap();
    let (name, actor) = ("Developer".to_owned(), operator());
    let made = authority
        .create_profile(&organization.id, &cloud_manager.service, name, &actor)
        .await;
    cloud_manager.profiles.push(made.unwrap().id);
    all.to_vec()
}

fn http_origin(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn https_origin(port: u16) -> String {
    format!("https://localhost:{port}")
}
