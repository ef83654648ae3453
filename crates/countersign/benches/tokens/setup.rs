//! A data folder with one credential of each kind, and the requests that use them.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;
use countersign_authority::{
    Actor, Authority, Clock, Config, Created, MasterKey, NewCertificate, NewCredential, NewGrant,
    NewOrganization, NewProject,
};
use countersign_jose::{Algorithm, Header, SigningKey};
use countersign_model::{Catalogue, Origin, Owner, Project, ProjectKind, Subscription};
use countersign_store::Store;
use countersign_wire::claims::AssertionClaims;
use countersign_wire::{Metascope, OrgId, ServiceCode};
use tempfile::TempDir;

pub struct Prepared {
    pub folder: TempDir,
    pub address: SocketAddr,
    pub token: Vec<u8>,
    pub exchange: Vec<u8>,
}

pub async fn prepare() -> anyhow::Result<Prepared> {
    let folder = tempfile::tempdir()?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let issuer = format!("http://{address}");
    let database = folder.path().join("countersign.db");
    let store = countersign_store::Config {
        url: format!("sqlite://{}", database.display()),
        ..Default::default()
    };
    let store = Store::open(&store).await?;
    let master_key = MasterKey::load_or_create(&folder.path().join("master.key"))?;
    let catalogue = Catalogue::parse(Catalogue::BUILT_IN)?;
    let config = Config {
        issuer: issuer.clone(),
        ..Config::default()
    };
    let authority = Authority::open(
        store.clone(),
        master_key,
        config,
        catalogue,
        Clock::system(),
    )
    .await?;
    let actor = Actor::operator("bench");
    let new = NewOrganization {
        name: "Bench".to_owned(),
        ..NewOrganization::default()
    };
    let org = authority.create_organization(new, &actor).await?.id;
    let oauth = credential(&authority, &org, "oauth", NewGrant::OAuth, &actor).await?;
    let jwt = NewGrant::Jwt(NewCertificate::Generate);
    let jwt = credential(&authority, &org, "jwt", jwt, &actor).await?;
    let now = authority.clock().now().as_seconds();
    store.close().await;
    let token = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=openid,AdobeID",
        oauth.credential.client_id,
        oauth.secret.expose(),
    );
    let exchange = format!(
        "client_id={}&client_secret={}&jwt_token={}",
        jwt.credential.client_id,
        jwt.secret.expose(),
        assertion(&jwt, &issuer, now)?,
    );
    Ok(Prepared {
        token: request(address, "/ims/token/v3", &token),
        exchange: request(address, "/ims/exchange/jwt", &exchange),
        folder,
        address,
    })
}

async fn credential(
    authority: &Authority,
    org: &OrgId,
    name: &str,
    grant: NewGrant,
    actor: &Actor,
) -> anyhow::Result<Created> {
    let project = NewProject {
        org_id: org.clone(),
        name: name.to_owned(),
        title: String::new(),
        description: String::new(),
        kind: ProjectKind::Default,
    };
    let (Project { id: project_id, .. }, _) = authority.create_project(project, actor).await?;
    let new = NewCredential {
        project_id,
        workspace_id: None,
        name: name.to_owned(),
        owner: Owner {
            team: "bench".to_owned(),
            contact: "bench".to_owned(),
        },
        origin: Origin::Console,
        grant,
        subscriptions: vec![Subscription {
            service: ServiceCode::parse("CloudManagerSDK")?,
            profiles: Vec::new(),
        }],
        client_id: None,
        technical_account_id: None,
    };
    Ok(authority.create_credential(new, actor).await?)
}

fn assertion(created: &Created, issuer: &str, now: i64) -> anyhow::Result<String> {
    let private_key = created.private_key.as_ref().context("a generated key")?;
    let key = SigningKey::from_pem(private_key.expose())?;
    let claims = AssertionClaims {
        exp: now + 80_000,
        iss: created.credential.org_id.clone(),
        sub: created.account.id.clone(),
        origin: issuer.to_owned(),
        client_id: created.credential.client_id.clone(),
        metascopes: vec![Metascope::parse("ent_cloudmgr_sdk")?],
        jti: None,
    };
    let header = Header::jwt(Algorithm::Rs256).to_json();
    Ok(key.sign_compact(&header, &serde_json::to_vec(&claims)?)?)
}

fn request(address: SocketAddr, path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    )
    .into_bytes()
}
