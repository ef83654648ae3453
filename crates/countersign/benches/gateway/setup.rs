//! An installation whose gateway publishes the upstream, and clients of it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_jose::Certificate;

use crate::connection::Connection;
use crate::installation::{Installation, Opened};
use crate::kinds::Kind;
use crate::process::{Log, Server};

pub struct Setup {
    installation: Installation,
    /// Where the gateway will be.
    pub gateway: SocketAddr,
    /// Of the key that signs the original's kind, as PEM.
    pub public_key: String,
}

impl Setup {
    pub async fn new(upstream: SocketAddr) -> anyhow::Result<Self> {
        let gateway = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let installation = Installation::new([Kind::IMS, Kind::ES256]).await?;
        let folder = installation.folder.path();
        fs::write(
            folder.join("countersign.toml"),
            configuration(gateway, upstream),
        )?;
        Ok(Self {
            public_key: public_key(folder).await?,
            installation,
            gateway,
        })
    }

    pub fn folder(&self) -> &Path {
        self.installation.folder.path()
    }

    pub fn serve(&self) -> anyhow::Result<Server> {
        Server::start(self.folder(), Log::Warnings)
    }

    fn token(&self, connection: &mut Connection, kind: Kind) -> anyhow::Result<String> {
        let request = self.installation.client(kind)?.request()?;
        let answer = connection.ask(&request)?.granted()?;
        let reply: serde_json::Value = serde_json::from_str(answer.body)?;
        let token = reply["access_token"].as_str().context("a token")?;
        Ok(token.to_owned())
    }

    /// A call with a new token.
    pub fn call(&self, connection: &mut Connection, kind: Kind) -> anyhow::Result<Vec<u8>> {
        let token = self.token(connection, kind)?;
        let credential = &self.installation.client(kind)?.created.credential;
        let (key, org) = (&credential.client_id, &credential.org_id);
        let call = format!(
            "GET /api/programs HTTP/1.1\r\nHost: api.example\r\n\
             User-Agent: countersign-bench/1.0\r\nAccept: application/json\r\n\
             Authorization: Bearer {token}\r\nx-api-key: {key}\r\n\
             x-gw-ims-org-id: {org}\r\n\r\n"
        );
        Ok(call.into_bytes())
    }
}

fn configuration(gateway: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        r#"
[gateway]
address = "{gateway}"
max_connections_per_source = 4096

[[gateway.services]]
name = "api"
service = "CloudManagerSDK"
upstreams = ["http://{upstream}"]
profile_required = false
scopes = ["openid"]
"#
    )
}

async fn public_key(folder: &Path) -> anyhow::Result<String> {
    let opened = Opened::open(folder).await?;
    let documents = opened.authority.key_documents();
    opened.store.close().await;
    let certificates = documents.certificates.values();
    let mut keys = certificates.filter_map(|pem| {
        let certificate = Certificate::parse(pem.as_bytes()).ok()?;
        let key = certificate.public_key();
        (key.algorithm() == countersign_jose::Algorithm::Rs256).then(|| key.to_spki_der())
    });
    let der = STANDARD.encode(keys.next().context("a key of RS256")?);
    let lines: Vec<&str> = der
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    let lines = lines.join("\n");
    Ok(format!(
        "-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
    ))
}
