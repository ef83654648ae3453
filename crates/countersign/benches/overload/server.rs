//! The server as a process of its own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::bail;
use tempfile::TempDir;

pub struct Server {
    child: Child,
    _folder: TempDir,
    pub address: SocketAddr,
}

impl Server {
    /// On a database that a test made.
    pub fn start(database: &str) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["serve", "--listen", &address.to_string(), "--data"])
            .arg(folder.path())
            .env("COUNTERSIGN__STORE__URL", database)
            .env("COUNTERSIGN_MASTER_KEY", "A".repeat(43))
            .env("COUNTERSIGN__IMS__TOKENS_PER_MINUTE", "0")
            // Of one row and the one before it, which may not have ended here yet.
            .env("COUNTERSIGN__SERVER__MAX_CONNECTIONS_PER_SOURCE", "8192")
            .env("COUNTERSIGN__LOG__FILTER", "off")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Self {
            child,
            _folder: folder,
            address,
        };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended: {status}");
            }
            if began.elapsed() > Duration::from_secs(20) {
                bail!("the server does not listen after 20 s");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
