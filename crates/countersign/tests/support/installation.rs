//! A database with an organization and its credentials, made before any process starts.

use std::process::Stdio;

use countersign_authority::{
    Authority, Clock, Config, Created, MasterKey, NewCertificate, NewCredential, NewGrant,
    NewOrganization, NewProject, OrganizationChange,
};
use countersign_jose::{Algorithm, Header, SigningKey};
use countersign_model::{Catalogue, Origin, Owner, ProjectKind, ReplayPolicy};
use countersign_testkit::TestDatabase;
use countersign_testkit::app::{operator, subscription};
use countersign_wire::claims::AssertionClaims;
use countersign_wire::{Metascope, OrgId};
use tempfile::TempDir;
use tokio::process::Command;

/// The issuer, whichever port the server has this time.
pub const ISSUER: &str = "http://127.0.0.1:8080";
/// Several, because a credential has a limited number of secrets.
const CREDENTIALS: usize = 10;

/// What every process of a test works on.
pub struct Installation {
    pub database: TestDatabase,
    /// Clients of OAuth Server-to-Server.
    pub clients: Vec<Created>,
    jwt: Created,
    key: SigningKey,
    folder: TempDir,
}

impl Installation {
    pub async fn new(database: TestDatabase) -> Self {
        let folder = TempDir::new().unwrap();
        let master_key = MasterKey::load_or_create(&folder.path().join("master.key")).unwrap();
        let store = database.open().await;
        let catalogue = Catalogue::parse(Catalogue::BUILT_IN).unwrap();
        let config = Config::default();
        let clock = Clock::system();
        let opened = Authority::open(store.clone(), master_key, config, catalogue, clock).await;
        let authority = opened.unwrap();

        let org = organization(&authority).await;
        let mut clients = Vec::new();
        for number in 0..CREDENTIALS {
            let name = format!("client{number}");
            clients.push(credential(&authority, &org, &name, NewGrant::OAuth).await);
        }
        let jwt = NewGrant::Jwt(NewCertificate::Generate);
        let jwt = credential(&authority, &org, "jwt", jwt).await;
        let key = SigningKey::from_pem(jwt.private_key.as_ref().unwrap().expose()).unwrap();
        store.close().await;
        Self {
            database,
            clients,
            jwt,
            key,
            folder,
        }
    }

    /// The binary, on this installation; it dies when it is dropped.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command
            .env("COUNTERSIGN__DATA", self.folder.path())
            .env("COUNTERSIGN__STORE__URL", self.database.url())
            .env("COUNTERSIGN__IMS__ISSUER", ISSUER)
            .env("COUNTERSIGN__IMS__TOKENS_PER_MINUTE", "0")
            .env("COUNTERSIGN__IMS__FAILURES_PER_MINUTE", "0")
            .env("COUNTERSIGN__IMS__MAX_SECRETS", "100")
            .env("COUNTERSIGN__LOG__FILTER", "warn")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// The form of a token request.
    pub fn token_form(&self, client: usize, secret: &str) -> [(&'static str, String); 4] {
        [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", self.client_id(client)),
            ("client_secret", secret.to_owned()),
            ("scope", "openid".to_owned()),
        ]
    }

    /// The form of an exchange.
    pub fn exchange_form(&self, assertion: &str) -> [(&'static str, String); 3] {
        [
            (
                "client_id",
                self.jwt.credential.client_id.as_str().to_owned(),
            ),
            ("client_secret", self.jwt.secret.expose().to_owned()),
            ("jwt_token", assertion.to_owned()),
        ]
    }

    /// The form of a question whether a token holds.
    pub fn validation_form(&self, client: usize, token: &str) -> [(&'static str, String); 3] {
        [
            ("client_id", self.client_id(client)),
            ("type", "access_token".to_owned()),
            ("token", token.to_owned()),
        ]
    }

    /// An assertion that nobody has used.
    pub fn assertion(&self) -> String {
        let claims = AssertionClaims {
            exp: Clock::system().now().as_seconds() + 3600,
            iss: self.jwt.credential.org_id.clone(),
            sub: self.jwt.account.id.clone(),
            origin: ISSUER.to_owned(),
            client_id: self.jwt.credential.client_id.clone(),
            metascopes: vec![Metascope::parse("ent_cloudmgr_sdk").unwrap()],
            jti: Some(uuid::Uuid::new_v4().to_string()),
        };
        let header = Header::jwt(Algorithm::Rs256).to_json();
        self.key
            .sign_compact(&header, &serde_json::to_vec(&claims).unwrap())
            .unwrap()
    }

    /// The first secret of a client.
    pub fn secret(&self, client: usize) -> &str {
        self.clients[client].secret.expose()
    }

    pub fn client_id(&self, client: usize) -> String {
        self.clients[client]
            .credential
            .client_id
            .as_str()
            .to_owned()
    }
}

async fn organization(authority: &Authority) -> OrgId {
    let new = NewOrganization {
        name: "Test".to_owned(),
        ..NewOrganization::default()
    };
    let id = authority
        .create_organization(new, &operator())
        .await
        .unwrap()
        .id;
    let replay = Some(ReplayPolicy::RequireJti);
    let change = OrganizationChange {
        replay,
        ..OrganizationChange::default()
    };
    authority
        .change_organization(&id, change, &operator())
        .await
        .unwrap();
    id
}

async fn credential(authority: &Authority, org: &OrgId, name: &str, grant: NewGrant) -> Created {
    let project = NewProject {
        org_id: org.clone(),
        name: name.to_owned(),
        title: String::new(),
        description: String::new(),
        kind: ProjectKind::Default,
    };
    let (project, _) = authority
        .create_project(project, &operator())
        .await
        .unwrap();
    let new = NewCredential {
        project_id: project.id,
        workspace_id: None,
        name: name.to_owned(),
        owner: Owner {
            team: "Tests".to_owned(),
            contact: "tests@example.com".to_owned(),
        },
        origin: Origin::Console,
        grant,
        subscriptions: vec![subscription("CloudManagerSDK")],
        client_id: None,
        technical_account_id: None,
    };
    authority.create_credential(new, &operator()).await.unwrap()
}
