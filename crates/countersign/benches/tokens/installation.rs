//! A data folder with one credential for each kind of token by each grant.

use std::path::Path;

use anyhow::Context as _;
use countersign_authority::{
    Actor, Authority, Clock, Config, Created, Grant, MasterKey, NewCertificate, NewCredential,
    NewGrant, NewOrganization, NewProject,
};
use countersign_jose::{Algorithm, Header, SigningKey};
use countersign_model::{Catalogue, Origin, Owner, ProjectKind, Subscription, TokenKind};
use countersign_store::Store;
use countersign_wire::claims::AssertionClaims;
use countersign_wire::{ClientId, ClientSecret, Metascope, OrgId, ProjectId, ServiceCode};
use tempfile::TempDir;

use crate::kinds::Kind;
use crate::requests;

/// Whichever port the server has this time.
pub const ISSUER: &str = "http://127.0.0.1:8080";

pub struct Installation {
    pub folder: TempDir,
    pub clients: Vec<Client>,
}

/// A credential, and what its client has of it.
pub struct Client {
    pub kind: Kind,
    pub created: Created,
}

impl Installation {
    pub async fn new(kinds: impl IntoIterator<Item = Kind>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let opened = Opened::open(folder.path()).await?;
        let org = opened.organization().await?;
        let mut clients = Vec::new();
        for kind in kinds {
            let project = format!("bench{}", clients.len());
            let project = opened.project(&org, &project).await?;
            clients.push(opened.credential(project, kind).await?);
        }
        opened.store.close().await;
        Ok(Self { folder, clients })
    }

    pub fn client(&self, kind: Kind) -> anyhow::Result<&Client> {
        let mut clients = self.clients.iter();
        clients
            .find(|client| client.kind == kind)
            .with_context(|| format!("no client for {kind}"))
    }
}

impl Client {
    /// The request for a token, which works for most of a day.
    pub fn request(&self) -> anyhow::Result<Vec<u8>> {
        self.request_with(&self.created.secret)
    }

    /// It, with another secret of the credential.
    pub fn request_with(&self, secret: &ClientSecret) -> anyhow::Result<Vec<u8>> {
        let id = &self.created.credential.client_id;
        match self.kind.grant {
            Grant::ClientCredentials => Ok(client_credentials(self.kind.token, id, secret)),
            Grant::JwtExchange => {
                let (secret, assertion) = (secret.expose(), self.assertion()?);
                let form = format!("client_id={id}&client_secret={secret}&jwt_token={assertion}");
                Ok(requests::post("/ims/exchange/jwt", &form))
            }
        }
    }

    fn assertion(&self) -> anyhow::Result<String> {
        let (created, now) = (&self.created, Clock::system().now().as_seconds());
        let private_key = created.private_key.as_ref().context("a generated key")?;
        let key = SigningKey::from_pem(private_key.expose())?;
        let claims = AssertionClaims {
            exp: now + 80_000,
            iss: created.credential.org_id.clone(),
            sub: created.account.id.clone(),
            origin: ISSUER.to_owned(),
            client_id: created.credential.client_id.clone(),
            metascopes: vec![Metascope::parse("ent_cloudmgr_sdk")?],
            jti: None,
        };
        let header = Header::jwt(Algorithm::Rs256).to_json();
        Ok(key.sign_compact(&header, &serde_json::to_vec(&claims)?)?)
    }
}

/// The request at the face that is made for the kind of token.
pub fn client_credentials(token: TokenKind, id: &ClientId, secret: &ClientSecret) -> Vec<u8> {
    let (path, scope) = match token {
        TokenKind::Ims => ("/ims/token/v3", "openid,AdobeID"),
        TokenKind::Standard { .. } => ("/oauth2/token", "openid+AdobeID"),
    };
    let secret = secret.expose();
    let form = format!(
        "grant_type=client_credentials&client_id={id}&client_secret={secret}&scope={scope}"
    );
    requests::post(path, &form)
}

/// A data folder as an operator's command opens it.
pub struct Opened {
    pub authority: Authority,
    pub store: Store,
    pub actor: Actor,
}

impl Opened {
    pub async fn open(folder: &Path) -> anyhow::Result<Self> {
        let store = countersign_store::Config {
            url: url(folder),
            ..Default::default()
        };
        let store = Store::open(&store).await?;
        let master_key = MasterKey::load_or_create(&folder.join("master.key"))?;
        let catalogue = Catalogue::parse(Catalogue::BUILT_IN)?;
        let config = Config {
            issuer: ISSUER.to_owned(),
            ..Config::default()
        };
        let clock = Clock::system();
        let authority =
            Authority::open(store.clone(), master_key, config, catalogue, clock).await?;
        Ok(Self {
            authority,
            store,
            actor: Actor::operator("bench"),
        })
    }

    pub async fn organization(&self) -> anyhow::Result<OrgId> {
        let new = NewOrganization {
            name: "Bench".to_owned(),
            ..NewOrganization::default()
        };
        Ok(self
            .authority
            .create_organization(new, &self.actor)
            .await?
            .id)
    }

    pub async fn project(&self, org: &OrgId, name: &str) -> anyhow::Result<ProjectId> {
        let project = NewProject {
            org_id: org.clone(),
            name: name.to_owned(),
            title: String::new(),
            description: String::new(),
            kind: ProjectKind::Default,
        };
        let (project, _) = self.authority.create_project(project, &self.actor).await?;
        Ok(project.id)
    }

    /// A credential in a project that has none.
    pub async fn credential(&self, project: ProjectId, kind: Kind) -> anyhow::Result<Client> {
        let new = NewCredential {
            project_id: project,
            workspace_id: None,
            name: "bench".to_owned(),
            owner: Owner {
                team: "bench".to_owned(),
                contact: "bench".to_owned(),
            },
            origin: Origin::Console,
            grant: match kind.grant {
                Grant::ClientCredentials => NewGrant::OAuth,
                Grant::JwtExchange => NewGrant::Jwt(NewCertificate::Generate),
            },
            subscriptions: vec![Subscription {
                service: ServiceCode::parse("CloudManagerSDK")?,
                profiles: Vec::new(),
            }],
            client_id: None,
            technical_account_id: None,
        };
        let created = self.authority.create_credential(new, &self.actor).await?;
        let id = &created.credential.id;
        self.authority
            .set_token_kind(id, kind.token, &self.actor)
            .await?;
        Ok(Client { kind, created })
    }
}

/// The database of a data folder.
pub fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("countersign.db").display())
}
