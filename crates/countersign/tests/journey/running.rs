//! The real binary with TLS, on a data folder with nothing in it, and its sample API behind its
//! gateway.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use countersign_testkit::real_clients::Surroundings;
use countersign_testkit::{TestDatabase, tls};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};

/// A server that dies with this value, and what it said when it started.
pub struct Running {
    /// Where the pages are.
    pub origin: String,
    /// Where the gateway is.
    pub gateway: String,
    /// The link of the first administrator.
    pub link: String,
    /// The authority of its certificate, in PEM.
    pub trusted: PathBuf,
    _child: Child,
    _folder: TempDir,
}

impl Running {
    /// On the embedded database that a first start makes, or on this one.
    pub async fn start(database: Option<&TestDatabase>) -> Self {
        let folder = TempDir::new().unwrap();
        let (trusted, files) = tls::make(folder.path());
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command
            .args(["serve", "--sample-api", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("COUNTERSIGN__DATA", folder.path().join("data"))
            .env("COUNTERSIGN__SERVER__TLS__CERTIFICATE", &files.certificate)
            .env("COUNTERSIGN__SERVER__TLS__KEY", &files.key)
            .env("COUNTERSIGN__GATEWAY__ADDRESS", "127.0.0.1:0")
            .env("COUNTERSIGN__SAMPLE_API__ADDRESS", "127.0.0.1:0")
            .env("COUNTERSIGN__LOG__FILTER", "warn");
        if let Some(database) = database {
            command.env("COUNTERSIGN__STORE__URL", database.url());
        }
        let mut child = command
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = welcome(child.stderr.take().unwrap());
        let said = tokio::time::timeout(Duration::from_secs(60), said).await;
        let said = said.expect("the server starts within a minute");
        let after = |word: &str| {
            let line = said.iter().find_map(|line| line.strip_prefix(word));
            let rest = line.unwrap_or_else(|| panic!("no {word:?} in {said:#?}"));
            rest.trim().to_owned()
        };
        Self {
            origin: after("listening on"),
            gateway: after("gateway"),
            link: said.last().unwrap().trim().to_owned(),
            trusted,
            _child: child,
            _folder: folder,
        }
    }

    /// What a client process finds in its environment: the server's port stands for port 443 of
    /// the host name that clients have compiled in.
    pub fn surroundings(&self) -> Surroundings {
        let (_, port) = self.origin.rsplit_once(':').unwrap();
        Surroundings {
            tls_port: port.parse().unwrap(),
            authority: self.trusted.clone(),
            clock_offset_seconds: 0,
        }
    }
}

/// What it says, up to the link. It must be able to go on talking.
async fn welcome(stderr: ChildStderr) -> Vec<String> {
    let mut lines = BufReader::new(stderr).lines();
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let is_link = line.contains("/console/invitation?code=");
        said.push(line);
        if is_link {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return said;
        }
    }
    panic!("the server did not start: {said:#?}")
}
