//! A gateway without a network: services, clients that may call them, and calls.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use countersign_authority::{Authorization, Call, Denied, GatewayConfig, NewGrant, Permit};
use countersign_model::{Catalogue, Origin, PublishedService, Subscription};
use countersign_testkit::app::{Node, operator};
use countersign_testkit::{Setup, TestClient};
use countersign_wire::{Agent, Caller, CanonicalPath, OrgId, ServiceCode};

/// A Cloud Manager API at `cm.example`, and a User Management API for technical accounts of AEM
/// environments, too, at `um.example`.
pub const SERVICES: [&str; 2] = [
    r#"
    name = "cloud-manager"
    service = "CloudManagerSDK"
    hosts = ["cm.example"]
    upstreams = ["http://127.0.0.1:9"]
    scopes = ["read_pc.dma_aem_ams"]
    operations = [{ methods = ["GET"], path = "/open", scopes = [] }]
    "#,
    r#"
    name = "user-management"
    service = "UserMgmtSDK"
    hosts = ["um.example"]
    upstreams = ["http://127.0.0.1:9"]
    accepts = ["developer_console", "aem_developer_console"]
    profile_required = false
    "#,
];

pub const CM: &str = "CloudManagerSDK";
pub const UM: &str = "UserMgmtSDK";
/// Scopes of both.
pub const SCOPES: &str = "openid,AdobeID,read_pc.dma_aem_ams";

pub fn service(text: &str) -> PublishedService {
    PublishedService::from_toml(text).unwrap()
}

/// With services in the configuration.
pub fn setup_with(services: &[&str]) -> Setup {
    let catalogue = Catalogue::parse(Catalogue::BUILT_IN).unwrap();
    let services = services.iter().map(|text| service(text)).collect();
    let mut setup = Setup::default();
    let gateway = GatewayConfig::default().with_services(services, &catalogue);
    setup.config.gateway = gateway.unwrap();
    setup
}

pub fn setup() -> Setup {
    setup_with(&SERVICES)
}

/// A subscription with a product profile.
pub async fn subscribed(node: &Node, org: &OrgId, code: &str) -> Subscription {
    let service = ServiceCode::parse(code).unwrap();
    let name = "Developers".to_owned();
    let profile = node
        .authority
        .create_profile(org, &service, name, &operator())
        .await;
    Subscription {
        service,
        profiles: vec![profile.unwrap().id],
    }
}

/// A client that may call the Cloud Manager API.
pub async fn client(node: &Node, org: &OrgId) -> TestClient {
    client_of(node, org, Origin::Console, &[CM]).await
}

/// A client with a product profile of each service.
pub async fn client_of(node: &Node, org: &OrgId, origin: Origin, codes: &[&str]) -> TestClient {
    let mut new = node.new_credential(org, NewGrant::OAuth, &[]).await;
    new.origin = origin;
    for code in codes {
        new.subscriptions.push(subscribed(node, org, code).await);
    }
    node.create(new, None).await
}

/// A call in the making: what a face would have read.
#[derive(Clone)]
pub struct Attempt {
    pub host: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    pub api_key: Option<String>,
    pub bearer: Option<String>,
    pub headers: HashMap<&'static str, String>,
    pub agent: &'static str,
}

impl Attempt {
    /// A call that passes, if `token` is one of `client` that holds.
    pub fn of(client: &TestClient, token: &str) -> Self {
        Self {
            host: "cm.example",
            method: "GET",
            path: "/api/programs",
            api_key: Some(client.client_id.as_str().to_owned()),
            bearer: Some(token.to_owned()),
            headers: HashMap::from([("x-gw-ims-org-id", client.org_id.as_str().to_owned())]),
            agent: "program/1",
        }
    }

    /// What the gateway of a node says.
    pub async fn ask(&self, node: &Node) -> Result<Permit, Denied> {
        let path = CanonicalPath::parse(self.path).unwrap();
        let table = node.authority.published().clone();
        let service = table.find(self.host, &path).expect("published");
        let caller = Caller {
            agent: Agent::of(self.agent.as_bytes()),
            ..Caller::default()
        };
        let call = Call {
            service,
            method: self.method,
            path: &path,
            api_key: self.api_key.as_deref(),
            authorization: match self.bearer.as_deref() {
                None => Authorization::Absent,
                Some("Basic") => Authorization::OtherScheme,
                Some(token) => Authorization::Bearer(token),
            },
            headers: &|name| self.headers.get(name).map(String::as_str),
            caller: &caller,
        };
        node.authority.permit(&call).await
    }

    /// `error_code` of the refusal, or nothing for a call that passes.
    pub async fn code(&self, node: &Node) -> Option<&'static str> {
        self.ask(node)
            .await
            .err()
            .map(|denied| denied.error().error_code)
    }
}

/// Waits until `holds` does: what takes rights away must reach every node within a second
/// (decision 7).
pub async fn within_a_second(holds: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(
            began.elapsed() < Duration::from_secs(1),
            "not within a second"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
