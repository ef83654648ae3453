//! Two programs that use one credential all the time: tokens by real client libraries, calls
//! through the gateway.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countersign_authority::Clock;
use countersign_server::gateway;
use countersign_server::listen::{Bound, Listener, TlsFiles};
use countersign_testkit::app::operator;
use countersign_testkit::gateway::{Connection, Reply, get, publish, service};
use countersign_testkit::real_clients::{self, Grant, Outcome, Surroundings};
use countersign_testkit::upstream::Upstream;
use countersign_testkit::{ISSUER, Site, TestClient, keys, tls};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::RwLock;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;

/// How a program gets its tokens: a client library as it is published, and a grant.
#[derive(Clone, Copy)]
pub struct Way(pub &'static str, pub Grant);

/// The site, the gateway before an API, and what client libraries need.
pub struct Installation {
    pub site: Site,
    gateway: SocketAddr,
    tls_port: u16,
    trusted: PathBuf,
    _api: Upstream,
    _folder: TempDir,
    _stop: DropGuard,
}

impl Installation {
    /// Work that one node does for all is done when the test says so.
    pub async fn start() -> Self {
        let api = Upstream::start().await;
        let services = [service("cm", "/", &[&api.origin()], "")];
        let site = Site::with(|setup| {
            setup.config.aliases.push(ISSUER.to_owned());
            setup.leads = false;
            publish(setup, &services);
        })
        .await;
        let folder = TempDir::new().unwrap();
        let (trusted, files) = tls::make(folder.path());
        let (tls, front) = (bind(Some(files)).await, bind(None).await);
        let (tls_port, gateway) = (tls.address().port(), front.address());
        let stop = CancellationToken::new();
        tokio::spawn(tls.serve(site.router(), stop.clone()));
        let authority = Arc::clone(&site.authority);
        let face = gateway::face(authority, &Listener::default(), Some(site.explainer()));
        tokio::spawn(front.serve(face, stop.clone()));
        Self {
            site,
            gateway,
            tls_port,
            trusted,
            _api: api,
            _folder: folder,
            _stop: stop.drop_guard(),
        }
    }

    /// What a client library gets for a token of `client`, in its own process at the test's time.
    pub async fn fetch(&self, client: &TestClient, Way(library, grant): Way) -> Outcome {
        let key = client.key.unwrap().to_pem().unwrap();
        let job = json!({
            "ims": self.site.origin,
            "grant": grant.as_str(),
            "client_id": client.client_id,
            "client_secret": client.secret,
            "org_id": client.org_id,
            "technical_account_id": client.account_id,
            "metascopes": client.metascopes,
            "private_key_pem": key.as_str(),
            "scopes": self.scopes(client).await,
        });
        let machine = Clock::system().now();
        let surroundings = Surroundings {
            tls_port: self.tls_port,
            authority: self.trusted.clone(),
            clock_offset_seconds: self.site.now().as_seconds() - machine.as_seconds(),
        };
        real_clients::run(library, &job, &surroundings).await
    }

    /// The same, where there must be one.
    pub async fn token(&self, client: &TestClient, way: Way) -> String {
        let outcome = self.fetch(client, way).await;
        let token = outcome.access_token.clone();
        token.unwrap_or_else(|| panic!("{}: {outcome:?}", way.0))
    }

    /// Every scope of the credential, as its page tells programs.
    async fn scopes(&self, client: &TestClient) -> Vec<String> {
        let (authority, by) = (&self.site.authority, operator());
        let found = authority.find_credential(client.id.as_str(), &by);
        let scopes = found.await.unwrap().0.granted_scopes(authority.catalogue());
        scopes.iter().map(ToString::to_string).collect()
    }

    /// A credential of the first organization, which has the JWT half alone.
    pub async fn credential(&self) -> TestClient {
        let (first, by) = (countersign_authority::Page::first(), operator());
        let all = self.site.authority.list_organizations(&first, &by).await;
        let org = all.unwrap()[0].id.clone();
        self.site
            .jwt(&org, &["CloudManagerSDK"], keys::first())
            .await
    }
}

async fn bind(tls: Option<TlsFiles>) -> Bound {
    let listener = Listener {
        address: ([127, 0, 0, 1], 0).into(),
        tls,
        ..Listener::default()
    };
    listener.bind().await.unwrap()
}

/// Something that calls an API again and again, until it is dropped.
pub struct Program {
    way: Mutex<Way>,
    caller: Arc<Caller>,
    _runs: AbortOnDropHandle<()>,
}

struct Caller {
    gateway: SocketAddr,
    /// What stands above the token in each call, the program's own name among it.
    headers: String,
    /// Held for reading during a call.
    token: RwLock<String>,
    /// How many calls there were, and the answers to those that failed.
    calls: Mutex<(usize, Vec<Reply>)>,
}

impl Program {
    pub async fn start(place: &Installation, client: &TestClient, name: &str, way: Way) -> Self {
        let caller = Arc::new(Caller {
            gateway: place.gateway,
            headers: format!(
                "User-Agent: {name}\r\nx-api-key: {}\r\nx-gw-ims-org-id: {}\r\n",
                client.client_id, client.org_id
            ),
            token: RwLock::new(place.token(client, way).await),
            calls: Mutex::default(),
        });
        let running = Arc::clone(&caller);
        let runs = async move {
            loop {
                running.call().await;
                tokio::time::sleep(PAUSE).await;
            }
        };
        Self {
            way: Mutex::new(way),
            caller,
            _runs: AbortOnDropHandle::new(tokio::spawn(runs)),
        }
    }

    /// Goes on with tokens that it gets in another way.
    pub async fn moves(&self, place: &Installation, client: &TestClient, way: Way) {
        let token = place.token(client, way).await;
        *self.way.lock().unwrap() = way;
        *self.caller.token.write().await = token;
    }

    /// What the API saw of a call, beside those that it makes by itself.
    pub async fn seen(&self) -> [Vec<String>; 2] {
        let reply = self.caller.call().await;
        ["x-ims-user-id", "x-ims-scope"].map(|name| reply.seen(name))
    }

    /// How many calls it has made; every one of them has passed.
    pub fn calls(&self) -> usize {
        let calls = self.caller.calls.lock().unwrap();
        assert!(calls.1.is_empty(), "{:#?}", calls.1);
        calls.0
    }
}

impl Caller {
    async fn call(&self) -> Reply {
        let token = self.token.read().await;
        let headers = format!("{}Authorization: Bearer {token}\r\n", self.headers);
        let mut connection = Connection::to(self.gateway).await;
        connection.write(get("/api/programs", &headers)).await;
        let reply = connection.reply().await;
        let mut calls = self.calls.lock().unwrap();
        calls.0 += 1;
        if reply.status != 200 {
            calls.1.push(reply.clone());
        }
        reply
    }
}

/// Time passes for the product and for its callers, and each calls then. Nobody does meanwhile, and
/// who needs a new token after it gets one: clocks of machines do not jump over the end of a token.
pub async fn pass(
    span: Duration,
    place: &Installation,
    client: &TestClient,
    programs: [&Program; 2],
) {
    let [first, second] = programs;
    let mut first_token = first.caller.token.write().await;
    let mut second_token = second.caller.token.write().await;
    place.site.advance(span);
    if span >= TOKENS_LAST {
        let ways = programs.map(|program| *program.way.lock().unwrap());
        let (one, other) = tokio::join!(place.token(client, ways[0]), place.token(client, ways[1]));
        (*first_token, *second_token) = (one, other);
    }
    drop((first_token, second_token));
    for program in programs {
        program.caller.call().await;
    }
}

const PAUSE: Duration = Duration::from_millis(50);
const TOKENS_LAST: Duration = Duration::from_secs(86_400);
